"""What the tab "Read" shows, and where.

    controls   on the left: the file, the question, the buttons and the recipe
    column     beside them: how far a drawing is, the three pictures and the scores
    figure     Figure 2, below both once it is drawn

Nothing here answers what a person does.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

import gradio as gr
from gradio.components import Component

from daug.bundle import Bundle
from daug.findings import Direction, Finding
from ui import wording
from ui.class_choice import choices, description
from ui.heat_picture import OPACITY
from ui.recipe_settings import recipe_settings
from ui.screen_pictures import Show

CLASS_LIST = "super-class"  # the element's name in the page
PANE_HEIGHT = "max(380px, calc(100vh - 318px))"  # leaves the scores below within the window
OPEN_SECONDS = 4 * 3600  # that an idle page keeps its radiograph

Update = dict[Any, Any]  # components, each with its new value


@dataclass(frozen=True)
class Controls:
    """What is asked, and the buttons that ask it."""

    file: gr.File
    remarks: gr.Textbox
    super_class: gr.Radio
    direction: gr.Radio
    draw: gr.Button
    stop: gr.Button
    question: gr.Textbox
    panel: gr.Button
    download: gr.DownloadButton
    settings: tuple[Component, ...]  # in the order of `recipe_changes`


@dataclass(frozen=True)
class ReadingColumn:
    """What is answered."""

    status: gr.Textbox
    show: gr.Radio
    opacity: gr.Slider
    bar: gr.Markdown
    original: gr.Image
    softmax: gr.Image
    sigmoid: gr.Image
    plot: gr.Plot

    @property
    def panes(self) -> tuple[gr.Image, gr.Image]:
        """The panes of maps, softmax first as the maps are drawn."""
        return self.softmax, self.sigmoid


@dataclass(frozen=True)
class ReadScreen:
    """All of it, and the key of the radiograph that is open."""

    key: gr.State
    controls: Controls
    column: ReadingColumn
    figure: gr.Image

    @property
    def every_part(self) -> list[Component]:
        """What each drawing may change, whatever it draws."""
        controls, column = self.controls, self.column
        buttons = (controls.draw, controls.stop, controls.panel)
        return [*column.panes, column.status, column.bar, *buttons]

    @property
    def everything(self) -> list[Component]:
        """What another radiograph may change."""
        controls, column = self.controls, self.column
        first = [self.key, column.original, column.plot, controls.remarks]
        return [*first, self.figure, controls.download, *self.every_part]

    def buttons(self, *, busy: bool, is_open: bool = True) -> Update:
        """Return which buttons can be pressed.

        Args:
            busy: Something is being drawn, which can be stopped.
            is_open: There is a radiograph to draw maps of.
        """
        return {
            self.controls.draw: gr.update(interactive=is_open and not busy),
            self.controls.panel: gr.update(interactive=is_open and not busy),
            self.controls.stop: gr.update(interactive=busy),
        }


def lay_out_screen(bundle: Bundle, close: Callable[[str | None], None]) -> ReadScreen:
    """Lay out the screen inside the tab that is under way.

    Args:
        close: Told the key of a radiograph whose page has gone.
    """
    key = gr.State(value=None, time_to_live=OPEN_SECONDS, delete_callback=close)
    with gr.Row(equal_height=False):
        with gr.Column(scale=0, min_width=318, elem_id="controls"):
            controls = _controls(bundle)
        with gr.Column(scale=1, min_width=600, elem_id="reading"):
            column = _reading_column()
    return ReadScreen(key, controls, column, _figure())


def progress_bar(done: int, total: int) -> str:
    """Return a bar of steps: numbers of our own alone ever reach this element's HTML."""
    return f'<progress max="{max(total, 1):d}" value="{done:d}"></progress>'


def _controls(bundle: Bundle) -> Controls:
    file = gr.File(label="Radiograph: DICOM, PNG, JPEG or TIFF", height=84, elem_id="file")
    remarks = gr.Textbox(
        label="Warnings about this radiograph",
        visible=False,
        show_label=False,
        container=False,
        elem_id="remarks",
    )
    super_class, direction = _class_list(bundle), _signs()
    with gr.Row():
        draw = _button("Draw", "draw", variant="primary")
        stop = _button("Stop", "stop", variant="stop")
    question = _question(bundle)
    with gr.Row():
        panel = _button("Draw Figure 2", "panel")
        download = gr.DownloadButton(
            "Download it", min_width=80, interactive=False, elem_id="download"
        )
    with gr.Accordion("Recipe", open=False):
        settings = recipe_settings(bundle)
    return Controls(
        file, remarks, super_class, direction, draw, stop, question, panel, download, settings
    )


def _class_list(bundle: Bundle) -> gr.Radio:
    return gr.Radio(
        choices(bundle),
        value=_first(bundle),
        label="Super-class (training radiographs)",
        info=wording.without_class(bundle),
        elem_id=CLASS_LIST,
    )


def _signs() -> gr.Radio:
    return gr.Radio(
        [("+ more of it", "+"), ("− less of it", "-")],
        value="+",
        label="More or less of it",
        show_label=False,
        container=False,
        elem_id="direction",
    )


def _question(bundle: Bundle) -> gr.Textbox:
    return gr.Textbox(
        description(bundle, _first(bundle), Direction.MORE),
        label="What is asked, and what the models know",
        show_label=False,
        container=False,
        lines=4,
        max_lines=8,
        elem_id="question",
    )


def _first(bundle: Bundle) -> str:
    """Return the super-class that is asked for first: whether anything looks abnormal."""
    normal = [card.name for card in bundle.offered if Finding.NO_FINDING in card.findings]
    return (normal or [card.name for card in bundle.offered])[0]


def _button(
    text: str, name: str, variant: Literal["primary", "secondary", "stop"] = "secondary"
) -> gr.Button:
    return gr.Button(text, variant=variant, min_width=80, interactive=False, elem_id=name)


def _reading_column() -> ReadingColumn:
    with gr.Row(elem_id="progress-row"):
        status, show, opacity = _status(), _show(), _opacity()
    bar = gr.Markdown(progress_bar(0, 0), elem_id="bar")
    with gr.Row(elem_id="panes"):
        original = _pane("Radiograph", "original")
        softmax = _pane("Softmax: against the other classes", "softmax")
        sigmoid = _pane("Sigmoid: by itself", "sigmoid")
    plot = gr.Plot(show_label=False, container=False, elem_id="scores")
    return ReadingColumn(status, show, opacity, bar, original, softmax, sigmoid, plot)


def _status() -> gr.Textbox:
    return gr.Textbox(
        "Open a radiograph.",
        label="Status",
        show_label=False,
        container=False,
        max_lines=4,
        elem_id="status",
        scale=3,
    )


def _show() -> gr.Radio:
    return gr.Radio(
        [one.value for one in Show],
        value=Show.HEAT.value,
        label="What the maps show",
        show_label=False,
        container=False,
        elem_id="show",
        scale=4,
    )


def _opacity() -> gr.Slider:
    return gr.Slider(
        0, 100, OPACITY * 100, step=5, label="Opacity", buttons=[], elem_id="opacity", scale=1
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


def _figure() -> gr.Image:
    return gr.Image(
        format="png",
        label="Figure 2",
        visible=False,
        interactive=False,
        buttons=["fullscreen"],
        elem_id="figure",
        alt_text="Figure 2: the radiograph and its maps, softmax above sigmoid",
    )
