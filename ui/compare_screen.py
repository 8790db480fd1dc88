"""What the tab "Compare" shows, and which parts of it an answer may change.

    controls   on the left: what is looked for, filters, saving
    panes      query and hit side by side, and beside them what is known of the hit
    galleries  below: the patient's other radiographs, then the hits

Nothing here answers what a person does.
"""

from dataclasses import dataclass
from typing import Any

import gradio as gr
from gradio.components import Component

from daug.bundle import Bundle
from ui.compare_controls import CompareControls, lay_out_compare_controls
from ui.comparison_trail import Trail

PANE_HEIGHT = "var(--compare-pane)"
NOTHING_YET = "Open a radiograph in the tab Read, or write what you look for and press Enter."
KEPT_SECONDS = 4 * 3600  # that an idle page keeps its hits

Update = dict[Any, Any]  # components, each with its new value


@dataclass(frozen=True)
class CompareScreen:
    """All of it."""

    trail: gr.State  # Trail
    found: gr.State  # Found or None
    selected: gr.State  # number of the case in the right pane, or None
    active: gr.State  # whether the tab is looked at
    controls: CompareControls
    status: gr.Textbox
    banner: gr.Textbox
    embedded: gr.Textbox
    embed: gr.Button
    stop: gr.Button
    back: gr.Button
    follow: gr.Button
    query: gr.Image
    hit: gr.Image
    details: gr.Markdown
    rates: gr.Markdown
    scores: gr.Markdown
    priors: gr.Gallery
    hits: gr.Gallery
    timer: gr.Timer

    @property
    def answered(self) -> list[Component]:
        """What an answer may change."""
        panes = (self.query, self.hit, self.details, self.rates, self.scores)
        galleries = (self.priors, self.hits, self.back, self.follow)
        controls = (self.controls.shows, self.controls.weight)
        states = (self.found, self.selected, self.status, self.banner)
        return [*states, *panes, *galleries, *controls]

    @property
    def chosen(self) -> list[Component]:
        """What the choice of a hit or a prior may change."""
        return [self.selected, self.hit, self.details, self.follow, self.status]

    @property
    def library_state(self) -> list[Component]:
        """What tells how far the library is embedded."""
        heat = self.controls.without_heat
        return [self.embedded, self.embed, self.stop, self.timer, heat]

    def without_hits(self, said: str) -> Update:
        """Return a screen without an answer."""
        return {
            self.found: None,
            self.selected: None,
            self.status: said,
            self.banner: gr.update(value="", visible=False),
            self.hit: None,
            self.details: "",
            self.rates: "",
            self.priors: gr.update(value=None, visible=False),
            self.hits: gr.update(value=None),
            self.follow: gr.update(interactive=False),
        }


def lay_out_compare_screen(bundle: Bundle, *, can_rank_without_heat: bool) -> CompareScreen:
    """Lay out the screen inside the tab that is under way."""
    trail = gr.State(Trail())
    found, selected = (gr.State(None, time_to_live=KEPT_SECONDS) for _ in range(2))
    active = gr.State(value=False)
    with gr.Row(equal_height=False):
        with gr.Column(scale=0, min_width=300, elem_id="compare-controls"):
            controls = lay_out_compare_controls(bundle, can_rank_without_heat=can_rank_without_heat)
        with gr.Column(scale=1, min_width=600, elem_id="compare"):
            status = _words(NOTHING_YET, "Status", "compare-status", lines=3)
            banner = _words("", "Warning", "compare-banner", visible=False)
            with gr.Row(elem_id="compare-library"):
                embedded = _words("", "The library", "compare-embedded")
                embed = _button("Embed the rest", "compare-embed", visible=False)
                stop = _button("Stop embedding", "compare-stop", visible=False)
            with gr.Row(elem_id="compare-panes", equal_height=False):
                with gr.Column(min_width=200, elem_classes="compare-pane"):
                    back = _button("◀ Back", "compare-back", interactive=False)
                    query = _pane("Query", "compare-query")
                with gr.Column(min_width=200, elem_classes="compare-pane"):
                    follow = _button("Compare from this one ▶", "compare-follow", interactive=False)
                    hit = _pane("Similar case", "compare-hit")
                with gr.Column(scale=0, min_width=310, elem_id="compare-facts"):
                    details = _prose("compare-details")
                    with gr.Accordion("How often among the hits", open=True):
                        rates = _prose("compare-rates")
                    with gr.Accordion("What the model says of the query", open=False):
                        scores = _prose("compare-scores")
            with gr.Row(elem_id="compare-cases"):
                priors = _gallery("This patient's others, oldest first", "compare-priors")
                hits = _gallery("Hits, the most similar first", "compare-hits", visible=True)
    timer = gr.Timer(2, active=False)
    return CompareScreen(
        *(trail, found, selected, active, controls, status, banner, embedded, embed, stop),
        *(back, follow, query, hit, details, rates, scores, priors, hits, timer),
    )


def _words(text: str, label: str, name: str, *, lines: int = 2, visible: bool = True) -> gr.Textbox:
    """Lay out words, which cannot hold markup."""
    return gr.Textbox(
        text,
        label=label,
        show_label=False,
        container=False,
        max_lines=lines,
        interactive=False,
        visible=visible,
        elem_id=name,
        elem_classes="plain-words",
    )


def _button(text: str, name: str, *, visible: bool = True, interactive: bool = True) -> gr.Button:
    return gr.Button(
        text, size="sm", min_width=80, interactive=interactive, visible=visible, elem_id=name
    )


def _pane(label: str, name: str) -> gr.Image:
    return gr.Image(
        format="png",
        label=label,
        show_label=False,
        container=False,
        height=PANE_HEIGHT,
        interactive=False,
        buttons=["fullscreen"],
        elem_id=name,
        alt_text=label,
    )


def _prose(name: str) -> gr.Markdown:
    """Lay out HTML of our own; scripts are removed from it on top of our escaping."""
    return gr.Markdown("", sanitize_html=True, latex_delimiters=[], elem_id=name)


def _gallery(label: str, name: str, *, visible: bool = False) -> gr.Gallery:
    return gr.Gallery(
        label=label,
        format="png",
        columns=10,
        height="auto",
        allow_preview=False,
        object_fit="contain",
        interactive=False,
        buttons=[],
        visible=visible,
        elem_id=name,
        elem_classes="case-row",
    )
