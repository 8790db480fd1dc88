import hashlib
import hmac
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from alembic import command
from alembic.config import Config
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import text

from daug.case import Case, FindingSource, FindingState
from daug.case_edit import Edit
from daug.case_query import CaseFilter
from daug.errors import LibraryError
from daug.findings import Finding
from daug.view import View
from db import migrating
from db.database import DATABASE_FILE, open_database, reading, writing
from db.library import Library, open_library
from db.library_folder import open_library_folder
from db.migrating import HEAD
from db.notes import LONGEST_NOTE
from tests.db.drawn import import_rows, row

EDEMA, PLEURAL = Finding.EDEMA, Finding.PLEURAL_EFFUSION
PRESENT, ABSENT = FindingState.PRESENT, FindingState.ABSENT
UNCERTAIN, NOT_MENTIONED = FindingState.UNCERTAIN, FindingState.NOT_MENTIONED
RARE = 'Quixotiform "zyzzogeton" opacity\nbeside the hilum, Größe 3 cm'


@pytest.fixture
def ids(library: Library, tmp_path: Path) -> list[int]:
    """Six cases, the first two of one patient; the data set says Edema of two."""
    rows = [
        row(0, patient_id="p1", report=RARE, sex="F", age="58", **{EDEMA: "1"}),
        row(1, patient_id="p1", report="Clear lungs.", **{EDEMA: "0"}),
        *(row(seed) for seed in range(2, 6)),
    ]
    return import_rows(library, tmp_path, rows).imported


Statements = list[tuple[Any, ...]]


def everything(library: Library) -> tuple[list[Case], Statements, dict[str, Any]]:
    """All that is known of all cases: what is believed, and what every source says."""
    with reading(library.engine) as connection:
        said = connection.execute(
            text("SELECT * FROM findings ORDER BY radiograph_id, finding, source")
        ).all()
    names = library.group_sizes("collection")
    groups = {"tags": library.group_sizes("tag"), "sizes": names}
    notes = {name: library.collected(name) for name in names}
    cases = library.cases(library.ids().tolist())
    return cases, [tuple(one) for one in said], {**groups, "notes": notes}


def test_labels_of_many_cases_are_one_change_and_undoing_it_restores_them_exactly(
    library: Library, ids: list[int]
) -> None:
    before = everything(library)
    number = library.edit_many(ids, {EDEMA: ABSENT, PLEURAL: UNCERTAIN})
    assert all(case.state(EDEMA) is ABSENT for case in library.cases(ids))
    assert library.verify().consistent  # one source is believed, and no other
    assert library.count(CaseFilter(absent=frozenset({EDEMA}))) == 6
    (change,) = library.history()
    assert (change.number, change.cases) == (number, 6)
    assert change.what == "Edema: absent; Pleural Effusion: uncertain"
    done = everything(library)
    assert number is not None
    undone = library.undo(number)
    assert everything(library) == before  # "nothing said" is there again, not "not mentioned"
    assert library.case(ids[0]).findings[EDEMA].source is FindingSource.IMPORTED
    redone = library.undo(undone)
    assert everything(library) == done
    assert [(c.number, c.undoes, c.undone_by) for c in library.history()] == [
        (redone, undone, None),
        (undone, number, redone),
        (number, None, None),
    ]


def test_a_change_tells_what_it_did_to_each_case(library: Library, ids: list[int]) -> None:
    number = library.edit_many(ids[:2], {EDEMA: PRESENT})
    library.edit(ids[0], Edit(view=View.LATERAL, age="mid 60s"))
    assert number is not None
    assert [
        (one.case_id, one.aspect, one.before, one.after) for one in library.alterations(number)
    ] == [(ids[0], "Edema", None, "present"), (ids[1], "Edema", None, "present")]
    newest = library.history(1)[0]
    assert newest.what == "view; age"
    assert [(one.aspect, one.before, one.after) for one in library.alterations(newest.number)] == [
        ("age", "58", "mid 60s"),
        ("view", "view not known", "lateral"),
    ]


def test_what_was_so_already_is_no_change(library: Library, ids: list[int]) -> None:
    library.edit_many(ids, {EDEMA: ABSENT})
    generation = library.generation
    assert library.edit_many(ids[:3], {EDEMA: ABSENT}) is None
    library.edit(ids[0], Edit(sex="F"))
    assert len(library.history()) == 1
    assert library.edit_many([], {EDEMA: ABSENT}) is None
    assert library.generation == generation + 1  # by `edit`, which counts every call


