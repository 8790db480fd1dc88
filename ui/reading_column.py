"""The reading area of the tab "Read": the radiograph, its maps beside it, the scores below.

One switch chooses what stands beside the radiograph: all maps of Figure 2, or two large ones.
"""

from dataclasses import dataclass
from enum import StrEnum

import gradio as gr
from gradio.components import Component

from daug.bundle import Bundle
from ui.look import OPACITY, ColorMap, Layer, Look, Show

# leaves what is measured below within the window; page.css knows how much more a warning takes
PANE_HEIGHT = "max(300px, calc(100vh - var(--beside-panes, 378px)))"
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

    doubt: gr.Textbox
    status: gr.Textbox
    layer: gr.Radio
    bar: gr.Markdown
    view: gr.Radio
    show: gr.Radio
    look: LookControls
    original: gr.Image
    overview: gr.Image
    softmax: gr.Image
    sigmoid: gr.Image
    plot: gr.Plot
    measured: gr.Markdown

    @property
    def panes(self) -> tuple[gr.Image, gr.Image]:
        """The panes of one question's maps, softmax first as the maps are drawn."""
        return self.softmax, self.sigmoid

    @property
    def pictures(self) -> list[gr.Image]:
        """Everything that is drawn anew when the look changes."""
        return [self.original, self.overview, *self.panes]


def look_of(percent: float, colors: str, hide: float, grid: str) -> Look:
    """Return how maps are shown, as the controls have it."""
    return Look(percent / 100, ColorMap(colors), hide / 100, grid == SMOOTH)


def progress_bar(done: int, total: int) -> str:
    """Return a bar of steps: numbers of our own alone ever reach this element's HTML."""
    return f'<progress max="{max(total, 1):d}" value="{done:d}" aria-label="progress"></progress>'


def lay_out_column(bundle: Bundle, *, can_measure: bool = True) -> ReadingColumn:
    """Lay out the reading area inside the column that is under way.

    Args:
        can_measure: Whether the models measure maps; without, the scores have all the width.
    """
    doubt = _words("", "Input check", "input-check", most=6, visible=False)
    with gr.Row(elem_id="told"):
        status = _words("Open a radiograph.", "Status", "status", most=3)
        layer = _choice(
            [one.value for one in Layer], Layer.MAP, "Shown beside it", "layer", visible=False
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
        look = _look(grid)
    with gr.Row(elem_id="panes"):
        original = _pane("Radiograph", "original")
        overview = _pane("Figure 2: softmax above sigmoid", "overview", scale=2)
        softmax = _pane("Softmax: against the other classes", "softmax", visible=False)
        sigmoid = _pane("Sigmoid: by itself", "sigmoid", visible=False)
    with gr.Row(elem_id="figures"):
        plot = gr.Plot(show_label=False, container=False, elem_id="scores")
        measured = gr.Markdown("", visible=can_measure, elem_id="measured")
    return ReadingColumn(
        doubt,
        status,
        layer,
        bar,
        view,
        show,
        look,
        original,
        overview,
        softmax,
        sigmoid,
        plot,
        measured,
    )


def _look(grid: gr.Radio) -> LookControls:
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
        hide=_slider(0, 0, "Hide below %", "hide"),  # what is below a map's mark hides by itself
        grid=grid,
    )


def _words(text: str, label: str, name: str, *, most: int, visible: bool = True) -> gr.Textbox:
    return gr.Textbox(
        text,
        label=label,
        show_label=False,
        container=False,
        max_lines=most,
        interactive=False,
        visible=visible,
        elem_id=name,
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
