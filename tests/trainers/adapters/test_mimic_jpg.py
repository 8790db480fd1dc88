"""MIMIC-CXR-JPG, releases 2.0.0 and 2.1.0."""

from pathlib import Path

import pytest

from daug.errors import ManifestError
from daug.findings import Finding
from tests.trainers.adapters import layouts
from tests.trainers.adapters import mimic_layout as mimic
from trainers.adapters.mimic_jpg import MIMIC_CXR_JPG
from trainers.adapters.mimic_labels import CONTRADICTION, NO_LABEL, TWICE
from trainers.adapters.mimic_names import (
    LATERAL,
    NO_NAME,
    NO_SPLIT,
    NO_VIEW,
    OBLIQUE,
    frontal_view,
    study_order,
)
from trainers.adapters.writing import write_manifest
from trainers.manifest import read_manifest
from trainers.sources import SOURCES, MayTrain


def listed(root: Path) -> dict[str, dict[str, str]]:
    """Write a manifest; return its lines by image."""
    write_manifest(MIMIC_CXR_JPG, root, root / "m.csv")
    return {
        name.removeprefix("mimic-"): line
        for name, line in layouts.manifest_lines(root / "m.csv").items()
    }


@pytest.mark.parametrize("packed", [True, False])
def test_release_2_0_is_listed_by_its_own_split_and_chexperts_labels(
    tmp_path: Path, packed: bool
) -> None:
    root = mimic.jpg(tmp_path, packed=packed)
    said = write_manifest(MIMIC_CXR_JPG, root, root / "m.csv")
    rows = {row.id: row for row in read_manifest(root / "m.csv")}
    assert said["splits"] == {"test": 1, "train": 2, "val": 1}
    assert said["skipped"] == {LATERAL: 1}
    old = rows[f"mimic-{mimic.OLD[2]}"]
    assert old.labels == {Finding.EDEMA: 1, Finding.PNEUMONIA: -1, Finding.PNEUMOTHORAX: 0}
    assert (old.patient, old.split, old.view) == ("mimic/10000032", "train", "AP")
    assert old.image.is_file()
    assert rows[f"mimic-{mimic.VAL[2]}"].labels == {}
    assert rows[f"mimic-{mimic.VAL[2]}"].view == "PA"  # by its coded meaning
    line = layouts.manifest_lines(root / "m.csv")[old.id]
    assert (line["width"], line["height"]) == ("2544", "3056")
    assert line["license"] == "PhysioNet Credentialed Health Data License 1.5.0"


def test_both_programs_labels_are_kept_and_chexperts_hold_where_they_differ(
    tmp_path: Path,
) -> None:
    line = listed(mimic.jpg(tmp_path))[mimic.OLD[2]]
    assert line["Edema"] == "1"
    assert line["raw_labels"] == (
        "chexpert:Edema=1|chexpert:Pneumonia=-1|chexpert:Pneumothorax=0|"
        "negbio:Edema=0|negbio:Pneumonia=-1"
    )


def test_a_radiologists_labels_replace_those_of_the_test_studies_and_say_so(
    tmp_path: Path,
) -> None:
    lines = listed(mimic.jpg_2_1(tmp_path))
    test = lines[mimic.TEST[2]]
    assert (test["Edema"], test["Lung Opacity"]) == ("0", "-1")
    assert test["Fracture"] == ""  # CheXpert's does not fill what the radiologist left blank
    assert test["raw_labels"].startswith("radiologist:Edema=0|radiologist:Airspace Opacity=-1|")
    assert "chexpert:Edema=1" in test["raw_labels"]
    assert "radiologist" not in lines[mimic.OLD[2]]["raw_labels"]
    assert lines[mimic.OLD[2]]["Edema"] == "1"
    assert "radiologist" in MIMIC_CXR_JPG.splits


