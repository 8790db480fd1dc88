"""A clinical note is sorted into what describes the radiograph and what does not."""

import csv
import shutil
import time
from collections import defaultdict
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from daug.errors import VocabularyError
from daug.phrases.note_words import NOTES_FILE, note_words
from daug.phrases.notes import Kind, image_text, sort_note
from daug.phrases.word_files import SHIPPED_WORDS

READ = Path(__file__).with_name("read_notes.csv")
ENOUGH = 60
RIGHT = 0.9

PIECES = (
    "He had fever", "Chest X-ray shows an effusion", "CT shows a nodule", "Clear lungs", "and",
    ", while", "Imaging notes:", "Discussion:", "The tube is unchanged", ".", ". ", "\n\n", "PC:",
    "(Fig. 1)", "XXXX", "he was intubated", "?",
)  # fmt: skip


def kinds(note: str) -> list[str]:
    return [passage.kind.value for passage in sort_note(note)]


def test_nine_of_ten_sentences_that_were_read_are_sorted_alike() -> None:
    notes = defaultdict(list)
    with READ.open(newline="", encoding="utf-8") as file:
        for row in csv.DictReader(file):
            notes[row["note"]].append((row["sentence"], row["kinds"]))
    sentences = sum(map(len, notes.values()))
    wrong = []
    for note in notes.values():
        before: list[str] = []
        for number, (sentence, decided) in enumerate(note, 1):
            found = kinds(" ".join(text for text, _ in note[:number]))
            own, before = " ".join(found[len(before) :]), found
            wrong += [(sentence, decided, own)] if own != decided else []
    assert sentences >= ENOUGH
    assert 1 - len(wrong) / sentences >= RIGHT, wrong


def test_a_history_of_a_finding_is_no_description() -> None:
    note = "He was admitted with pneumonia and a pleural effusion last year. The lungs are clear."
    assert kinds(note) == [Kind.HISTORY, Kind.IMAGE]
    assert image_text(sort_note(note)) == "The lungs are clear"


def test_what_a_ct_shows_stays_with_the_ct_until_a_radiograph_is_named() -> None:
    note = "CT shows a nodule. There is a small effusion. On the radiograph the lungs are clear."
    assert kinds(note) == [Kind.OTHER_IMAGING, Kind.OTHER_IMAGING, Kind.IMAGE]


def test_a_sentence_of_two_kinds_is_cut_at_a_clause() -> None:
    first, second = sort_note("She had fever, and the chest X-ray shows an effusion.")
    assert (first.kind, first.text) == (Kind.HISTORY, "She had fever,")
    assert (second.kind, second.text) == (Kind.IMAGE, "and the chest X-ray shows an effusion")


def test_what_is_seen_before_its_examination_is_named_goes_with_it() -> None:
    note = "He had fever, and an opacity and an effusion were seen on X-ray."
    assert image_text(sort_note(note)) == "and an opacity and an effusion were seen on X-ray"


def test_a_sentence_about_one_thing_is_never_cut() -> None:
    note = "Chest X-ray shows an effusion, an opacity and a fracture, but no edema."
    assert kinds(note) == [Kind.IMAGE]


def test_a_heading_rules_up_to_the_next_and_is_no_part_of_what_it_heads() -> None:
    note = "Imaging notes: Nothing new. Stable. Discussion: Stable. Opacity of the left base."
    assert kinds(note) == [Kind.IMAGE, Kind.IMAGE, Kind.HISTORY, Kind.HISTORY]
    assert image_text(sort_note(note)) == "Nothing new\n\nStable"


def test_a_short_heading_rules_its_sentence_alone() -> None:
    assert kinds("PC: Opacity. Opacity of the left base.") == [Kind.HISTORY, Kind.IMAGE]


def test_a_heading_does_not_make_a_story_a_picture() -> None:
    assert kinds("Imaging notes: Effusion. He has had asthma since birth.") == ["image", "history"]


@pytest.mark.parametrize(
    ("note", "kind"),
    [
        ("Opacity of the left base. Stable.", Kind.IMAGE),
        ("Fever. Stable.", Kind.HISTORY),
        ("Ultrasound. Stable.", Kind.OTHER_IMAGING),
        ("Stable.", Kind.HISTORY),  # nothing before it: not taken for a picture
    ],
)
def test_what_names_nothing_goes_with_the_sentence_before(note: str, kind: Kind) -> None:
    assert kinds(note)[-1] == kind


@given(st.lists(st.sampled_from(PIECES), max_size=30).map(" ".join))
def test_every_passage_stands_in_the_note_in_its_order(note: str) -> None:
    behind = 0
    for passage in sort_note(note):
        assert passage.text.strip()
        behind = note.index(passage.text, behind) + len(passage.text)


@given(st.text(max_size=300))
def test_any_text_can_be_sorted(note: str) -> None:
    assert all(passage.text in note for passage in sort_note(note))


@pytest.mark.parametrize("piece", ["chest X-ray, he ", "CT and ", "PC: ", "Opacity. ", "((("])
def test_the_time_taken_is_proportional_to_the_note(piece: str) -> None:
    def seconds(times: int) -> float:
        best = float("inf")
        for _ in range(3):
            started = time.perf_counter()
            sort_note(piece * times)
            best = min(best, time.perf_counter() - started)
        return best

    seconds(10)
    assert seconds(2000) < 25 * max(seconds(250), 0.002)  # 8 if linear, 64 if quadratic


def test_a_word_that_is_added_is_known(tmp_path: Path) -> None:
    folder = tmp_path / "words"
    shutil.copytree(SHIPPED_WORDS, folder)
    path = folder / NOTES_FILE
    text = path.read_text(encoding="utf-8").replace("scintigraphy|spect", "scintigraphy|szinti")
    path.write_text(text, encoding="utf-8")
    note = "Szinti with an opacity."
    assert sort_note(note)[0].kind is Kind.IMAGE
    assert sort_note(note, note_words(folder))[0].kind is Kind.OTHER_IMAGING


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("clinical = '''", "clinical = ''", "cannot be read as TOML"),
        ("other_imaging = '''", "other = '''", "other_imaging: Field required"),
        ("short_story = '''", "short = '''", "headings / short_story"),
    ],
)
def test_a_slip_in_the_words_is_told_with_its_place(
    tmp_path: Path, old: str, new: str, message: str
) -> None:
    folder = tmp_path / "words"
    shutil.copytree(SHIPPED_WORDS, folder)
    path = folder / NOTES_FILE
    path.write_text(path.read_text(encoding="utf-8").replace(old, new, 1), encoding="utf-8")
    with pytest.raises(VocabularyError, match=message):
        note_words(folder)


def test_words_without_those_for_notes_are_told_what_to_copy(tmp_path: Path) -> None:
    with pytest.raises(VocabularyError, match=r"Copy notes\.toml"):
        note_words(tmp_path)
