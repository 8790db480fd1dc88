"""The reading area of the tab "Read": the radiograph, its maps beside it, the scores below.

One switch chooses what stands beside the radiograph: all maps of Figure 2, or two large ones.
"""

from dataclasses import dataclass
from enum import StrEnum
from math import floor

import gradio as gr
from gradio.components import Component

from daug.bundle import Bundle, HeatScale
from ui.look import OPACITY, ColorMap, Look, Show

PANE_HEIGHT = "max(300px, calc(100vh - 378px))"  # leaves the scores below within the window
SMOOTH, GRID = "Smooth", "Model's own grid"


class View(StrEnum):
    """What stands beside the radiograph."""

    OVERVIEW = "Overview (Figure 2)"
    QUESTION = "One question"


@dataclass(frozen=True)
class LookControls:
    """How maps are shown."""

    opacity: gr.Slider
    colors: gr.Dropdown
    hide: gr.Slider
    grid: gr.Radio

    @property
    def all(self) -> list[Component]:
        """The controls in the order of `look_of`."""
        return [self.opacity, self.colors, self.hide, self.grid]


@dataclass(frozen=True)
class ReadingColumn:
    """What is answered."""

    status: gr.Textbox
    bar: gr.Markdown
    view: gr.Radio
    show: gr.Radio
    look: LookControls
    original: gr.Image
    overview: gr.Image
    softmax: gr.Image
    sigmoid: gr.Image
    plot: gr.Plot

    @property
    def panes(self) -> tuple[gr.Image, gr.Image]:
        """The panes of one question's maps, softmax first as the maps are drawn."""
        return self.softmax, self.sigmoid

    @property
    def pictures(self) -> list[gr.Image]:
        """Everything that is drawn anew when the look changes."""
        return [self.original, self.overview, *self.panes]


def least_hidden(scale: HeatScale) -> int:
    """Return the bundle's mark in percent of full color: below it nothing is ever drawn."""
    return floor(100 * scale.mark / scale.full_at)


def look_of(percent: float, colors: str, hide: float, grid: str) -> Look:
    """Return how maps are shown, as the controls have it."""
    return Look(percent / 100, ColorMap(colors), hide / 100, grid == SMOOTH)


def progress_bar(done: int, total: int) -> str:
    """Return a bar of steps: numbers of our own alone ever reach this element's HTML."""
    return f'<progress max="{max(total, 1):d}" value="{done:d}" aria-label="progress"></progress>'


def lay_out_column(bundle: Bundle) -> ReadingColumn:
    """Lay out the reading area inside the column that is under way."""
    status = gr.Textbox(
        "Open a radiograph.",
        label="Status",
        show_label=False,
        container=False,
        max_lines=3,
        interactive=False,
        elem_id="status",
    )
    bar = gr.Markdown(progress_bar(0, 0), elem_id="bar")
    with gr.Row(elem_id="views"):
        view = _choice([one.value for one in View], View.OVERVIEW, "Beside the radiograph", "view")
        grid = gr.Radio(
            [SMOOTH, GRID],
            value=SMOOTH,
            label=f"The model sees {bundle.image_size} × {bundle.image_size}",
            elem_id="grid",
        )
    with gr.Row(elem_id="looks"):
        show = _choice(
            [one.value for one in Show], Show.HEAT, "What the maps show", "show", visible=False
        )
        look = _look(bundle, grid)
    with gr.Row(elem_id="panes"):
        original = _pane("Radiograph", "original")
        overview = _pane("Figure 2: softmax above sigmoid", "overview", scale=2)
        softmax = _pane("Softmax: against the other classes", "softmax", visible=False)
        sigmoid = _pane("Sigmoid: by itself", "sigmoid", visible=False)
    plot = gr.Plot(show_label=False, container=False, elem_id="scores")
    return ReadingColumn(status, bar, view, show, look, original, overview, softmax, sigmoid, plot)


def _look(bundle: Bundle, grid: gr.Radio) -> LookControls:
    least = least_hidden(bundle.heat_scale)
    return LookControls(
        opacity=_slider(0, OPACITY * 100, "Opacity %", "opacity"),
        colors=gr.Dropdown(
            [one.value for one in ColorMap],
            value=ColorMap.INFERNO.value,
            label="Colors",
            filterable=False,
            min_width=90,
            elem_id="colors",
        ),
        hide=_slider(least, least, "Hide below %", "hide"),
        grid=grid,
    )


def _choice(
    choices: list[str], chosen: str, label: str, name: str, *, visible: bool = True
) -> gr.Radio:
    return gr.Radio(
        choices,
        value=str(chosen),
        label=label,
        show_label=False,
        container=False,
        visible=visible,
        elem_id=name,
    )


def _slider(least: float, value: float, label: str, name: str) -> gr.Slider:
    return gr.Slider(least, 100, value, step=1, label=label, buttons=[], elem_id=name)


def _pane(label: str, name: str, *, scale: int = 1, visible: bool = True) -> gr.Image:
    return gr.Image(
        format="png",
        label=label,
        show_label=False,
        container=False,
        height=PANE_HEIGHT,
        interactive=False,
        buttons=["fullscreen"],
        scale=scale,
        visible=visible,
        elem_id=name,
        alt_text=label,
    )
