"""What the commands `daug library ...` have in common: options, and how they answer."""

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
