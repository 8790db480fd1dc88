"""Is a case library in order: its folder, its key, its database, and the SQLite that reads it?"""

import sqlite3
import stat
import tempfile
from contextlib import closing
from functools import partial
from pathlib import Path

from daug.checkup import Look
from daug.errors import LibraryError
from db.library_folder import KEY_BYTES, KEY_FILE

SQLITE = (3, 35)  # the first with RETURNING


def library_checks(path: Path | None) -> list[tuple[str, Look]]:
    """Return the checks of SQLite and of a library's folder, if one is named.

    Nothing is made: a folder that is not there yet is in order if it can be made.
    """
    checks: list[tuple[str, Look]] = [("sqlite", sqlite)]
    if path is None:
        return [*checks, ("library", lambda: "none is named; give one with --library DIR")]
    return [
        *checks,
        ("library folder", partial(folder, path)),
        ("library key", partial(key, path)),
        ("library database", partial(database, path)),
    ]


def sqlite() -> str:
    """Say which SQLite Python brings, and whether it can search reports."""
    if sqlite3.sqlite_version_info < SQLITE:
        raise LibraryError(
            f"SQLite {sqlite3.sqlite_version} found, {'.'.join(map(str, SQLITE))} or newer is "
            "needed. Install a newer Python."
        )
    with closing(sqlite3.connect(":memory:")) as connection:
        try:
            connection.execute("CREATE VIRTUAL TABLE words USING fts5(text)")
        except sqlite3.OperationalError as error:
            raise LibraryError(
                f"SQLite {sqlite3.sqlite_version} has no full-text search ({error}). Install a "
                "Python whose SQLite was built with FTS5, as python.org's is."
            ) from error
    return f"SQLite {sqlite3.sqlite_version} with full-text search"


def folder(path: Path) -> str:
    """Write into the folder of a library, or into the one that it would be made in."""
    there = next(parent for parent in (path, *path.absolute().parents) if parent.exists())
    try:
        with tempfile.TemporaryFile(dir=there) as file:
            file.write(bytes(4096))
            file.flush()
    except OSError as error:
        raise LibraryError(
            f"{there} cannot be written to ({error.strerror}). Name a folder that you may write "
            "to, or free its disk."
        ) from error
    return f"{path} can be written to" if there == path else f"{path} is made on first use"


def key(path: Path) -> str:
    """Read the key that hides the library's patients, and see that nobody else may."""
    file = path / KEY_FILE
    try:
        if not file.exists():
            return _no_key(path)
        length, mode = len(file.read_bytes()), stat.S_IMODE(file.stat().st_mode)
    except OSError as error:
        raise LibraryError(
            f"{file} cannot be read ({error.strerror}). Only its owner may; be that user."
        ) from error
    if length != KEY_BYTES:
        raise LibraryError(
            f"{file} holds {length} bytes, but a key has {KEY_BYTES}. Restore it from a backup."
        )
    if mode & 0o077:
        raise LibraryError(
            f"{file} can be read by others (mode {mode:04o}), who could tell patients by it. "
            f"Run `chmod 600 {file}`."
        )
    return f"{file} is whole and its owner's alone"


def database(path: Path) -> str:
    """Let SQLite look through the pages of the library's database, without changing any."""
    file = _database_file(path)
    if not file.exists():
        return "none yet; it is made on first use"
    try:
        with closing(sqlite3.connect(f"{file.absolute().as_uri()}?mode=ro", uri=True)) as reader:
            (found,) = reader.execute("PRAGMA quick_check(1)").fetchone()
    except sqlite3.Error as error:
        found = str(error)
    if found != "ok":
        raise LibraryError(f"{file} is damaged ({found}). Restore the library from a backup.")
    return f"{file} is whole"


def _database_file(path: Path) -> Path:
    from db.database import DATABASE_FILE  # not before: its libraries may be what is broken

    return path / DATABASE_FILE


def _no_key(path: Path) -> str:
    if _database_file(path).exists():
        raise LibraryError(
            f"{path / KEY_FILE} is missing beside a database. Restore it from a backup: with "
            "another key the library's patients are not recognised any more."
        )
    return "none yet; it is made on first use"
