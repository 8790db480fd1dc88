"""The reports of MIMIC-CXR, packed or not, in the folder or beside it; nothing is ever unpacked."""

import json
import shutil
from pathlib import Path
from zipfile import ZIP_DEFLATED, ZipFile

import pytest

from daug.errors import ManifestError
from tests.trainers.adapters import layouts
from tests.trainers.adapters import mimic_layout as mimic
from trainers.adapters.collection import Collection
from trainers.adapters.mimic_jpg import MIMIC_CXR_JPG
from trainers.adapters.mimic_reports import ARCHIVE, LONGEST, open_reports
from trainers.adapters.writing import write_manifest

PATIENT, STUDY, _ = mimic.OLD
NAME = mimic.report_name(PATIENT, STUDY)


def report(root: Path, patient: str = PATIENT, study: str = STUDY) -> str:
    with open_reports(Collection(root)) as reports:
        return reports.of(patient, study).text


def unpacked(archive: Path, folder: Path) -> None:
    shutil.unpack_archive(archive, folder)
    archive.unlink()


PLACES = [
    f"jpg/2.0.0/{ARCHIVE}",
    f"jpg/{ARCHIVE}",
    f"jpg/mimic-cxr/{ARCHIVE}",
    f"mimic-cxr/2.1.0/{ARCHIVE}",  # the tree of PhysioNet
]


@pytest.mark.parametrize("place", PLACES)
def test_the_archive_is_found_and_not_unpacked(tmp_path: Path, place: str) -> None:
    root = mimic.jpg(tmp_path / "jpg" / "2.0.0")
    mimic.reports_zip(tmp_path / place)
    before = sorted(tmp_path.rglob("*"))
    write_manifest(MIMIC_CXR_JPG, root, root / "m.csv")
    assert set(tmp_path.rglob("*")) - set(before) == {root / "m.csv", root / "m.about.json"}
    for line in layouts.manifest_lines(root / "m.csv").values():
        assert line["report"].endswith(f"Study {line['study_id']}.")
        assert json.loads(line["report_sections"])["findings"].startswith("Heart size is normal.")


@pytest.mark.parametrize(
    "place", ["jpg", "jpg/mimic-cxr-reports", "mimic-cxr-reports", "mimic-cxr"]
)
def test_unpacked_reports_say_the_same(tmp_path: Path, place: str) -> None:
    root = mimic.jpg(tmp_path / "jpg")
    archive = mimic.reports_zip(root / ARCHIVE)
    write_manifest(MIMIC_CXR_JPG, root, root / "packed.csv")
    unpacked(archive, tmp_path / place)
    write_manifest(MIMIC_CXR_JPG, root, root / "unpacked.csv")
    assert (root / "packed.csv").read_bytes() == (root / "unpacked.csv").read_bytes()
    assert "Mild edema." in (root / "packed.csv").read_text()


def test_without_reports_the_column_is_blank(tmp_path: Path) -> None:
    root = mimic.jpg(tmp_path / "jpg")
    said = write_manifest(MIMIC_CXR_JPG, root, root / "m.csv")
    lines = layouts.manifest_lines(root / "m.csv").values()
    assert said["rows"] == 4
    assert {(line["report"], line["report_sections"]) for line in lines} == {("", "")}


def test_each_study_has_its_own_report_and_one_that_is_missing_is_blank(tmp_path: Path) -> None:
    mimic.reports_zip(tmp_path / ARCHIVE)
    with open_reports(Collection(tmp_path)) as reports:
        for patient, study, _ in mimic.SPLITS:
            assert reports.of(patient, study).text.endswith(f"Study {study}.")
        assert reports.of("19999999", "59999999").text == ""


def test_members_that_lead_out_are_never_read_nor_written(tmp_path: Path) -> None:
    root = tmp_path / "a" / "b"
    evil = {
        f"../../{NAME}": "evil",
        f"/{NAME}": "evil",
        f"files/../{NAME}": "evil",
        "../../../escaped.txt": "evil",
    }
    mimic.reports_zip(root / ARCHIVE, evil)
    before = sorted(tmp_path.rglob("*"))
    assert report(root).endswith(f"Study {STUDY}.")
    assert sorted(tmp_path.rglob("*")) == before


def test_links_that_lead_out_are_not_followed(tmp_path: Path) -> None:
    root = tmp_path / "a" / "root"
    secret = layouts.write_lines(tmp_path / "secret" / "a.txt", "secret")
    (root / NAME).parent.mkdir(parents=True)
    (root / NAME).symlink_to(secret)
    assert report(root) == ""
    archive = mimic.reports_zip(tmp_path / "secret" / "a.zip")
    (root / ARCHIVE).symlink_to(archive)
    with pytest.raises(ManifestError, match="leads out"):
        report(root)


@pytest.mark.parametrize("content", [b"", b"no archive", b"PK\x03\x04 torn"])
def test_an_archive_that_is_none_is_one_sentence(tmp_path: Path, content: bytes) -> None:
    (tmp_path / ARCHIVE).write_bytes(content)
    with pytest.raises(ManifestError, match=r"cannot be read as a ZIP archive .* Download it"):
        report(tmp_path)


def test_a_torn_member_is_one_sentence_and_leaves_the_old_manifest(tmp_path: Path) -> None:
    root = mimic.jpg(tmp_path / "jpg")
    write_manifest(MIMIC_CXR_JPG, root, root / "m.csv")
    before = (root / "m.csv").read_bytes()
    archive = mimic.reports_zip(root / ARCHIVE)
    with ZipFile(archive) as file:
        at = file.getinfo(NAME).header_offset + 30 + len(NAME) + 20  # within what is packed
    content = bytearray(archive.read_bytes())
    content[at : at + 8] = bytes(8)
    archive.write_bytes(content)
    with pytest.raises(ManifestError, match=rf"{NAME} cannot be read .* Download the archive"):
        write_manifest(MIMIC_CXR_JPG, root, root / "m.csv")
    assert (root / "m.csv").read_bytes() == before
    assert not list(root.glob(".*.partial"))


def test_an_archive_with_a_password_is_one_sentence(tmp_path: Path) -> None:
    archive = mimic.reports_zip(tmp_path / ARCHIVE)
    content = bytearray(archive.read_bytes())
    for mark, flags in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        at = content.find(mark)
        while at >= 0:
            content[at + flags] |= 1
            at = content.find(mark, at + 4)
    archive.write_bytes(content)
    with pytest.raises(ManifestError, match=r"cannot be read .*password"):
        report(tmp_path)


@pytest.mark.parametrize("packed", [True, False])
def test_a_report_that_would_fill_the_memory_is_refused(tmp_path: Path, packed: bool) -> None:
    with ZipFile(tmp_path / ARCHIVE, "w", ZIP_DEFLATED) as archive:
        archive.writestr(NAME, "x" * (20 * LONGEST))
    if not packed:
        unpacked(tmp_path / ARCHIVE, tmp_path)
    with pytest.raises(ManifestError, match="is longer than"):
        report(tmp_path)


def test_bytes_that_are_no_text_do_not_stop_the_rest(tmp_path: Path) -> None:
    (tmp_path / NAME).parent.mkdir(parents=True)
    (tmp_path / NAME).write_bytes(b" FINDINGS: \xff\xfe clear.")
    assert report(tmp_path).endswith("clear.")
