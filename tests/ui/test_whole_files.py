"""Files are there whole or not at all."""

from pathlib import Path

import pytest

from daug.errors import ExportError
from ui.whole_files import check_place, make_folder, write_whole


def test_files_lie_where_they_were_asked_for_and_nothing_else_does(tmp_path: Path) -> None:
    write_whole({tmp_path / "new" / "a": b"1", tmp_path / "new" / "b": b"2"})
    assert {p.name: p.read_bytes() for p in (tmp_path / "new").iterdir()} == {"a": b"1", "b": b"2"}


def test_a_failure_leaves_the_old_files_as_they_were(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The disk fills up while the second file is written."""
    first, second = tmp_path / "a", tmp_path / "b"
    first.write_bytes(b"old")
    written: list[int] = []

    def full_disk(handle: int) -> None:
        written.append(handle)
        if len(written) == 2:
            raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fsync", full_disk)
    with pytest.raises(ExportError, match=r"b: cannot be written .*No space left"):
        write_whole({first: b"new", second: b"new"})
    assert first.read_bytes() == b"old"
    assert [p.name for p in tmp_path.iterdir()] == ["a"]


def test_a_folder_in_the_way_is_named(tmp_path: Path) -> None:
    (tmp_path / "panel.png").mkdir()
    with pytest.raises(ExportError, match=r"panel\.png: a folder of that name is in the way"):
        check_place(tmp_path / "panel.png")


def test_a_file_where_a_folder_is_needed_is_named(tmp_path: Path) -> None:
    (tmp_path / "out").write_bytes(b"")
    with pytest.raises(ExportError, match="out"):
        make_folder(tmp_path / "out")
    with pytest.raises(ExportError, match="out"):
        make_folder(tmp_path / "out" / "deeper")


def test_files_can_be_read_by_whom_the_umask_allows(tmp_path: Path) -> None:
    """A temporary file belongs to its maker alone; the finished one is like any other."""
    (tmp_path / "plain").write_bytes(b"")
    write_whole({tmp_path / "a": b""})
    assert (tmp_path / "a").stat().st_mode == (tmp_path / "plain").stat().st_mode
