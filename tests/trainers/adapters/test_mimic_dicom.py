"""MIMIC-CXR as DICOM files, with and without the tables of MIMIC-CXR-JPG."""

from pathlib import Path
from typing import Any

import pytest

from daug.errors import ManifestError
from tests.daug.loading.dicom_files import write_dicom
from tests.trainers.adapters import layouts
from tests.trainers.adapters import mimic_layout as mimic
from trainers.adapters.mimic_dicom import MIMIC_CXR, NO_HEADER, NO_METADATA
from trainers.adapters.mimic_names import LATERAL, NO_SPLIT, NO_VIEW, OBLIQUE
from trainers.adapters.splits import hashed_split
from trainers.adapters.writing import write_manifest

HEADERS: dict[mimic.Names, dict[str, Any]] = {
    mimic.OLD: {"ViewPosition": "AP", "StudyDate": "21800506", "StudyTime": "090514.531"},
    mimic.OLD_SIDE: {"ViewPosition": "LL", "StudyDate": "21800506", "StudyTime": "090514.531"},
    mimic.NEW: {"ViewPosition": "PA", "StudyDate": "21800506", "StudyTime": "213014"},
    mimic.VAL: {},
    mimic.TEST: {"ViewPosition": "LPO"},
}


def path_of(names: mimic.Names) -> str:
    patient, study, image = names
    return f"files/p{patient[:2]}/p{patient}/s{study}/{image}.dcm"


def collection(root: Path) -> Path:
    """Five films and the reports' archive, as they are released."""
    records(root)
    studies = [
        {"subject_id": p, "study_id": s, "path": mimic.report_name(p, s)}
        for p, s in dict.fromkeys((p, s) for p, s, _ in HEADERS)
    ]
    mimic.table(root / "cxr-study-list.csv", "subject_id,study_id,path", studies)
    for names, stated in HEADERS.items():
        path = root / path_of(names)
        path.parent.mkdir(parents=True, exist_ok=True)
        write_dicom(path.parent, **stated).rename(path)
    mimic.reports_zip(root / "mimic-cxr-reports.zip")
    return root


def records(root: Path, *paths: str) -> None:
    """Write the list of records; the first have other paths if some are given."""
    rows = [
        {"subject_id": names[0], "study_id": names[1], "dicom_id": names[2], "path": path_of(names)}
        for names in HEADERS
    ]
    for row, path in zip(rows, paths, strict=False):
        row["path"] = path
    mimic.table(root / "cxr-record-list.csv", mimic.RECORDS, rows)


def test_views_sizes_and_dates_are_read_from_the_headers(tmp_path: Path) -> None:
    root = collection(tmp_path)
    said = write_manifest(MIMIC_CXR, root, root / "m.csv")
    assert said["skipped"] == {LATERAL: 1, NO_VIEW: 1, OBLIQUE: 1}
    old, new = layouts.manifest_lines(root / "m.csv").values()
    assert (old["view"], old["study_order"]) == ("AP", "21800506090514")
    assert (new["view"], new["study_order"]) == ("PA", "21800506213014")
    assert (old["width"], old["height"]) == ("100", "80")
    assert old["split"] == new["split"] == hashed_split("mimic", "10000032")
    assert old["report"].endswith("Study 53911762.")


def test_there_are_no_labels_and_it_says_where_they_come_from(tmp_path: Path) -> None:
    said = write_manifest(MIMIC_CXR, collection(tmp_path), tmp_path / "m.csv")
    assert not any(sum(counts.values()) for counts in said["labels"].values())
    assert "`daug label`" in said["terms"]


def test_the_reports_can_be_labelled_at_once(tmp_path: Path) -> None:
    from trainers.labeller.rules import RuleLabeller
    from trainers.labeller.tables import LabelRequest, label_table

    root = collection(tmp_path)
    write_manifest(MIMIC_CXR, root, root / "m.csv")
    label_table(LabelRequest(root / "m.csv", root / "labelled.csv"), RuleLabeller())
    lines = layouts.manifest_lines(root / "labelled.csv")
    assert {line["Edema"] for line in lines.values()} == {"1"}
    assert all("Edema" in line["text_derived"] for line in lines.values())


def test_tables_of_the_jpg_form_bring_the_official_split_and_save_the_headers(
    tmp_path: Path,
) -> None:
    root = collection(tmp_path)
    mimic.metadata(root)
    mimic.split(root)
    (root / path_of(mimic.TEST)).write_bytes(b"never opened")
    said = write_manifest(MIMIC_CXR, root, root / "m.csv")
    assert said["splits"] == {"test": 1, "train": 2, "val": 1}
    assert said["skipped"] == {LATERAL: 1}
    line = layouts.manifest_lines(root / "m.csv")[f"mimic-{mimic.VAL[2]}"]
    assert (line["view"], line["width"], line["height"]) == ("PA", "2544", "3056")


def test_what_those_tables_do_not_name_is_left_out(tmp_path: Path) -> None:
    root = collection(tmp_path)
    mimic.metadata(root, [mimic.OLD, mimic.NEW])
    mimic.split(root, [mimic.OLD, mimic.VAL])
    said = write_manifest(MIMIC_CXR, root, root / "m.csv")
    assert said["skipped"] == {NO_METADATA: 3, NO_SPLIT: 1}


def test_both_forms_have_the_same_patients_and_names() -> None:
    from trainers.adapters.mimic_jpg import MIMIC_CXR_JPG

    assert MIMIC_CXR.dataset == MIMIC_CXR_JPG.dataset


@pytest.mark.parametrize("path", ["../secret/film.dcm", "/secret/film.dcm", "link/film.dcm", ""])
def test_a_path_that_leads_out_is_left_out_and_never_opened(tmp_path: Path, path: str) -> None:
    root = collection(tmp_path / "root")
    (tmp_path / "secret").mkdir()
    write_dicom(tmp_path / "secret", ViewPosition="AP")
    (root / "link").symlink_to(tmp_path / "secret")
    records(root, path)
    said = write_manifest(MIMIC_CXR, root, root / "m.csv", keep_missing=True)
    assert said["skipped"]["the image's path leads out of the collection's folder"] == 1
    assert "secret" not in (root / "m.csv").read_text()


def test_a_damaged_header_is_counted_and_a_missing_file_kept_only_if_asked(
    tmp_path: Path,
) -> None:
    root = collection(tmp_path)
    (root / path_of(mimic.OLD)).write_bytes(b"no film")
    (root / path_of(mimic.TEST)).unlink()
    said = write_manifest(MIMIC_CXR, root, root / "m.csv")
    assert said["skipped"][NO_HEADER] == 1
    assert said["skipped"]["the image is not there"] == 1
    said = write_manifest(MIMIC_CXR, root, root / "m.csv", keep_missing=True)
    assert said["images_missing_but_kept"] == 1


def test_without_the_list_of_records_nothing_is_written(tmp_path: Path) -> None:
    with pytest.raises(ManifestError, match=r"none of cxr-record-list.csv .*ROOT holds"):
        write_manifest(MIMIC_CXR, tmp_path, tmp_path / "m.csv")
    assert list(tmp_path.iterdir()) == []
