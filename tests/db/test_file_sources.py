import io
import stat
import struct
import zipfile
from pathlib import Path

import cv2
import pytest

from daug.errors import LibraryError
from daug.import_report import ImportReport
from db import file_sources
from db.file_sources import FilesSource, ZipSource
from db.library import Library
from tests.db.drawn import chest, write_picture


def png(seed: int) -> bytes:
    return bytes(cv2.imencode(".png", chest(seed))[1].tobytes())


def import_zip(library: Library, path: Path) -> ImportReport:
    return library.import_from(lambda key, spare: ZipSource(path, spare))


def zipped(path: Path, entries: dict[str, bytes]) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in entries.items():
            archive.writestr(name, content)
    return path


def test_the_radiographs_of_a_zip_are_imported_and_the_rest_is_told(
    library: Library, tmp_path: Path
) -> None:
    entries = {"a/1.png": png(1), "b/2.png": png(2), "notes.txt": b"hello", "a/.DS_Store": b"x"}
    report = import_zip(library, zipped(tmp_path / "set.zip", entries))
    assert len(report.imported) == 2
    (skipped,) = report.skipped
    assert skipped.file == "notes.txt"
    assert "not an image" in skipped.reason
    assert "entry-" not in skipped.reason  # the name under which it was unpacked


@pytest.mark.parametrize(
    "name", ["../escaped.png", "/tmp/escaped.png", "a/../../escaped.png", "..\\escaped.png"]
)
def test_an_entry_that_leads_out_of_the_zip_is_written_nowhere(
    library: Library, tmp_path: Path, name: str
) -> None:
    before = {path for path in tmp_path.rglob("*") if "library" not in path.parts}
    report = import_zip(library, zipped(tmp_path / "set.zip", {name: png(1), "fine.png": png(2)}))
    assert len(report.imported) == 1
    assert "leads out of the ZIP" in report.skipped[0].reason
    assert not list(tmp_path.parent.rglob("escaped.png"))
    assert {p for p in tmp_path.rglob("*") if "library" not in p.parts} - before == {
        tmp_path / "set.zip"
    }


def test_a_bomb_is_refused_from_the_list_alone(library: Library, tmp_path: Path) -> None:
    report = import_zip(library, zipped(tmp_path / "set.zip", {"bomb.png": bytes(32 * 2**20)}))
    assert "packed far more tightly" in report.skipped[0].reason


def test_an_entry_that_lies_about_its_size_is_not_unpacked_beyond_it(
    library: Library, tmp_path: Path
) -> None:
    path = zipped(tmp_path / "set.zip", {"big.png": bytes(2**20)})
    content = path.read_bytes()
    for mark, offset in ((b"PK\x03\x04", 22), (b"PK\x01\x02", 24)):  # both places of the size
        at = content.index(mark) + offset
        content = content[:at] + struct.pack("<I", 100) + content[at + 4 :]
    path.write_bytes(content)
    report = import_zip(library, path)
    assert report.imported == []
    assert len(report.skipped) == 1


def test_entries_that_share_their_bytes_are_refused(library: Library, tmp_path: Path) -> None:
    """A ZIP that names one packed entry many times, as the quine bombs do."""
    path = zipped(tmp_path / "set.zip", {"a.png": png(1)})
    with zipfile.ZipFile(path, "a") as archive:
        (entry,) = archive.infolist()
        for number in range(50):
            twin = zipfile.ZipInfo(f"twin{number}.png")
            for name in ("header_offset", "compress_size", "file_size", "CRC", "compress_type"):
                setattr(twin, name, getattr(entry, name))
            archive.filelist.append(twin)
        archive._didModify = True  # type: ignore[attr-defined]
    with pytest.raises(LibraryError, match="looks built to fill a disk"):
        import_zip(library, path)


def test_archives_in_archives_are_not_opened(library: Library, tmp_path: Path) -> None:
    inner = io.BytesIO()
    with zipfile.ZipFile(inner, "w") as archive:
        archive.writestr("1.png", png(1))
    report = import_zip(library, zipped(tmp_path / "set.zip", {"inner.png": inner.getvalue()}))
    assert "Archives in archives" in report.skipped[0].reason


def test_links_are_not_followed(library: Library, tmp_path: Path) -> None:
    path = tmp_path / "set.zip"
    with zipfile.ZipFile(path, "w") as archive:
        link = zipfile.ZipInfo("link.png")
        link.external_attr = (stat.S_IFLNK | 0o777) << 16
        archive.writestr(link, "/etc/passwd")
    assert "links are not followed" in import_zip(library, path).skipped[0].reason
    folder = tmp_path / "folder"
    write_picture(folder / "1.png", 1)
    (folder / "2.png").symlink_to(write_picture(tmp_path / "outside.png", 2))
    report = library.import_from(lambda key, spare: FilesSource([folder]))
    assert len(report.imported) == 1
    assert report.skipped[0].file == "2.png"


def test_a_damaged_entry_is_skipped_and_nothing_stays_unpacked(
    library: Library, tmp_path: Path
) -> None:
    path = zipped(tmp_path / "set.zip", {"1.png": png(1), "2.png": png(2)})
    content = bytearray(path.read_bytes())
    content[len(content) // 4] ^= 0xFF
    path.write_bytes(bytes(content))
    report = import_zip(library, path)
    assert (len(report.imported), len(report.skipped)) == (1, 1)
    assert list((library.folder.path / "incoming").iterdir()) == []


def test_what_is_no_zip_is_a_sentence(library: Library, tmp_path: Path) -> None:
    (tmp_path / "set.zip").write_bytes(b"PK\x03\x04 and no more")
    with pytest.raises(LibraryError, match="no ZIP that can be read"):
        import_zip(library, tmp_path / "set.zip")


def test_too_many_entries_are_refused(
    library: Library, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(file_sources, "MAX_ENTRIES", 2)
    path = zipped(tmp_path / "set.zip", {f"{n}.png": b"x" for n in range(3)})
    with pytest.raises(LibraryError, match="holds 3 entries"):
        import_zip(library, path)
