"""The command `daug doctor`: is this machine, this library and this bundle in order?"""

import json
import sys
from collections.abc import Iterator
from contextlib import redirect_stdout
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Protocol

import typer

from daug.checkup import Check


class Tools(Protocol):
    """What the composition root hands in through the typer context."""

    def checkup(self, bundle: Path | None, library: Path | None) -> Iterator[Check]:
        """Carry out every check, one after the other."""
        ...


def add_commands(app: typer.Typer) -> None:
    """Add `doctor` to the root command; `ctx.obj` must be `Tools`."""
    app.command("doctor")(doctor)


def doctor(
    ctx: typer.Context,
    bundle: Annotated[
        Path | None, typer.Option("--bundle", help="Folder of models, or hf://owner/name.")
    ] = None,
    library: Annotated[
        Path | None, typer.Option("--library", help="Folder of the case library.")
    ] = None,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print one JSON document and nothing else.")
    ] = False,
) -> None:
    """Check this machine, the library and the bundle, and say what to do where one is not right."""
    tools: Tools = ctx.obj
    checks = []
    results = sys.stdout
    with redirect_stdout(sys.stderr):  # a library that greets must not stand in the document
        for check in tools.checkup(bundle, library):
            checks.append(check)
            if not as_json:
                mark = "ok   " if check.ok else "WRONG"
                print(f"{mark}  {check.name}: {check.message}", file=results, flush=True)
    wrong = sum(not check.ok for check in checks)
    if as_json:
        values = {"ok": not wrong, "checks": [asdict(check) for check in checks]}
        typer.echo(json.dumps(values, indent=2))
    if wrong:
        typer.echo(f"{wrong} of {len(checks)} checks are not in order.", err=True)
        raise typer.Exit(1)