def test_negbio_labels_where_chexpert_does_not_know_the_study(tmp_path: Path) -> None:
    root = mimic.jpg(tmp_path)
    (root / "mimic-cxr-2.0.0-chexpert.csv.gz").unlink()
    assert listed(root)[mimic.OLD[2]]["Edema"] == "0"
    (root / "mimic-cxr-2.0.0-negbio.csv.gz").unlink()
    assert all(line["raw_labels"] == "" for line in listed(root).values())


def test_no_finding_beside_a_finding_is_not_known_and_counted(tmp_path: Path) -> None:
    root = mimic.jpg(tmp_path)
    both = {mimic.NEW[1]: {"No Finding": "1.0", "Fracture": "1.0", "Support Devices": "1.0"}}
    devices = {mimic.OLD[1]: {"No Finding": "1.0", "Support Devices": "1.0", "Edema": "0.0"}}
    name = root / "mimic-cxr-2.0.0-chexpert.csv"
    mimic.label_table(name, mimic.LABELS, both | devices)
    said = write_manifest(MIMIC_CXR_JPG, root, root / "m.csv")
    lines = layouts.manifest_lines(root / "m.csv")
    new, old = (lines[f"mimic-{names[2]}"] for names in (mimic.NEW, mimic.OLD))
    assert (new["No Finding"], new["Fracture"], old["No Finding"]) == ("", "1", "1")
    assert "chexpert:No Finding=1" in new["raw_labels"]
    assert said["unknown_words"] == {CONTRADICTION: 1}


@pytest.mark.parametrize(
    ("rows", "reason"),
    [
        ([{"Edema": "1.0"}, {"Edema": "0.0"}], TWICE),
        ([{"Edema": "1.0"}, {"Edema": "0.0"}, {"Edema": "0.0"}], TWICE),
        ([{"Edema": "maybe"}], NO_LABEL),
        ([{"Edema": "1.0"}, {"Edema": "1.0"}], ""),
    ],
)
def test_labels_that_cannot_be_used_leave_the_study_out(
    tmp_path: Path, rows: list[dict[str, str]], reason: str
) -> None:
    root = mimic.jpg(tmp_path)
    lines = [{"subject_id": mimic.NEW[0], "study_id": mimic.NEW[1], **row} for row in rows]
    mimic.table(root / "mimic-cxr-2.0.0-chexpert.csv", mimic.LABELS, lines)
    said = write_manifest(MIMIC_CXR_JPG, root, root / "m.csv")
    assert said["skipped"] == {LATERAL: 1} | ({reason: 1} if reason else {})


def test_studies_of_one_day_are_ordered_by_their_time(tmp_path: Path) -> None:
    lines = listed(mimic.jpg(tmp_path))
    old, new = lines[mimic.OLD[2]], lines[mimic.NEW[2]]
    assert (old["study_id"], old["study_order"]) == (mimic.OLD[1], "21800506090514")
    assert (new["study_id"], new["study_order"]) == (mimic.NEW[1], "21800506213014")


def test_the_case_library_orders_studies_of_one_day(tmp_path: Path) -> None:
    from db.library import init_library

    root = mimic.jpg(tmp_path / "mimic", names=(mimic.NEW, mimic.OLD))
    for image in root.rglob("*.jpg"):
        layouts.pictures(image.parent, image.name, size=128)
    write_manifest(MIMIC_CXR_JPG, root, root / "m.csv")
    library = init_library(tmp_path / "library")
    report = library.import_files([root / "m.csv"])
    new, old = (library.case(done) for done in report.imported)
    assert new.study_order is not None
    assert old.study_order is not None
    assert old.study_order < new.study_order
    assert old.patient == new.patient


@pytest.mark.parametrize(
    ("date", "time", "order"),
    [
        ("21800506", "213014.53100000002", "21800506213014"),
        ("21800506", "514.0", "21800506000514"),
        ("21800506", "0", "21800506000000"),
        ("21800506", "", "21800506000000"),
        ("21800506", "noon", "21800506000000"),
        ("", "213014", ""),
        ("2180-05-06", "213014", ""),
    ],
)
def test_noughts_that_a_number_lost_come_back(date: str, time: str, order: str) -> None:
    assert study_order(date, time) == order


