"""What the tab "Library" answers, without a browser, over a real library of drawn thoraces."""

import asyncio
import shutil
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, TypeVar

import cv2
import gradio as gr
import pytest

from daug.case import Case, FindingState
from daug.case_desk import CaseQuestion, EmbeddingState
from daug.case_edit import Edit
from daug.case_query import CaseFilter
from daug.errors import LibraryError
from daug.findings import Finding
from daug.radiograph import Radiograph
from daug.similar_cases import SearchAnswer
from daug.view import View
from db.library import Library, init_library
from tests.ui.drawn_cases import EVIL, fill, thorax
from ui.browsed import Browsed
from ui.browsing import BrowsingHandlers, Counts
from ui.case_filter_controls import lay_out_case_filter
from ui.case_removal import RemovalHandlers
from ui.case_tiles import SmallPictures, caption
from ui.history_screen import LINES, HistoryHandlers, lay_out_history
from ui.importing import ImportHandlers, Imports, delete_uploads
from ui.importing_screen import lay_out_import
from ui.labelling import NO_NAME, NOT_CHANGED, LabellingHandlers
from ui.library_screen import lay_out_browse
from ui.library_words import ONLY_SYNTHETIC, holds, remark
from ui.upkeep_screen import UpkeepHandlers, lay_out_upkeep

CASES = 60
EDEMA = Finding.EDEMA
T = TypeVar("T")


