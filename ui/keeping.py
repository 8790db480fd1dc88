"""Keeping a case in a collection, with a note and with what was looked at: from any tab.

An opened file is entered into the library first; a case is there already.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import gradio as gr

from daug.bundle import Bundle
from daug.case import Case
from daug.case_desk import CaseDesk, CaseLibrary
from daug.errors import DaugError
from daug.heatmap import Heatmap
from ui.readings import Reading

NOTHING_OPEN = "There is no radiograph to save. Open one first."
NAME_IT = "Choose a collection, or write the name of a new one."
FILE_GONE = (
    "The file of this radiograph is no longer at hand, since it was opened long ago. "
    "Open it again, then save it."
)


@dataclass(frozen=True)
class KeepBox:
    """Where, what and with which note; and what became of it."""

    panel: gr.Accordion
    what: gr.Radio | None  # where there is more than one thing to save
    collection: gr.Dropdown
    note: gr.Textbox
    save: gr.Button
    said: gr.Textbox


def lay_out_keep_box(name: str, what: Sequence[str] = ()) -> KeepBox:
    """Lay out the box inside the column that is under way.

    Args:
        name: With which the names of the page's elements begin.
        what: What can be saved, where a person must say which.
    """
    with gr.Accordion("Save to a collection", open=False, elem_id=name) as panel:
        chosen = None
        if what:
            chosen = gr.Radio(list(what), value=what[-1], label="Save", elem_id=f"{name}-what")
        collection = gr.Dropdown(
            [],
            value=None,
            allow_custom_value=True,
            label="Collection, or a new one's name",
            elem_id=f"{name}-collection",
        )
        note = gr.Textbox(
            label="Note", lines=2, max_lines=6, max_length=10_000, elem_id=f"{name}-note"
        )
        save = gr.Button("Save", size="sm", elem_id=f"{name}-save")
        said = gr.Textbox(
            "",
            label="Saved",
            show_label=False,
            container=False,
            interactive=False,
            max_lines=4,
            elem_id=f"{name}-said",
        )
    return KeepBox(panel, chosen, collection, note, save, said)


@dataclass(frozen=True)
class Keeper:
    """Puts cases into collections."""

    bundle: Bundle
    desk: CaseDesk
    library: CaseLibrary

    def choices(self) -> Any:
        """Return the collections to choose from, as they are now."""
        sizes = self.library.group_sizes("collection")
        return gr.update(choices=[(f"{name} ({size:,})", name) for name, size in sizes.items()])

    def save_open(self, reading: Reading | None, collection: str | None, note: str) -> str:
        """Save the radiograph that is open, with the maps that are on the screen."""
        if reading is None:
            return NOTHING_OPEN
        if reading.path is None or not reading.path.is_file():
            return FILE_GONE
        path = reading.path
        marks = marks_of(reading, self.bundle)
        return self._saved(lambda: self.desk.keep(reading.filed, path), collection, note, marks)

    def save_case(
        self, case_id: int | None, collection: str | None, note: str, marks: dict[str, Any]
    ) -> str:
        """Save a case of the library.

        Args:
            marks: What was being looked at, as JSON can hold it.
        """
        if case_id is None:
            return NOTHING_OPEN
        return self._saved(lambda: self.library.case(case_id), collection, note, marks)

    def _saved(self, find: Any, collection: str | None, note: str, marks: dict[str, Any]) -> str:
        name = (collection or "").strip()
        if not name:
            return NAME_IT
        try:
            case: Case = find()
            self.library.collect(name, case.case_id, note=note or "", marks=marks)
        except DaugError as error:
            return str(error)
        return f"{case.alias} is in {name!r}."


def marks_of(reading: Reading, bundle: Bundle) -> dict[str, Any]:
    """Return what is looked at in Read: the maps of the question that was answered, or Figure 2."""
    maps = reading.heatmaps or reading.figure
    return {
        "bundle": bundle.digest,
        "view": "question" if reading.heatmaps else "figure 2" if reading.figure else "radiograph",
        "show": reading.show.value,
        "look": reading.look.to_dict(bundle.heat_scale),
        "maps": [_mark(one) for one in maps],
    }


def _mark(heatmap: Heatmap) -> dict[str, Any]:
    recipe = heatmap.recipe
    return {
        "super_class": recipe.super_class,
        "direction": recipe.direction.value,
        "recipe": recipe.to_dict(),
    }
