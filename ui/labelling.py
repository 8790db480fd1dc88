"""What the tab "Library" answers to somebody who changes what is said about cases.

Every change is one step of the history, however many cases it is of, and can be undone.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import gradio as gr

from daug.case import Case, FindingState
from daug.case_desk import CaseLibrary
from daug.case_edit import Edit
from daug.case_query import CaseFilter
from daug.errors import DaugError
from daug.findings import Finding
from daug.view import View
from ui.browsed import Browsed
from ui.browsing import BrowsingHandlers
from ui.library_parts import Update

NO_NAME = "Choose a name, or write a new one."
NO_FINDING_CHOSEN = "Choose one finding or more first."
BESIDE_NORMAL = {Finding.NO_FINDING, Finding.SUPPORT_DEVICES}  # CheXbert counts them as normal
NOT_CHANGED = "All of it was so already; nothing was changed."


@dataclass(frozen=True)
class LabellingHandlers:
    """The answers."""

    library: CaseLibrary
    browsing: BrowsingHandlers

    def give_tag(self, browsed: Browsed, name: str | None) -> Update:
        """Give the selected cases a tag."""
        return self._regroup(browsed, "tag", name, self.library.add_to)

    def take_tag(self, browsed: Browsed, name: str | None) -> Update:
        """Take a tag from the selected cases."""
        return self._regroup(browsed, "tag", name, self.library.take_from)

    def put_in(self, browsed: Browsed, name: str | None) -> Update:
        """Put the selected cases into a collection."""
        return self._regroup(browsed, "collection", name, self.library.add_to)

    def take_out(self, browsed: Browsed, name: str | None) -> Update:
        """Take the selected cases out of a collection."""
        return self._regroup(browsed, "collection", name, self.library.take_from)

    def set_findings(self, browsed: Browsed, findings: Sequence[str] | None, state: str) -> Update:
        """Give findings of the selected cases a state."""
        if not findings:
            return self._said(NO_FINDING_CHOSEN)
        states = {Finding(name): FindingState(state) for name in findings}
        answer = self._changed(
            browsed, lambda: self.library.edit_many(sorted(browsed.chosen), states)
        )
        done = self.browsing.screen.selected.done
        return {**answer, done: f"{answer[done]}{self._contradicting(browsed, states)}"}

    def undo_last(self, browsed: Browsed, number: int | None) -> Update:
        """Undo the change that was made here last."""
        if number is None:
            return self._said(NOT_CHANGED)
        return self._changed(browsed, lambda: self.library.undo(number))

    def save(
        self, browsed: Browsed, alias: str, view: str, sex: str | None, age: str, report: str
    ) -> Update:
        """Change the case that is open, in what is different from how it was opened."""
        case, told = browsed.opened, self.browsing.screen.case.told
        if case is None:
            return {told: gr.skip()}
        try:
            change = _differing(case, alias, view, sex or "", age, report)
            if change == Edit():
                return {told: NOT_CHANGED}
            self.library.edit(case.case_id, change)
        except DaugError as error:
            return {told: str(error)}
        return self._opened_again(browsed, case, "Saved; the history can undo it.")

    def collect(self, browsed: Browsed, name: str | None, note: str) -> Update:
        """Put the case that is open into a collection, with a note."""
        case, told = browsed.opened, self.browsing.screen.case.told
        if case is None or not (name or "").strip():
            return {told: NO_NAME}
        try:
            self.library.collect(str(name), case.case_id, note or "")
        except DaugError as error:
            return {told: str(error)}
        return self._opened_again(browsed, case, f"It is in {str(name).strip()!r} now.")

    def _contradicting(self, browsed: Browsed, states: Mapping[Finding, FindingState]) -> str:
        """Return a remark on selected cases that are said to be normal and not to be."""
        present = {one for one, state in states.items() if state is FindingState.PRESENT}
        others = set(Finding) if Finding.NO_FINDING in present else present
        both: set[int] = set()
        for finding in others - BESIDE_NORMAL:
            wanted = CaseFilter(present=frozenset({Finding.NO_FINDING, finding}))
            both |= browsed.chosen & set(self.library.ids(wanted).tolist())
        if not both:
            return ""
        return f" {len(both):,} of them say No Finding and a finding at once; set one to absent."

    def _opened_again(self, browsed: Browsed, case: Case, said: str) -> Update:
        shown = self.browsing.show(browsed)
        place = shown.get(self.browsing.screen.browsed, browsed)
        opened = self.browsing.open(place, case.case_id)
        names = self.browsing.names()
        return {**shown, **names, **opened, self.browsing.screen.case.told: said}

    def _regroup(
        self,
        browsed: Browsed,
        what: str,
        name: str | None,
        act: Callable[[str, str, Sequence[int]], None],
    ) -> Update:
        wanted = (name or "").strip()
        if not wanted:
            return self._said(NO_NAME)
        return self._changed(browsed, lambda: act(what, wanted, sorted(browsed.chosen)))

    def _changed(self, browsed: Browsed, act: Callable[[], Any]) -> Update:
        """Change cases, and show them and what was done, with the way back."""
        before = self._newest()
        try:
            act()
        except DaugError as error:
            return self._said(str(error))
        newest = self.library.history(1)
        if not newest or newest[0].number == before:
            return self._said(NOT_CHANGED)
        change, selected = newest[0], self.browsing.screen.selected
        cases = f"{change.cases:,} case{'' if change.cases == 1 else 's'}"
        shown = {**self.browsing.show(browsed), **self.browsing.names()}
        if browsed.opened is not None:
            place = shown.get(self.browsing.screen.browsed, browsed)
            shown |= self.browsing.open(place, browsed.opened.case_id)
        return {
            **shown,
            selected.done: f"{change.what}, in {cases}.",
            self.browsing.screen.last: change.number,
            selected.undo: gr.update(value=f"Undo change {change.number}", visible=True),
        }

    def _newest(self) -> int | None:
        newest = self.library.history(1)
        return newest[0].number if newest else None

    def _said(self, text: str) -> Update:
        return {self.browsing.screen.selected.done: text}


def _differing(case: Case, alias: str, view: str, sex: str, age: str, report: str) -> Edit:
    """Return what a form says that the case did not say when it was opened."""
    return Edit(
        alias=_new(alias, case.alias),
        view=View(view) if view and view != case.view else None,
        sex=_new(sex, case.sex),
        age=_new(age, case.age_stated),
        report=_new(report, case.report),
    )


def _new(value: str | None, old: str) -> str | None:
    """Return a value that somebody changed; None where it stayed as it was."""
    return None if value is None or value.strip() == old.strip() else value.strip()
