"""Clinical notes are labelled by what they say of the radiograph, and by nothing else."""

import json
from collections.abc import Sequence
from pathlib import Path

import pytest
from typer.testing import CliRunner

from app import app
from daug.findings import Finding
from tests.trainers.rows import COLUMNS, write_manifest
from trainers.labeller.labeller import Labels
from trainers.labeller.notes import NoteLabeller
from trainers.labeller.rules import RuleLabeller
from trainers.manifest import read_manifest

EFFUSION, PNEUMONIA, OPACITY = Finding.PLEURAL_EFFUSION, Finding.PNEUMONIA, Finding.LUNG_OPACITY
LESION, FRACTURE = Finding.LUNG_LESION, Finding.FRACTURE
NOTE = (
    "He was admitted with pneumonia and a rib fracture. CT shows a lung nodule. "
    "Chest X-ray shows an opacity. No pleural effusion."
)


def labels(note: str) -> Labels:
    return NoteLabeller(RuleLabeller()).label([note])[0]


def test_neither_history_nor_another_examination_becomes_a_label() -> None:
    assert {PNEUMONIA, FRACTURE, LESION} <= RuleLabeller().label([NOTE])[0].keys()
    assert labels(NOTE) == {Finding.NO_FINDING: 0, OPACITY: 1, EFFUSION: 0}


def test_a_history_does_not_outvote_the_radiograph() -> None:
    note = "She was admitted with a pleural effusion in May. The X-ray shows no effusion."
    assert RuleLabeller().label([note])[0][EFFUSION] == 1
    assert labels(note)[EFFUSION] == 0


def test_an_imaging_heading_hides_nothing_from_the_labeller() -> None:
    note = "Presentation: Fever. Imaging notes: Pleural effusion. Discussion: He had pneumonia."
    assert labels(note) == {Finding.NO_FINDING: 0, EFFUSION: 1}


def test_a_note_without_a_word_about_the_radiograph_gets_no_label() -> None:
    assert labels("Fever and pneumonia. Antibiotics were given.") == {}


def test_what_is_left_out_is_counted_by_its_kind() -> None:
    reader = NoteLabeller(RuleLabeller())
    reader.label([NOTE, "", "Cough."])
    counts = reader.counts()
    assert counts["sentences"] == {"image": 2, "other imaging": 1, "history": 2}
    assert counts["labels_left_out"] == {"other imaging": 1, "history": 2}


def test_any_labeller_can_read_the_sentences() -> None:
    class Echo:
        name = "echo"

        def __init__(self) -> None:
            self.shown: list[str] = []

        def label(self, reports: Sequence[str]) -> list[Labels]:
            self.shown += reports
            return [{} for _ in reports]

    echo = Echo()
    reader = NoteLabeller(echo)
    assert reader.label([NOTE, "Cough."]) == [{}, {}]
    assert reader.name.startswith("echo")
    assert echo.shown[:2] == ["Chest X-ray shows an opacity\n\nNo pleural effusion", ""]


@pytest.fixture
def table(tmp_path: Path) -> Path:
    line = {"id": "a", "split": "train", "report": NOTE, OPACITY: "0"}
    return write_manifest(tmp_path / "notes.csv", [line], (*COLUMNS, "report"))


def test_the_command_marks_labels_from_notes_and_keeps_those_of_the_table(table: Path) -> None:
    copy = table.with_name("copy.csv")
    asked = ["label", str(table), "-o", str(copy), "--notes", "--fill-blanks", "--json"]
    told = json.loads(CliRunner().invoke(app, asked).stdout)
    assert told["labeller"] == "rules, image sentences of notes"
    assert told["notes"]["sentences"] == {"image": 2, "other imaging": 1, "history": 1}
    (row,) = read_manifest(copy)
    assert row.labels[OPACITY] == 0
    assert row.labels[EFFUSION] == 0
    assert EFFUSION in row.text_derived
    assert not {OPACITY, PNEUMONIA, FRACTURE, LESION} & row.text_derived


def test_a_folder_of_words_without_those_for_notes_is_refused(table: Path) -> None:
    import shutil

    from daug.phrases.word_files import SHIPPED_WORDS

    words = table.with_name("words")
    shutil.copytree(SHIPPED_WORDS, words)
    (words / "notes.toml").unlink()
    copy = table.with_name("copy.csv")
    asked = ["label", str(table), "-o", str(copy), "--words", str(words)]
    assert CliRunner().invoke(app, asked).exit_code == 0
    refused = CliRunner().invoke(app, [*asked, "--notes"])
    assert "notes.toml" in str(refused.exception)
