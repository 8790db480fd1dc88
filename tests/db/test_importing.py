import io
from itertools import pairwise
from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import Image

from daug.case import FindingSource, FindingState, ReportKind
from daug.errors import LibraryError
from daug.findings import Finding
from daug.import_report import Progress
from daug.loading import load_radiograph
from daug.view import View
from db import importing, stored_files
from db.file_sources import FilesSource
from db.library import Library
from db.manifest_source import ManifestSource
from tests.daug.loading.dicom_files import drawn, write_dicom
from tests.db.drawn import chest, import_rows, row, write_manifest, write_picture


def test_what_a_manifest_says_is_what_the_case_holds(library: Library, tmp_path: Path) -> None:
    cells = {
        "view": "AP Supine",
        "sex": "female",
        "age": "mid 50s",
        "report": "Mild edema; no pneumothorax.",
        "license": "CC0",
        Finding.EDEMA: "1",
        Finding.PNEUMOTHORAX: "0",
        Finding.PNEUMONIA: "-1",
    }
    report = import_rows(library, tmp_path, [row(1, **cells)])
    case = library.case(report.imported[0])
    assert case.present == {Finding.EDEMA}
    assert case.absent == {Finding.PNEUMOTHORAX}
    assert case.uncertain == {Finding.PNEUMONIA}
    assert case.not_mentioned == set(Finding) - {
        Finding.EDEMA,
        Finding.PNEUMOTHORAX,
        Finding.PNEUMONIA,
    }
    assert {said.source for said in case.findings.values()} == {FindingSource.IMPORTED}
    assert (case.view, case.sex, case.age, case.age_stated) == (View.AP, "F", 55, "mid 50s")
    assert (case.report, case.report_kind) == (cells["report"], ReportKind.REAL)
    assert (case.source, case.source_id, case.split, case.licence) == (
        "drawn",
        "id1",
        "train",
        "CC0",
    )
    assert case.pixel_digest == load_radiograph(tmp_path / "images" / "1.png").digest
    assert case.patient is not None
    assert "p1" not in case.patient


def test_a_label_that_a_program_read_from_the_report_is_told_from_the_data_sets(
    library: Library, tmp_path: Path
) -> None:
    cells = {Finding.EDEMA: "1", Finding.FRACTURE: "0", "text_derived": "Fracture|Pneumonia"}
    report = import_rows(library, tmp_path, [row(1, **cells)])
    said = library.case(report.imported[0]).findings
    assert {finding: one.source for finding, one in said.items()} == {
        Finding.EDEMA: FindingSource.IMPORTED,
        Finding.FRACTURE: FindingSource.LABELLED,
    }


def test_the_stored_original_and_thumbnail_show_the_radiograph(
    library: Library, tmp_path: Path
) -> None:
    (case_id,) = import_rows(library, tmp_path, [row(1)]).imported
    case = library.case(case_id)
    assert load_radiograph(library.original(case_id)).digest == case.pixel_digest
    thumbnail = cv2.imread(str(library.thumbnail(case)), cv2.IMREAD_GRAYSCALE)
    assert thumbnail is not None
    assert np.abs(thumbnail.astype(int) - chest(1)).mean() < 3  # JPEG, at its own size


def test_pixels_that_are_there_already_are_told_and_not_entered_twice(
    library: Library, tmp_path: Path
) -> None:
    first = import_rows(library, tmp_path, [row(1)])
    Image.fromarray(chest(1)).save(tmp_path / "again.tif")  # other bytes, the same pixels
    again = library.import_from(lambda key, spare: FilesSource([tmp_path / "again.tif"]))
    assert again.imported == []
    assert [known.case_id for known in again.duplicates] == first.imported
    assert library.count() == 1
    assert library.verify().consistent


def test_the_same_pixels_twice_in_one_batch_make_one_case(library: Library, tmp_path: Path) -> None:
    report = import_rows(library, tmp_path, [row(1), row(2, image="images/1.png"), row(3)])
    assert len(report.imported) == 2
    assert [known.case_id for known in report.duplicates] == report.imported[:1]
    assert library.verify().consistent


def test_a_copy_of_other_size_and_coding_is_entered_and_flagged(
    library: Library, tmp_path: Path
) -> None:
    import_rows(library, tmp_path, [row(seed) for seed in range(1, 8)])
    small = cv2.resize(chest(5), (80, 80), interpolation=cv2.INTER_AREA)
    cv2.imwrite(str(tmp_path / "copy.jpg"), small, [cv2.IMWRITE_JPEG_QUALITY, 60])
    report = library.import_from(lambda key, spare: FilesSource([tmp_path / "copy.jpg"]))
    (case,) = library.cases(report.imported)
    assert case.near_duplicate_of is not None
    assert library.case(case.near_duplicate_of).source_id == "id5"
    assert all(c.near_duplicate_of is None for c in library.cases(range(1, 8)))