def test_a_case_that_is_not_there_leaves_the_others_unchanged(
    library: Library, ids: list[int]
) -> None:
    before = everything(library)
    with pytest.raises(LibraryError, match="no case 999; nothing was changed"):
        library.edit_many([*ids, 999], {EDEMA: ABSENT})
    assert everything(library) == before
    assert library.history() == []


CHANGES: dict[str, Callable[[Library, list[int]], object]] = {
    "view, sex, age": lambda lib, ids: lib.edit(ids[0], Edit(view=View.AP, sex="O", age="mid 60s")),
    "an age that was not known": lambda lib, ids: lib.edit(ids[2], Edit(age="3")),
    "a new report": lambda lib, ids: lib.edit(ids[0], Edit(report="Something else.")),
    "a deleted report": lambda lib, ids: lib.edit(ids[0], Edit(report="")),
    "a first report": lambda lib, ids: lib.edit(ids[3], Edit(report=RARE)),
    "an alias": lambda lib, ids: lib.edit(ids[0], Edit(alias="The third film")),
    "what the labeller says": lambda lib, ids: lib.set_findings(
        ids[1], {EDEMA: PRESENT}, FindingSource.LABELLED
    ),
    "a new tag": lambda lib, ids: lib.add_to("tag", "a/b", ids[1:4]),
    "a tag taken away": lambda lib, ids: lib.take_from("tag", "old", ids[:1]),
    "the last of a tag": lambda lib, ids: lib.take_from("tag", "old", ids[:2]),
    "a new collection": lambda lib, ids: lib.add_to("collection", "Lesson 2", ids),
    "out of a collection": lambda lib, ids: lib.take_from("collection", "Lesson 1", ids[:1]),
    "a deleted collection": lambda lib, ids: lib.delete_group("collection", "Lesson 1"),
    "a deleted tag": lambda lib, ids: lib.delete_group("tag", "old"),
    "another note": lambda lib, ids: lib.collect("Lesson 1", ids[0], "New."),
}


@pytest.mark.parametrize("name", list(CHANGES))
def test_every_kind_of_change_can_be_undone_and_redone(
    library: Library, ids: list[int], name: str
) -> None:
    library.add_to("tag", "old", ids[:2])
    library.collect("Lesson 1", ids[0], "Look at the hilum.", [{"x": 0.5, "y": 0.25}])
    library.add_to("collection", "Lesson 1", ids[1:3])
    before = everything(library)
    CHANGES[name](library, ids)
    done = everything(library)
    assert done != before
    undone = library.undo(library.history(1)[0].number)
    assert everything(library) == before
    library.undo(undone)
    assert everything(library) == done
    assert library.verify().consistent


def test_restored_words_are_found_and_replaced_ones_are_not(
    library: Library, ids: list[int]
) -> None:
    library.edit(ids[0], Edit(report="Something else."))
    assert library.count(CaseFilter(words="zyzzogeton")) == 0
    library.undo(library.history(1)[0].number)
    assert library.ids(CaseFilter(words="zyzzogeton")).tolist() == [ids[0]]
    assert library.count(CaseFilter(words="something")) == 0


def test_what_was_changed_since_is_not_written_over(library: Library, ids: list[int]) -> None:
    first = library.edit_many(ids, {EDEMA: ABSENT})
    library.edit_many(ids[:2], {PLEURAL: PRESENT})  # touches nothing of the first
    second = library.edit_many(ids[1:3], {EDEMA: PRESENT})
    assert first is not None
    assert second is not None
    before = everything(library)
    with pytest.raises(LibraryError) as refusal:
        library.undo(first)
    assert str(refusal.value) == (
        f"Change {first} cannot be undone: change {second} has changed Edema of case {ids[1]} "
        f"(and 1 more) since, and that would be lost. Undo change {second} first."
    )
    assert everything(library) == before
    library.undo(second)
    library.undo(first)
    assert library.case(ids[0]).state(EDEMA) is PRESENT


