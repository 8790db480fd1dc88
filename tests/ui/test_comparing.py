"""What the tab "Compare" answers, without a browser: over a small library of made-up cases."""

import asyncio
from collections.abc import Callable, Iterator, Sequence
from datetime import date
from pathlib import Path
from typing import Any

import gradio as gr
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from daug.case import Case, FindingSource, FindingState, ReportKind, SearchHit, Statement
from daug.case_desk import CaseQuestion, EmbeddingState
from daug.errors import EngineError, LibraryError
from daug.finding_phrases import Phrase
from daug.finding_probability import FindingProbability, FindingScale
from daug.findings import Direction, Finding
from daug.radiograph import Radiograph
from daug.similar_cases import (
    BaseRate,
    Comparison,
    Count,
    SearchAnswer,
    SearchKind,
    SimilarityFloor,
)
from daug.view import View
from daug.workstation import Workstation
from tests.ui import phantoms
from ui import case_pane, compared_words
from ui.answer_panels import base_rates_html, comparison_html, scores_html
from ui.captioned import WARNING
from ui.case_filter_controls import filter_of
from ui.compare_controls import QUERY, SELECTED
from ui.compare_screen import NOTHING_YET, CompareScreen, lay_out_compare_screen
from ui.comparing import ComparingHandlers, Found
from ui.comparison_keeping import ComparisonKeeper
from ui.comparison_trail import Subject, Trail
from ui.drawing import CLOSED
from ui.hit_gallery import main_findings, small_picture
from ui.keeping import FILE_GONE, NAME_IT, Keeper
from ui.library_watch import LibraryWatch
from ui.moved_ranks import NEW, fallen_out, moves
from ui.readings import Reading, Readings
from ui.report_markup import marked, report_html, text_html
from ui.search_settings import settings_of

Update = dict[Any, Any]


def case(number: int, *present: Finding, absent: Sequence[Finding] = (), **known: Any) -> Case:
    """A case with some findings."""
    states = dict.fromkeys(present, FindingState.PRESENT) | dict.fromkeys(
        absent, FindingState.ABSENT
    )
    findings = {f: Statement(s, FindingSource.IMPORTED) for f, s in states.items()}
    return Case(number, f"case {number}", f"{number:064d}", 90, 80, findings=findings, **known)


def answer(cases: Sequence[Case], **changes: Any) -> SearchAnswer:
    """An answer with these hits, ever less similar."""
    values: dict[str, Any] = {
        "hits": tuple(SearchHit(one, r, 1 - r / 100) for r, one in enumerate(cases, start=1)),
        "comparisons": tuple(Comparison(frozenset(), frozenset()) for _ in cases),
        "base_rates": (),
        "patient_excluded": False,
        "floor": None,
        "unlike_anything": None,
        "allowed": len(cases),
        **changes,
    }
    return SearchAnswer(**values)


class Library:
    """Cases in memory; it stands for the desk as well."""

    can_rank_without_heat = True
    why_no_search = ""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.known = {n: case(n, Finding.EDEMA, source="made up") for n in range(1, 13)}
        self.asked: list[CaseQuestion] = []
        self.answers: Callable[[CaseQuestion], SearchAnswer] = self._usual
        self.state = EmbeddingState(12, 12)
        self.kept: list[tuple[str, int, str, Any]] = []
        self.entered: list[Path] = []
        self.patients: dict[int, list[int]] = {}

    def _usual(self, question: CaseQuestion) -> SearchAnswer:
        there = [one for one in self.known.values() if one.case_id != question.case_id]
        ordered = there[::-1] if question.without_heat else there
        return answer(ordered[: question.k], allowed=len(there))

    def ask(self, question: CaseQuestion) -> SearchAnswer:
        self.asked.append(question)
        return self.answers(question)

    def priors(self, radiograph: Radiograph) -> list[Case]:
        return [self.known[2], self.known[1]]

    def radiograph(self, case_id: int) -> Radiograph:
        return phantoms.radiograph(90 + case_id, 80, source_name=f"case {case_id}")

    def keep(self, radiograph: Radiograph, path: Path) -> Case:
        self.entered.append(path)
        self.known[99] = case(99)
        return self.known[99]

    def embedding_state(self) -> EmbeddingState:
        return self.state

    def start_embedding(self) -> None:
        self.state = EmbeddingState(self.state.embedded, 12, running=True)

    def stop_embedding(self) -> None:
        self.state = EmbeddingState(self.state.embedded, 12)

    def case(self, case_id: int) -> Case:
        if case_id not in self.known:
            raise LibraryError(f"There is no case {case_id}.")
        return self.known[case_id]

    def same_patient(self, case_id: int) -> list[Case]:
        return [self.known[n] for n in self.patients.get(case_id, [case_id])]

    def thumbnail(self, of: Case) -> Path:
        return self.folder / f"{of.case_id}.jpg"

    def count(self, wanted: Any = None) -> int:
        real = [one for one in self.known.values() if not one.synthetic]
        return len(real) if wanted and wanted.synthetic is False else len(self.known)

    def sources(self) -> dict[str, int]:
        return {"made up": 12, "": 1}

    def group_sizes(self, what: str) -> dict[str, int]:
        return {"Teaching": 2} if what == "collection" else {"seen": 1}

    def collect(self, name: str, case_id: int, note: str = "", marks: Any = None) -> None:
        self.kept.append((name, case_id, note, marks))


