"""A file against what is published of it, and against what was received before."""

import gzip
import hashlib
import zipfile
import zlib
from pathlib import Path

from trainers.fetching.fault import FetchError
from trainers.fetching.record import RemoteFile

CHUNK = 1 << 20  # bytes
BEGINNINGS = {  # by the end of the name
    ".tgz": b"\x1f\x8b",
    ".gz": b"\x1f\x8b",
    ".zip": b"PK\x03\x04",
}


def checked_sha256(file: RemoteFile, path: Path) -> str:
    """Return a file's SHA-256, if it is what its collection says.

    Where no checksum is published, all that can be told is whether it is an archive, which a page
    that asks for a login is not, and a whole one.

    Raises:
        FetchError: If it is another file.
        OSError: If it cannot be read, which says nothing of what is in it.
    """
    kind, _, published = file.checksum.partition(":")
    sums = {"sha256": hashlib.sha256()}
    if published and kind != "sha256":
        sums[kind] = hashlib.new(kind, usedforsecurity=False)
    with path.open("rb") as stream:
        beginning = stream.read(4)
        stream.seek(0)
        while chunk := stream.read(CHUNK):
            for total in sums.values():
                total.update(chunk)
    if published and sums[kind].hexdigest() != published:
        raise FetchError(
            f"{file.name} is not the published file: its {kind.upper()} is "
            f"{sums[kind].hexdigest()}, published is {published}."
        )
    if not published:
        _check_archive(file.name, path, beginning)
    return sums["sha256"].hexdigest()


def _check_archive(name: str, path: Path, beginning: bytes) -> None:
    """Refuse what is no archive of the kind that its name says, or breaks off."""
    kind = Path(name).suffix
    if not beginning.startswith(BEGINNINGS.get(kind, b"")):
        raise FetchError(
            f"{name} is no {kind} archive: it begins with {beginning!r}. The source may have sent "
            "a page instead."
        )
    if kind == ".zip" and not zipfile.is_zipfile(path):
        raise FetchError(f"{name} is not whole: a ZIP's list of its files is missing.")
    if kind in (".gz", ".tgz"):
        try:
            with gzip.open(path) as stream:
                while stream.read(CHUNK):
                    pass  # the end holds a checksum of all of it
        except (EOFError, gzip.BadGzipFile, zlib.error) as error:
            raise FetchError(f"{name} is not whole ({error}).") from error
