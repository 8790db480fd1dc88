"""PadChest, as its archive is laid out."""

from pathlib import Path

import pytest

from daug.findings import Finding
from tests.trainers.adapters import layouts
from trainers.adapters.padchest import PADCHEST, TABLE
from trainers.adapters.writing import write_manifest
from trainers.manifest import read_manifest

HEADER = (
    ",ImageID,ImageDir,StudyDate_DICOM,StudyID,PatientID,PatientBirth,PatientSex_DICOM,Projection,"
    "Report,MethodLabel,Labels"
)
IMAGE = {
    "ImageID": "a.png",
    "ImageDir": "7",
    "StudyDate_DICOM": "20140915",
    "StudyID": "s1",
    "PatientID": "p1",
    "PatientBirth": "1930.0",
    "PatientSex_DICOM": "F",
    "Projection": "AP_horizontal",
    "Report": "cardiomegali .",
    "Labels": "['cardiomegaly', ' NSG tube', 'scoliosis']",
}


def collection(root: Path, *rows: dict[str, str]) -> Path:
    layouts.write_rows(root / TABLE, HEADER, rows)
    for row in rows:
        layouts.pictures(root / row["ImageDir"], row["ImageID"])
    return root


def test_labels_age_view_and_report_are_read(tmp_path: Path) -> None:
    root = collection(tmp_path, IMAGE)
    said = write_manifest(PADCHEST, root, root / "m.csv")
    (row,) = read_manifest(root / "m.csv")
    present = {finding for finding, value in row.labels.items() if value == 1}
    assert present == {Finding.CARDIOMEGALY, Finding.SUPPORT_DEVICES}
    assert row.labels[Finding.NO_FINDING] == 0
    assert (row.age, row.view, row.report) == ("84", "AP_horizontal", "cardiomegali .")
    assert row.image.is_file()
    assert said["unknown_words"] == {}


@pytest.mark.parametrize(
    ("changed", "reason"),
    [
        ({"Labels": "['exclude']"}, "it is labelled exclude"),
        ({"Projection": "COSTAL"}, "it shows ribs, not the chest"),
        ({"Labels": "normal"}, "its labels are no list"),
        ({"Labels": "[" * 5000}, "its labels are no list"),
        ({"Labels": "__import__('pathlib').Path('ran').touch()"}, "its labels are no list"),
        ({"Labels": "[open('ran', 'w')]"}, "its labels are no list"),
    ],
)
def test_what_cannot_be_used_is_counted_and_never_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, changed: dict[str, str], reason: str
) -> None:
    monkeypatch.chdir(tmp_path)
    root = collection(tmp_path, IMAGE, {**IMAGE, "ImageID": "b.png", **changed})
    assert write_manifest(PADCHEST, root, root / "m.csv")["skipped"] == {reason: 1}
    assert not (tmp_path / "ran").exists()


def test_images_in_one_flat_folder_are_found(tmp_path: Path) -> None:
    root = collection(tmp_path, IMAGE)
    (root / "7" / "a.png").rename(root / "a.png")
    assert write_manifest(PADCHEST, root, root / "m.csv")["rows"] == 1
