"""CheXpert and CheXpert-small, as they are unpacked."""

from pathlib import Path

import pytest

from daug.errors import ManifestError
from daug.findings import Finding
from tests.trainers.adapters import layouts
from trainers.adapters.chexpert import CHEXPERT
from trainers.adapters.writing import write_manifest
from trainers.manifest import read_manifest

TRAIN = {
    "Path": "CheXpert-v1.0-small/train/patient00001/study1/view1_frontal.jpg",
    "Sex": "Female",
    "Age": "68",
    "Frontal/Lateral": "Frontal",
    "AP/PA": "AP",
    "No Finding": "1.0",
    "Pneumothorax": "0.0",
    "Edema": "-1.0",
}
LATERAL = {
    **TRAIN,
    "Path": "CheXpert-v1.0-small/train/patient00001/study2/view2_lateral.jpg",
    "Frontal/Lateral": "Lateral",
    "AP/PA": "",
    "Age": "0",
}
VALID = {**TRAIN, "Path": "CheXpert-v1.0-small/valid/patient64541/study1/view1_frontal.jpg"}


def collection(root: Path) -> Path:
    layouts.write_rows(root / "train.csv", layouts.CHEXPERT_HEADER, [TRAIN, LATERAL])
    layouts.write_rows(root / "valid.csv", layouts.CHEXPERT_HEADER, [VALID])
    for row in (TRAIN, LATERAL, VALID):
        path = root / row["Path"].partition("/")[2]
        layouts.pictures(path.parent, path.name)
    return root


def test_uncertain_stays_uncertain_and_blank_stays_unknown(tmp_path: Path) -> None:
    root = collection(tmp_path)
    write_manifest(CHEXPERT, root, root / "m.csv")
    rows = {row.id: row for row in read_manifest(root / "m.csv")}
    first = rows["chexpert-patient00001-study1-view1_frontal"]
    assert dict(first.labels) == {
        Finding.NO_FINDING: 1,
        Finding.PNEUMOTHORAX: 0,
        Finding.EDEMA: -1,
    }
    assert (first.split, first.view, first.age) == ("train", "AP", "68")
    lateral = rows["chexpert-patient00001-study2-view2_lateral"]
    assert (lateral.view, lateral.age, lateral.patient) == ("L", "", first.patient)
    assert rows["chexpert-patient64541-study1-view1_frontal"].split == "val"


def test_the_folder_above_the_release_will_do(tmp_path: Path) -> None:
    collection(tmp_path / "CheXpert-v1.0-small")
    assert write_manifest(CHEXPERT, tmp_path, tmp_path / "m.csv")["rows"] == 3
    assert all(row.image.is_file() for row in read_manifest(tmp_path / "m.csv"))


def test_the_full_releases_batches_are_found(tmp_path: Path) -> None:
    root = collection(tmp_path)
    (root / "train").rename(root / "CheXpert-v1.0 batch 2 (train 1)")
    (root / "valid").rename(root / "CheXpert-v1.0 batch 1 (validate & csv)")
    assert write_manifest(CHEXPERT, root, root / "m.csv")["skipped"] == {}


@pytest.mark.parametrize(
    ("changed", "reason"),
    [
        ({"Edema": "maybe"}, "a label is not 1, 0, -1 or blank"),
        ({"Path": "CheXpert-v1.0-small/train/a.jpg"}, "its path names no patient and study"),
        (
            {"Path": "../secret/patient1/study1/view1.jpg"},
            "the image's path leads out of the collection's folder",
        ),
        (
            {"Path": "/secret/patient1/study1/view1.jpg"},
            "the image's path leads out of the collection's folder",
        ),
    ],
)
def test_a_row_that_cannot_be_used_is_counted(
    tmp_path: Path, changed: dict[str, str], reason: str
) -> None:
    root = collection(tmp_path / "root")
    layouts.pictures(tmp_path / "secret" / "patient1" / "study1", "view1.jpg")
    layouts.write_rows(root / "train.csv", layouts.CHEXPERT_HEADER, [LATERAL, {**TRAIN, **changed}])
    said = write_manifest(CHEXPERT, root, root / "m.csv", keep_missing=True)
    assert said["skipped"] == {reason: 1}


def test_another_folder_is_refused_with_what_was_expected(tmp_path: Path) -> None:
    with pytest.raises(ManifestError, match=r"holds none of train.csv.*ROOT holds"):
        write_manifest(CHEXPERT, tmp_path, tmp_path / "m.csv")
    assert list(tmp_path.iterdir()) == []
