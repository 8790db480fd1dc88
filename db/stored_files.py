"""The files of a library: under their content's hash, whole or not there, and durable.

    originals/ab/ab12....jpg    what was imported, freed of its patient
    thumbnails/ab/....jpg       small pictures for lists, by pixel digest
    heatmaps/ab/....heat        drawn maps
    incoming/                   being written; left behind only by a program that was killed

A file is in its place, and safely on the disk, before the database speaks of it. What the
database does not speak of is swept later, never the other way round.
"""

import fcntl
import hashlib
import os
import shutil
import tempfile
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType

from daug.errors import LibraryError

ORIGINALS, THUMBNAILS, HEATMAPS = "originals", "thumbnails", "heatmaps"
THUMBNAIL_SUFFIX = "jpg"
KINDS = (ORIGINALS, THUMBNAILS, HEATMAPS)
INCOMING = "incoming"
ERASING = "erasing"  # in there: a patient's erasure was begun and not finished
LOCK_FILE = "library.lock"
SYNC_THREADS = 32  # waiting for the disk, not computing: many at once cost a tenth of one by one


@dataclass(frozen=True)
class Waiting:
    """A file that is written but not yet in its place."""

    temporary: Path
    place: Path


def place_of(folder: Path, kind: str, digest: str, suffix: str) -> Path:
    """Return where a file lies."""
    return folder / kind / digest[:2] / f"{digest}.{suffix}"


def sha256_of(path: Path) -> str:
    """Return the SHA-256 of a file, in hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


class Incoming:
    """A folder of its own for one program's unfinished files, gone when the program is done."""

    def __init__(self, library: Path, name: str | None = None) -> None:
        base = library / INCOMING
        try:
            base.mkdir(mode=0o700, exist_ok=True)
            self.folder = Path(tempfile.mkdtemp(dir=base)) if name is None else base / name
            self.folder.mkdir(mode=0o700, exist_ok=True)
        except OSError as error:
            raise _unwritable(base, error) from error

    def __enter__(self) -> "Incoming":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        shutil.rmtree(self.folder, ignore_errors=True)
        if error is not None:  # files may be in their places without a row: a mark to sweep
            self.folder.mkdir(mode=0o700, exist_ok=True)

    def write(self, content: bytes, place: Path) -> Waiting:
        """Write a file that will lie in a place; it is not there yet, nor safe from a crash.

        Raises:
            LibraryError: If the disk is full or the folder may not be written.
        """
        handle, name = tempfile.mkstemp(dir=self.folder)
        try:
            with os.fdopen(handle, "wb") as file:
                file.write(content)
        except OSError as error:
            Path(name).unlink(missing_ok=True)
            raise _unwritable(place, error) from error
        return Waiting(Path(name), place)


def put_in_place(files: Iterable[Waiting]) -> None:
    """Make files durable and put them in their places; when this returns they survive a crash.

    Raises:
        LibraryError: If the disk is full or a place may not be written.
    """
    files = list(files)
    folders = {file.place.parent for file in files}
    try:
        new = {folder for folder in folders if not folder.is_dir()}
        for folder in new:
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        with ThreadPoolExecutor(SYNC_THREADS) as pool:
            list(pool.map(_sync, [file.temporary for file in files]))
            for file in files:
                file.temporary.replace(file.place)
            above = {folder.parent for folder in new} | {f.parent.parent for f in new}
            list(pool.map(_sync, folders | above))
    except OSError as error:
        raise _unwritable(Path(error.filename or "the library"), error) from error


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def discard(files: Iterable[Waiting]) -> None:
    """Delete files that are not wanted after all, before they are in their places."""
    for file in files:
        file.temporary.unlink(missing_ok=True)


def delete(paths: Iterable[Path]) -> None:
    """Delete files, and make it durable that they are gone.

    Raises:
        LibraryError: If one cannot be deleted.
    """
    folders = set()
    try:
        for path in paths:
            path.unlink(missing_ok=True)
            folders.add(path.parent)
        for folder in folders:
            with suppress(FileNotFoundError):
                _sync(folder)
    except OSError as error:
        raise LibraryError(
            f"{error.filename} cannot be deleted ({error.strerror}). Change the permissions of the "
            "library's folder and try again."
        ) from error


def stored_files(folder: Path, kind: str) -> Iterator[Path]:
    """Yield every file of a kind."""
    for path in sorted((folder / kind).rglob("*")):
        if path.is_file() or path.is_symlink():
            yield path


@contextmanager
def sharing(folder: Path) -> Iterator[None]:
    """Hold the library together with others who add to it; nobody sweeps or erases meanwhile."""
    with _locked(folder, fcntl.LOCK_SH):
        yield


@contextmanager
def holding(folder: Path) -> Iterator[None]:
    """Hold the library alone among those who add files to it.

    Raises:
        LibraryError: If somebody is adding to it right now.
    """
    with _locked(folder, fcntl.LOCK_EX | fcntl.LOCK_NB):
        yield


@contextmanager
def _locked(folder: Path, how: int) -> Iterator[None]:
    with os.fdopen(os.open(folder / LOCK_FILE, os.O_RDWR | os.O_CREAT, 0o600), "rb") as file:
        try:
            fcntl.flock(file, how)  # let go of by the system itself when a program dies
        except BlockingIOError:
            raise LibraryError(
                "Another program is adding to the library or sweeping it. "
                "Wait until it is done, then try again."
            ) from None
        yield


def _unwritable(path: Path, error: OSError) -> LibraryError:
    return LibraryError(
        f"{path} cannot be written ({error.strerror or error}). Check that the disk has room and "
        "the library's folder may be written; nothing half done was kept."
    )
