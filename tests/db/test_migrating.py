import sqlite3
import stat
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, text

from daug.errors import LibraryError
from db import migrating
from db.database import DATABASE_FILE, open_database, reading, writing
from db.library import init_library, open_library
from db.migrating import BACKUPS, HEAD, bring_to_head
from db.schema import Base


def test_the_steps_lead_to_exactly_the_tables_that_the_program_speaks_of(tmp_path: Path) -> None:
    library = init_library(tmp_path / "library")
    with reading(library.engine) as connection:
        context = MigrationContext.configure(
            connection,
            opts={
                "include_name": lambda name, kind, _: (
                    kind != "table" or not str(name).startswith("report_words")
                )
            },
        )
        assert compare_metadata(context, Base.metadata) == []
    library.close()


def test_the_newest_step_is_the_one_that_the_program_opens_without_alembic() -> None:
    assert ScriptDirectory(str(Path(migrating.__file__).parent / "migrations")).get_heads() == [
        HEAD
    ]


def test_every_writer_is_durable_and_waits_its_turn(tmp_path: Path) -> None:
    library = init_library(tmp_path / "library")
    with reading(library.engine) as connection:
        assert [
            connection.execute(text(f"PRAGMA {name}")).scalar()
            for name in (
                "journal_mode",
                "synchronous",
                "foreign_keys",
                "secure_delete",
                "busy_timeout",
            )
        ] == ["wal", 2, 1, 1, 30_000]
    other = sqlite3.connect(tmp_path / "library" / DATABASE_FILE, timeout=0, isolation_level=None)
    with writing(library.engine), pytest.raises(sqlite3.OperationalError, match="locked"):
        other.execute("BEGIN IMMEDIATE")  # ours holds the write lock from its first moment
    with reading(library.engine):
        other.execute("BEGIN IMMEDIATE")  # and readers hold nobody up
    other.close()
    library.close()


def test_nobody_else_reads_the_library(tmp_path: Path) -> None:
    init_library(tmp_path / "library").close()
    for path in [tmp_path / "library", *(tmp_path / "library").rglob("*")]:
        assert stat.S_IMODE(path.stat().st_mode) & 0o077 == 0, path


def test_a_newer_library_is_refused_and_left_as_it_is(tmp_path: Path) -> None:
    init_library(tmp_path / "library").close()
    database = tmp_path / "library" / DATABASE_FILE
    with sqlite3.connect(database) as connection:
        connection.execute("UPDATE alembic_version SET version_num = '9999'")
    connection.close()
    with pytest.raises(LibraryError, match=r"made by a newer DAug.*step 9999"):
        init_library(tmp_path / "library")
    with sqlite3.connect(database) as connection:
        assert connection.execute("SELECT version_num FROM alembic_version").fetchone() == ("9999",)
    connection.close()


def test_an_older_library_is_copied_before_it_is_migrated_and_the_copy_is_whole(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    library = init_library(tmp_path / "library")
    monkeypatch.setattr(migrating, "HEAD", "9000")

    def next_step(connection: Connection) -> None:
        connection.execute(text("DROP TABLE saved_searches"))
        connection.execute(text("UPDATE alembic_version SET version_num = '9000'"))

    def broken_step(connection: Connection) -> None:
        next_step(connection)
        raise RuntimeError("killed midway")

    def tables(path: Path) -> set[str]:
        engine = open_database(path)
        with reading(engine) as connection:
            names = set(connection.scalars(text("SELECT name FROM sqlite_master")))
        engine.dispose()
        return names

    database, copies = tmp_path / "library" / DATABASE_FILE, tmp_path / "library" / BACKUPS
    with pytest.raises(RuntimeError):
        bring_to_head(library.engine, tmp_path / "library", broken_step)
    assert "saved_searches" in tables(database)  # nothing of the broken step stayed
    bring_to_head(library.engine, tmp_path / "library", next_step)
    assert "saved_searches" not in tables(database)
    (copy,) = copies.glob("*.sqlite")
    assert "saved_searches" in tables(copy)
    library.close()


def test_a_folder_without_a_library_says_how_to_make_one(tmp_path: Path) -> None:
    with pytest.raises(LibraryError, match="daug library init"), open_library(tmp_path):
        pass
    assert list(tmp_path.iterdir()) == []


def test_a_library_under_another_key_is_refused(tmp_path: Path) -> None:
    init_library(tmp_path / "library").close()
    (tmp_path / "library" / "identity.key").write_bytes(bytes(32))
    with pytest.raises(LibraryError, match="another identity key"):
        init_library(tmp_path / "library")


def test_a_file_that_is_no_database_is_a_sentence(tmp_path: Path) -> None:
    init_library(tmp_path / "library").close()
    (tmp_path / "library" / DATABASE_FILE).write_bytes(b"<html>not found</html>" * 100)
    with pytest.raises(LibraryError, match=r"not a database.*library restore"):
        init_library(tmp_path / "library")
