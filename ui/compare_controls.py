"""The left side of the tab "Compare": what is looked for, among which cases, and how it is kept."""

from collections.abc import Sequence
from dataclasses import dataclass

import gradio as gr
from gradio.components import Component

from daug.bundle import Bundle
from daug.findings import Finding
from daug.similar_cases import SearchKind
from ui.case_filter_controls import CaseFilterControls, lay_out_case_filter
from ui.keeping import KeepBox, lay_out_keep_box
from ui.search_settings import AS_IT_IS

KINDS = [
    ("similar cases", SearchKind.SIMILAR.value),
    ("look-alikes with other findings", SearchKind.LOOK_ALIKES.value),
    ("nearest normal", SearchKind.NEAREST_NORMAL.value),
]
QUERY, SELECTED = "the query", "the selected case"
MOST = 50
WITHOUT_HEAT = "Rank without the heatmap"
CANNOT = f"{WITHOUT_HEAT}: not with this model"


@dataclass(frozen=True)
class CompareControls:
    """What is asked."""

    kind: gr.Radio
    text: gr.Textbox
    weight: gr.Slider
    change: gr.Dropdown
    direction: gr.Radio
    shows: gr.Dropdown
    k: gr.Slider
    same_patient: gr.Checkbox
    without_heat: gr.Checkbox
    search: gr.Button
    filters: CaseFilterControls
    clear: gr.Button
    keep: KeepBox

    @property
    def settings(self) -> list[Component]:
        """The fields in the order of `settings_of`."""
        asked = (self.kind, self.text, self.weight, self.change, self.direction, self.shows)
        how = (self.k, self.same_patient, self.without_heat)
        return [*asked, *how, *self.filters.fields]


def lay_out_compare_controls(bundle: Bundle, *, can_rank_without_heat: bool) -> CompareControls:
    """Lay out the controls inside the column that is under way."""
    kind = _radio(KINDS, SearchKind.SIMILAR.value, "Look for", "compare-kind")
    text = gr.Textbox(
        label="In words, alone or with the radiograph (Enter)",
        placeholder="large right pleural effusion",
        max_lines=2,
        max_length=2000,
        elem_id="compare-text",
    )
    weight = gr.Slider(
        0,
        100,
        50,
        step=5,
        label="Weight of the radiograph %, the rest is the text's",
        visible=False,
        buttons=[],
        elem_id="compare-weight",
    )
    change, direction = _imagined(bundle)
    shows = _findings("It shows, as you say (nothing else is known)", "compare-shows")
    k = gr.Slider(1, MOST, 10, step=1, label="How many", buttons=[], elem_id="compare-k")
    same_patient = _check("The same patient too", "compare-same-patient")
    without_heat = gr.Checkbox(
        False,
        label=WITHOUT_HEAT if can_rank_without_heat else CANNOT,
        interactive=can_rank_without_heat,
        container=False,
        elem_id="compare-without-heat",
    )
    search = gr.Button("Search", variant="primary", elem_id="compare-search")
    with gr.Accordion("Only cases that ...", open=False, elem_id="compare-filters"):
        filters = lay_out_case_filter("compare-filter")
        clear = gr.Button("Every case again", size="sm", elem_id="compare-clear")
    keep = lay_out_keep_box("compare-keep", (QUERY, SELECTED))
    return CompareControls(
        *(kind, text, weight, change, direction, shows, k, same_patient, without_heat),
        *(search, filters, clear, keep),
    )


def _imagined(bundle: Bundle) -> tuple[gr.Dropdown, gr.Radio]:
    offered = [(card.name, card.name) for card in bundle.offered]
    change = gr.Dropdown(
        [("as it is", AS_IT_IS), *offered],
        value=AS_IT_IS,
        label="The radiograph, or imagined with",
        elem_id="compare-change",
    )
    direction = gr.Radio(
        [("+ more of it", "+"), ("− less of it", "-")],
        value="+",
        label="More or less of it",
        show_label=False,
        container=False,
        visible=False,
        elem_id="compare-direction",
    )
    return change, direction


def _findings(label: str, name: str) -> gr.Dropdown:
    return gr.Dropdown(
        [finding.value for finding in Finding],
        value=[],
        multiselect=True,
        label=label,
        visible=False,
        elem_id=name,
    )


def _radio(choices: Sequence[tuple[str, str]], value: str, label: str, name: str) -> gr.Radio:
    return gr.Radio(list(choices), value=value, label=label, elem_id=name)


def _check(label: str, name: str) -> gr.Checkbox:
    return gr.Checkbox(False, label=label, container=False, elem_id=name)
