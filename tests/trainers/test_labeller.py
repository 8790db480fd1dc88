"""A report gets one label for each finding it speaks of, and a table says which are from text."""

import csv
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from daug.errors import ManifestError
from daug.finding_phrases import find_phrases
from daug.findings import Finding
from tests.trainers.rows import COLUMNS, write_manifest
from trainers.labeller.labeller import Labels
from trainers.labeller.rules import RuleLabeller
from trainers.labeller.tables import LabelRequest, label_table
from trainers.manifest import read_manifest

EDEMA, EFFUSION, HEART = Finding.EDEMA, Finding.PLEURAL_EFFUSION, Finding.CARDIOMEGALY
NORMAL, DEVICES, PNEUMONIA = Finding.NO_FINDING, Finding.SUPPORT_DEVICES, Finding.PNEUMONIA
OPACITY = Finding.LUNG_OPACITY

SENTENCES = [
    "Small effusion.", "No effusion.", "Possible effusion.", "Pacemaker.", "No edema.",
    "Cardiomegaly.", "Scoliosis.", "No hernia.", "Normal chest.", "The trachea is midline.",
]  # fmt: skip


def labels(report: str) -> Labels:
    return RuleLabeller().label([report])[0]


# One label from many statements


@pytest.mark.parametrize(
    ("report", "label"),
    [
        ("No effusion on the right. Small effusion on the left.", 1),
        ("Small effusion on the left. No effusion on the right.", 1),
        ("Possible effusion. Small effusion.", 1),
        ("No effusion on the right. Possible effusion on the left.", -1),
        ("No effusion. No pleural effusion.", 0),
    ],
)
def test_present_goes_before_uncertain_and_that_before_absent(report: str, label: int) -> None:
    assert labels(report)[EFFUSION] == label


@given(st.permutations(SENTENCES), st.integers(1, len(SENTENCES)))
def test_the_order_of_sentences_changes_no_label(order: list[str], count: int) -> None:
    chosen = order[:count]
    assert labels(" ".join(chosen)) == labels(" ".join(sorted(chosen)))


@given(st.lists(st.sampled_from(SENTENCES), max_size=8).map(" ".join))
def test_a_finding_is_labelled_if_and_only_if_a_phrase_speaks_of_it(report: str) -> None:
    spoken = {phrase.finding for phrase in find_phrases(report)} - {NORMAL}
    assert set(labels(report)) - {NORMAL} == spoken


@pytest.mark.parametrize(
    ("report", "label"),
    [
        ("Normal chest radiograph.", 1),
        ("The lungs are clear. No effusion.", 1),
        ("Pacemaker. No pneumothorax.", 1),  # devices are no finding
        ("No acute disease. Small effusion.", 0),
        ("No acute disease. Calcified granuloma.", 0),  # none of the fourteen, yet not normal
        ("Scoliosis.", 0),
        ("No acute disease. No hernia.", 1),
        ("No acute disease. Possible effusion.", None),
        ("The trachea is midline.", None),  # says nothing of findings
        ("", None),
        ("INDICATION: normal chest radiograph?", None),
    ],
)
def test_no_finding_is_concluded_from_all_the_others(report: str, label: int | None) -> None:
    assert labels(report).get(NORMAL) == label


def test_what_was_asked_or_compared_with_gets_no_label() -> None:
    report = (
        "INDICATION: Pneumonia.\nCOMPARISON: Film with edema.\n"
        "FINDINGS: Small effusion. IMPRESSION: Effusion."
    )
    assert labels(report) == {NORMAL: 0, EFFUSION: 1}


# Tables


def label_file(table: Path, **changes: Any) -> tuple[dict[str, Any], list[dict[str, str]]]:
    output = table.parent / "labelled" / "copy.csv"
    found = label_table(LabelRequest(table, output, **changes), RuleLabeller())
    with output.open(newline="", encoding="utf-8") as file:
        return found, list(csv.DictReader(file))


def manifest(folder: Path, *lines: Mapping[str, str]) -> Path:
    more = ("report", "painted", "measured", "assumed")
    (folder / "a.png").touch()
    return write_manifest(folder / "manifest.csv", lines, (*COLUMNS, *more))


def test_a_labelled_manifest_is_a_manifest_that_says_what_is_from_text(tmp_path: Path) -> None:
    table = manifest(tmp_path, {"report": "Mild edema, no effusion.", HEART: "1"})
    _, [line] = label_file(table)
    assert (line[EDEMA], line[EFFUSION], line[NORMAL], line[HEART]) == ("1", "0", "0", "")
    [row] = read_manifest(tmp_path / "labelled" / "copy.csv")
    assert row.text_derived == {EDEMA, EFFUSION, NORMAL} == set(row.labels)
    assert row.image.exists()


