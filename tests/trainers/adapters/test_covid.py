"""The COVID-19 image data collection, in its first and its newest form."""

from pathlib import Path

import pytest

from daug.findings import Finding
from tests.trainers.adapters import layouts
from trainers.adapters.covid import COVID
from trainers.adapters.writing import write_manifest
from trainers.manifest import read_manifest

CASE = {
    "patientid": "2",
    "offset": "3",
    "sex": "M",
    "age": "65",
    "finding": "Pneumonia/Viral/COVID-19",
    "view": "AP Supine",
    "modality": "X-ray",
    "folder": "images",
    "filename": "a.png",
    "doi": "10.1/x",
    "license": "CC BY-NC-SA",
    "clinical_notes": "=cmd() opacities",
}


def collection(root: Path, *rows: dict[str, str]) -> Path:
    layouts.write_rows(root / "metadata.csv", layouts.COVID_HEADER, rows)
    layouts.pictures(root / "images", *(row["filename"] for row in rows))
    return root


@pytest.mark.parametrize(
    ("finding", "labels"),
    [
        ("Pneumonia/Viral/COVID-19", {Finding.NO_FINDING: 0, Finding.PNEUMONIA: 1}),
        ("COVID-19, ARDS", {Finding.NO_FINDING: 0, Finding.PNEUMONIA: 1}),
        ("Tuberculosis", {Finding.NO_FINDING: 0}),
        ("todo", {}),
        ("Unknown", {}),
    ],
)
def test_a_diagnosis_says_no_more_than_it_says(
    tmp_path: Path, finding: str, labels: dict[Finding, int]
) -> None:
    root = collection(tmp_path, {**CASE, "finding": finding})
    write_manifest(COVID, root, root / "m.csv")
    (row,) = read_manifest(root / "m.csv")
    assert dict(row.labels) == labels


def test_no_finding_denies_every_disease_and_says_nothing_of_devices(tmp_path: Path) -> None:
    root = collection(tmp_path, {**CASE, "finding": "No Finding"})
    write_manifest(COVID, root, root / "m.csv")
    (row,) = read_manifest(root / "m.csv")
    assert row.labels[Finding.NO_FINDING] == 1
    assert row.labels[Finding.EDEMA] == 0
    assert Finding.SUPPORT_DEVICES not in row.labels


def test_each_image_keeps_its_licence_its_source_and_its_notes_as_they_are(tmp_path: Path) -> None:
    root = collection(tmp_path, CASE, {**CASE, "filename": "b.png", "license": "", "offset": "-2"})
    said = write_manifest(COVID, root, root / "m.csv")
    lines = layouts.manifest_lines(root / "m.csv")
    first, second = lines["cohen-a.png"], lines["cohen-b.png"]
    assert first["license"] == "CC BY-NC-SA"
    assert second["license"] == "unstated"
    assert first["citation"].endswith("10.1/x")
    assert first["report"] == "=cmd() opacities"
    assert (second["study_order"], first["study_order"]) == ("0", "5")  # days, from the first
    assert said["licences"] == {"CC BY-NC-SA": 1, "unstated": 1}


def test_tomography_is_left_out_with_its_reason(tmp_path: Path) -> None:
    root = collection(
        tmp_path,
        CASE,
        {**CASE, "filename": "b.png", "modality": "CT"},
        {**CASE, "filename": "c.png", "modality": "", "view": "Axial"},
    )
    assert write_manifest(COVID, root, root / "m.csv")["skipped"] == {
        "it is no radiograph but CT": 1,
        "it is no radiograph but a section": 1,
    }


def test_the_first_releases_columns_are_understood(tmp_path: Path) -> None:
    header = (
        "Patientid,offset,sex,age,finding,survival,view,date,location,filename,doi, url,license,"
        "notes"
    )
    layouts.write_lines(
        tmp_path / "metadata.csv", header, "7,0,F,50,SARS,Y,PA,2003,There,a.png,,http://x,,A note."
    )
    layouts.pictures(tmp_path / "images", "a.png")
    write_manifest(COVID, tmp_path, tmp_path / "m.csv")
    (line,) = layouts.manifest_lines(tmp_path / "m.csv").values()
    assert (line["patient_id"], line["report"], line["Pneumonia"]) == ("7", "A note.", "1")
    assert line["citation"].endswith("http://x")
