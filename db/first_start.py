"""The library of a program that somebody just opens: made, filled and embedded by itself."""

import logging
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from daug.errors import LibraryError
from daug.workstation import RadiographEmbedder
from db.demonstration import INDEX_FILE, fill_demonstration
from db.desk import LibraryDesk, open_desk
from db.embedding_run import spaces_of
from db.library import Library, init_library

logger = logging.getLogger(__name__)


@contextmanager
def library_at_work(
    path: Path,
    embedder: RadiographEmbedder | None,
    why_no_search: str = "",
    demonstration: Path | None = None,
) -> Iterator[tuple[LibraryDesk, Library]]:
    """Open a library, made if it is missing; what is not embedded is embedded in the background.

    Args:
        path: Its folder.
        embedder: The model, if there is one.
        why_no_search: Why there is none, in one sentence.
        demonstration: Folder of the cases that a new library is filled with; None for none.

    Raises:
        LibraryError: If the library cannot be used.
    """
    library = init_library(path)
    try:
        if demonstration is not None:
            _fill(library, demonstration, () if embedder is None else [*spaces_of(embedder)])
        with open_desk(library, embedder, why_no_search) as desk:
            desk.start_embedding()
            yield desk, library
    finally:
        library.close()


def _fill(library: Library, folder: Path, model_digests: Sequence[str]) -> None:
    """Fill a new library; one without demonstration cases is as good, but empty."""
    if not (folder / INDEX_FILE).is_file():
        return
    try:
        filled = fill_demonstration(library, folder, model_digests)
    except LibraryError as error:
        logger.warning("The library was not filled with the demonstration cases: %s", error)
    else:
        for warning in filled.warnings:
            logger.warning("%s", warning)