def test_a_value_that_somebody_set_anew_is_not_written_over_either(
    library: Library, ids: list[int]
) -> None:
    """It is again what the first change made it, but by the word of a later one."""
    first = library.edit_many(ids, {EDEMA: ABSENT})
    between = library.edit_many(ids[:1], {EDEMA: PRESENT})
    last = library.edit_many(ids[:1], {EDEMA: ABSENT})
    assert first is not None
    assert between is not None
    assert last is not None
    with pytest.raises(LibraryError, match=rf"Undo change {last} first"):
        library.undo(first)
    undone = library.undo(last)
    library.undo(undone)  # done again, so it is in the way again
    with pytest.raises(LibraryError, match=rf"Undo change {last} first"):
        library.undo(first)
    library.undo(last)
    library.undo(between)  # what was undone since is in nobody's way
    library.undo(first)
    assert library.case(ids[0]).state(EDEMA) is PRESENT  # as the data set has it


def test_a_change_is_undone_once(library: Library, ids: list[int]) -> None:
    number = library.edit_many(ids, {EDEMA: ABSENT})
    assert number is not None
    undone = library.undo(number)
    with pytest.raises(LibraryError, match=rf"undone already\. Undo change {undone} to have it"):
        library.undo(number)
    with pytest.raises(LibraryError, match="no change 777"):
        library.undo(777)


def test_an_alias_that_somebody_else_has_by_now_is_not_taken_away(
    library: Library, ids: list[int]
) -> None:
    library.edit(ids[0], Edit(alias="The film"))
    library.edit(ids[0], Edit(alias="The old film"))
    number = library.history(1)[0].number
    library.edit(ids[1], Edit(alias="The film"))
    with pytest.raises(LibraryError, match=rf"Case {ids[1]} is called 'The film' now"):
        library.undo(number)
    assert [case.alias for case in library.cases(ids[:2])] == ["The old film", "The film"]