class Embedder:
    """Scores findings, and counts how often it is asked."""

    def __init__(self) -> None:
        self.scored = 0

    def classify(self, radiograph: Radiograph) -> tuple[FindingProbability, ...]:
        self.scored += 1
        return (FindingProbability(Finding.EDEMA, 0.25, FindingScale()),)


class Tab:
    """The tab with its handlers, and what a person sees of it."""

    def __init__(self, folder: Path) -> None:
        self.library = Library(folder)
        self.embedder = Embedder()
        self.bundle = phantoms.bundle()
        made: Any = (self.embedder, self.library)
        station = Workstation(
            self.bundle,
            phantoms.load,
            lambda _: phantoms.scores(self.bundle),
            phantoms.drawer(self.bundle),
            made[0],
        )
        self.readings = Readings()
        with gr.Blocks(analytics_enabled=False):
            self.screen: CompareScreen = lay_out_compare_screen(
                self.bundle, can_rank_without_heat=True
            )
        self.handlers = ComparingHandlers(station, self.readings, made[1], made[1], self.screen)
        self.watch = LibraryWatch(made[1], made[1], self.screen)
        keeper = Keeper(self.bundle, made[1], made[1])
        self.keeping = ComparisonKeeper(keeper, self.readings)
        self.values = {one: one.value for one in self.screen.controls.settings}
        self.shown: Update = {}
        self.trail = Trail()
        self.found: Found | None = None

    def open(self, path: Path | None = None) -> str:
        radiograph = phantoms.radiograph()
        seen = radiograph.model_input(64)
        reading = Reading(radiograph, seen, phantoms.scores(self.bundle), path)
        key = self.readings.open(reading)
        self.trail = self.trail.begun_with(key)
        return key

    def set(self, control: Any, value: Any) -> None:
        self.values[control] = value

    def updates(self, *, if_new: bool = False) -> Iterator[Update]:
        ask = self.handlers.ask_if_new if if_new else self.handlers.ask
        for update in ask(self.trail, self.found, *self.values.values()):
            self._take(update, self.screen.answered)
            yield update

    def ask(self) -> str:
        """Ask as the controls have it, and return the status."""
        list(self.updates())
        return str(self.shown[self.screen.status])

    def select(self, index: int, *, prior: bool = False) -> Update:
        event = gr.SelectData(None, {"index": index, "value": None})
        choose = self.handlers.select_prior if prior else self.handlers.select_hit
        update = choose(self.found, event)
        self._take(update, self.screen.chosen)
        return update

    def follow(self) -> None:
        self.trail = self.handlers.follow(self.trail, self.shown[self.screen.selected])

    def back(self) -> None:
        self.trail = self.handlers.go_back(self.trail)

    def captions(self) -> list[str]:
        return [caption for _, caption in self.shown[self.screen.hits]["value"] or ()]

    def _take(self, update: Update, allowed: Sequence[Any]) -> None:
        """Gradio refuses an update of what an event has not named; so does this."""
        assert {id(one) for one in update} <= {id(one) for one in allowed}
        self.shown |= {one: value for one, value in update.items() if not _skipped(value)}
        if self.screen.found in update:
            self.found = update[self.screen.found]


