"""What the tab "Library" answers to somebody who looks through cases and opens one.

A page is asked for by the last case of the one before, so that the thousandth costs what the first
does; how many cases there are is counted once, until something changes.
"""

from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from threading import Lock
from typing import Any

import gradio as gr

from daug.case import Case
from daug.case_desk import CaseDesk, CaseLibrary
from daug.case_query import CaseFilter
from daug.errors import DaugError
from daug.loading import load_radiograph
from daug.radiograph import Radiograph
from ui.browsed import Browsed
from ui.case_facts import facts_html
from ui.case_filter_controls import filter_of
from ui.case_pane import PaneText, case_lines, case_pane
from ui.case_tiles import SmallPictures, caption
from ui.library_parts import Update, counted
from ui.library_screen import BrowseScreen

KEPT_COUNTS = 64


@dataclass(frozen=True)
class Counts:
    """How many cases filters let through, as long as nothing changes."""

    library: CaseLibrary
    _kept: OrderedDict[CaseFilter, tuple[int, int]] = field(default_factory=OrderedDict)
    _lock: Lock = field(default_factory=Lock)

    def of(self, wanted: CaseFilter) -> int:
        """Return how many cases a filter lets through."""
        generation = self.library.generation  # read first: a later change makes this one stale
        with self._lock:
            known = self._kept.get(wanted)
        if known is not None and known[0] == generation:
            return known[1]
        count = self.library.count(wanted)
        with self._lock:
            self._kept[wanted] = (generation, count)
            while len(self._kept) > KEPT_COUNTS:
                self._kept.popitem(last=False)
        return count


