"""An archive to a folder, which is there whole or not at all, and nothing outside it.

An archive that unpacks to far more than images and reports do is taken for a bomb.
"""

import errno
import gzip
import lzma
import shutil
import tarfile
import zipfile
import zlib
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import IO

from trainers.fetching.fault import FetchError
from trainers.fetching.record import RemoteFile
from trainers.fetching.tar_members import tar_members
from trainers.fetching.zip_members import zip_members

CHUNK = 1 << 20  # bytes
MOST_FILES = 200_000  # an archive of the catalogue has 10,000
MOST_TIMES = 40  # as large as packed; reports in XML are 12 times
FAULTS = (
    *(tarfile.TarError, zipfile.BadZipFile, gzip.BadGzipFile, zlib.error, lzma.LZMAError),
    *(EOFError, NotImplementedError, RuntimeError),
    ValueError,  # names that no file can have, numbers that are none
)
SPARE = 10 * CHUNK  # bytes that a small archive may unpack to all the same


@dataclass(frozen=True)
class Unpacked:
    """What was in an archive."""

    folder: str
    files: int
    bytes: int


def unpack(file: RemoteFile, folder: Path) -> Unpacked:
    """Unpack a file of a collection beside itself.

    Args:
        file: Names the archive and the folder of what is in it.
        folder: The collection's.

    Raises:
        FetchError: If something has that folder's name, or the archive leads out of it, holds
            links, is a bomb or damaged, or the disk is full. Then nothing is left behind.
    """
    target = folder / file.unpack_to
    work = folder / f".{file.unpack_to}.unpacking"
    if target.exists():
        raise FetchError(
            f"{target} exists, and nothing is unpacked over it. Move it away, or leave --unpack "
            "out if that is the collection already."
        )
    shutil.rmtree(work, ignore_errors=True)  # what a killed run left
    try:
        work.mkdir()
        found = _write_members(folder / file.name, work, file.unpack_to)
        (_without_inner(work, file.inner)).replace(target)
    except FAULTS as error:
        raise FetchError(
            f"{file.name} is damaged or encrypted ({error}). Nothing was unpacked. Move it away "
            "and run the command again to fetch it anew."
        ) from error
    except OSError as error:
        full = error.errno in (errno.ENOSPC, errno.EDQUOT)
        raise FetchError(
            f"{file.name} cannot be unpacked: "
            + (f"the disk of {folder} is full. Make room." if full else f"{error}.")
        ) from error
    finally:
        shutil.rmtree(work, ignore_errors=True)
    return found


def _write_members(archive: Path, work: Path, name: str) -> Unpacked:
    most = archive.stat().st_size * MOST_TIMES + SPARE
    is_zip = archive.suffix == ".zip"
    members = zip_members(archive) if is_zip else tar_members(archive, work)
    files = written = 0
    for member, content in members:
        files += 1
        if files > MOST_FILES:
            raise _bomb(archive)
        target = work / _inside(archive, member)
        target.parent.mkdir(parents=True, exist_ok=True)
        written += _write(archive, content, target, most - written)
    return Unpacked(name, files, written)


def _write(archive: Path, content: IO[bytes], target: Path, most: int) -> int:
    """Copy a member; what it says of its own size is not believed."""
    written = 0
    with target.open("xb") as file:
        while chunk := content.read(min(CHUNK, most - written + 1)):
            written += len(chunk)
            if written > most:
                raise _bomb(archive)
            file.write(chunk)
    return written


def _inside(archive: Path, member: str) -> PurePosixPath:
    """Return a member's path, which stays below the folder it goes to."""
    path = PurePosixPath(member.replace("\\", "/"))
    if path.is_absolute() or ".." in path.parts or not path.parts or ":" in path.parts[0]:
        raise FetchError(
            f"{archive.name}: {member[:100]!r} leads out of the folder. Nothing was unpacked."
        )
    return path


def _bomb(archive: Path) -> FetchError:
    return FetchError(
        f"{archive.name} unpacks to more than {MOST_TIMES} times its size or {MOST_FILES:,} files, "
        "which no collection here does. Nothing was unpacked."
    )


def _without_inner(work: Path, inner: str) -> Path:
    """Return the folder that holds all of an archive: the inner one if nothing is beside it."""
    only = [path.name for path in work.iterdir()] == [inner]
    return work / inner if inner and only else work
