"""The command `daug data get`: a collection from its official source."""

import shutil
import sys
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from trainers.cli_options import JsonOption, start_log, tell

if TYPE_CHECKING:
    from trainers.fetching.plan import Plan

STOPPED = 130  # as shells say of what was interrupted


def data_get(
    name: Annotated[str, typer.Argument(help="openi, nih or hannover; see --list.")] = "",
    folder: Annotated[
        Path | None,
        typer.Argument(metavar="DIR", file_okay=False, help="Where it goes; made if missing."),
    ] = None,
    only: Annotated[
        list[str] | None,
        typer.Option("--only", help="One file of the collection; may be given several times."),
    ] = None,
    unpack: Annotated[
        bool, typer.Option("--unpack", help="Also unpack the archives, into DIR alone.")
    ] = False,
    yes: Annotated[bool, typer.Option("--yes", help="Agree without being asked.")] = False,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Only say what would be fetched.")
    ] = False,
    list_all: Annotated[bool, typer.Option("--list", help="Say what can be fetched.")] = False,
    as_json: JsonOption = False,
) -> None:
    """Fetch a collection that anybody may fetch; goes on after an interruption.

    Its size, licence and checksums are shown first, and nothing is fetched until you agree.
    """
    from trainers.fetching.catalogue import find_download
    from trainers.fetching.fault import usable
    from trainers.fetching.plan import Plan, chosen_files

    if list_all:
        _tell_catalogue(as_json)
        return
    if not name or folder is None:
        raise typer.BadParameter("Name a collection and a folder, or use --list.")
    download = find_download(name)
    plan = Plan(download, folder, chosen_files(download, only or ()), unpack)
    with usable(folder):
        document, sentences, anything = plan.document(), plan.sentences(), bool(plan.missing)
    if dry_run:
        tell(document, as_json, sentences)
        return
    if anything:
        typer.echo(sentences, err=True)
        _agree(yes)
    if not sys.stderr.isatty():  # where a bar would be in its way
        start_log()
    document = _fetch(plan)
    tell(document, as_json, _sentence(plan, document))


def _fetch(plan: "Plan") -> dict[str, Any]:
    from trainers.fetching.fetching import fetch
    from trainers.fetching.progress import watched
    from trainers.fetching.transfer import Line

    def today() -> str:
        return datetime.now(UTC).date().isoformat()

    def free() -> int:
        return shutil.disk_usage(plan.folder).free

    try:
        with watched(time.monotonic) as watch:
            return fetch(plan, Line(time.sleep, free, watch), today)
    except KeyboardInterrupt:
        typer.echo("Stopped. What came so far is kept; run the command again to go on.", err=True)
        raise typer.Exit(STOPPED) from None


def _agree(yes: bool) -> None:
    """Ask a person, unless agreed already.

    Raises:
        FetchError: If nobody is there to be asked, or the answer is no.
    """
    from trainers.fetching.fault import FetchError

    if yes:
        return
    if not sys.stdin.isatty():
        raise FetchError("Nothing was fetched, since nobody is there to be asked. Add --yes.")
    if not typer.confirm("Fetch it under these terms?", err=True):
        raise FetchError("Nothing was fetched.")


def _tell_catalogue(as_json: bool) -> None:
    from trainers.fetching.catalogue import CATALOGUE
    from trainers.fetching.plan import amount

    documents, lines = [], []
    for download in CATALOGUE:
        known = sum(file.size or 0 for file in download.files)
        size = f"about {amount(known)}" if known else "size not told"
        lines.append(
            f"{download.name}: {download.title}. {_files(len(download.files))}, {size}. "
            f"Licence: {download.licence}. {download.terms}"
        )
        documents.append(
            {
                "name": download.name,
                "title": download.title,
                "files": len(download.files),
                "bytes": known or None,
                "licence": download.licence,
                "terms": download.terms,
                "citation": download.citation,
                "page": download.page,
            }
        )
    tell({"collections": documents}, as_json, "\n".join(lines))


def _files(count: int) -> str:
    return f"{count:,} file{'' if count == 1 else 's'}"


def _sentence(plan: "Plan", document: dict[str, Any]) -> str:
    lines = [f"{name}: {became}." for name, became in document["became"].items()]
    lines += [
        f"{folder['folder']}: {_files(folder['files'])}, unpacked"
        + ("." if folder["again"] else " before.")
        for folder in document["unpacked"]
    ]
    lines += plan.by_hand_sentences()
    if document["unpacked"]:
        lines.append(f"Then: {document['then']}")
    else:
        lines.append("To unpack it, run the command again with --unpack.")
    return "\n".join(lines)
