"""A folder of DICOM studies: frontal chests are listed, the rest is counted, nobody is named."""

import json
import stat
from pathlib import Path
from typing import Any

import pytest
from pydicom.uid import generate_uid

import app
from daug.errors import ManifestError
from daug.findings import Finding
from tests.daug.loading.dicom_files import BUNDLED, write_dicom
from tests.trainers.adapters import layouts
from trainers.adapters.collection import Collection, Place
from trainers.adapters.dicom_folder import (
    IS_DIRECTORY,
    LATERAL,
    MODALITY_LACKING,
    NO_DICOM,
    NO_PIXELS,
    NOT_THERE,
    OTHER_BODY_PART,
    OTHER_VIEW,
    SEVERAL,
    UNREADABLE,
    dicom_folder_adapter,
)
from trainers.adapters.identity_key import KEY_BYTES, open_key
from trainers.adapters.record import LeftOut, Record
from trainers.adapters.writing import SAME_AGAIN, write_manifest
from trainers.manifest import read_manifest

KEY = b"k" * KEY_BYTES
ROOT_UID = "1.2.826.0.1.3680043.8.498."
NAMES = ("MRN12345X", "DOE", "JANE", "20200102", "20210203", "19500304", ROOT_UID, "ACC777")


def film(path: Path, **elements: Any) -> Path:
    """Write a frontal chest radiograph under any name."""
    path.parent.mkdir(parents=True, exist_ok=True)
    usual = {
        "SOPInstanceUID": generate_uid(ROOT_UID, [str(path)]),
        "StudyInstanceUID": generate_uid(ROOT_UID, [str(path.parent)]),
        "Modality": "DX",
        "BodyPartExamined": "CHEST",
        "ViewPosition": "PA",
        "PatientID": "MRN12345X",
        "PatientName": "DOE^JANE",
        "PatientBirthDate": "19500304",
        "AccessionNumber": "ACC777",
    }
    return write_dicom(path.parent, **(usual | elements)).rename(path)


