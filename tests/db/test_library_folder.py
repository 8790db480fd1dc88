import stat
from multiprocessing import get_context
from pathlib import Path

import pytest

from daug.errors import LibraryError
from db.library_folder import KEY_FILE, open_library_folder


def test_a_library_keeps_its_key(tmp_path: Path) -> None:
    first = open_library_folder(tmp_path / "library")
    assert len(first.identity_key) == 32
    assert open_library_folder(tmp_path / "library").identity_key == first.identity_key


def test_two_libraries_have_different_keys(tmp_path: Path) -> None:
    one, other = (open_library_folder(tmp_path / name) for name in "ab")
    assert one.identity_key != other.identity_key


def test_nobody_else_reads_the_key(tmp_path: Path) -> None:
    folder = open_library_folder(tmp_path / "library").path
    assert stat.S_IMODE((folder / KEY_FILE).stat().st_mode) == 0o600
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert [path.name for path in folder.iterdir()] == [KEY_FILE]


def test_the_key_is_not_in_what_is_printed(tmp_path: Path) -> None:
    library = open_library_folder(tmp_path)
    assert library.identity_key.hex() not in repr(library)
    assert repr(library.identity_key) not in repr(library)


def test_a_key_that_is_not_whole_is_refused_rather_than_replaced(tmp_path: Path) -> None:
    (tmp_path / KEY_FILE).write_bytes(b"short")
    with pytest.raises(LibraryError, match=r"holds 5 bytes.*Restore it from a backup"):
        open_library_folder(tmp_path)
    assert (tmp_path / KEY_FILE).read_bytes() == b"short"


def test_a_file_in_the_way_is_a_sentence(tmp_path: Path) -> None:
    (tmp_path / "library").write_text("not a folder")
    with pytest.raises(LibraryError, match="cannot be used as a library"):
        open_library_folder(tmp_path / "library")


def key_of(folder: Path) -> bytes:
    return open_library_folder(folder).identity_key


def test_programs_that_start_at_once_get_the_same_key(tmp_path: Path) -> None:
    with get_context("spawn").Pool(4) as pool:
        keys = pool.map(key_of, [tmp_path / "library"] * 16)
    assert len(set(keys)) == 1