def _skipped(value: Any) -> bool:
    return isinstance(value, dict) and value == gr.skip()


@pytest.fixture
def tab(tmp_path: Path) -> Tab:
    async def build() -> Tab:  # Gradio leaves event loops unclosed where none is running
        return Tab(tmp_path)

    return asyncio.run(build())


def test_what_is_open_in_read_is_the_query_itself(tab: Tab) -> None:
    key = tab.open()
    assert "10 most similar of 12 cases" in tab.ask()
    (question,) = tab.library.asked
    reading = tab.readings.get(key)
    assert reading is not None
    assert question.radiograph is reading.radiograph
    assert question.present == frozenset()  # what a model suggests is no fact
    assert tab.captions()[0] == "1 · 0.99 · Edema"
    assert tab.shown[tab.screen.selected] == 1


def test_the_query_is_shown_before_the_answer_and_nothing_of_another_beside_it(tab: Tab) -> None:
    tab.open()
    tab.ask()
    tab.open()
    updates = tab.updates()
    next(updates), next(updates)
    assert tab.shown[tab.screen.query] is not None
    assert tab.shown[tab.screen.hit] is None
    assert tab.captions() == []
    assert tab.shown[tab.screen.rates] == ""
    assert tab.shown[tab.screen.scores] == ""
    list(updates)


def test_coming_back_asks_nothing_anew(tab: Tab) -> None:
    """No update at all would blank the screen."""
    assert list(tab.updates(if_new=True)) == [{tab.screen.status: gr.skip()}]
    tab.open()
    assert tab.handlers.begin_if_new(tab.trail, tab.found) == tab.handlers.begin()
    list(tab.updates(if_new=True))
    assert list(tab.updates(if_new=True)) == [{tab.screen.status: gr.skip()}]
    assert tab.handlers.begin_if_new(tab.trail, tab.found) == gr.skip()
    assert len(tab.library.asked) == 1
    tab.open()
    list(tab.updates(if_new=True))
    assert len(tab.library.asked) == 2


def test_a_radiograph_that_was_closed_meanwhile_leaves_nothing(tab: Tab) -> None:
    key = tab.open()
    tab.readings.close(key)
    assert tab.ask() == CLOSED
    key = tab.open()
    updates = tab.updates()
    next(updates)
    tab.readings.close(key)
    list(updates)
    assert tab.shown[tab.screen.status] == CLOSED
    assert tab.captions() == []


def test_ticked_findings_belong_to_one_radiograph(tab: Tab) -> None:
    tab.open()
    tab.ask()
    tab.set(tab.screen.controls.shows, ["Edema"])
    tab.ask()
    assert tab.library.asked[-1].present == {Finding.EDEMA}
    tab.open()  # another one: the ticks are cleared and count no more
    tab.ask()
    assert tab.library.asked[-1].present == frozenset()
    assert tab.shown[tab.screen.controls.shows]["value"] == []


def test_ticks_count_after_a_question_that_could_not_be_answered(tab: Tab) -> None:
    def refuse(question: CaseQuestion) -> SearchAnswer:
        if not question.present:
            raise LibraryError("Name its findings.")
        return answer([tab.library.known[3]])

    tab.library.answers = refuse
    tab.open()
    assert tab.ask() == "Name its findings."
    tab.set(tab.screen.controls.shows, ["Edema"])
    assert "similar" in tab.ask()