def listed(root: Path, labels: Path | None = None) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return what is said of a folder, and its manifest's lines by the image's path."""
    said = write_manifest(dicom_folder_adapter("mine", KEY, labels), root, root / "m.csv")
    lines = layouts.manifest_lines(root / "m.csv").values()
    return said, {line["image"]: line for line in lines}


def test_nothing_that_is_written_names_a_patient_or_a_day(tmp_path: Path) -> None:
    root = tmp_path / "root"
    film(root / "a" / "1", StudyDate="20200102", PatientAge="070Y", PatientSex="F")
    film(root / "b" / "2", StudyDate="20210203", PatientAge="093Y")
    said, lines = listed(root)
    kept = (root / "m.csv").read_text() + (root / "m.about.json").read_text() + json.dumps(said)
    assert not [name for name in NAMES if name in kept]
    one, two = lines["a/1"], lines["b/2"]
    assert one["patient_id"] == two["patient_id"]
    assert one["study_id"] != two["study_id"]
    seconds = int(two["study_order"]) - int(one["study_order"])
    assert seconds == 398 * 86400  # the time between them is kept, the days are not
    assert (one["sex"], one["age"], two["age"], one["view"]) == ("F", "70", "90", "PA")
    assert (one["width"], one["height"]) == ("100", "80")
    assert all(one[finding] == "" for finding in Finding)


def test_what_is_no_frontal_chest_is_counted_by_reason(tmp_path: Path) -> None:
    film(tmp_path / "kept" / "no view stated", ViewPosition=None, BodyPartExamined=None)
    film(tmp_path / "kept" / "deeper" / "AP.weird", ViewPosition="AP", Modality="CR")
    film(tmp_path / "out" / "lateral", ViewPosition="LL")
    film(tmp_path / "out" / "oblique", ViewPosition="RAO")
    film(tmp_path / "out" / "ct", Modality="CT")
    film(tmp_path / "out" / "odd", Modality="DOE^JANE")
    film(tmp_path / "out" / "unsaid", Modality=None)
    film(tmp_path / "out" / "hand", BodyPartExamined="HAND")
    film(tmp_path / "out" / "empty", PixelData=b"")
    film(tmp_path / "out" / "cine", NumberOfFrames=2)
    whole = film(tmp_path / "out" / "torn").read_bytes()
    (tmp_path / "out" / "torn").write_bytes(whole[:152])
    (tmp_path / "out" / "notes.txt").write_text("no image")
    (tmp_path / "DICOMDIR").write_bytes(whole)
    (tmp_path / ".hidden").write_bytes(whole)
    said, lines = listed(tmp_path)
    assert set(lines) == {"kept/no view stated", "kept/deeper/AP.weird"}
    assert said["skipped"] == {
        LATERAL: 1,
        OTHER_VIEW: 1,
        "it is a CT image": 1,
        "it is another kind of DICOM object": 1,  # whatever stands there is not repeated
        MODALITY_LACKING: 1,
        OTHER_BODY_PART: 1,
        NO_PIXELS: 1,
        SEVERAL: 1,
        UNREADABLE: 1,
        NO_DICOM: 1,
    }
    assert said["views"] == {"AP": 1, "not stated": 1}


def test_links_out_of_the_folder_are_not_opened(tmp_path: Path) -> None:
    film(tmp_path / "root" / "kept")
    outside = film(tmp_path / "elsewhere" / "secret")
    (tmp_path / "root" / "link").symlink_to(outside)
    (tmp_path / "root" / "folder").symlink_to(outside.parent)
    said, lines = listed(tmp_path / "root")
    assert set(lines) == {"kept"}
    assert said["skipped"] == {Place.OUTSIDE.value: 1}


def test_a_copy_of_an_image_is_listed_once(tmp_path: Path) -> None:
    first = film(tmp_path / "1")
    (tmp_path / "2").write_bytes(first.read_bytes())
    said, _ = listed(tmp_path)
    assert (said["rows"], said["skipped"]) == (1, {SAME_AGAIN: 1})


def test_patients_without_a_number_are_kept_apart_by_study(tmp_path: Path) -> None:
    for study in "ab":
        for number in "12":
            film(tmp_path / study / number, PatientID="ANONYMOUS")
    _, lines = listed(tmp_path)
    of = {image: line["patient_id"] for image, line in lines.items()}
    assert of["a/1"] == of["a/2"] != of["b/1"] == of["b/2"]


def test_a_table_brings_labels_and_the_files_say_the_rest(tmp_path: Path) -> None:
    root = tmp_path / "root"
    film(root / "a" / "1", PatientSex="M")
    film(root / "b" / "2", PatientID="other")
    film(root / "c" / "3", PatientID="third")
    film(root / "d" / "4", PatientID="fourth")
    table = layouts.write_lines(
        tmp_path / "labels.csv",
        "image,patient_id,sex,split,Cardiomegaly,Edema,report",
        "a/1,MRN12345X,F,test,1,-1,Large heart.",
        "b/2,,,,yes,,",
        "c/gone,,,,1,,",
    )
    said, lines = listed(root, table)
    assert said["skipped"] == {"a label is not 1, 0, -1 or blank": 1, NOT_THERE: 1}
    told = lines["a/1"]
    assert (told["Cardiomegaly"], told["Edema"], told["Pneumonia"]) == ("1", "-1", "")
    assert (told["split"], told["sex"], told["report"]) == ("test", "M", "Large heart.")
    assert "MRN12345X" not in (root / "m.csv").read_text()
    assert all(lines["c/3"][finding] == "" for finding in Finding)


def test_the_key_beside_the_manifest_keeps_names_and_splits(tmp_path: Path) -> None:
    root, out = tmp_path / "root", tmp_path / "m.csv"
    for number in range(12):
        film(root / f"{number}", PatientID=f"p{number}")
    tell = ["data", "dicom-folder", str(root), "-o", str(out), "--name", "mine", "--json"]
    manifests = []
    for more in ([], [], ["--key", str(tmp_path / "other.key")]):
        with pytest.raises(SystemExit) as left:
            app.main([*tell, *more])
        assert left.value.code == 0
        manifests.append(out.read_text())
    assert manifests[0] == manifests[1] != manifests[2]
    assert stat.S_IMODE((tmp_path / "m.identity.key").stat().st_mode) == 0o600
    assert len(read_manifest(out)) == 12


def test_a_key_that_is_not_whole_is_refused(tmp_path: Path) -> None:
    (tmp_path / "short.key").write_bytes(b"k")
    with pytest.raises(ManifestError, match="holds 1 bytes, but a key has 32"):
        open_key(tmp_path / "short.key")
    with pytest.raises(ManifestError, match="Name with --key"):
        open_key(tmp_path / "short.key" / "below.key")
    assert open_key(tmp_path / "new" / "a.key") == open_key(tmp_path / "new" / "a.key")


def test_a_folder_without_a_chest_says_what_was_there(tmp_path: Path) -> None:
    film(tmp_path / "1", Modality="MG")
    with pytest.raises(ManifestError, match="1 left out since it is a mammogram"):
        listed(tmp_path)


def test_pydicoms_own_files_are_all_told_apart() -> None:
    adapter = dicom_folder_adapter("bundled", KEY)
    items = list(adapter.read(Collection(BUNDLED)))
    assert len(items) > 150
    reasons = {item.reason for item in items if isinstance(item, LeftOut)}
    assert {NO_DICOM, IS_DIRECTORY, OTHER_BODY_PART, "it is a CT image"} <= reasons
    assert not [item for item in items if isinstance(item, Record)]  # no chest is among them


@pytest.mark.shared
def test_real_chests_are_listed_without_their_numbers(shared: Path) -> None:
    folder = shared / "dicom"
    if not folder.is_dir():
        pytest.skip("no DICOM files in the shared data")
    found = list(dicom_folder_adapter("real", KEY).read(Collection(folder)))
    records = [item for item in found if isinstance(item, Record)]
    assert len(records) == 2
    assert {record.view for record in records} == {"PA"}
    assert {record.age for record in records} == {"", "62"}
    assert "9RG1" not in repr(records)
