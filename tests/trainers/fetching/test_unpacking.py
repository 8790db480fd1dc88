"""An archive becomes a folder with exactly its files, or nothing at all changes."""

import errno
import tarfile
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.trainers.fetching.archives import everything, link, named, tar_of, zip_of
from trainers.fetching import unpacking
from trainers.fetching.fault import FetchError
from trainers.fetching.record import RemoteFile
from trainers.fetching.unpacking import unpack

FILES = {"in/a.xml": b"<a/>", "in/deeper/b.png": bytes(range(256)) * 40}
NAMES = st.text(st.sampled_from("abA./\\:\x00-"), min_size=1, max_size=12)


def packed(folder: Path, content: bytes, name: str = "a.tgz", inner: str = "") -> RemoteFile:
    (folder / name).write_bytes(content)
    return RemoteFile(name, "https://example.org/a", unpack_to="out", inner=inner)


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("a.tgz", tar_of(FILES)),
        ("a.tar.gz", tar_of(FILES)),
        ("a.tar", tar_of(FILES, mode="w:")),
        ("a.zip", zip_of(FILES)),
    ],
)
def test_every_file_is_unpacked_as_it_was(tmp_path: Path, name: str, content: bytes) -> None:
    found = unpack(packed(tmp_path, content, name), tmp_path)
    assert everything(tmp_path / "out") == FILES
    assert (found.files, found.bytes) == (2, sum(map(len, FILES.values())))
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted([name, "out"])


def test_a_folder_around_everything_is_left_away(tmp_path: Path) -> None:
    unpack(packed(tmp_path, tar_of(FILES), inner="in"), tmp_path)
    assert set(everything(tmp_path / "out")) == {"a.xml", "deeper/b.png"}


def test_a_folder_around_not_everything_stays(tmp_path: Path) -> None:
    unpack(packed(tmp_path, tar_of({**FILES, "beside.txt": b"1"}), inner="in"), tmp_path)
    assert set(everything(tmp_path / "out")) == {"in/a.xml", "in/deeper/b.png", "beside.txt"}


LEADING_OUT = [
    ("a.tgz", tar_of({**FILES, "../out.txt": b"1"})),
    ("a.tgz", tar_of({**FILES, "in/../../out.txt": b"1"})),
    ("a.tgz", tar_of({**FILES, "/tmp/out.txt": b"1"})),
    ("a.tgz", tar_of(FILES, link("in/link", "/etc/passwd"))),
    ("a.tgz", tar_of(FILES, link("in/link", "../../out.txt"))),
    ("a.tgz", tar_of(FILES, link("in/link", "a.xml"))),
    ("a.tgz", tar_of(FILES, link("in/link", "in/a.xml", tarfile.LNKTYPE))),
    ("a.tgz", tar_of(FILES, link("in/pipe", "", tarfile.FIFOTYPE))),
    ("a.tgz", tar_of(FILES, link("in/device", "", tarfile.CHRTYPE))),
    ("a.zip", zip_of({**FILES, "../out.txt": b"1"})),
    ("a.zip", zip_of({**FILES, "in/../../out.txt": b"1"})),
    ("a.zip", zip_of({**FILES, "/tmp/out.txt": b"1"})),
    ("a.zip", zip_of({**FILES, "..\\out.txt": b"1"})),
    ("a.zip", zip_of({**FILES, "C:\\out.txt": b"1"})),
    ("a.zip", zip_of(FILES, {"in/link": "/etc/passwd"})),
]


@pytest.mark.parametrize(("name", "content"), LEADING_OUT)
def test_what_leads_out_or_is_no_plain_file_leaves_nothing_behind(
    tmp_path: Path, name: str, content: bytes
) -> None:
    folder = tmp_path / "collection"
    folder.mkdir()
    with pytest.raises(FetchError, match=r"leads out of the folder|is a link or no plain file"):
        unpack(packed(folder, content, name), folder)
    assert everything(tmp_path) == {f"collection/{name}": content}
    assert not (folder / "out").exists()


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=60)
@given(name=NAMES)
def test_no_name_writes_outside_the_folder(
    tmp_path_factory: pytest.TempPathFactory, name: str
) -> None:
    root = tmp_path_factory.mktemp("any")
    folder = root / "collection"
    folder.mkdir()
    file = packed(folder, tar_of({name: b"1"}))
    try:
        unpack(file, folder)
    except FetchError:
        assert not (folder / "out").exists()
    outside = [p for p in everything(root) if not p.startswith("collection/out/")]
    assert outside == ["collection/a.tgz"]


@pytest.mark.parametrize("name", ["a.tgz", "a.zip"])
def test_an_archive_that_unpacks_to_far_more_than_it_is_is_a_bomb(
    tmp_path: Path, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(unpacking, "SPARE", 1000)
    zeros = {"zeros": bytes(10_000_000)}
    content = zip_of(zeros) if name == "a.zip" else tar_of(zeros)
    with pytest.raises(FetchError, match=r"more than 40 times its size"):
        unpack(packed(tmp_path, content, name), tmp_path)
    assert everything(tmp_path) == {name: content}


def test_too_many_files_are_a_bomb(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(unpacking, "MOST_FILES", 5)
    content = tar_of({f"{n}": b"" for n in range(6)})
    with pytest.raises(FetchError, match="5 files"):
        unpack(packed(tmp_path, content), tmp_path)
    assert not (tmp_path / "out").exists()


DAMAGED = [
    ("a.tgz", tar_of(FILES)[:-300]),
    ("a.tgz", b"<html>Please log in</html>"),
    ("a.zip", zip_of(FILES)[:-30]),
    ("a.zip", zip_of({"a": bytes(200)}).replace(b"\x63\x60", b"\x63\x61", 1)),
    ("a.zip", zip_of({"\u00e4": b"1"}).replace("\u00e4".encode(), b"\xff\xff")),
    ("a.tgz", tar_of({}, named("a\0b"))),
]


@pytest.mark.parametrize(("name", "content"), DAMAGED)
def test_a_damaged_archive_leaves_nothing_behind(tmp_path: Path, name: str, content: bytes) -> None:
    with pytest.raises(FetchError, match=r"is damaged or encrypted"):
        unpack(packed(tmp_path, content, name), tmp_path)
    assert everything(tmp_path) == {name: content}


def test_a_name_that_comes_twice_is_refused(tmp_path: Path) -> None:
    twice = tarfile.TarInfo("in/a.xml")
    with pytest.raises(FetchError, match="cannot be unpacked"):
        unpack(packed(tmp_path, tar_of(FILES, twice)), tmp_path)
    assert not (tmp_path / "out").exists()


def test_nothing_is_unpacked_over_what_is_there(tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "mine.txt").write_text("kept")
    with pytest.raises(FetchError, match=r"out exists, and nothing is unpacked over it"):
        unpack(packed(tmp_path, tar_of(FILES)), tmp_path)
    assert everything(tmp_path / "out") == {"mine.txt": b"kept"}


def test_what_a_killed_run_left_is_begun_anew(tmp_path: Path) -> None:
    left = tmp_path / ".out.unpacking" / "in"
    left.mkdir(parents=True)
    (left / "half.png").write_bytes(b"half")
    unpack(packed(tmp_path, tar_of(FILES)), tmp_path)
    assert everything(tmp_path / "out") == FILES


def test_a_full_disk_leaves_nothing_behind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> int:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(unpacking, "_write", full)
    with pytest.raises(FetchError, match="is full"):
        unpack(packed(tmp_path, tar_of(FILES)), tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["a.tgz"]
