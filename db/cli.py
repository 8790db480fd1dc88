"""The commands `daug library ...`: their options, and nothing heavier.

Whatever takes long to import is imported once a command runs, so that `daug --help` stays quick.
"""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

import typer

from daug.errors import LibraryError
from daug.findings import Finding

LibraryOption = Annotated[Path, typer.Option("--library", help="Folder of the case library.")]
JsonOption = Annotated[bool, typer.Option("--json", help="One JSON document on standard output.")]
CaseIds = Annotated[list[int], typer.Argument(help="Numbers of cases.")]
HERE = Path("library")


def add_commands(app: typer.Typer) -> None:
    """Hang the commands onto the program."""
    from db import cli_cases, cli_upkeep

    library = typer.Typer(help="The case library.", no_args_is_help=True)
    library.command("init")(cli_upkeep.init)
    library.command("import")(cli_cases.import_)
    library.command("add")(cli_cases.add)
    library.command("edit")(cli_cases.edit)
    library.command("remove")(cli_cases.remove)
    library.command("erase-patient")(cli_upkeep.erase)
    library.command("list")(cli_cases.list_)
    library.command("show")(cli_cases.show)
    library.command("tag")(cli_cases.tag)
    library.command("collect")(cli_cases.collect)
    library.command("stats")(cli_upkeep.stats)
    library.command("verify")(cli_upkeep.verify)
    library.command("backup")(cli_upkeep.backup)
    library.command("restore")(cli_upkeep.restore)
    library.command("export")(cli_cases.export)
    app.add_typer(library, name="library")


def tell(document: Mapping[str, Any], as_json: bool, sentence: str) -> None:
    """Print a document for a program or a sentence for a person."""
    typer.echo(json.dumps(document, indent=2, ensure_ascii=False) if as_json else sentence)


def finding_named(word: str) -> Finding:
    """Return the finding of this name, without regard to case.

    Raises:
        LibraryError: If there is none.
    """
    wanted = word.strip().casefold()
    for finding in Finding:
        if finding.casefold() == wanted:
            return finding
    raise LibraryError(f"{word!r} is no finding. Choose one of {', '.join(Finding)}.")
