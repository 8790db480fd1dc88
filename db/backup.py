"""A library in one file, and back.

A backup is a tar of the database as it was at one moment, every file that it speaks of, and the
identity key; so it is as secret as the library. Restoring checks every digest before anything is
put in place.
"""

import os
import re
import shutil
import sqlite3
import tarfile
import tempfile
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from sqlalchemy import Engine, func, select

from daug.errors import LibraryError
from db.database import DATABASE_FILE, alone, open_database, reading
from db.library_folder import KEY_FILE
from db.schema import RadiographRow
from db.stored_files import KINDS, ORIGINALS, sha256_of, sharing
from db.sweeping import expected_files

STORED_NAME = re.compile(rf"({'|'.join(KINDS)})/([0-9a-f]{{2}})/\2[0-9a-f]{{62}}\.[a-z0-9]{{1,8}}")


@dataclass(frozen=True)
class Copied:
    """What a backup holds."""

    cases: int
    files: int
    bytes: int


def back_up(engine: Engine, folder: Path, target: Path) -> Copied:
    """Write the library into one file, whole or not at all.

    Raises:
        LibraryError: If the target is there already or cannot be written, or a file is missing.
    """
    if target.exists():
        raise LibraryError(f"{target} is there already. Name a new file for the backup.")
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        handle, part = tempfile.mkstemp(prefix=".daug-", suffix=".part", dir=target.parent)
    except OSError as error:
        raise _unwritable(target, error) from error
    try:
        with sharing(folder), os.fdopen(handle, "wb") as file:
            copied = _write_tar(engine, folder, file, Path(part))
            file.flush()
            os.fsync(file.fileno())
        Path(part).replace(target)
    except OSError as error:
        raise _unwritable(target, error) from error
    finally:
        Path(part).unlink(missing_ok=True)
    return Copied(*copied, target.stat().st_size)


def _write_tar(engine: Engine, folder: Path, file: object, part: Path) -> tuple[int, int]:
    snapshot = part.with_suffix(".sqlite")
    try:
        _snapshot(engine, snapshot)
        copy = open_database(snapshot)
        try:
            with reading(copy) as connection:
                cases = int(connection.scalar(select(func.count(RadiographRow.id))) or 0)
                paths = list(expected_files(connection, folder))
        finally:
            copy.dispose()
        with tarfile.open(fileobj=file, mode="w", dereference=False) as tar:  # type: ignore[call-overload]
            tar.add(snapshot, DATABASE_FILE)
            tar.add(folder / KEY_FILE, KEY_FILE)
            for path in paths:
                if not path.is_file():
                    raise LibraryError(
                        f"{path} is missing, so the backup would not be whole. "
                        "Run `daug library verify`."
                    )
                tar.add(path, str(path.relative_to(folder)))
    finally:
        for name in (snapshot, *(Path(f"{snapshot}{end}") for end in ("-wal", "-shm"))):
            name.unlink(missing_ok=True)
    return cases, len(paths)


def _snapshot(engine: Engine, target: Path) -> None:
    """Copy the database as it is at one moment, while others read and write."""
    target.touch(mode=0o600)
    with alone(engine) as source:
        copy = sqlite3.connect(target)
        try:
            source.backup(copy)
        finally:
            copy.close()


def restore(archive: Path, folder: Path) -> Copied:
    """Put a library back from its backup, into a folder that is not there or empty.

    Raises:
        LibraryError: If the folder holds something, or the backup is damaged or no backup.
    """
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise LibraryError(
            f"{folder} is not empty, and a restore never overwrites a library. "
            "Name a new folder, or move that one away."
        )
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        work = Path(tempfile.mkdtemp(prefix=".daug-restore-", dir=folder.parent))
    except OSError as error:
        raise _unwritable(folder, error) from error
    try:
        files = _unpack(archive, work)
        cases = _check(work, archive)
        if folder.exists():
            folder.rmdir()
        work.replace(folder)
    except OSError as error:
        raise _unwritable(folder, error) from error
    finally:
        shutil.rmtree(work, ignore_errors=True)
    return Copied(cases, files, archive.stat().st_size)


def _unpack(archive: Path, work: Path) -> int:
    files = 0
    try:
        with tarfile.open(archive, "r:") as tar:
            for member in tar:
                name = str(PurePosixPath(member.name))
                stored = STORED_NAME.fullmatch(name)
                if not member.isreg() or not (stored or name in {DATABASE_FILE, KEY_FILE}):
                    raise LibraryError(
                        f"{archive.name}: holds {name[:100]!r}, which no backup of a library does. "
                        "Nothing was restored."
                    )
                target = work / name
                target.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
                content = tar.extractfile(member)
                assert content is not None  # a regular file
                with content, target.open("xb") as file:
                    shutil.copyfileobj(content, file)
                    file.flush()
                    os.fsync(file.fileno())
                target.chmod(0o600)
                files += stored is not None
    except (tarfile.TarError, EOFError) as error:
        raise LibraryError(
            f"{archive.name}: the backup is damaged or is none ({error}). Use another one."
        ) from error
    return files


def _check(work: Path, archive: Path) -> int:
    """Make sure that every file is there and is what its name says; return how many cases."""
    if not (work / DATABASE_FILE).is_file() or not (work / KEY_FILE).is_file():
        raise LibraryError(f"{archive.name}: lacks the database or the key. Use another backup.")
    engine = open_database(work / DATABASE_FILE)
    try:
        with reading(engine) as connection:
            cases = int(connection.scalar(select(func.count(RadiographRow.id))) or 0)
            expected = expected_files(connection, work)
    finally:
        engine.dispose()
    for path in expected:
        changed = path.is_relative_to(work / ORIGINALS) and path.is_file()
        if not path.is_file() or (changed and sha256_of(path) != path.stem):
            raise LibraryError(
                f"{archive.name}: {path.relative_to(work)} is missing or damaged in the backup. "
                "Nothing was restored; use another backup."
            )
    return cases


def _unwritable(path: Path, error: OSError) -> LibraryError:
    return LibraryError(
        f"{path} cannot be written or read ({error.strerror or error}). "
        "Check that the disk has room and the folder may be written."
    )