def test_a_change_of_more_cases_than_one_query_takes(
    library: Library, ids: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("db.aspects.AT_ONCE", 4)
    monkeypatch.setattr("db.history.ROWS", 4)
    before = everything(library)
    number = library.edit_many(ids, {EDEMA: UNCERTAIN})
    assert number is not None
    library.add_to("tag", "all of them", ids)
    library.take_from("tag", "all of them", ids)
    assert library.group_sizes("tag") == {}
    assert len(library.alterations(number)) == len(ids) == 6
    for change in library.history():
        library.undo(change.number)
    assert everything(library) == before


def test_the_history_goes_with_its_cases(library: Library, ids: list[int]) -> None:
    number = library.edit_many(ids, {EDEMA: ABSENT})
    library.edit(ids[0], Edit(alias="The film"))
    assert number is not None
    library.remove(ids[:1])
    (change,) = library.history()
    assert (change.number, change.cases) == (number, 5)
    library.undo(number)  # of those that are left
    assert library.case(ids[1]).state(EDEMA) is ABSENT  # as the data set has it
    library.remove(ids[1:])
    assert library.history() == []
    assert library.verify().consistent


def test_nothing_that_was_written_of_an_erased_patient_is_left(
    library: Library, ids: list[int]
) -> None:
    """Texts of before, aliases of before, notes of before: in no byte of the folder."""
    library.edit(ids[0], Edit(report="Now it is clear."))
    library.edit(ids[1], Edit(alias="Wumbledore film"))
    library.edit(ids[1], Edit(alias=""))
    library.collect("Lesson", ids[1], "Xylograph of the hilum", {"label": "Fizzwig arrows"})
    library.collect("Lesson", ids[1], "")
    library.collect("Lesson", ids[2], "A common note for teaching")
    library.collect("Lesson", ids[1], "A common note for teaching")
    library.edit_many(ids, {EDEMA: NOT_MENTIONED})
    traces = [b"zyzzogeton", b"Wumbledore", b"Xylograph", b"Fizzwig"]
    folder = library.folder.path

    def left() -> list[bytes]:
        content = b"".join(path.read_bytes() for path in folder.rglob("*") if path.is_file())
        return [trace for trace in traces if trace in content]

    assert left() == traces, "a trace that was never there proves nothing"
    library.erase_patient(str(library.case(ids[0]).patient))
    assert left() == []
    assert library.collected("Lesson") == [(ids[2], "A common note for teaching", None)]
    assert library.verify(deep=True).consistent


def test_a_left_over_of_the_history_is_found_and_said(
    library: Library, ids: list[int], tmp_path: Path
) -> None:
    """The scan after erasing looks for what only the history still knew."""
    library.edit(ids[0], Edit(report="Now it is clear."))
    (library.folder.path / "copy.txt").write_text(json.dumps(RARE))
    with pytest.raises(LibraryError, match=r"copy\.txt still holds something of the patient"):
        library.erase_patient(str(library.case(ids[0]).patient))


def test_notes_and_marks_come_back_as_they_were_written(library: Library, ids: list[int]) -> None:
    marks = {"arrows": [[0.1, 0.2, 0.3, 0.4]], "text": "<script>alert(1)</script>"}
    library.collect(" Lesson 1 ", ids[2], "<b>Look</b>\0 at the hilum.\n", marks)
    library.collect("Lesson 1", ids[0])
    assert library.collected("Lesson 1") == [
        (ids[0], "", None),
        (ids[2], "<b>Look</b> at the hilum.", marks),
    ]
    assert library.case(ids[2]).collections == ("Lesson 1",)
    library.add_to("collection", "Lesson 1", ids)  # keeps the note
    assert library.notes_of(ids[2]) == {"Lesson 1": ("<b>Look</b> at the hilum.", marks)}
    library.collect("Lesson 1", ids[2], "Another.")
    assert library.notes_of(ids[2]) == {"Lesson 1": ("Another.", None)}
    assert library.notes_of(ids[5]) == {"Lesson 1": ("", None)}


@pytest.mark.parametrize(
    ("note", "marks", "sentence"),
    [
        ("x" * (LONGEST_NOTE + 1), None, r"at most 10,000 characters, got 10,001"),
        ("", "x" * 2**18, "Marks take at most"),
        ("", float("nan"), "what JSON can hold"),
        ("", {1, 2}, "what JSON can hold"),
    ],
)
def test_notes_that_cannot_be_kept_are_refused(
    library: Library, ids: list[int], note: str, marks: Any, sentence: str
) -> None:
    with pytest.raises(LibraryError, match=sentence):
        library.collect("Lesson", ids[0], note, marks)
    with pytest.raises(LibraryError, match="no case 999"):
        library.collect("Lesson", 999)
    with pytest.raises(LibraryError, match="1 to 200 printable characters"):
        library.collect(" ", ids[0])
    with pytest.raises(LibraryError, match="no collection 'Lesson'"):
        library.collected("Lesson")


@settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    steps=st.lists(
        st.tuples(
            st.sampled_from([EDEMA, PLEURAL]),
            st.sampled_from(list(FindingState)),
            st.sets(st.integers(0, 5), min_size=1),
        ),
        min_size=1,
        max_size=5,
    )
)
def test_undoing_everything_newest_first_leads_back_to_the_beginning(
    library: Library, ids: list[int], steps: list[tuple[Finding, FindingState, set[int]]]
) -> None:
    before = everything(library)
    numbers = [
        library.edit_many([ids[i] for i in sorted(which)], {finding: state})
        for finding, state, which in steps
    ]
    for number in reversed(numbers):
        if number is not None:
            library.undo(number)
    assert everything(library) == before


def test_a_library_of_the_first_tables_gets_a_history_and_keeps_its_cases(tmp_path: Path) -> None:
    """Made by the first step alone, as an earlier program did."""
    folder = open_library_folder(tmp_path / "library")
    engine = open_database(folder.path / DATABASE_FILE)
    config = Config()
    config.set_main_option("script_location", str(Path(migrating.__file__).parent / "migrations"))
    with writing(engine) as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, "0001")
        mark = hmac.new(folder.identity_key, b"library", hashlib.sha256).hexdigest()[:32]
        connection.execute(
            text("INSERT INTO library VALUES (1, 0, :mark, '2026-01-01 00:00:00')"), {"mark": mark}
        )
        connection.execute(text("INSERT INTO collections VALUES (1, 'Lesson', '2026-01-01')"))
    earlier = Library(folder, engine)
    ids = import_rows(earlier, tmp_path, [row(1), row(2)]).imported
    with writing(engine) as connection:
        connection.execute(text("INSERT INTO collected SELECT 1, id FROM radiographs"))
    earlier.close()
    with open_library(tmp_path / "library") as later:
        assert later.collected("Lesson") == [(i, "", None) for i in ids]
        assert later.edit_many(ids, {EDEMA: ABSENT}) == 1
        with reading(later.engine) as opened:
            version = opened.execute(text("SELECT version_num FROM alembic_version")).scalar()
    assert version == HEAD