def test_a_hit_is_asked_about_by_its_number_with_what_is_known_of_it(tab: Tab) -> None:
    tab.library.known[2] = case(2, Finding.EDEMA, absent=[Finding.FRACTURE])
    tab.library.patients[2] = [5, 2, 7]
    tab.open()
    tab.ask()
    tab.select(1)
    tab.follow()
    tab.ask()
    question = tab.library.asked[-1]
    assert (question.case_id, question.radiograph) == (2, None)
    assert question.present == {Finding.EDEMA}
    assert question.absent == {Finding.FRACTURE}
    captions = [caption for _, caption in tab.shown[tab.screen.priors]["value"]]
    assert [text.split(" · ")[0] for text in captions] == ["prior 1 of 2", "prior 2 of 2"]
    assert tab.shown[tab.screen.back]["interactive"] is True
    tab.back()
    tab.ask()
    assert tab.library.asked[-1].case_id is None
    assert tab.shown[tab.screen.back]["interactive"] is False


def test_a_case_that_was_removed_is_told(tab: Tab) -> None:
    tab.open()
    tab.ask()
    tab.select(0)
    tab.follow()
    del tab.library.known[1]
    assert tab.ask() == "There is no case 1."
    assert tab.captions() == []


def test_both_rankings_are_known_after_the_switch_and_arrows_say_what_moved(tab: Tab) -> None:
    tab.open()
    tab.set(tab.screen.controls.k, 12)
    tab.ask()
    assert "▲" not in "".join(tab.captions())
    tab.set(tab.screen.controls.without_heat, True)
    told = tab.ask()
    assert tab.captions()[0] == "1 · 0.99 · ▲11 · Edema"
    assert tab.captions()[-1] == "12 · 0.88 · ▼11 · Edema"
    assert "Ranked without the heatmap: against the ranking with it, 12 moved and 0" in told
    tab.set(tab.screen.controls.without_heat, False)
    assert "Ranked with the heatmap" in tab.ask()
    tab.set(tab.screen.controls.k, 3)  # another question: nothing to compare with
    tab.ask()
    assert "▲" not in "".join(tab.captions())


def test_a_prior_is_shown_beside_the_query_and_is_not_ranked(tab: Tab) -> None:
    tab.open()
    tab.ask()
    tab.select(0, prior=True)
    assert tab.shown[tab.screen.selected] == 2
    assert "not ranked" in tab.shown[tab.screen.details]


def test_a_click_on_what_is_no_longer_there_changes_nothing(tab: Tab) -> None:
    assert tab.select(0) == {tab.screen.status: gr.skip()}
    tab.open()
    tab.ask()
    for index in (10, -1):
        assert tab.select(index) == {tab.screen.status: gr.skip()}
        assert tab.select(index, prior=True) == {tab.screen.status: gr.skip()}


def test_a_hit_whose_file_is_gone_keeps_its_words(
    tab: Tab, monkeypatch: pytest.MonkeyPatch
) -> None:
    tab.open()
    tab.ask()

    def gone(case_id: int) -> Radiograph:
        raise LibraryError("The file of case 3 is gone.")

    monkeypatch.setattr(tab.library, "radiograph", gone)
    tab.select(2)
    assert tab.shown[tab.screen.hit] is None
    assert tab.shown[tab.screen.status] == "The file of case 3 is gone."
    assert "No report" in tab.shown[tab.screen.details]


def test_hits_are_shown_once_more_unless_the_radiograph_was_closed(tab: Tab) -> None:
    """A browser that is still laying out the tab may have lost them."""
    key = tab.open()
    tab.ask()
    hits, captions = tab.screen.hits, tab.captions()
    again = tab.handlers.settle(tab.found)[hits]["value"]
    assert [caption for _, caption in again] == captions
    assert captions
    tab.readings.close(key)
    assert "value" not in tab.handlers.settle(tab.found)[hits]


