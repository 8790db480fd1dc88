"""The words by which reports are read are files that a person can edit."""

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from daug.case import FindingState
from daug.errors import VocabularyError
from daug.finding_phrases import find_phrases, read_report
from daug.findings import Finding
from daug.phrases.note_words import NOTES_FILE
from daug.phrases.vocabulary import vocabulary
from daug.phrases.word_files import FILES, SHIPPED_WORDS


@pytest.fixture
def edited(tmp_path: Path) -> Callable[[str, str, str], Path]:
    """Copies the shipped files with one place changed."""

    def edit(name: str, old: str, new: str) -> Path:
        folder = tmp_path / "words"
        shutil.copytree(SHIPPED_WORDS, folder)
        text = (folder / name).read_text(encoding="utf-8")
        assert old in text
        (folder / name).write_text(text.replace(old, new, 1), encoding="utf-8")
        return folder

    return edit


def test_a_phrase_that_is_added_is_read(edited: Callable[[str, str, str], Path]) -> None:
    folder = edited("findings.toml", "kerley a|b? line+", "# a comment\nbat wing+ sign\nhamptons")
    words = vocabulary(folder)
    report = "No bat wings sign. Kerley lines."
    assert [(p.finding, p.state) for p in find_phrases(report, words)] == [
        (Finding.EDEMA, FindingState.ABSENT)
    ]
    assert [p.state for p in find_phrases(report)] == [FindingState.PRESENT]
    assert not find_phrases("# a comment", words)


def test_a_cue_that_is_added_is_read(edited: Callable[[str, str, str], Path]) -> None:
    words = vocabulary(edited("cues.toml", "negative for\n", "negative for\nkein\n"))
    assert [p.state for p in find_phrases("Kein edema.", words)] == [FindingState.ABSENT]


def test_an_abnormality_beside_the_fourteen_is_told_but_is_no_phrase() -> None:
    assert read_report("Scoliosis.").other_abnormality
    assert read_report("Possible scoliosis.").other_abnormality
    assert not read_report("No scoliosis.").other_abnormality
    assert not read_report("History of scoliosis.").other_abnormality
    assert find_phrases("Scoliosis.") == ()


@pytest.mark.parametrize(
    ("name", "old", "new", "message"),
    [
        ("findings.toml", '["Edema"]', '["Oedema"]', "findings"),
        ("findings.toml", "uncertain = '''", "perhaps = '''", "perhaps"),
        ("cues.toml", "denies = '''", "denys = '''", "denies, denys"),
        ("organs.toml", 'sharp = "absent"', 'pointed = "absent"', "pointed is no verdict"),
        ("organs.toml", 'sharp = "absent"', 'sharp = "gone"', "says / sharp"),
        ("others.toml", "read_over = '''", "read_over = ", "TOML"),
    ],
)
def test_a_slip_in_a_file_is_told_with_its_place(
    name: str, old: str, new: str, message: str, edited: Callable[[str, str, str], Path]
) -> None:
    folder = edited(name, old, new)
    with pytest.raises(VocabularyError, match=message) as caught:
        vocabulary(folder)
    assert name in str(caught.value)


@pytest.mark.parametrize("name", FILES)
def test_a_missing_file_is_told(name: str, edited: Callable[[str, str, str], Path]) -> None:
    folder = edited(name, "", "")
    (folder / name).unlink()
    with pytest.raises(VocabularyError, match=name):
        vocabulary(folder)


def test_the_files_are_part_of_the_package() -> None:
    """Otherwise an installed program would have no words."""
    import tomllib

    project = tomllib.loads((SHIPPED_WORDS.parents[2] / "pyproject.toml").read_text())
    assert project["tool"]["setuptools"]["package-data"]["daug.phrases"] == ["words/*.toml"]
    assert {path.name for path in SHIPPED_WORDS.iterdir()} == {*FILES, NOTES_FILE}
