"""The part "Upkeep" of the tab "Library": is everything in order, and how a backup is made."""

from collections.abc import Iterator
from dataclasses import dataclass

import gradio as gr

from daug.case_desk import CaseLibrary
from daug.errors import DaugError
from ui.library_parts import Update, button, rows, words
from ui.library_words import BACKUP

MOST = 500  # problems that are listed


@dataclass(frozen=True)
class UpkeepScreen:
    """All of it."""

    deep: gr.Checkbox
    repair: gr.Checkbox
    verify: gr.Button
    status: gr.Textbox
    table: gr.Dataframe


def lay_out_upkeep() -> UpkeepScreen:
    """Lay out the screen inside the tab that is under way."""
    with gr.Row(elem_id="upkeep-row"):
        verify = button("Verify the library", "upkeep-verify", variant="primary")
        deep = gr.Checkbox(
            label="Decode every radiograph too (takes long)",
            container=False,
            min_width=280,
            elem_id="upkeep-deep",
        )
        repair = gr.Checkbox(
            label="Mend what can be mended without loss",
            container=False,
            min_width=280,
            elem_id="upkeep-repair",
        )
    status = words(
        "Tables, files and the index of words are compared with each other.",
        "Status of the check",
        "upkeep-status",
        lines=4,
    )
    table = rows(["", "Finding"], ["14%", "86%"], "What was found", "upkeep-table")
    words(BACKUP, "How to make a backup", "upkeep-backup", lines=4)
    return UpkeepScreen(deep, repair, verify, status, table)


@dataclass(frozen=True)
class UpkeepHandlers:
    """The answers."""

    library: CaseLibrary
    screen: UpkeepScreen

    def verify(self, deep: bool, repair: bool) -> Iterator[Update]:
        """Check the library, mend it on request, and list what was found."""
        screen = self.screen
        yield {
            screen.status: "Checking; a large library takes minutes.",
            screen.verify: gr.update(interactive=False),
            screen.table: gr.update(value=[], visible=False),
        }
        try:
            verdict = self.library.verify(deep=deep, repair=repair)
        except DaugError as error:
            yield {screen.status: str(error), screen.verify: gr.update(interactive=True)}
            return
        found = [["mended", one] for one in verdict.repaired]
        found += [["problem", one.replace("--repair", "mending")] for one in verdict.problems]
        how = " every radiograph decoded," if deep else ""
        told = (
            f"{verdict.cases:,} cases,{how} everything is in order."
            if verdict.consistent
            else f"{verdict.cases:,} cases,{how} {len(verdict.problems):,} problems."
        )
        cut = f" The first {MOST} are listed." if len(found) > MOST else ""
        yield {
            screen.status: told + cut,
            screen.verify: gr.update(interactive=True),
            screen.table: gr.update(value=found[:MOST], visible=bool(found)),
        }
