import zipfile
from pathlib import Path

import pytest

from daug.errors import LibraryError
from daug.import_report import Progress
from db import importing
from db.library import Library
from tests.db.drawn import row, write_manifest, write_picture


@pytest.fixture
def manifest(tmp_path: Path) -> Path:
    """Of twelve radiographs, every third in the test split."""
    splits = ("train", "train", "test")
    return write_manifest(tmp_path / "files", [row(n, split=splits[n % 3]) for n in range(12)])


def test_a_manifest_a_zip_a_folder_and_files_are_told_apart(
    library: Library, manifest: Path, tmp_path: Path
) -> None:
    """Each time the same pixels, which are there already from the second time on."""
    images = manifest.parent / "images"
    with zipfile.ZipFile(tmp_path / "all.zip", "w") as archive:
        for path in images.iterdir():
            archive.write(path, path.name)
    first = library.import_files([manifest], split="test")
    assert len(first.imported) == 4
    assert library.case(first.imported[0]).source == "drawn"
    from_zip = library.import_files([tmp_path / "all.zip"], dataset="zipped")
    assert (len(from_zip.imported), len(from_zip.duplicates)) == (8, 4)
    assert library.case(from_zip.imported[0]).source == "zipped"
    assert len(library.import_files([images]).duplicates) == 12
    one = write_picture(tmp_path / "one.png", 99)
    both = library.import_files([images / "0.png", one])
    assert (len(both.imported), len(both.duplicates)) == (1, 1)


def test_only_a_manifest_has_splits(library: Library, manifest: Path) -> None:
    with pytest.raises(LibraryError, match="Only a manifest has splits"):
        library.import_files([manifest.parent], split="test")


def test_an_import_stops_after_the_batch_under_way_and_goes_on_when_it_is_repeated(
    library: Library, manifest: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(importing, "BATCH_SECONDS", 0.0)  # a batch of one or two
    told: list[Progress] = []
    report = library.import_files([manifest], stop=lambda: len(told) == 3, on_progress=told.append)
    assert len(told) == 3
    assert 3 <= len(report.imported) == told[-1].imported < 12
    assert library.ids().tolist() == report.imported
    assert library.verify(deep=True).consistent
    again = library.import_files([manifest])
    assert len(again.duplicates) == len(report.imported)
    assert library.count() == 12