def test_one_dicom_instance_with_other_pixels_is_a_conflict_and_the_first_is_kept(
    library: Library, tmp_path: Path
) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "b").mkdir()
    first = write_dicom(tmp_path / "a", SOPInstanceUID="1.2.3")
    other = write_dicom(tmp_path / "b", drawn()[:, ::-1].copy(), SOPInstanceUID="1.2.3")
    report = library.import_from(lambda key, spare: FilesSource([first, other]))
    assert len(report.imported) == 1
    assert [known.case_id for known in report.conflicts] == report.imported
    assert "other pixels" in report.skipped[0].reason
    assert library.case(report.imported[0]).pixel_digest == load_radiograph(first).digest
    assert library.verify().consistent


def test_a_dicom_keeps_patient_and_order_but_no_name(library: Library, tmp_path: Path) -> None:
    files = []
    for name, date in (("late", "20200301"), ("early", "20190301")):
        (tmp_path / name).mkdir()
        files.append(
            write_dicom(
                tmp_path / name,
                drawn(high=4000 if name == "late" else 3000),
                PatientID="MRN777888",
                PatientName="Secret^Person",
                PatientAge="093Y",
                PatientSex="F",
                StudyInstanceUID=f"1.2.{date}",
                SOPInstanceUID=f"1.2.{date}.1",
                StudyDate=date,
            )
        )
    report = library.import_from(lambda key, spare: FilesSource(files))
    late, early = library.cases(report.imported)
    assert late.patient == early.patient is not None
    assert [c.case_id for c in library.same_patient(late.case_id)] == [early.case_id, late.case_id]
    assert (late.sex, late.age) == ("F", 90)  # the very old are not told apart
    library.close()
    for path in library.folder.path.rglob("*"):
        if path.is_file():
            content = path.read_bytes()
            assert not any(word in content for word in (b"Secret", b"MRN777888", b"20200301"))


def test_a_row_that_cannot_be_used_is_skipped_with_its_reason_and_the_others_stay(
    library: Library, tmp_path: Path
) -> None:
    rows = [
        row(1),
        row(2, image="../outside.png"),
        row(3, **{Finding.EDEMA: "maybe"}),
        row(4, image="images/torn.png"),
        row(5, image="images/gone.png"),
    ]
    manifest = write_manifest(tmp_path, rows)
    torn = tmp_path / "images" / "torn.png"
    torn.write_bytes(torn.read_bytes()[:-400])
    (tmp_path / "images" / "gone.png").unlink()
    report = library.import_from(lambda key, spare: ManifestSource(manifest, key))
    assert len(report.imported) == 1
    reasons = {skipped.file: skipped.reason for skipped in report.skipped}
    assert "inside it" in reasons["../outside.png"]
    assert "'maybe'" in reasons["images/3.png"]
    assert "damaged or incomplete" in reasons["images/torn.png"]
    assert "cannot be opened" in reasons["images/gone.png"]
    assert library.verify().consistent


@pytest.mark.parametrize("name", ["1.png", "images/1.png"])
def test_a_file_that_is_a_link_to_the_outside_is_not_followed(
    library: Library, tmp_path: Path, name: str
) -> None:
    outside = write_picture(tmp_path / "elsewhere" / "1.png", 1)
    (tmp_path / "set" / name).parent.mkdir(parents=True)
    (tmp_path / "set" / name).symlink_to(outside)
    report = import_rows(library, tmp_path / "set", [row(1, image=name)])
    assert report.imported == []
    assert "leads out of" in report.skipped[0].reason


def test_a_folder_linked_beside_the_manifest_holds_its_images_and_none_that_it_links_to(
    library: Library, tmp_path: Path
) -> None:
    write_picture(tmp_path / "collection" / "1.png", 1)
    outside = write_picture(tmp_path / "elsewhere" / "2.png", 2)
    (tmp_path / "collection" / "2.png").symlink_to(outside)
    (tmp_path / "collection" / "deeper").symlink_to(outside.parent)
    (tmp_path / "set").mkdir()
    (tmp_path / "set" / "images").symlink_to(tmp_path / "collection")
    rows = [row(1), row(2), row(3, image="images/deeper/2.png")]
    report = import_rows(library, tmp_path / "set", rows)
    assert len(report.imported) == 1
    assert {skipped.file for skipped in report.skipped} == {"images/2.png", "images/deeper/2.png"}
    assert all("leads out of" in skipped.reason for skipped in report.skipped)


