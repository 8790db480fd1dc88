"""The part "History" of the tab "Library": every change of labels, and the way back from each."""

from dataclasses import dataclass
from typing import Any

import gradio as gr

from daug.case_desk import CaseLibrary
from daug.errors import DaugError
from ui.library_parts import Update, button, rows, words
from ui.library_words import alteration_rows, change_line

LINES = 12  # changes on one page
NO_CHANGES = "Nothing has been changed yet."
SHOWN = 100  # cases of a change whose values are listed


@dataclass(frozen=True)
class HistoryLine:
    """One change."""

    row: gr.Row
    what: gr.Textbox
    show: gr.Button
    undo: gr.Button


@dataclass(frozen=True)
class HistoryScreen:
    """One page of changes, and what one of them did."""

    start: gr.State  # how many newer changes are not on this page
    numbers: gr.State  # of the changes on this page
    told: gr.Textbox
    newer: gr.Button
    older: gr.Button
    lines: tuple[HistoryLine, ...]
    about: gr.Textbox
    details: gr.Dataframe

    @property
    def listed(self) -> list[Any]:
        """What another page may change."""
        parts = [
            part for line in self.lines for part in (line.row, line.what, line.show, line.undo)
        ]
        return [self.start, self.numbers, self.told, self.newer, self.older, *parts]


def lay_out_history() -> HistoryScreen:
    """Lay out the screen inside the tab that is under way."""
    start, numbers = gr.State(0), gr.State(())
    with gr.Row(elem_id="library-history-way"):
        newer = button("◀ Newer", "history-newer", interactive=False)
        older = button("Older ▶", "history-older", interactive=False)
        told = words(NO_CHANGES, "What became of it", "history-told", lines=4)
    lines = []
    for place in range(LINES):
        with gr.Row(visible=False, elem_classes="history-line") as row:
            what = words("", f"Change {place + 1} of this page", f"history-what-{place}", lines=2)
            show = button("Show", f"history-show-{place}")
            undo = button("Undo", f"history-undo-{place}")
        lines.append(HistoryLine(row, what, show, undo))
    about = words("", "Which change is shown", "history-about")
    details = rows(
        ["Case", "What", "Before", "After"],
        ["12%", "24%", "32%", "32%"],
        "What the change did",
        "history-details",
    )
    return HistoryScreen(start, numbers, told, newer, older, tuple(lines), about, details)


@dataclass(frozen=True)
class HistoryHandlers:
    """The answers."""

    library: CaseLibrary
    screen: HistoryScreen

    def show(self, start: int, said: str = "") -> Update:
        """Show the changes behind so many newer ones."""
        start = max(0, start)
        changes = self.library.history(start + LINES + 1)[start:]
        screen = self.screen
        updates: Update = {
            screen.start: start,
            screen.numbers: tuple(change.number for change in changes[:LINES]),
            screen.told: said or ("" if changes or start else NO_CHANGES),
            screen.newer: gr.update(interactive=start > 0),
            screen.older: gr.update(interactive=len(changes) > LINES),
        }
        for place, line in enumerate(screen.lines):
            there = place < min(LINES, len(changes))
            updates[line.row] = gr.update(visible=there)
            if there:
                change = changes[place]
                updates[line.what] = change_line(change)
                updates[line.undo] = gr.update(
                    value="Redo" if change.undoes is not None else "Undo",
                    interactive=change.undone_by is None,
                )
        return updates

    def newer(self, start: int) -> Update:
        """Show the page before."""
        return self.show(start - LINES)

    def older(self, start: int) -> Update:
        """Show the page that follows."""
        return self.show(start + LINES)

    def undo(self, place: int, start: int, numbers: tuple[int, ...]) -> Update:
        """Undo a change of this page, or say why not."""
        try:
            number = self.library.undo(numbers[place])
        except DaugError as error:
            return self.show(start, str(error))
        return self.show(0, f"Change {numbers[place]} is undone, by change {number}.")

    def details(self, place: int, numbers: tuple[int, ...]) -> dict[Any, Any]:
        """Show what a change did to each case."""
        number = numbers[place]
        altered = self.library.alterations(number, SHOWN + 1)
        cut = f", the first {SHOWN} values" if len(altered) > SHOWN else ""
        return {
            self.screen.about: f"Change {number}{cut}:",
            self.screen.details: gr.update(value=alteration_rows(altered[:SHOWN]), visible=True),
        }
