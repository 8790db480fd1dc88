"""SQLite as a library needs it: durable, patient with other writers, and forgetting what it must.

WAL, synchronous FULL   what a commit acknowledged survives a crash and a power failure
BEGIN IMMEDIATE         a writer waits its turn at the start, never in the middle
foreign keys            what hangs on a case goes with it
secure delete           what is deleted is overwritten
"""

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Engine, create_engine, event
from sqlalchemy.engine import URL
from sqlalchemy.exc import DBAPIError

from daug.errors import LibraryError

DATABASE_FILE = "library.sqlite"
BUSY_SECONDS = 30  # how long to wait for another writer
READING = "daug_reading"  # execution option of connections that only read
PRAGMAS = (
    f"busy_timeout = {BUSY_SECONDS * 1000}",
    "journal_mode = WAL",
    "synchronous = FULL",
    "foreign_keys = ON",
    "secure_delete = ON",
    "cache_size = -65536",  # KiB
)


def open_database(path: Path) -> Engine:
    """Return the engine of a library's database file, which is made if it is not there."""
    engine = create_engine(URL.create("sqlite", database=str(path)))
    event.listen(engine, "connect", _prepare)
    event.listen(engine, "begin", _begin)
    return engine


def _prepare(connection: sqlite3.Connection, _: Any) -> None:
    connection.isolation_level = None  # we begin transactions ourselves
    for pragma in PRAGMAS:
        connection.execute(f"PRAGMA {pragma}")


def _begin(connection: Connection) -> None:
    reading = connection.get_execution_options().get(READING, False)
    connection.exec_driver_sql("BEGIN" if reading else "BEGIN IMMEDIATE")


@contextmanager
def reading(engine: Engine) -> Iterator[Connection]:
    """One view of the library that no writer changes while it is looked at."""
    with (
        _explained(),
        engine.connect().execution_options(**{READING: True}) as connection,
        connection.begin(),
    ):
        yield connection


@contextmanager
def writing(engine: Engine) -> Iterator[Connection]:
    """One transaction: all of it is on record when the block ends, or nothing of it."""
    with _explained(), engine.begin() as connection:
        yield connection


@contextmanager
def alone(engine: Engine) -> Iterator[sqlite3.Connection]:
    """SQLite's own connection outside a transaction, for VACUUM and checkpoints."""
    with _explained():
        connection = engine.raw_connection()
        try:
            driver = connection.driver_connection
            assert isinstance(driver, sqlite3.Connection)
            yield driver
        finally:
            connection.close()


@contextmanager
def _explained() -> Iterator[None]:
    try:
        yield
    except (DBAPIError, sqlite3.Error) as error:
        raise LibraryError(_sentence(str(getattr(error, "orig", None) or error))) from error


def _sentence(said: str) -> str:
    """Return what the database said, and what to do about it."""
    remedies = {
        "full": "Make room on the disk and try again; what was there before is unharmed.",
        "locked": "Another program is writing to the library. Wait until it is done.",
        "readonly": "The library's folder may not be written to. Change its permissions.",
        "malformed": "Restore a backup with `daug library restore`.",
        "not a database": "Restore a backup with `daug library restore`.",
        "no such table": "Open it with the program that made it, or restore a backup.",
    }
    remedy = next((text for word, text in remedies.items() if word in said), "")
    return f"The library's database answered: {said}. {remedy}".strip()
