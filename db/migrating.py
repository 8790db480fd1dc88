"""Bring a library's tables to the form that this program knows, with a backup first.

An older library is copied and then brought up step by step, in one transaction; a newer one is
refused, since this program does not know what its tables mean.
"""

import sqlite3
from collections.abc import Callable
from pathlib import Path

from sqlalchemy import Connection, Engine, inspect, text

from daug.errors import LibraryError
from db.database import alone, reading, writing

HEAD = "0003"  # the newest step in migrations/versions
BACKUPS = "backups"  # folder of the copies made before a migration


def revision(engine: Engine) -> str | None:
    """Return the step that a database is at; None if it is empty."""
    with reading(engine) as connection:
        names = inspect(connection).get_table_names()
        if not names:
            return None
        if "alembic_version" not in names:
            raise LibraryError(
                "The file library.sqlite holds tables of another program. "
                "Name the folder of a DAug library."
            )
        return connection.execute(text("SELECT version_num FROM alembic_version")).scalar()


def bring_to_head(
    engine: Engine, folder: Path, upgrade: Callable[[Connection], None] | None = None
) -> None:
    """Make or migrate the tables; nothing is done if they are as this program knows them.

    Args:
        engine: The library's database.
        folder: The library's folder, in which the backup is put.
        upgrade: Runs the steps on a connection inside a transaction; alembic's if none.

    Raises:
        LibraryError: If the library is newer than this program, or the tables are of another.
    """
    present = revision(engine)
    if present == HEAD:
        return
    if present is not None:
        if present not in known_revisions():
            raise LibraryError(
                f"The library was made by a newer DAug (its tables are at step {present}, this "
                f"program knows {HEAD}). Update the program; nothing was changed."
            )
        _copy(engine, folder / BACKUPS / f"before-{HEAD}-from-{present}.sqlite")
    with writing(engine) as connection:
        (upgrade or _run_alembic)(connection)


def known_revisions() -> set[str]:
    """Return every step that this program knows."""
    from alembic.script import ScriptDirectory

    return {step.revision for step in ScriptDirectory(str(_folder())).walk_revisions()}


def _run_alembic(connection: Connection) -> None:
    from alembic import command
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(_folder()).replace("%", "%%"))
    config.attributes["connection"] = connection
    command.upgrade(config, "head")


def _folder() -> Path:
    return Path(__file__).parent / "migrations"


def _copy(engine: Engine, target: Path) -> None:
    """Copy the database as it is, with what is still in its write-ahead log."""
    target.parent.mkdir(mode=0o700, exist_ok=True)
    part = target.with_suffix(".part")
    part.unlink(missing_ok=True)
    part.touch(mode=0o600)
    with alone(engine) as source:
        copy = sqlite3.connect(part)
        try:
            source.backup(copy)
        finally:
            copy.close()
    part.replace(target)