def test_scores_that_fail_hide_no_hits(tab: Tab, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(radiograph: Radiograph) -> Any:
        raise EngineError("Step 1 gave values <that> are not numbers.")

    monkeypatch.setattr(tab.embedder, "classify", fail)
    tab.open()
    assert "most similar" in tab.ask()
    assert tab.shown[tab.screen.scores] == "Step 1 gave values &lt;that&gt; are not numbers."


def test_a_query_is_scored_once_however_often_it_is_asked_about(tab: Tab) -> None:
    tab.open()
    tab.ask()
    tab.set(tab.screen.controls.k, 3)
    tab.ask()
    assert tab.embedder.scored == 1
    tab.open()
    tab.ask()
    assert tab.embedder.scored == 2


def test_what_is_imagined_is_asked_and_said(tab: Tab) -> None:
    tab.open()
    tab.set(tab.screen.controls.change, "Pleural")
    tab.set(tab.screen.controls.direction, "-")
    assert "imagined with − Pleural" in tab.ask()
    change = tab.library.asked[-1].change
    assert change is not None
    assert (change.super_class, change.direction) == ("Pleural", Direction.LESS)
    tab.trail = Trail()
    assert tab.ask() == NOTHING_YET
    tab.set(tab.screen.controls.text, "large heart")
    assert "A change needs a radiograph" in tab.ask()


def test_only_trained_super_classes_can_be_imagined(tab: Tab) -> None:
    offered = [name for _, name in tab.screen.controls.change.choices]
    assert offered == ["", *(card.name for card in tab.bundle.offered)]
    assert "Atelectasis" not in offered


def test_a_text_alone_asks_and_with_a_radiograph_it_has_a_weight(tab: Tab) -> None:
    tab.set(tab.screen.controls.text, "  large heart ")
    tab.ask()
    assert tab.library.asked[-1].text == "large heart"
    assert tab.shown[tab.screen.query] is None
    assert tab.shown[tab.screen.controls.weight]["visible"] is False
    tab.open()
    tab.set(tab.screen.controls.weight, 80)
    tab.ask()
    assert tab.library.asked[-1].image_weight == 0.8
    assert tab.shown[tab.screen.controls.weight]["visible"] is True


def test_a_filter_that_contradicts_itself_is_told(tab: Tab) -> None:
    tab.open()
    tab.set(tab.screen.controls.filters.min_age, "50")
    tab.set(tab.screen.controls.filters.max_age, "40")
    assert tab.ask() == "No age is from 50.0 to 40.0."
    assert tab.library.asked == []


def test_nothing_filled_in_is_no_filter(tab: Tab) -> None:
    filters = tab.screen.controls.filters
    assert filter_of(*(one.value for one in filters.fields)) == filter_of(*filters.nothing_asked())
    assert filter_of(*filters.nothing_asked()) == settings_of(*tab.values.values()).wanted
    assert settings_of(*tab.values.values()).to_dict()["filters"] == {}


def test_every_field_of_the_filter_asks_for_its_own() -> None:
    wanted = filter_of(
        *(["Edema"], ["Fracture"], ["PA"], "F", "40", "50,5", ["a"], ["t"], "c", " w "),
        *("synthetic", "2026-01-31", " 2026-02-01 "),
    )
    assert wanted.present == {Finding.EDEMA}
    assert wanted.absent == {Finding.FRACTURE}
    assert wanted.views == {View.PA}
    assert (wanted.sex, wanted.min_age, wanted.max_age) == ("F", 40.0, 50.5)
    assert (wanted.sources, wanted.tags) == (frozenset({"a"}), frozenset({"t"}))
    assert wanted.collection == "c"
    assert (wanted.words, wanted.synthetic) == ("w", True)
    assert (wanted.added_from, wanted.added_to) == (date(2026, 1, 31), date(2026, 2, 1))
    with pytest.raises(LibraryError, match="An age is a number of years"):
        filter_of([], [], [], "", "old", "", [], [], "", "", "any", "", "")
    with pytest.raises(LibraryError, match="A day is written as in 2026-01-31, got 'May'"):
        filter_of([], [], [], "", "", "", [], [], "", "", "any", "", "May")


def test_cases_are_kept_with_a_note_and_what_was_looked_at(tab: Tab, tmp_path: Path) -> None:
    path = tmp_path / "film.png"
    path.write_bytes(b"a picture")
    tab.open(path)
    tab.ask()
    tab.select(2)
    place = (tab.trail, tab.found, tab.shown[tab.screen.selected])
    assert tab.keeping.save(SELECTED, " Hearts ", "look", *place) == "case 3 is in 'Hearts'."
    name, number, note, marks = tab.library.kept[-1]
    assert (name, number, note) == ("Hearts", 3, "look")
    assert (marks["rank"], marks["query"]) == (3, {"opened file": True})
    assert marks["question"]["kind"] == "similar"
    assert tab.keeping.save(QUERY, "Hearts", "", *place) == "case 99 is in 'Hearts'."
    assert tab.library.entered == [path]
    assert tab.library.kept[-1][3]["view"] == "radiograph"
    assert tab.keeping.save(QUERY, " ", "", *place) == NAME_IT
    path.unlink()
    assert tab.keeping.save(QUERY, "Hearts", "", *place) == FILE_GONE


def test_the_maps_on_the_screen_are_the_marks(tab: Tab, tmp_path: Path) -> None:
    path = tmp_path / "film.png"
    path.write_bytes(b"a picture")
    reading = tab.readings.get(tab.open(path))
    assert reading is not None
    recipe = tab.bundle.recipe_for("Pleural", Direction.LESS)
    reading.heatmaps = (phantoms.heatmap(reading.radiograph, tab.bundle, recipe),)
    tab.keeping.keeper.save_open(reading, "Hearts", "")
    marks = tab.library.kept[-1][3]
    assert marks["view"] == "question"
    assert marks["maps"][0]["super_class"] == "Pleural"
    assert marks["maps"][0]["direction"] == "-"
    assert marks["maps"][0]["recipe"] == recipe.to_dict()


def test_the_state_of_the_library_is_told_while_it_changes(tab: Tab) -> None:
    tab.library.state = EmbeddingState(1200, 5810, running=True, seconds_left=240)
    told = tab.watch.look()
    said = "1,200 of 5,810 cases are embedded, about 4 min left; only these are searched."
    assert told[tab.screen.embedded]["value"] == said
    assert told[tab.screen.timer].active is True
    assert told[tab.screen.stop]["visible"] is True
    tab.library.state = EmbeddingState(12, 12)
    told = tab.watch.look()
    assert told[tab.screen.embedded]["visible"] is False
    assert told[tab.screen.timer].active is False
    tab.library.state = EmbeddingState(3, 12, failed="The disk is full.")
    assert tab.watch.look()[tab.screen.embedded]["value"].endswith("The disk is full.")
    assert tab.watch.look()[tab.screen.embed]["visible"] is True


def test_a_library_of_synthetic_cases_alone_says_how_to_get_real_ones(tab: Tab) -> None:
    tab.library.known = {1: case(1, synthetic=True)}
    said = tab.watch.look()[tab.screen.embedded]["value"]
    assert "All of the library's cases are synthetic and show nobody." in said
    assert "daug library import" in said
    tab.library.state = EmbeddingState(0, 0)
    assert tab.watch.look()[tab.screen.embedded]["value"].startswith("The library is empty.")


def test_names_to_filter_by_are_the_librarys_own(tab: Tab) -> None:
    names = tab.watch.names()
    filters = tab.screen.controls.filters
    assert names[filters.sources]["choices"] == ["made up"]
    assert names[filters.tags]["choices"] == [("seen (1)", "seen")]
    assert ("Teaching (2)", "Teaching") in names[filters.collection]["choices"]


def test_a_model_that_cannot_do_without_heat_says_so(tab: Tab) -> None:
    tab.library.can_rank_without_heat = False
    heat = tab.watch.look()[tab.screen.controls.without_heat]
    assert heat["interactive"] is False
    assert "not with this model" in heat["label"]


def test_nothing_alike_is_said_above_the_hits(tab: Tab) -> None:
    floor = SimilarityFloor(0.61, 1.0, 500, 5000, "m")
    tab.library.answers = lambda _: answer(
        [tab.library.known[1]], floor=floor, unlike_anything=True
    )
    tab.open()
    assert "not calibrated" not in tab.ask()
    banner = tab.shown[tab.screen.banner]
    assert banner["visible"] is True
    assert banner["value"].startswith("Nothing like this in the library.")
    assert "0.61 (n = 500)" in banner["value"]
    tab.library.answers = lambda _: answer([tab.library.known[1]], unlike_anything=None)
    assert compared_words.NOT_CALIBRATED in tab.ask()
    assert tab.shown[tab.screen.banner]["visible"] is False


def test_no_hits_are_told_and_shown_as_none(tab: Tab) -> None:
    tab.library.answers = lambda _: answer([])
    tab.open()
    assert tab.ask().startswith("No case may answer")
    assert tab.captions() == []
    assert tab.shown[tab.screen.hit] is None


@given(st.lists(st.integers(1, 30), unique=True), st.lists(st.integers(1, 30), unique=True))
def test_arrows_lead_back_to_the_other_ranking(now: list[int], other: list[int]) -> None:
    shown, before = answer([case(n) for n in now]).hits, answer([case(n) for n in other]).hits
    arrows = moves(shown, before)
    for rank, number in enumerate(now, start=1):
        arrow = arrows[number]
        if number in other:
            steps = int(arrow[1:] or 0) if arrow else 0
            was = rank + (steps if arrow.startswith("▲") else -steps)
            assert was == other.index(number) + 1
        else:
            assert arrow == (NEW if other else "")
    assert fallen_out(shown, before) == len(set(other) - set(now))


ANY_TEXT = st.text(st.characters(codec="utf-8"), max_size=60)


@given(ANY_TEXT, st.data())
def test_a_report_comes_out_character_by_character(report: str, data: st.DataObject) -> None:
    """Without tags, what a browser reads is the report; nothing of it is markup."""
    from html import unescape
    from re import sub

    cuts = sorted(data.draw(st.sets(st.integers(0, len(report)), max_size=4)))
    phrases = [
        Phrase(start, end, Finding.EDEMA, FindingState.ABSENT)
        for start, end in zip(cuts[::2], cuts[1::2], strict=False)
    ]
    html = marked(report, phrases)
    assert "\n" not in html
    without_tags = sub(r'<span class="tag">.*?</span>', "", html)
    bare = sub(r'</?(span|u)( class="[a-z ]+")?>', "", without_tags)
    assert "<" not in bare
    assert unescape(bare) == unescape(text_html(report)) == report
    assert html.count("<u>") == len(phrases)


def test_scripts_of_a_report_an_alias_and_a_source_are_text() -> None:
    evil = "<script>window.hacked=1</script>"
    told = comparison_html(
        case(1, report=evil, report_kind=ReportKind.REAL), Comparison(frozenset(), frozenset())
    )
    assert "<script" not in told
    assert "&lt;script&gt;" in told


def test_a_report_composed_from_labels_says_so() -> None:
    composed = case(1, report="Heart enlarged.", report_kind=ReportKind.TEMPLATE)
    assert "not a real report" in report_html(composed)
    real = case(1, report="Heart enlarged.", report_kind=ReportKind.REAL)
    assert "not a real report" not in report_html(real)
    assert "Cardiomegaly present" in report_html(real)


def test_shared_and_differing_findings_say_who_has_them() -> None:
    hit = case(1, Finding.EDEMA, Finding.FRACTURE, absent=[Finding.PNEUMONIA])
    comparison = Comparison(
        frozenset({Finding.EDEMA}), frozenset({Finding.FRACTURE, Finding.PNEUMONIA})
    )
    told = comparison_html(hit, comparison)
    assert "Shared</b> Edema" in told
    assert "only here: Fracture; only in the query: Pneumonia" in told


def test_base_rates_are_sorted_and_the_unlabelled_come_last() -> None:
    def rate(finding: Finding, present: int, labelled: int) -> BaseRate:
        return BaseRate(finding, Count(present, labelled), Count(12, 100), 10)

    html = base_rates_html(
        [
            rate(Finding.FRACTURE, 0, 0),
            rate(Finding.PNEUMONIA, 2, 9),
            rate(Finding.EDEMA, 7, 10),
        ]
    )
    places = [html.index(name) for name in ("Edema", "Pneumonia", "Fracture")]
    assert places == sorted(places)
    assert "7 of 10 similar cases; library 12 % of those labelled; not this patient" in html


def test_scores_say_what_they_rest_on() -> None:
    sure = FindingScale(90, 90, 1.0, 0.4, trained=True, calibrated=True)
    unsure = FindingScale(3, 90, 1.0, 0.4, trained=True)
    html = scores_html(
        [
            FindingProbability(Finding.EDEMA, 0.7, sure),
            FindingProbability(Finding.FRACTURE, 0.2, unsure),
            FindingProbability(Finding.PNEUMONIA, 0.2, FindingScale()),
        ]
    )
    edema, fracture, pneumonia = html.split("<tr")[1:]
    assert 'class="yes"' in edema
    assert "above 0.40" in edema
    assert 'class="faint"' in fracture
    assert "below 0.40, not calibrated" in fracture
    assert 'class="faint"' in pneumonia
    assert "untrained" in pneumonia


@pytest.mark.parametrize(("rows", "columns"), [(200, 90), (90, 200), (1000, 1000)])
def test_panes_are_of_one_size_and_what_shows_nobody_is_framed(rows: int, columns: int) -> None:
    radiograph = phantoms.radiograph(rows, columns)
    lines = case_pane.case_lines(case(1, *list(Finding)[1:13]))
    real, made = (
        case_pane.case_pane(radiograph, case_pane.PaneText("Hit 1 of 10", lines, synthetic))
        for synthetic in (False, True)
    )
    other = case_pane.case_pane(phantoms.radiograph(100, 100), case_pane.PaneText("", ()))
    assert real.shape == made.shape == other.shape
    frame, side = case_pane.FRAME, case_pane.SIDE
    assert (made[:frame, :] == WARNING).all()
    assert (real[:frame, :] == 0).all()
    inside = slice(frame, side - frame)
    assert (real[inside, inside] == made[inside, inside]).all()  # the radiograph is the same


def test_a_radiograph_is_never_stretched_in_gray() -> None:
    """Its darkest and brightest values come out as they are, in every pane."""
    pixels = np.full((100, 100), -0.5, np.float32)
    pixels[40:60, 40:60] = 0.25
    pane = case_pane.case_pane(Radiograph(pixels, "flat"), case_pane.PaneText("", ()))
    assert set(np.unique(pane[300:460, 300:460]).tolist()) <= set(range(63, 161))
    assert abs(int(pane[380, 380, 0]) - 159) <= 1
    assert abs(int(pane[100, 100, 0]) - 64) <= 1


def test_small_pictures_are_marked_and_a_lost_one_is_black(tmp_path: Path) -> None:
    library: Any = Library(tmp_path)
    Image.fromarray(np.full((90, 40), 200, np.uint8)).save(library.thumbnail(case(1)))
    real, made = (small_picture(case(1, synthetic=s), library) for s in (False, True))
    assert (made[0] == WARNING).all()
    assert real[0].max() == 0
    assert abs(int(real[84, 84, 0]) - 200) <= 2
    assert small_picture(case(2), library).max() == 0
    assert main_findings(case(1, Finding.EDEMA, synthetic=True)) == "Edema (synthetic)"
    assert main_findings(case(1)) == "nothing known"
    assert main_findings(case(1, absent=[Finding.EDEMA])) == "nothing present"


def test_ages_and_views_are_told_as_they_are_known() -> None:
    assert case_pane.who(case(1, sex="F", age=0.5)) == "female, 6 months"
    assert case_pane.who(case(1, sex="M", age=55.0, age_stated="mid 50s")) == "male, mid 50s"
    assert case_pane.who(case(1)) == "sex not known, age not known"
    assert case_pane.seen_from(View.UNKNOWN) == "view not known"
    assert case_pane.findings_lines(case(1)) == [case_pane.NOT_KNOWN]


@given(st.lists(st.integers(1, 5), max_size=8))
def test_the_way_back_is_the_way_that_was_gone(steps: list[int]) -> None:
    trail = Trail().begun_with("key")
    gone = [trail]
    for step in steps:
        further = trail.on_to(step)
        if further != trail:
            gone.append(further)
        trail = further
    for expected in reversed(gone):
        assert trail == expected
        trail = trail.back()
    assert trail.subject == Subject(key="key")
    assert trail.begun_with("key") is trail
    assert trail.begun_with(None) == Trail()


def test_kinds_of_search_are_those_of_the_library(tab: Tab) -> None:
    assert [value for _, value in tab.screen.controls.kind.choices] == list(SearchKind)