@dataclass(frozen=True)
class BrowsingHandlers:
    """The answers; `browsed` is always the place of the page that asks."""

    library: CaseLibrary
    desk: CaseDesk | None
    screen: BrowseScreen
    counts: Counts
    pictures: SmallPictures

    def arrive(self, browsed: Browsed) -> Update:
        """Show the cases as they are now, and the names to choose from."""
        return {**self.show(browsed), **self.names()}

    def look(self, browsed: Browsed, size: str, *asked: Any) -> Update:
        """Show the first page of what is asked for."""
        try:
            return self.show(browsed.at_first_page(filter_of(*asked), int(size)))
        except DaugError as error:
            return {self.screen.cases.status: str(error)}

    def older(self, browsed: Browsed) -> Update:
        """Show the page that follows."""
        return self.show(browsed.older())

    def newer(self, browsed: Browsed) -> Update:
        """Show the page before."""
        return self.show(browsed.newer())

    def click(self, browsed: Browsed, event: gr.SelectData) -> Update:
        """Open the case that was clicked."""
        if not 0 <= event.index < len(browsed.ids):
            return {self.screen.cases.status: gr.skip()}
        return self.open(browsed, browsed.ids[event.index])

    def click_patient(self, browsed: Browsed, event: gr.SelectData) -> Update:
        """Open another radiograph of the same patient."""
        if browsed.opened is None:
            return {self.screen.case.told: gr.skip()}
        cases = self.library.same_patient(browsed.opened.case_id)
        return self.open(browsed, cases[event.index].case_id)

    def choose(self, browsed: Browsed, boxes: Sequence[str]) -> Update:
        """Select the cases of this page whose boxes are ticked, beside those of other pages."""
        here = {int(box) for box in boxes} & set(browsed.ids)
        return self._choose(browsed, (browsed.chosen - set(browsed.ids)) | here)

    def choose_page(self, browsed: Browsed) -> Update:
        """Select every case of the page."""
        return self._choose(browsed, browsed.chosen | set(browsed.ids))

    def choose_all(self, browsed: Browsed) -> Update:
        """Select every case that the filter lets through, on whichever page."""
        return self._choose(browsed, frozenset(self.library.ids(browsed.wanted).tolist()))

    def choose_none(self, browsed: Browsed) -> Update:
        """Select nothing."""
        return self._choose(browsed, frozenset())

    def show(self, browsed: Browsed) -> Update:
        """Show a page, as the library is now."""
        try:
            total = self.counts.of(browsed.wanted)
            page, cases = self._page(browsed)
            if not cases and page.page > 1:  # its cases have gone
                page, cases = self._page(browsed.at_first_page())
            tiles = [(self.pictures.of(case), caption(case)) for case in cases]
        except DaugError as error:
            return {self.screen.cases.status: str(error)}
        page = replace(page, total=total)
        return {
            self.screen.browsed: page,
            self.screen.cases.tiles: gr.update(value=tiles, selected_index=None),
            self.screen.cases.boxes: gr.update(
                choices=[(f"select {case.alias}", str(case.case_id)) for case in cases],
                value=_ticked(page),
            ),
            **self._way(page),
            **self._selection(page),
        }

    def open(self, browsed: Browsed, case_id: int) -> Update:
        """Show one case, large, with all that is known of it."""
        parts, edit = self.screen.case, self.screen.case.edit
        try:
            case = self.library.case(case_id)
            patients = self.library.same_patient(case_id)
            facts = facts_html(case, patients, self.library.notes_of(case_id))
            tiles = self.pictures.of_patient(patients, case_id)
        except DaugError as error:
            return {self.screen.cases.status: str(error)}
        picture, trouble = self._picture(case)
        return {
            self.screen.browsed: replace(browsed, opened=case),
            parts.column: gr.update(visible=True),
            parts.picture: picture,
            parts.facts: facts,
            parts.patients: gr.update(
                value=tiles if len(tiles) > 1 else None,
                visible=len(tiles) > 1,
                selected_index=None,
            ),
            parts.told: trouble,
            edit.alias: case.alias,
            edit.view: case.view.value,
            edit.sex: case.sex,
            edit.age: case.age_stated,
            edit.report: case.report,
            edit.note: "",
        }

    def nothing_open(self, browsed: Browsed) -> Update:
        """Leave the case that is open, for instance since it is gone."""
        parts = self.screen.case
        return {
            self.screen.browsed: replace(browsed, opened=None),
            parts.column: gr.update(visible=False),
            parts.picture: None,
            parts.facts: "",
            parts.patients: gr.update(value=None, visible=False),
        }

    def names(self) -> Update:
        """Return the tags, collections and sources to choose from, as they are now."""
        tags = counted(self.library.group_sizes("tag"))
        collections = counted(self.library.group_sizes("collection"))
        known = self.screen.filters.known_names(self.library, filter(None, self.library.sources()))
        selected = self.screen.selected
        return {
            **known,
            selected.tag: gr.update(choices=tags),
            selected.collection: gr.update(choices=collections),
            self.screen.case.edit.collection: gr.update(choices=collections),
        }

    def _choose(self, browsed: Browsed, chosen: frozenset[int]) -> Update:
        """Select cases; where the first one is selected, what can be done with them comes up."""
        page = replace(browsed, chosen=chosen)
        shown: Update = {
            self.screen.browsed: page,
            self.screen.cases.boxes: gr.update(value=_ticked(page)),
            **self._selection(page),
        }
        if bool(chosen) != bool(browsed.chosen):
            shown[self.screen.panel] = gr.update(open=not chosen)
            shown[self.screen.selected.panel] = gr.update(open=bool(chosen), label=_panel(chosen))
        return shown

    def _page(self, browsed: Browsed) -> tuple[Browsed, list[Case]]:
        page = self.library.page(browsed.wanted, limit=browsed.size, after=browsed.starts[-1])
        return (
            replace(browsed, ids=tuple(page.ids), following=page.next_after),
            self.library.cases(page.ids),
        )

    def _way(self, page: Browsed) -> Update:
        parts = self.screen.cases
        return {
            parts.newer: gr.update(interactive=page.page > 1),
            parts.older: gr.update(interactive=page.following is not None),
            parts.place: f"page {page.page:,} of {page.pages:,}",
            parts.status: self._found(page),
        }

    def _found(self, page: Browsed) -> str:
        everything = page.wanted == CaseFilter()
        if not page.total:
            return "" if everything else "No case is so. Leave out a filter or a word."
        return f"{page.total:,} case{'' if page.total == 1 else 's'}" + (
            "." if everything else f" of {self.counts.of(CaseFilter()):,}."
        )

    def _selection(self, page: Browsed) -> Update:
        """Say how many are selected; a question about other cases is no longer asked."""
        parts, selected, count = self.screen.cases, self.screen.selected, len(page.chosen)
        elsewhere = count - len(page.chosen & set(page.ids))
        other = f", {elsewhere:,} on other pages" if elsewhere else ""
        return {
            parts.told: f"{count:,} selected{other}." if count else "None is selected.",
            selected.panel: gr.update(label=_panel(page.chosen)),
            parts.page: gr.update(interactive=bool(page.ids)),
            parts.all: gr.update(value=f"Select all {page.total:,}", interactive=page.total > 0),
            parts.none: gr.update(interactive=count > 0),
            **{action: gr.update(interactive=count > 0) for action in selected.actions},
            self.screen.asked: frozenset(),
            **{part: gr.update(visible=False) for part in selected.confirmation},
        }

    def _picture(self, case: Case) -> tuple[Any, str]:
        """Return the radiograph above who and what it shows, or why there is none."""
        try:
            radiograph = self._radiograph(case)
        except DaugError as error:
            return None, str(error)
        heading, *lines = case_lines(case)
        return case_pane(radiograph, PaneText(heading, lines, case.synthetic)), ""

    def _radiograph(self, case: Case) -> Radiograph:
        if self.desk is not None:
            return self.desk.radiograph(case.case_id)
        return load_radiograph(self.library.original(case.case_id))


def _ticked(page: Browsed) -> list[str]:
    return [str(case_id) for case_id in page.ids if case_id in page.chosen]


def _panel(chosen: frozenset[int]) -> str:
    return f"Selected cases ({len(chosen):,})" if chosen else "Selected cases"
