"""What a reproduction rests on: which stage is done, what labels entail, what licences allow."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from daug.errors import ManifestError, TrainingError
from daug.findings import Finding
from tests.trainers.rows import row
from trainers.adapters.label_words import DISEASES
from trainers.problem import LoopSettings
from trainers.reproduction.estimates import amount, duration, training_seconds
from trainers.reproduction.labels import (
    Blanks,
    absent_blanks,
    fill_blanks,
    frontal_rows,
    is_frontal,
)
from trainers.reproduction.licences import check_licences
from trainers.reproduction.page import Page, Section, Table, page_html, page_markdown
from trainers.reproduction.stage import Stage
from trainers.reproduction.state import State
from trainers.reproduction.timing import Pace
from trainers.sources import SOURCES, MayTrain, Source

LABELS = st.dictionaries(st.sampled_from(list(Finding)), st.sampled_from([1, 0, -1]))


def chain(folder: Path, made: list[str], text: Mapping[str, str]) -> list[Stage]:
    """Three stages that copy the one before; each writes its own text behind it."""

    def maker(name: str, before: str | None) -> Callable[[], Mapping[str, Any]]:
        def make() -> Mapping[str, Any]:
            made.append(name)
            earlier = (folder / f"{before}.txt").read_text() if before else ""
            (folder / f"{name}.txt").write_text(earlier + text[name])
            return {"length": len(text[name])}

        return make

    before = {"a": None, "b": "a", "c": "b"}
    return [
        Stage(
            *(name, name, (folder / f"{name}.txt",), maker(name, need), {"text": text[name]}),
            *((need,) if need else (),),
        )
        for name, need in before.items()
    ]


def do(folder: Path, made: list[str], text: Mapping[str, str]) -> list[str]:
    """Make what is not done and return its names."""
    made.clear()
    state = State(folder)
    for stage in chain(folder, made, text):
        if state.why_not_done(stage) is not None:
            state.make_room(stage)
            state.keep(stage, stage.make(), 0.0)
    return list(made)


TEXT = {"a": "one ", "b": "two ", "c": "three"}


def test_a_stage_is_made_again_if_and_only_if_something_that_it_was_made_of_differs(
    tmp_path: Path,
) -> None:
    made: list[str] = []
    assert do(tmp_path, made, TEXT) == ["a", "b", "c"]
    assert do(tmp_path, made, TEXT) == []
    assert do(tmp_path, made, {**TEXT, "b": "2 "}) == ["b", "c"]
    assert (tmp_path / "c.txt").read_text() == "one 2 three"
    (tmp_path / "c.txt").unlink()
    assert do(tmp_path, made, {**TEXT, "b": "2 "}) == ["c"]
    (tmp_path / "a.txt").write_text("bad")
    assert do(tmp_path, made, {**TEXT, "b": "2 "}) == ["a"]  # it came out as it was
    assert do(tmp_path, made, {**TEXT, "b": "2 "}) == []


def test_what_is_out_of_date_is_put_aside_and_not_lost(tmp_path: Path) -> None:
    made: list[str] = []
    do(tmp_path, made, TEXT)
    do(tmp_path, made, {**TEXT, "a": "1 "})
    do(tmp_path, made, {**TEXT, "a": "I "})
    aside = tmp_path / "outdated"
    assert (aside / "a-1" / "a.txt").read_text() == "one "
    assert (aside / "c-1" / "c.txt").read_text() == "one two three"
    assert (aside / "c-2" / "c.txt").read_text() == "1 two three"


def test_a_stage_that_was_cut_off_is_not_taken_for_done(tmp_path: Path) -> None:
    """Its file is there, but nothing says that it is whole."""
    made: list[str] = []
    stages = chain(tmp_path, made, TEXT)
    (tmp_path / "a.txt").write_text("on")
    assert State(tmp_path).why_not_done(stages[0]) == "not made yet"
    assert do(tmp_path, made, TEXT) == ["a", "b", "c"]
    assert (tmp_path / "c.txt").read_text() == "one two three"


def test_a_stage_that_leaves_nothing_behind_is_no_success(tmp_path: Path) -> None:
    stage = replace(chain(tmp_path, [], TEXT)[0], make=dict)
    with pytest.raises(TrainingError, match="ended without writing"):
        State(tmp_path).keep(stage, stage.make(), 0.0)


def test_files_that_are_too_many_to_read_are_known_by_name_and_length(tmp_path: Path) -> None:
    folder = tmp_path / "maps"
    folder.mkdir()
    (folder / "one").write_text("abc")
    stage = Stage("maps", "", (folder,), dict, work=(folder,), many_files=True)
    state = State(tmp_path)
    state.keep(stage, {}, 0.0)
    assert state.why_not_done(stage) is None
    (folder / "one").unlink()
    assert state.why_not_done(stage) is not None
    state.make_room(stage)
    assert folder.exists()  # it can go on there


@given(labels=LABELS, blanks=st.sampled_from(Blanks))
def test_a_label_that_is_given_is_never_changed_and_filling_twice_is_filling_once(
    labels: dict[Finding, int], blanks: Blanks
) -> None:
    line = {finding.value: str(label) for finding, label in labels.items()} | {"assumed": ""}
    once = fill_blanks(line, blanks)
    assert all(once[finding] == str(label) for finding, label in labels.items())
    filled = {finding for finding in Finding if once.get(finding) and finding not in labels}
    assert all(once[finding] == "0" for finding in filled)
    assert set(filter(None, once["assumed"].split("|"))) == filled
    again = {f: int(once[f]) for f in Finding if once.get(f)}
    assert absent_blanks(again, blanks) == []


@given(labels=LABELS)
def test_no_finding_is_absent_where_there_is_a_pathology_and_all_are_absent_where_it_is_present(
    labels: dict[Finding, int],
) -> None:
    filled = set(absent_blanks(labels, Blanks.UNKNOWN))
    assert Finding.SUPPORT_DEVICES not in filled  # no pathology, so No Finding says nothing of it
    if labels.get(Finding.NO_FINDING) == 1:
        assert filled == set(DISEASES) - labels.keys()
    elif any(labels.get(finding) == 1 for finding in DISEASES):
        assert filled == {Finding.NO_FINDING} - labels.keys()
    else:
        assert filled == set()


def test_what_follows_from_labels_read_from_a_report_counts_as_read_there() -> None:
    line = {"Edema": "1", "assumed": "", "text_derived": "Edema"}
    assert fill_blanks(line, Blanks.UNKNOWN)["text_derived"] == "Edema|No Finding"
    line["text_derived"] = ""
    assert fill_blanks(line, Blanks.UNKNOWN)["text_derived"] == ""


def test_blanks_are_absent_only_if_asked_and_never_where_nothing_is_labelled() -> None:
    labels = {Finding.EDEMA: 1, Finding.FRACTURE: -1}
    assert absent_blanks({}, Blanks.ABSENT) == []
    assert set(absent_blanks(labels, Blanks.ABSENT)) == set(Finding) - labels.keys()
    assert absent_blanks(labels, Blanks.UNKNOWN) == [Finding.NO_FINDING]
    assert absent_blanks({Finding.SUPPORT_DEVICES: 1}, Blanks.UNKNOWN) == []


@pytest.mark.parametrize(
    ("view", "frontal"),
    [("PA", True), ("AP", True), ("ap-horizontal", True), ("", True), ("AP LLD", True)]
    + [(view, False) for view in ("LATERAL", "LL", "L", "LAO", "SWIMMERS", "XTABLE LATERAL")],
)
def test_a_view_is_frontal_if_its_name_says_so_or_says_nothing(view: str, frontal: bool) -> None:
    assert is_frontal(view) is frontal
    kept = frontal_rows([replace(row(), view=view)], ["one"], Blanks.UNKNOWN)
    assert len(kept) == frontal


def test_a_source_that_may_not_be_passed_on_has_to_be_named(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    closed = Source("closed", MayTrain.RECOGNISE, "data use agreement", "somebody")
    monkeypatch.setitem(SOURCES, "closed", closed)
    with pytest.raises(ManifestError, match=r"closed .*--sources closed,nih"):
        check_licences(["nih", "closed"], ())
    named = check_licences(["nih", "closed"], ("closed",))
    assert named.sources == ("closed",)
    assert "data use agreement. Keep everything" in named.warnings[0]
    assert check_licences(["nih", "nih"], ()).warnings == ()
    assert "its licence is not known here" in check_licences(["mine"], ()).warnings[0]
    with pytest.raises(ManifestError, match="lost is no source of the manifest"):
        check_licences(["nih"], ("lost",))


def test_a_training_ends_at_its_last_step_or_minute_whichever_is_first() -> None:
    pace = Pace(seconds=2.0, memory=0)
    assert training_seconds(pace, LoopSettings(steps=10)) == 20
    assert training_seconds(pace, LoopSettings(budget_minutes=1)) == 60
    assert training_seconds(pace, LoopSettings(steps=10, budget_minutes=1)) == 20
    assert training_seconds(pace, LoopSettings(steps=100, budget_minutes=1)) == 60


def test_times_and_sizes_are_told_in_units_that_a_person_uses() -> None:
    seconds = (40, 300, 9000, 400_000)
    assert [duration(s) for s in seconds] == ["40 s", "5 min", "2.5 h", "4.6 days"]
    assert [amount(n) for n in (5 << 20, 3 << 30)] == ["5 MiB", "3.0 GiB"]


def test_a_page_is_text_wherever_it_is_shown() -> None:
    page = Page(
        "A <b>page</b>",
        ["1 < 2"],
        [Section("One | two", ["<script>"], [Table(("a|b",), [("c<d",)])], ["x.png"], ["last"])],
    )
    html = page_html(page)
    assert "<script>" not in html
    assert "<b>page" not in html
    assert "<td>c&lt;d</td>" in html
    text = page_markdown(page)
    assert "| a\\|b |" in text
    assert "![One \\| two](x.png)" in text
    assert text.endswith("- last\n")
