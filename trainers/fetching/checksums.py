"""A file against what is published of it, and against what was received before."""

import hashlib
import zipfile
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

    Where no checksum is published, all that can be told is whether it is an archive at all; a page
    that asks for a login is none.

    Raises:
        FetchError: If it is another file, or cannot be read.
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
    expected = BEGINNINGS.get(Path(file.name).suffix, b"")
    if not beginning.startswith(expected):
        raise FetchError(
            f"{file.name} is no {Path(file.name).suffix} archive: it begins with {beginning!r}. "
            "The source may have sent a page instead."
        )
    if file.name.endswith(".zip") and not zipfile.is_zipfile(path):
        raise FetchError(f"{file.name} is not whole: a ZIP's list of its files is missing.")
    return sums["sha256"].hexdigest()