@pytest.mark.parametrize(
    ("position", "meaning", "view"),
    [
        ("AP", "", "AP"),
        ("PA", "lateral", "PA"),
        ("", "antero-posterior", "AP"),
        ("", "postero-anterior", "PA"),
        ("", "left lateral", LATERAL),
        ("LATERAL", "antero-posterior", LATERAL),
        ("LL", "", LATERAL),
        ("XTABLE LATERAL", "", LATERAL),
        ("LPO", "postero-anterior", OBLIQUE),
        ("AP LLD", "", OBLIQUE),
        ("SWIMMERS", "", OBLIQUE),
        ("", "", NO_VIEW),
    ],
)
def test_the_coded_meaning_is_asked_where_the_position_is_blank(
    position: str, meaning: str, view: str
) -> None:
    assert frontal_view(position, meaning) == view


@pytest.mark.parametrize(
    ("column", "name"),
    [
        ("dicom_id", "../../../../secret/a"),
        ("dicom_id", "/secret/a"),
        ("dicom_id", ""),
        ("subject_id", "../../.."),
        ("subject_id", "1000003２"),
        ("study_id", "1/../../.."),
        ("study_id", ""),
    ],
)
def test_a_name_that_is_a_path_is_left_out_and_counted(
    tmp_path: Path, column: str, name: str
) -> None:
    root = mimic.jpg(tmp_path / "root")
    layouts.pictures(tmp_path / "secret", "a.jpg")
    patient, study, image = mimic.OLD
    row = {"dicom_id": image, "subject_id": patient, "study_id": study, "ViewPosition": "AP"}
    wrong = {**row, column: name}
    mimic.table(root / "mimic-cxr-2.0.0-metadata.csv", mimic.METADATA, [row, wrong])
    mimic.table(
        root / "mimic-cxr-2.0.0-split.csv",
        mimic.SPLIT,
        [{"dicom_id": i, "split": "train"} for i in (image, wrong["dicom_id"])],
    )
    said = write_manifest(MIMIC_CXR_JPG, root, root / "m.csv", keep_missing=True)
    assert said["rows"] == 1
    assert said["skipped"] == {NO_NAME: 1}


@pytest.mark.parametrize("split", ["", "holdout", None])
def test_an_image_without_a_split_is_left_out_and_not_put_into_another(
    tmp_path: Path, split: str | None
) -> None:
    root = mimic.jpg(tmp_path)
    known = [{"dicom_id": mimic.OLD[2], "split": "train"}]
    odd = [] if split is None else [{"dicom_id": mimic.TEST[2], "split": split}]
    mimic.table(root / "mimic-cxr-2.0.0-split.csv", mimic.SPLIT, known + odd)
    said = write_manifest(MIMIC_CXR_JPG, root, root / "m.csv")
    assert said["splits"] == {"train": 1}
    assert said["skipped"] == {LATERAL: 1, NO_SPLIT: 3}


@pytest.mark.parametrize("name", ["metadata", "split"])
def test_without_the_tables_it_rests_on_nothing_is_written(tmp_path: Path, name: str) -> None:
    root = mimic.jpg(tmp_path)
    (root / f"mimic-cxr-2.0.0-{name}.csv.gz").unlink()
    with pytest.raises(ManifestError, match=rf"none of mimic-cxr-2.0.0-{name}.csv.*ROOT holds"):
        write_manifest(MIMIC_CXR_JPG, root, root / "m.csv")
    assert not (root / "m.csv").exists()


def test_such_images_train_nothing_that_is_passed_on() -> None:
    assert SOURCES[MIMIC_CXR_JPG.dataset].may_train is MayTrain.NOTHING