@pytest.fixture(scope="module")
def filled(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A library that tests copy."""
    folder = tmp_path_factory.mktemp("filled")
    library = init_library(folder / "library")
    fill(library, folder / "files", CASES)
    library.close()
    return folder / "library"


@pytest.fixture
def library(filled: Path, tmp_path: Path) -> Iterator[Library]:
    shutil.copytree(filled, tmp_path / "library")
    opened = init_library(tmp_path / "library")
    yield opened
    opened.close()


class Desk:
    """A desk that embeds nothing, and says how often it was asked to."""

    why_no_search = ""
    can_rank_without_heat = False

    def __init__(self, library: Library) -> None:
        self.library, self.started, self.running = library, 0, False

    def start_embedding(self) -> None:
        self.started += 1

    def stop_embedding(self) -> None:
        self.running = False

    def embedding_state(self) -> EmbeddingState:
        return EmbeddingState(10, self.library.count(), self.running, 90.0)

    def radiograph(self, case_id: int) -> Radiograph:
        raise LibraryError(f"Its file is gone: case {case_id}.")

    def ask(self, question: CaseQuestion) -> SearchAnswer:
        raise NotImplementedError

    def priors(self, radiograph: Radiograph) -> list[Case]:
        raise NotImplementedError

    def keep(self, radiograph: Radiograph, path: Path) -> Case:
        raise NotImplementedError


def laid_out(lay_out: Callable[[], T]) -> T:
    async def build() -> T:  # Gradio leaves event loops unclosed where none is running
        with gr.Blocks(analytics_enabled=False):
            return lay_out()

    return asyncio.run(build())


class Tab:
    """The screens with their handlers."""

    def __init__(self, library: Library, desk: Desk | None = None) -> None:
        self.library = library
        self.screen = laid_out(lay_out_browse)
        self.importing = laid_out(lay_out_import)
        self.history_screen = laid_out(lay_out_history)
        self.upkeep_screen = laid_out(lay_out_upkeep)
        counts, pictures = Counts(library), SmallPictures(library)
        self.browsing = BrowsingHandlers(library, desk, self.screen, counts, pictures)
        self.labelling = LabellingHandlers(library, self.browsing)
        self.removal = RemovalHandlers(library, self.browsing)
        self.imports = Imports()
        self.importer = ImportHandlers(library, desk, self.imports, self.importing)
        self.history = HistoryHandlers(library, self.history_screen)
        self.upkeep = UpkeepHandlers(library, self.upkeep_screen)

    def first(self, **wanted: Any) -> Browsed:
        return self.place(self.browsing.show(Browsed(CaseFilter(**wanted))))

    def place(self, update: dict[Any, Any]) -> Browsed:
        place = update[self.screen.browsed]
        assert isinstance(place, Browsed)
        return place

    def tiles(self, update: dict[Any, Any]) -> list[str]:
        return [words for _, words in update[self.screen.cases.tiles]["value"]]

    def imported(self, *asked: Any) -> list[dict[Any, Any]]:
        key = self.importer.begin()[self.importing.key]
        return list(self.importer.run(key, *asked))


@pytest.fixture
def tab(library: Library) -> Tab:
    return Tab(library)


def click(place: int) -> gr.SelectData:
    return gr.SelectData(None, {"index": place, "value": None})


def test_pages_go_forth_and_back_and_show_every_case_once(tab: Tab) -> None:
    update = tab.browsing.show(Browsed())
    forth = [tab.place(update)]
    while forth[-1].following is not None:
        forth.append(tab.place(tab.browsing.older(forth[-1])))
    shown = [case_id for page in forth for case_id in page.ids]
    assert shown == sorted(tab.library.ids().tolist(), reverse=True)
    assert [len(page.ids) for page in forth] == [24, 24, 12]
    assert update[tab.screen.cases.place] == "page 1 of 3"
    back = [forth[-1]]
    while back[-1].page > 1:
        back.append(tab.place(tab.browsing.newer(back[-1])))
    assert [page.ids for page in back] == [page.ids for page in reversed(forth)]
    assert tab.place(tab.browsing.older(forth[-1])).ids == forth[-1].ids  # there is no further one


def test_a_case_added_meanwhile_is_not_shown_twice(tab: Tab, tmp_path: Path) -> None:
    first = tab.first()
    assert cv2.imwrite(str(tmp_path / "new.png"), thorax(977))
    tab.library.import_files([tmp_path / "new.png"])
    second = tab.place(tab.browsing.older(first))
    assert not set(first.ids) & set(second.ids)
    assert second.total == CASES + 1


def test_cases_are_counted_once_until_something_changes(
    tab: Tab, monkeypatch: pytest.MonkeyPatch
) -> None:
    counted: list[CaseFilter | None] = []
    count = tab.library.count

    def counting(wanted: CaseFilter | None = None) -> int:
        counted.append(wanted)
        return count(wanted)

    monkeypatch.setattr(tab.library, "count", counting)
    place = tab.first(sex="F")
    for _ in range(3):
        place = tab.place(tab.browsing.newer(tab.place(tab.browsing.older(place))))
    assert len(counted) == 2  # women, and all
    tab.library.edit(place.ids[0], Edit(sex="M"))
    assert tab.place(tab.browsing.show(place)).total == place.total - 1


def test_a_page_reads_its_own_cases_alone(tab: Tab, monkeypatch: pytest.MonkeyPatch) -> None:
    read: list[int] = []
    cases = tab.library.cases

    def reading(ids: Sequence[int]) -> list[Case]:
        read.append(len(ids))
        return cases(ids)

    monkeypatch.setattr(tab.library, "cases", reading)
    tab.browsing.older(tab.first())
    assert read == [24, 24]


def test_the_filter_and_the_search_box_decide_what_is_listed(tab: Tab) -> None:
    empty = lay_out_values()
    asked = {**empty, "words": '"heart enlarged"', "sex": "F", "min_age": "30"}
    update = tab.browsing.look(Browsed(), "48", *asked.values())
    found = tab.library.cases(tab.place(update).ids)
    assert found
    assert all(c.sex == "F" and (c.age or 0) >= 30 and "enlarged" in c.report for c in found)
    assert update[tab.screen.cases.status] == f"{len(found)} cases of {CASES}."
    nothing = {**empty, "words": "zyzzogeton"}
    update = tab.browsing.look(Browsed(), "48", *nothing.values())
    assert update[tab.screen.cases.status].startswith("No case is so.")
    for wrong, sentence in (
        ({"present": ["Edema"], "absent": ["Edema"]}, "cannot be both present and absent"),
        ({"words": "word " * 65}, "at most 64 words"),
    ):
        update = tab.browsing.look(Browsed(), "24", *{**empty, **wrong}.values())
        assert sentence in update[tab.screen.cases.status]
        assert tab.screen.browsed not in update


def lay_out_values() -> dict[str, Any]:
    """The fields of a filter that asks for nothing, by name and in their order."""
    controls = laid_out(lambda: lay_out_case_filter("other"))
    names = {id(getattr(controls, name)): name for name in controls.__dataclass_fields__}
    fields = [names[id(field)] for field in controls.fields]
    return dict(zip(fields, controls.nothing_asked(), strict=True))


def test_a_small_picture_says_who_how_what_and_whether_it_shows_anybody(tab: Tab) -> None:
    case_id = tab.library.ids(CaseFilter(synthetic=True)).tolist()[0]
    tab.library.add_to("tag", "<b>teaching</b>", [case_id])
    told = caption(tab.library.case(case_id))
    for words in (f"case {case_id}", "PA", "F 30 years", "synthetic", "# <b>teaching</b>", "drawn"):
        assert words in told


def test_an_opened_case_tells_all_that_is_known_and_nothing_of_it_is_markup(tab: Tab) -> None:
    """The first case's report is a script; it has six studies' worth of radiographs."""
    first = tab.library.ids().tolist()[0]
    tab.library.collect("Lesson <i>1</i>", first, f"Look here {EVIL}")
    update = tab.browsing.open(tab.first(), first)
    parts = tab.screen.case
    facts = update[parts.facts]
    assert "<script" not in facts
    assert "<img" not in facts
    assert "<i>1" not in facts
    assert "&lt;script&gt;window.hacked = 1&lt;/script&gt;" in facts
    assert "Look here" in facts
    assert "radiograph 1 of 6 here" in facts
    assert "data set" in facts  # who says so
    assert len(update[parts.patients]["value"]) == 6
    assert update[parts.picture].shape[1] >= 700
    other = tab.browsing.click_patient(tab.place(update), click(3))
    assert tab.place(other).opened == tab.library.same_patient(first)[3]


def test_a_click_opens_the_case_that_is_there_on_this_page(tab: Tab) -> None:
    second = tab.place(tab.browsing.older(tab.first()))
    opened = tab.place(tab.browsing.click(second, click(5))).opened
    assert opened is not None
    assert opened.case_id == second.ids[5]
    gone = tab.browsing.click(second, click(99))
    assert gone == {tab.screen.cases.status: gr.skip()}


def test_a_radiograph_that_cannot_be_read_is_a_sentence_beside_the_facts(library: Library) -> None:
    tab = Tab(library, Desk(library))
    update = tab.browsing.open(tab.first(), library.ids().tolist()[1])
    assert update[tab.screen.case.told].startswith("Its file is gone")
    assert update[tab.screen.case.picture] is None
    assert "Report" in update[tab.screen.case.facts]


def test_boxes_select_on_this_page_and_leave_other_pages_alone(tab: Tab) -> None:
    first = tab.place(tab.browsing.choose(tab.first(), [str(tab.first().ids[0])]))
    second = tab.place(tab.browsing.older(first))
    chosen = tab.browsing.choose(second, [str(second.ids[1]), str(second.ids[2])])
    assert tab.place(chosen).chosen == {first.ids[0], *second.ids[1:3]}
    assert chosen[tab.screen.cases.told] == "3 selected, 1 on other pages."
    cleared = tab.place(tab.browsing.choose(tab.place(chosen), []))
    assert cleared.chosen == {first.ids[0]}
    foreign = tab.place(tab.browsing.choose(second, [str(first.ids[5])]))
    assert foreign.chosen == {first.ids[0]}  # a box of another page ticks nothing here


def test_all_that_match_are_selected_on_every_page_and_no_others(tab: Tab) -> None:
    place = tab.first(sex="F")
    update = tab.browsing.choose_all(place)
    assert tab.place(update).chosen == set(tab.library.ids(CaseFilter(sex="F")).tolist())
    assert update[tab.screen.cases.all]["value"] == "Select all 30"
    assert tab.place(tab.browsing.choose_none(tab.place(update))).chosen == frozenset()
    assert tab.place(tab.browsing.choose_page(place)).chosen == set(place.ids)


def test_selected_cases_are_labelled_tagged_and_collected_and_each_step_can_be_undone(
    tab: Tab,
) -> None:
    place = tab.place(tab.browsing.choose_all(tab.first(sex="F")))
    women, labels = sorted(place.chosen), tab.labelling
    said = labels.set_findings(place, ["Edema"], "uncertain")
    assert said[tab.screen.selected.done] == "Edema: uncertain, in 30 cases."
    assert all(case.state(EDEMA) is FindingState.UNCERTAIN for case in tab.library.cases(women))
    labels.give_tag(place, " teaching ")
    labels.put_in(place, "Lesson 1")
    assert tab.library.group_sizes("tag") == {"teaching": 30}
    assert tab.library.group_sizes("collection") == {"Lesson 1": 30}
    labels.take_out(place, "Lesson 1")
    assert tab.library.group_sizes("collection") == {"Lesson 1": 0}
    last = labels.take_tag(place, "teaching")
    assert tab.library.group_sizes("tag") == {}
    labels.undo_last(place, last[tab.screen.last])
    assert tab.library.group_sizes("tag") == {"teaching": 30}
    again = labels.set_findings(place, ["Edema"], "uncertain")
    assert again[tab.screen.selected.done] == NOT_CHANGED
    assert labels.give_tag(place, " ")[tab.screen.selected.done] == NO_NAME
    assert "printable" in labels.give_tag(place, "a\tb")[tab.screen.selected.done]
    assert "no tag 'x'" in labels.take_tag(place, "x")[tab.screen.selected.done]


def test_cases_that_are_called_normal_and_not_normal_are_remarked_on(tab: Tab) -> None:
    place = tab.place(tab.browsing.choose_page(tab.first()))
    normal = tab.library.ids(CaseFilter(present=frozenset({Finding.NO_FINDING}))).tolist()
    here = len(place.chosen & set(normal))
    done = tab.screen.selected.done
    assert 0 < here < 24
    said = tab.labelling.set_findings(place, ["Fracture"], "present")[done]
    assert said.startswith(f"Fracture: present, in 24 cases. {here} of them say No Finding and a")
    said = tab.labelling.set_findings(place, ["Support Devices"], "present")[done]
    assert said == "Support Devices: present, in 24 cases."
    said = tab.labelling.set_findings(place, ["No Finding"], "present")[done]
    assert "24 of them say No Finding and a finding at once" in said
    assert "at once" not in tab.labelling.set_findings(place, ["No Finding"], "absent")[done]


def test_a_form_changes_what_was_changed_in_it_and_nothing_else(tab: Tab) -> None:
    case_id = tab.library.ids().tolist()[7]
    place = tab.place(tab.browsing.open(tab.first(), case_id))
    case = place.opened
    assert case is not None
    tab.library.edit(case_id, Edit(view=View.LATERAL))  # by somebody else, meanwhile

    def save(age: str) -> dict[Any, Any]:
        assert case is not None
        return tab.labelling.save(place, case.alias, case.view.value, case.sex, age, case.report)

    save("mid 50s")
    saved = tab.library.case(case_id)
    assert (saved.view, saved.age_stated, saved.report) == (View.LATERAL, "mid 50s", case.report)
    assert saved.alias == case.alias
    told = tab.screen.case.told
    assert save("old")[told].startswith("'old' is no age")
    assert save(case.age_stated)[told] == NOT_CHANGED
    tab.labelling.collect(place, "Lesson", "A note")
    assert tab.library.collected("Lesson") == [(case_id, "A note", None)]


def test_cases_are_removed_only_after_their_number_was_written(tab: Tab) -> None:
    place = tab.place(tab.browsing.choose_all(tab.first(sex="F")))
    question = tab.removal.ask(place)
    asked, selected = question[tab.screen.asked], tab.screen.selected
    assert "30 cases will be removed for good" in question[selected.question]["value"]
    assert question[selected.really]["interactive"] is False
    assert tab.removal.check(asked, "3")[selected.really]["interactive"] is False
    assert tab.removal.check(asked, " 30 ")[selected.really]["interactive"] is True
    for written in ("", "29", "300", "thirty"):
        list(tab.removal.remove(place, asked, written))
    other = tab.place(tab.browsing.choose_page(tab.first()))
    list(tab.removal.remove(other, asked, "30"))  # others are selected by now
    list(tab.removal.remove(other, frozenset(), "0"))
    assert tab.library.count() == CASES
    women = sorted(place.chosen)
    opened = tab.place(tab.browsing.open(place, women[0]))
    steps = list(tab.removal.remove(opened, asked, "30"))
    assert tab.library.ids(CaseFilter(sex="F")).tolist() == []
    assert tab.library.count() == CASES - 30
    assert steps[-1][selected.done] == "30 cases removed."
    left = tab.place(steps[-1])
    assert (left.chosen, left.opened, left.total) == (frozenset(), None, 0)
    assert tab.library.verify().consistent


def test_another_selection_takes_the_question_away(tab: Tab) -> None:
    place = tab.place(tab.browsing.choose_page(tab.first()))
    update = tab.browsing.choose(place, [])
    assert update[tab.screen.asked] == frozenset()
    assert update[tab.screen.selected.really]["visible"] is False


def test_removal_that_cannot_go_on_says_how_far_it_came(
    tab: Tab, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ui.case_removal.AT_ONCE", 10)
    remove, calls = tab.library.remove, []

    def once(ids: list[int]) -> None:
        calls.append(ids)
        if len(calls) > 1:
            raise LibraryError("Somebody is adding to the library.")
        remove(ids)

    monkeypatch.setattr(tab.library, "remove", once)
    place = tab.place(tab.browsing.choose_page(tab.first()))
    asked = tab.removal.ask(place)[tab.screen.asked]
    *_, last = tab.removal.remove(place, asked, "24")
    assert last[tab.screen.selected.done] == "10 cases removed. Somebody is adding to the library."
    assert len(tab.place(last).chosen) == 14
    assert tab.library.count() == CASES - 10


@pytest.fixture
def uploads(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "uploads"
    monkeypatch.setenv("GRADIO_TEMP_DIR", str(folder))
    return folder


def picture(path: Path, seed: int) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    assert cv2.imwrite(str(path), thorax(seed))
    return path


def test_an_import_tells_what_became_of_each_file_and_deletes_the_uploads(
    library: Library, uploads: Path
) -> None:
    desk = Desk(library)
    tab = Tab(library, desk)
    files = [
        picture(uploads / "a" / "new.png", 501),
        picture(uploads / "b" / "again.png", 3),
        uploads / "c" / "<img src=x onerror=alert(1)>.png",
    ]
    files[2].parent.mkdir()
    files[2].write_text("Dear colleague")
    steps = tab.imported([str(file) for file in files], "", "", " Clinic ")
    (told,) = [step for step in steps if tab.importing.table in step]
    assert told[tab.importing.status].startswith("1 new cases, 1 there already, 1 skipped, in ")
    rows = {row[0]: row[1:] for row in told[tab.importing.table]["value"]}
    assert rows["again.png"][0] == "there already"
    assert rows[files[2].name][0] == "skipped"
    assert library.count(CaseFilter(sources=frozenset({"Clinic"}))) == 1
    assert [path for path in uploads.rglob("*") if path.is_file()] == []
    assert desk.started == 1
    assert steps[-1][tab.importing.files] is None
    assert steps[-1][tab.importing.start]["interactive"] is True


def test_deleting_uploads_deletes_nothing_that_lies_elsewhere(
    uploads: Path, tmp_path: Path
) -> None:
    mine, sent = picture(tmp_path / "mine.png", 1), picture(uploads / "a" / "sent.png", 1)
    link = uploads / "a" / "link.png"
    link.symlink_to(mine)
    delete_uploads([mine, sent, link, uploads / "gone.png", uploads])
    assert mine.is_file()
    assert not sent.exists()


def test_files_of_a_written_path_are_imported_and_stay(
    tab: Tab, uploads: Path, tmp_path: Path
) -> None:
    place = picture(tmp_path / "mine" / "new.png", 502)
    tab.imported(None, f' "{place.parent}" ', "", "")
    assert place.is_file()
    assert tab.library.count() == CASES + 1
    manifest = "id,image,dataset,patient_id,split\nx,mine/new.png,here,p,train\n"
    (tmp_path / "manifest.csv").write_text(manifest)
    steps = tab.imported(None, str(tmp_path / "manifest.csv"), "test", "")
    assert "no radiograph is in split test" in steps[-2][tab.importing.status]


@pytest.mark.parametrize(
    ("path", "split", "sentence"),
    [
        ("", "", "There is nothing to import"),
        ("/nowhere/at/all", "", "There is nothing at /nowhere/at/all"),
        ("x" * 5000, "", "is no path"),
        ("\0", "", "There is nothing to import"),
        (str(Path(__file__).parent), "train", "Only a manifest has splits"),
    ],
)
def test_what_cannot_be_imported_is_a_sentence_and_the_next_import_can_begin(
    tab: Tab, uploads: Path, path: str, split: str, sentence: str
) -> None:
    *_, told, ready = tab.imported(None, path, split, "")
    assert sentence in told[tab.importing.status]
    assert ready[tab.importing.start]["interactive"] is True


def test_an_import_stops_when_it_is_told_to_and_going_on_imports_the_rest(
    tab: Tab, uploads: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ui.importing.LOOK_SECONDS", 0.0)
    monkeypatch.setattr("db.importing.BATCH_SECONDS", 0.0)  # a case a batch
    for seed in range(600, 640):
        picture(tmp_path / "mine" / f"{seed}.png", seed)
    key = tab.importer.begin()[tab.importing.key]
    going = tab.importer.run(key, None, str(tmp_path / "mine"), "", "")
    while tab.importing.bar not in (step := next(going)):
        pass
    assert "of 40 files" in step[tab.importing.status]
    tab.importer.stop(key)
    *_, told, _ = going
    assert told[tab.importing.status].startswith("Stopped; import the same again to go on.")
    some = tab.library.count() - CASES
    assert 0 < some < 40
    tab.imported(None, str(tmp_path / "mine"), "", "")
    assert tab.library.count() == CASES + 40


def test_an_import_that_nobody_watches_any_more_stops_and_leaves_no_upload(
    tab: Tab, uploads: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As when the page is closed."""
    monkeypatch.setattr("ui.importing.LOOK_SECONDS", 0.0)
    monkeypatch.setattr("db.importing.BATCH_SECONDS", 0.0)
    files = [str(picture(uploads / f"{seed}" / "x.png", seed)) for seed in range(700, 740)]
    key = tab.importer.begin()[tab.importing.key]
    going = tab.importer.run(key, files, "", "", "")
    while tab.importing.bar not in next(going):
        pass
    going.close()
    assert tab.library.count() < CASES + 40
    assert [path for path in uploads.rglob("*") if path.is_file()] == []
    assert tab.imports.stop_of(key) is None
    assert tab.library.verify().consistent


def test_the_history_is_paged_and_undone_and_refuses_to_write_over_what_came_later(
    tab: Tab,
) -> None:
    ids = tab.library.ids().tolist()
    for number in range(LINES + 3):
        tab.library.edit_many(ids[: number + 1], {EDEMA: list(FindingState)[number % 4]})
    screen = tab.history_screen
    update = tab.history.show(0)
    numbers = update[screen.numbers]
    assert len(numbers) == LINES
    assert "Edema" in update[screen.lines[0].what]
    assert f"{LINES + 3} cases" in update[screen.lines[0].what]
    rest = tab.history.older(0)
    assert len(rest[screen.numbers]) == 3
    assert rest[screen.lines[3].row]["visible"] is False
    refused = tab.history.undo(4, 0, numbers)
    assert f"Undo change {numbers[0]} first" in refused[screen.told]
    undone = tab.history.undo(0, 0, numbers)
    assert undone[screen.told].startswith(f"Change {numbers[0]} is undone")
    assert undone[screen.lines[0].undo]["value"] == "Redo"
    assert undone[screen.lines[1].undo]["interactive"] is False  # it is undone by now
    shown = tab.history.details(0, numbers)
    assert shown[screen.details]["value"][0][:2] == [f"case {ids[0]}", "Edema"]


def test_the_check_tells_what_is_wrong_and_mends_it(tab: Tab) -> None:
    *_, sound = tab.upkeep.verify(False, False)
    assert sound[tab.upkeep_screen.status] == f"{CASES} cases, everything is in order."
    case = tab.library.case(tab.library.ids().tolist()[0])
    tab.library.thumbnail(case).unlink()
    *_, broken = tab.upkeep.verify(False, False)
    assert "1 problem" in broken[tab.upkeep_screen.status]
    ((_, sentence),) = broken[tab.upkeep_screen.table]["value"]
    assert "is missing" in sentence
    assert tab.tiles(tab.browsing.show(Browsed()))  # and the list still comes
    *_, mended = tab.upkeep.verify(False, True)
    assert mended[tab.upkeep_screen.table]["value"][0][0] == "mended"
    assert tab.library.thumbnail(case).is_file()


def test_a_library_of_synthetic_cases_alone_says_so(library: Library) -> None:
    assert remark(library) == ""
    library.remove(library.ids(CaseFilter(synthetic=False)).tolist())
    assert library.count() > 0
    assert remark(library) == ONLY_SYNTHETIC
    assert "://" not in ONLY_SYNTHETIC  # nothing to follow
    library.remove(library.ids().tolist())
    assert "is empty" in remark(library)


def test_the_heading_says_how_much_can_be_found_and_how_long_the_rest_takes(
    library: Library,
) -> None:
    desk = Desk(library)
    assert "10 of 60 can be found by likeness." in holds(library, desk)
    desk.running = True
    assert "embedding goes on, about 2 min left" in holds(library, desk)
    desk.why_no_search = "There is no model."
    assert holds(library, desk).endswith("Similar cases cannot be searched: There is no model.")
    assert holds(library, None) == "60 cases in the library."
