"""What the commands `daug library ...` that embed have in common."""

import signal
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING, Annotated, Any, Protocol

import typer

from daug.errors import BundleError

if TYPE_CHECKING:
    from daug.bundle import Bundle
    from daug.workstation import RadiographEmbedder
    from db.desk import LibraryDesk
    from db.library import Library

BundleOption = Annotated[
    Path | None, typer.Option("--bundle", help="Folder of models; the shipped ones if left out.")
]
EmbedOption = Annotated[
    bool, typer.Option("--embed/--no-embed", help="Let the new cases be found by searches.")
]
INTERRUPTED = 130  # exit code of a command that Ctrl+C ended


class Tools(Protocol):
    """What the composition root hands in through the typer context."""

    def open_bundle(self, bundle: Path | None) -> "Bundle":
        """Return a bundle's description; the one that is shipped if none is named.

        Raises:
            BundleError: If it cannot be read.
        """
        ...

    def open_embedder(self, bundle: "Bundle") -> "RadiographEmbedder":
        """Return what puts radiographs and texts into the space that is searched.

        Raises:
            BundleError: If the bundle has no model for that.
        """
        ...


def embed_new(
    tools: Tools, bundle: Path | None, library: "Library", only: Sequence[int] | None = None
) -> dict[str, Any]:
    """Embed what was imported; say why not if the models at hand cannot.

    Args:
        tools: What opens models.
        bundle: The one that somebody named.
        library: The cases are safely in it.
        only: These cases alone; all that are not embedded if None.
    """
    try:
        embedder = tools.open_embedder(tools.open_bundle(bundle))
    except BundleError as error:
        return {"embedded": 0, "stopped": False, "why_not": str(error)}
    from db.desk import open_desk

    with open_desk(library, embedder) as desk:
        return embed_and_measure(library, embedder, desk, only=only)


def embed_and_measure(
    library: "Library",
    embedder: "RadiographEmbedder",
    desk: "LibraryDesk",
    *,
    only: Sequence[int] | None = None,
    again: bool = False,
) -> dict[str, Any]:
    """Embed with a bar on the terminal, then measure where nothing is alike; return a document."""
    from db.cli_progress import watched
    from db.embedding_run import embed_library

    with watched("cases") as on_progress, _stopped_by_ctrl_c() as stop:
        report = embed_library(
            library, embedder, only=only, again=again, stop=stop, on_progress=on_progress
        )
    if not report.stopped:
        desk.measure_floors()
    state = desk.embedding_state()
    return {
        "embedded": len(report.embedded),
        "skipped": [{"case_id": int(s.file), "reason": s.reason} for s in report.skipped],
        "seconds": report.seconds,
        "stopped": report.stopped,
        "embedded_in_all": state.embedded,
        "total": state.total,
        "model_digest": embedder.model_digest,
        "why_not": "",
    }


def embedding_lines(document: Mapping[str, Any]) -> list[str]:
    """Return what to tell a person of an embedding."""
    if document["why_not"]:
        return [f"Not embedded, so no search finds them yet: {document['why_not']}"]
    lines = [
        f"{document['embedded']} cases were embedded in {document['seconds']:.1f} s; "
        f"{document['embedded_in_all']} of {document['total']} can be found."
    ]
    lines += [f"  not embedded: case {s['case_id']}: {s['reason']}" for s in document["skipped"]]
    if document["stopped"]:
        lines.append("Stopped. `daug library reindex` goes on where it ended.")
    return lines


def end_by(document: Mapping[str, Any] | None, bundle: Path | None) -> None:
    """Leave as befits what became of an embedding, once it is told.

    Raises:
        BundleError: If somebody named models, and they cannot embed.
        typer.Exit: If it was interrupted.
    """
    if document is not None and document["why_not"] and bundle is not None:
        raise BundleError(document["why_not"])
    if document is not None and document["stopped"]:
        raise typer.Exit(INTERRUPTED)


@contextmanager
def _stopped_by_ctrl_c() -> Iterator[Callable[[], bool]]:
    """Yield what says whether Ctrl+C was pressed; pressed again, it ends the program as usual."""
    pressed = threading.Event()

    def note(number: int, frame: FrameType | None) -> None:
        pressed.set()
        signal.signal(signal.SIGINT, earlier)

    earlier = signal.signal(signal.SIGINT, note)
    try:
        yield pressed.is_set
    finally:
        signal.signal(signal.SIGINT, earlier)
