import logging
from collections import Counter
from dataclasses import replace
from pathlib import Path

import pytest

from daug.errors import ManifestError
from daug.findings import SUPER_CLASSES, Finding, State, SuperClass
from tests.trainers.rows import COLUMNS, row, write_manifest
from trainers.manifest import read_manifest, select


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "manifest.csv"


def test_a_row_comes_back_as_it_was_written(path: Path) -> None:
    line = {"id": "7", "image": "x/7.jpg", "dataset": "nih", "patient_id": "12", "split": "val"}
    line |= {"view": "AP", "age": "mid 50s", "license": "CC0", "Edema": "1", "Fracture": "0"}
    (found,) = read_manifest(write_manifest(path, [line]))
    assert found.image == path.parent / "x/7.jpg"
    assert (found.id, found.source, found.patient) == ("7", "nih", "nih/12")
    assert (found.split, found.view, found.age, found.licence) == ("val", "AP", "mid 50s", "CC0")
    assert found.labels == {Finding.EDEMA: 1, Finding.FRACTURE: 0}


@pytest.mark.parametrize(
    ("text", "label"),
    [("1", 1), ("1.0", 1), ("0", 0), ("0.0", 0), ("-1", -1), ("-1.0", -1), (" 1 ", 1)],
)
def test_labels_may_be_written_as_mimic_and_chexpert_write_them(
    path: Path, text: str, label: int
) -> None:
    (found,) = read_manifest(write_manifest(path, [{"Edema": text}]))
    assert found.labels == {Finding.EDEMA: label}


@pytest.mark.parametrize("text", ["", "  "])
def test_a_blank_label_is_not_known_rather_than_absent(path: Path, text: str) -> None:
    (found,) = read_manifest(write_manifest(path, [{"Edema": text}]))
    assert found.labels == {}
    assert found.state(SuperClass("Edema", (Finding.EDEMA,))) is State.UNKNOWN


@pytest.mark.parametrize("text", ["2", "yes", "nan", "0.5", "-"])
def test_any_other_label_is_refused_with_its_line(path: Path, text: str) -> None:
    lines = [{"id": "a"}, {"id": "b", "Edema": text}]
    with pytest.raises(ManifestError, match=rf"line 3: Edema is '{text}'"):
        read_manifest(write_manifest(path, lines))


def test_the_line_named_is_the_line_of_the_file_even_after_a_report_of_several_lines(
    path: Path,
) -> None:
    lines = [{"id": "a", "report": "one\ntwo\nthree"}, {"id": "b", "Edema": "2"}]
    write_manifest(path, lines, [*COLUMNS, "report"])
    assert path.read_text("utf-8").splitlines()[4].startswith("b,")
    with pytest.raises(ManifestError, match="line 5"):
        read_manifest(path)


@pytest.mark.parametrize("image", ["", "/etc/a.png", "../a.png", "x/../../a.png", "x/.."])
def test_an_image_outside_the_manifests_folder_is_refused(path: Path, image: str) -> None:
    with pytest.raises(ManifestError, match="stay inside"):
        read_manifest(write_manifest(path, [{"image": image}]))


def test_one_id_for_two_images_is_refused(path: Path) -> None:
    lines = [{"id": "a", "image": "1.png"}, {"id": "a", "image": "2.png"}]
    with pytest.raises(ManifestError, match=r"id a stands for two images, 1\.png and 2\.png"):
        read_manifest(write_manifest(path, lines))


def test_a_row_that_is_there_twice_counts_once(path: Path) -> None:
    lines = [{"id": "a", "Edema": "1"}, {"id": "b"}, {"id": "a", "Edema": "1"}]
    assert [r.id for r in read_manifest(write_manifest(path, lines))] == ["a", "b"]


def test_a_patient_in_two_splits_is_refused(path: Path) -> None:
    lines = [
        {"id": "a", "patient_id": "p", "split": "train"},
        {"id": "b", "patient_id": "p", "split": "test"},
    ]
    with pytest.raises(ManifestError, match=r"1 patients are in more than one split.*one/p"):
        read_manifest(write_manifest(path, lines))


def test_equal_patient_numbers_of_two_sources_are_two_patients(path: Path) -> None:
    lines = [
        {"id": "a", "patient_id": "1", "dataset": "one", "split": "train"},
        {"id": "b", "patient_id": "1", "dataset": "two", "split": "test"},
    ]
    assert {r.patient for r in read_manifest(write_manifest(path, lines))} == {"one/1", "two/1"}