def test_filling_keeps_every_label_of_the_source(tmp_path: Path) -> None:
    table = manifest(tmp_path, {"report": "Edema. No effusion. Large heart.", EDEMA: "0"})
    _, [line] = label_file(table, fill_blanks=True)
    assert (line[EDEMA], line[EFFUSION], line[HEART]) == ("0", "0", "1")
    assert line["text_derived"].split("|") == [NORMAL, HEART, EFFUSION]


def test_filling_never_puts_a_finding_beside_no_finding(tmp_path: Path) -> None:
    table = manifest(
        tmp_path,
        {"id": "a", "report": "Edema, possible pneumonia, no effusion. Pacemaker.", NORMAL: "1.0"},
        {"id": "b", "report": "No acute disease. No effusion.", PNEUMONIA: "1"},
    )
    found, [normal, ill] = label_file(table, fill_blanks=True)
    assert (normal[EDEMA], normal[PNEUMONIA], normal[EFFUSION]) == ("", "", "0")
    assert (normal[NORMAL], normal[DEVICES]) == ("1.0", "1")
    assert (ill[NORMAL], ill[PNEUMONIA], ill[EFFUSION]) == ("", "1", "0")
    assert found["contradicted"] == 3


def test_without_a_report_or_with_a_painted_finding_a_line_stays_as_it_is(tmp_path: Path) -> None:
    table = manifest(
        tmp_path,
        {"id": "a", "report": "  ", EDEMA: "1"},
        {"id": "b", "report": "No nodule.", "painted": "Lung Lesion", "Lung Lesion": "1"},
    )
    found, [blank, painted] = label_file(table)
    assert (blank[EDEMA], blank[NORMAL], blank["text_derived"]) == ("1", "", "")
    assert (painted["Lung Lesion"], painted["text_derived"]) == ("1", "")
    assert found["rows"]["without a report"] == 1


def test_a_label_from_text_is_no_longer_called_measured_or_assumed(tmp_path: Path) -> None:
    line = {
        "report": "Large heart.", HEART: "0", "measured": HEART, EDEMA: "0", "assumed": EDEMA,
    }  # fmt: skip
    _, [replaced] = label_file(manifest(tmp_path, line))
    assert (replaced[HEART], replaced["measured"], replaced["assumed"]) == ("1", "", "")
    _, [filled] = label_file(manifest(tmp_path, line), fill_blanks=True)
    assert (filled[HEART], filled["measured"], filled["assumed"]) == ("0", HEART, EDEMA)


def test_text_files_and_other_tables_are_labelled_too(tmp_path: Path) -> None:
    lines = tmp_path / "lines.txt"
    lines.write_text("No effusion.\nEffusion.\n", encoding="utf-8")
    assert [line[EFFUSION] for line in label_file(lines)[1]] == ["0", "1"]
    folder = tmp_path / "reports"
    (folder / "p10").mkdir(parents=True)
    (folder / "p10" / "s1.txt").write_text("FINDINGS: Effusion.\n\nIMPRESSION: Effusion.")
    assert [(line["id"], line[EFFUSION]) for line in label_file(folder)[1]] == [("p10/s1", "1")]
    table = tmp_path / "other.csv"
    table.write_text("study,text\n7,Possible effusion.\n")
    [line] = label_file(table, column="text")[1]
    assert (line["study"], line[EFFUSION], line[NORMAL]) == ("7", "-1", "")


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"id,text\n1,Effusion.\n", "no column report"),
        (b"id,report\n1,Effusion, small,\n", "more cells"),
        (b"id,report\n1,\xff\xfe\n", "UTF-8"),
    ],
)
def test_a_table_that_cannot_be_read_is_refused_and_leaves_nothing(
    content: bytes, message: str, tmp_path: Path
) -> None:
    table = tmp_path / "table.csv"
    table.write_bytes(content)
    with pytest.raises(ManifestError, match=message):
        label_file(table)
    assert not list((tmp_path / "labelled").glob("*"))


@pytest.mark.parametrize("name", ["table.csv", "table.txt"])
def test_the_original_is_never_replaced(name: str, tmp_path: Path) -> None:
    table = tmp_path / name
    table.write_text("id,report\n1,Effusion.\n")
    with pytest.raises(ManifestError):
        label_table(LabelRequest(table, table), RuleLabeller())
    assert table.read_text() == "id,report\n1,Effusion.\n"


def test_other_files_are_not_taken_for_text(tmp_path: Path) -> None:
    table = tmp_path / "table.tsv"
    table.write_text("id\treport\n1\tEffusion.\n")
    with pytest.raises(ManifestError, match="neither a table nor text"):
        label_file(table)
