"""What the tab "Library" answers to somebody who removes cases: first a question, then its answer.

Nothing is removed by one click: the number of cases must be written, and as soon as other cases
are selected the question is asked anew.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace

import gradio as gr

from daug.case_desk import CaseLibrary
from daug.errors import DaugError
from ui.browsed import Browsed
from ui.browsing import BrowsingHandlers
from ui.library_parts import Update

AT_ONCE = 100  # cases removed between two looks at how far it is


@dataclass(frozen=True)
class RemovalHandlers:
    """The answers; `asked` are the cases that the question is about."""

    library: CaseLibrary
    browsing: BrowsingHandlers

    def ask(self, browsed: Browsed) -> Update:
        """Ask whether the selected cases are really to go."""
        selected, count = self.browsing.screen.selected, len(browsed.chosen)
        if not count:
            return self.keep()
        question = (
            f"{_cases(count)} will be removed for good: files, labels, reports, notes and their "
            f"history. This cannot be undone; a backup is the only way back. To go on, write "
            f"the number {count} below."
        )
        return {
            self.browsing.screen.asked: browsed.chosen,
            selected.question: gr.update(value=question, visible=True),
            selected.number: gr.update(value="", visible=True),
            selected.really: gr.update(
                value=f"Remove {_cases(count)}", visible=True, interactive=False
            ),
            selected.keep: gr.update(visible=True),
        }

    def check(self, asked: frozenset[int], written: str) -> Update:
        """Let the button be pressed once the number is written."""
        really = self.browsing.screen.selected.really
        return {really: gr.update(interactive=_agrees(asked, written))}

    def keep(self) -> Update:
        """Ask no longer."""
        screen = self.browsing.screen
        hidden = {part: gr.update(visible=False) for part in screen.selected.confirmation}
        return {screen.asked: frozenset(), **hidden}

    def remove(self, browsed: Browsed, asked: frozenset[int], written: str) -> Iterator[Update]:
        """Remove the cases that the question was about, and say how far it is."""
        done = self.browsing.screen.selected.done
        if not _agrees(asked, written) or asked != browsed.chosen:
            yield {done: "Nothing was removed: write the number of the selected cases first."}
            return
        ids, gone, trouble = sorted(asked), 0, ""
        yield {**self.keep(), done: f"Removing {_cases(len(ids))}."}
        try:
            for start in range(0, len(ids), AT_ONCE):
                some = ids[start : start + AT_ONCE]
                there = [case.case_id for case in self.library.cases(some)]  # others remove too
                self.library.remove(there)
                gone += len(some)
                yield {done: f"{gone:,} of {len(ids):,} removed."}
        except DaugError as error:
            trouble = f" {error}"
        yield {
            **self._after(browsed, frozenset(ids[:gone])),
            done: f"{_cases(gone)} removed.{trouble}",
        }

    def _after(self, browsed: Browsed, gone: frozenset[int]) -> Update:
        screen = self.browsing.screen
        left = replace(browsed, chosen=browsed.chosen - gone)
        closed: Update = {}
        if left.opened is not None and left.opened.case_id in gone:
            closed = self.browsing.nothing_open(left)
            left = replace(left, opened=None)
        shown = {**closed, **self.browsing.show(left), **self.browsing.names()}
        return {**shown, screen.selected.undo: gr.update(visible=False)}


def _agrees(asked: frozenset[int], written: str) -> bool:
    return bool(asked) and written.strip().replace(",", "") == str(len(asked))


def _cases(count: int) -> str:
    return f"{count:,} case{'' if count == 1 else 's'}"