def test_rows_without_a_patient_are_patients_of_their_own(path: Path) -> None:
    lines = [{"id": "a", "patient_id": ""}, {"id": "b", "patient_id": "", "split": "train"}]
    assert len({r.patient for r in read_manifest(write_manifest(path, lines))}) == 2


def test_a_byte_order_mark_from_a_spreadsheet_is_no_part_of_the_first_column(path: Path) -> None:
    write_manifest(path, [{"id": "a"}], encoding="utf-8-sig")
    assert path.read_bytes().startswith(b"\xef\xbb\xbf")
    assert read_manifest(path)[0].id == "a"


@pytest.mark.parametrize("missing", ["id", "image", "dataset", "patient_id", "split"])
def test_a_missing_column_is_named(path: Path, missing: str) -> None:
    columns = [name for name in COLUMNS if name != missing]
    with pytest.raises(ManifestError, match=f"lacks {missing}"):
        read_manifest(write_manifest(path, [{}], columns))


def test_a_table_without_any_finding_is_no_manifest(path: Path) -> None:
    columns = [name for name in COLUMNS if not isinstance(name, Finding)]
    with pytest.raises(ManifestError, match="any of the fourteen findings"):
        read_manifest(write_manifest(path, [{}], columns))


@pytest.mark.parametrize("columns", [COLUMNS, [*reversed(COLUMNS), "more"]])
def test_order_of_columns_and_further_ones_do_not_matter(path: Path, columns: list[str]) -> None:
    (found,) = read_manifest(write_manifest(path, [{"Edema": "1"}], columns))
    assert found.labels == {Finding.EDEMA: 1}


@pytest.mark.parametrize(
    ("content", "said"),
    [(None, "cannot be read"), (b"\xff\xfe\x00", "cannot be read"), (b"", "lacks id")],
)
def test_what_is_no_table_is_refused(path: Path, content: bytes | None, said: str) -> None:
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(ManifestError, match=said):
        read_manifest(path)


def test_a_table_without_rows_is_refused(path: Path) -> None:
    with pytest.raises(ManifestError, match="holds no radiograph"):
        read_manifest(write_manifest(path, []))


def test_a_choice_of_splits_and_sources_keeps_only_these() -> None:
    rows = [
        row(f"{source}-{split}", source=source, split=split)
        for source in ("a", "b")
        for split in ("train", "test")
    ]
    assert select(rows) == rows
    assert [r.id for r in select(rows, splits=["test"])] == ["a-test", "b-test"]
    assert [r.id for r in select(rows, splits=["test"], sources=["b"])] == ["b-test"]
    with pytest.raises(ManifestError, match="splits test, train and sources a, b"):
        select(rows, splits=["val"])


@pytest.mark.shared
def test_lateral_views_are_neither_learnt_from_nor_scored(
    caplog: pytest.LogCaptureFixture,
) -> None:
    views = ("AP", "LL", "Lateral", "", "PA", "?", "AP_horizontal", "L", "unbekannt")
    rows = [replace(row(f"one/{n}"), view=view) for n, view in enumerate(views)]
    with caplog.at_level(logging.INFO):
        kept = select(rows)
    assert [r.view for r in kept] == ["AP", "", "PA", "?", "AP_horizontal", "unbekannt"]
    assert "3 lateral radiographs are left out" in caplog.text
    with pytest.raises(ManifestError, match="No frontal radiograph"):
        select([replace(row("one/1"), view="Lateral")])


def test_the_real_manifest_has_the_counts_of_its_description(shared: Path) -> None:
    """Two of the table's training counts: it leaves thumbnails out, which all are from nih."""
    rows = read_manifest(shared / "cxr/manifest.csv")
    held = Counter(
        (r.source, super_class.name, r.state(super_class))
        for r in select(rows, splits=["train"], sources=["jsrt", "kermany"])
        for super_class in SUPER_CLASSES
    )
    assert held["jsrt", "Lung Lesion", State.PRESENT] == 149 - 61
    assert held["jsrt", "Lung Lesion", State.ABSENT] == 1434 - 1372
    assert held["jsrt", "No Finding", State.PRESENT] == 1115 - 1053
    assert held["kermany", "Atelectasis", State.PRESENT] == 0
    assert all(r.image.is_file() for r in rows)
