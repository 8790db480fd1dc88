"""Which cases are meant, as fields of a form: findings, view, age, sex, source, tags, words.

Any tab that lists or searches cases lays them out; what nobody filled in asks for nothing.
"""

import math
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from typing import Any

import gradio as gr
from gradio.components import Component

from daug.case_desk import CaseLibrary
from daug.case_query import CaseFilter
from daug.errors import LibraryError
from daug.findings import Finding
from daug.view import View

ANY = "any"
SEXES = [(ANY, ""), ("female", "F"), ("male", "M"), ("other", "O")]
REAL, SYNTHETIC = "real", "synthetic"
NO_COLLECTION = ""


@dataclass(frozen=True)
class CaseFilterControls:
    """The fields."""

    present: gr.Dropdown
    absent: gr.Dropdown
    views: gr.Dropdown
    sex: gr.Dropdown
    min_age: gr.Textbox  # Gradio turns an empty number field into 0
    max_age: gr.Textbox
    sources: gr.Dropdown
    tags: gr.Dropdown
    collection: gr.Dropdown
    words: gr.Textbox
    kind: gr.Dropdown
    added_from: gr.Textbox
    added_to: gr.Textbox

    @property
    def fields(self) -> list[Component]:
        """The fields in the order of `filter_of`."""
        return [
            *(self.present, self.absent, self.views, self.sex, self.min_age, self.max_age),
            *(self.sources, self.tags, self.collection, self.words, self.kind),
            *(self.added_from, self.added_to),
        ]

    @property
    def chosen(self) -> list[Any]:
        """The events of a choice that is made; what is typed is done when Enter is pressed."""
        lists = (self.present, self.absent, self.views, self.sex, self.kind)
        return [one.input for one in (*lists, self.sources, self.tags, self.collection)]

    @property
    def typed(self) -> list[Any]:
        """The events of Enter in a field that is typed into."""
        fields = (self.min_age, self.max_age, self.words, self.added_from, self.added_to)
        return [one.submit for one in fields]

    def nothing_asked(self) -> list[Any]:
        """Return the fields' values that let every case through, in their order."""
        return [[], [], [], "", "", "", [], [], NO_COLLECTION, "", ANY, "", ""]

    def known_names(
        self, library: CaseLibrary, sources: Iterable[str] = ()
    ) -> dict[Component, Any]:
        """Return the names to choose from, as the library has them now.

        Args:
            sources: Data sets that are known to be in it; others can be typed.
        """
        groups = library.group_sizes("collection")
        return {
            self.tags: gr.update(choices=_counted(library.group_sizes("tag"))),
            self.collection: gr.update(choices=[(ANY, NO_COLLECTION), *_counted(groups)]),
            self.sources: gr.update(choices=sorted(sources)),
        }


def lay_out_case_filter(name: str) -> CaseFilterControls:
    """Lay out the fields inside the column that is under way.

    Args:
        name: With which the names of the page's elements begin.
    """
    findings = [finding.value for finding in Finding]
    views = [view.value for view in View]
    present = _several(findings, "Finding present", f"{name}-present")
    absent = _several(findings, "Finding said to be absent", f"{name}-absent")
    with gr.Row():
        view = _several(views, "View", f"{name}-view")
        sex = _one(SEXES, "", "Sex", f"{name}-sex")
    with gr.Row():
        min_age = _short("Age from", f"{name}-min-age")
        max_age = _short("to (years)", f"{name}-max-age")
    sources = _several([], "Source", f"{name}-source", others=True)
    tags = _several([], "Tag", f"{name}-tag", others=True)
    with gr.Row():
        none = [(ANY, NO_COLLECTION)]
        collection = _one(none, NO_COLLECTION, "Collection", f"{name}-collection", others=True)
        kind = _one([ANY, REAL, SYNTHETIC], ANY, "Cases", f"{name}-kind")
    words = gr.Textbox(
        label="Words in the report (Enter)",
        placeholder='effusion "left lower lobe"',
        max_lines=1,
        max_length=500,
        elem_id=f"{name}-words",
    )
    with gr.Row():
        added_from = _short("Added from (2026-01-31)", f"{name}-added-from")
        added_to = _short("to (day)", f"{name}-added-to")
    return CaseFilterControls(
        *(present, absent, view, sex, min_age, max_age, sources, tags, collection, words, kind),
        *(added_from, added_to),
    )


def filter_of(*values: Any) -> CaseFilter:
    """Return the filter that the fields ask for.

    Args:
        values: Of `CaseFilterControls.fields`, in their order; an emptied field holds None.

    Raises:
        LibraryError: If it contradicts itself, or a field holds what it is not for.
    """
    present, absent, views, sex, min_age, max_age, sources, tags, *others = values
    collection, words, kind, added_from, added_to = others
    return CaseFilter(
        present=frozenset(Finding(one) for one in present or ()),
        absent=frozenset(Finding(one) for one in absent or ()),
        views=frozenset(View(one) for one in views or ()),
        sex=sex or "",
        min_age=_age(min_age),
        max_age=_age(max_age),
        sources=frozenset(sources or ()),
        tags=frozenset(tags or ()),
        collection=collection or "",
        words=(words or "").strip(),
        synthetic=None if kind not in (REAL, SYNTHETIC) else kind == SYNTHETIC,
        added_from=_day(added_from),
        added_to=_day(added_to),
    )


def _age(text: str | None) -> float | None:
    if not (text or "").strip():
        return None
    try:
        age = float(str(text).replace(",", "."))
    except ValueError:
        age = math.nan
    if not 0 <= age < math.inf:
        raise LibraryError(f"An age is a number of years from 0 upwards, got {text!r}.")
    return age


def _day(text: str | None) -> date | None:
    if not (text or "").strip():
        return None
    try:
        return date.fromisoformat(str(text).strip())
    except ValueError:
        raise LibraryError(f"A day is written as in 2026-01-31, got {text!r}.") from None


def _counted(sizes: dict[str, int]) -> list[tuple[str, str]]:
    return [(f"{name} ({size:,})", name) for name, size in sizes.items()]


def _several(choices: list[str], label: str, name: str, *, others: bool = False) -> gr.Dropdown:
    return gr.Dropdown(
        choices,
        value=[],
        multiselect=True,
        allow_custom_value=others,
        label=label,
        min_width=90,
        elem_id=name,
    )


def _one(
    choices: list[Any], value: str, label: str, name: str, *, others: bool = False
) -> gr.Dropdown:
    return gr.Dropdown(
        choices,
        value=value,
        allow_custom_value=others,
        label=label,
        min_width=90,
        elem_id=name,
    )


def _short(label: str, name: str) -> gr.Textbox:
    return gr.Textbox(label=label, max_lines=1, max_length=20, min_width=80, elem_id=name)