def test_laterals_are_imported_with_their_warning(library: Library, tmp_path: Path) -> None:
    path = write_dicom(tmp_path, ViewPosition="LL")
    report = library.import_from(lambda key, spare: FilesSource([path]))
    (case,) = library.cases(report.imported)
    assert case.view is View.LATERAL
    assert any("lateral" in warning for warning in case.warnings)
    assert report.warned[0][1] == case.case_id


def test_importing_again_adds_nothing_and_reads_no_image(
    library: Library, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows = [row(seed) for seed in range(5)]
    first = import_rows(library, tmp_path, rows)
    generation = library.generation

    def unread(*_: object, **__: object) -> None:
        raise AssertionError("an image was decoded again")

    monkeypatch.setattr("db.preparing.load_radiograph", unread)
    again = import_rows(library, tmp_path, rows)
    assert again.imported == []
    assert [known.case_id for known in again.duplicates] == first.imported
    assert library.generation == generation


def test_cases_are_told_only_once_they_are_on_record(library: Library, tmp_path: Path) -> None:
    manifest = write_manifest(tmp_path, [row(seed) for seed in range(10)])
    seen: list[int] = []

    def check(ids: list[int]) -> None:
        assert [case.case_id for case in library.cases(ids)] == ids
        for case_id in ids:
            assert library.original(case_id).is_file()
        seen.extend(ids)

    steps: list[Progress] = []
    report = library.import_from(
        lambda key, spare: ManifestSource(manifest, key),
        batch=4,
        on_added=check,
        on_progress=steps.append,
    )
    assert seen == report.imported
    assert [step.done for step in steps][-1] == 10
    assert steps[-1].seconds_left == 0
    assert all(a.done < b.done for a, b in pairwise(steps))


def test_a_full_disk_stops_the_import_with_a_sentence_and_leaves_no_half_case(
    library: Library, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real, calls = stored_files.put_in_place, io.StringIO()

    def full_at_the_second(files: object) -> None:
        calls.write(".")
        real(files)  # type: ignore[arg-type]
        if len(calls.getvalue()) == 2:
            raise LibraryError("disk full")

    monkeypatch.setattr(importing, "put_in_place", full_at_the_second)
    manifest = write_manifest(tmp_path, [row(seed) for seed in range(6)])
    with pytest.raises(LibraryError, match="disk full"):
        library.import_from(lambda key, spare: ManifestSource(manifest, key), batch=2)
    assert library.count() == 2
    monkeypatch.setattr(importing, "put_in_place", real)
    report = library.import_from(lambda key, spare: ManifestSource(manifest, key), batch=2)
    assert (len(report.imported), len(report.duplicates)) == (4, 2)
    assert library.verify().consistent


def test_states_said_by_hand_are_believed_before_imported_and_labelled_ones(
    library: Library, tmp_path: Path
) -> None:
    (case_id,) = import_rows(library, tmp_path, [row(1, **{Finding.EDEMA: "1"})]).imported
    labelled = {Finding.EDEMA: FindingState.ABSENT, Finding.FRACTURE: FindingState.PRESENT}
    library.set_findings(case_id, labelled, FindingSource.LABELLED)
    case = library.case(case_id)
    assert case.present == {Finding.EDEMA, Finding.FRACTURE}
    assert case.findings[Finding.FRACTURE].source is FindingSource.LABELLED
    library.set_findings(case_id, {Finding.EDEMA: FindingState.NOT_MENTIONED})
    case = library.case(case_id)
    assert case.state(Finding.EDEMA) is FindingState.NOT_MENTIONED
    assert case.findings[Finding.EDEMA].source is FindingSource.MANUAL
    assert library.verify().consistent


def test_one_number_in_two_data_sets_is_two_patients(library: Library, tmp_path: Path) -> None:
    rows = [
        row(1, patient_id="7"),
        row(2, patient_id="7"),
        row(3, patient_id="7", dataset="other"),
        row(4, patient_id=""),
        row(5, patient_id=""),
    ]
    patients = [
        case.patient for case in library.cases(import_rows(library, tmp_path, rows).imported)
    ]
    assert patients[0] == patients[1] != patients[2]
    assert patients[3] is patients[4] is None  # nobody, and not the same nobody
    assert len(library.same_patient(4)) == 1
