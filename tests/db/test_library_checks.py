"""The doctor looks at a library without changing it, and says what is wrong with it."""

import os
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from daug.checkup import Check, carry_out
from db import library_checks
from db.database import DATABASE_FILE
from db.library_folder import KEY_FILE, open_library_folder


def checks_of(path: Path) -> dict[str, Check]:
    return {check.name: check for check in carry_out(library_checks.library_checks(path))}


@pytest.fixture
def library(tmp_path: Path) -> Path:
    """A library's folder with its key and a small database."""
    path = tmp_path / "library"
    open_library_folder(path)
    with closing(sqlite3.connect(path / DATABASE_FILE)) as connection, connection:
        connection.execute("CREATE TABLE cases (report TEXT)")
        connection.executemany("INSERT INTO cases VALUES (?)", [("edema " * 99,)] * 200)
    return path


def test_a_library_is_in_order_and_stays_as_it_is(library: Path) -> None:
    before = {path: path.read_bytes() for path in library.iterdir()}
    assert all(check.ok for check in checks_of(library).values())
    assert {path: path.read_bytes() for path in library.iterdir()} == before


def test_a_library_that_is_not_there_yet_is_not_made(tmp_path: Path) -> None:
    found = checks_of(tmp_path / "a" / "b")
    assert all(check.ok for check in found.values())
    assert "is made on first use" in found["library folder"].message
    assert list(tmp_path.iterdir()) == []


def test_no_library_is_no_fault() -> None:
    checks = list(carry_out(library_checks.library_checks(None)))
    assert [(check.name, check.ok) for check in checks] == [("sqlite", True), ("library", True)]


@pytest.mark.parametrize("inside", ["", "deeper"])
def test_a_place_that_cannot_be_written_to_is_told(tmp_path: Path, inside: str) -> None:
    (tmp_path / "file").write_text("in the way")
    check = checks_of(tmp_path / "file" / inside)["library folder"]
    assert not check.ok
    assert "cannot be written to (Not a directory). Name a folder" in check.message


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_folder_without_permission_is_told(library: Path) -> None:
    library.chmod(0o500)
    check = checks_of(library)["library folder"]
    library.chmod(0o700)
    assert not check.ok
    assert "Permission denied" in check.message


def test_a_key_that_others_can_read_is_told(library: Path) -> None:
    (library / KEY_FILE).chmod(0o640)
    check = checks_of(library)["library key"]
    assert not check.ok
    assert f"(mode 0640), who could tell patients by it. Run `chmod 600 {library}" in check.message


def test_a_key_that_is_cut_short_or_lost_is_told(library: Path) -> None:
    (library / KEY_FILE).write_bytes(b"short")
    assert "holds 5 bytes, but a key has 32" in checks_of(library)["library key"].message
    (library / KEY_FILE).unlink()
    check = checks_of(library)["library key"]
    assert not check.ok
    assert "is missing beside a database. Restore it" in check.message


@pytest.mark.parametrize("start", [0, 4096])
def test_a_damaged_database_is_told(library: Path, start: int) -> None:
    path = library / DATABASE_FILE
    content = path.read_bytes()
    path.write_bytes(content[:start] + b"\xa5" * 4096 + content[start + 4096 :])
    found = checks_of(library)
    assert not found["library database"].ok
    assert "is damaged" in found["library database"].message
    assert found["library key"].ok


def test_an_old_sqlite_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sqlite3, "sqlite_version_info", (3, 34, 1))
    (check, _) = carry_out(library_checks.library_checks(None))
    assert not check.ok
    assert "3.35 or newer is needed" in check.message
