"""What the tab "Read" shows, and which parts of it an answer may change.

    controls   on the left: the file, the question, the buttons and the method
    column     beside them: how far a drawing is, the pictures and the scores

Nothing here answers what a person does.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import gradio as gr
from gradio.components import Component

from daug.bundle import Bundle
from ui.examples import Example
from ui.keeping import KeepBox, lay_out_keep_box
from ui.look import Layer
from ui.read_controls import Controls, lay_out_controls
from ui.reading_column import ReadingColumn, View, lay_out_column, progress_bar

OPEN_SECONDS = 4 * 3600  # that an idle page keeps its radiograph

Update = dict[Any, Any]  # components, each with its new value


@dataclass(frozen=True)
class ReadScreen:
    """All of it, and the key of the radiograph that is open."""

    key: gr.State
    controls: Controls
    column: ReadingColumn
    keep: KeepBox | None = None  # where there is a library

    @property
    def drawn(self) -> list[Component]:
        """What a drawing may change, whatever it draws."""
        controls, column = self.controls, self.column
        buttons = (controls.draw, controls.stop, controls.panel, controls.download)
        choices = (column.view, column.show, column.layer)
        told = (column.plot, column.measured, column.status, column.bar)
        return [*column.pictures, *told, *choices, *buttons]

    @property
    def everything(self) -> list[Any]:
        """What another radiograph may change."""
        controls = self.controls
        words = (controls.opened, controls.close, controls.remarks, self.column.look.grid)
        checked = (controls.verdict, controls.group, self.column.doubt)
        return [self.key, controls.file, controls.examples, *words, *checked, *self.drawn]

    def buttons(self, *, busy: bool, is_open: bool = True) -> Update:
        """Return which buttons can be pressed.

        Args:
            busy: Something is being drawn, which can be stopped.
            is_open: There is a radiograph to draw maps of.
        """
        return {
            self.controls.draw: gr.update(interactive=is_open),
            self.controls.panel: gr.update(interactive=is_open),
            self.controls.stop: gr.update(interactive=busy),
        }

    def said(self, text: str, *, busy: bool = False, is_open: bool = True) -> Update:
        """Return a status and the buttons that go with it."""
        return {self.column.status: text, **self.buttons(busy=busy, is_open=is_open)}

    def unchanged(self) -> Update:
        """Return no change: where a handler yields nothing, Gradio clears the screen."""
        return {self.column.status: gr.skip()}

    def finished(self, text: str) -> Update:
        """Return a status for something that is drawn."""
        return {**self.said(text), self.column.bar: progress_bar(1, 1)}

    def seen(self, view: View, layer: Layer = Layer.MAP, **others: Any) -> Update:
        """Return which pictures stand beside the radiograph.

        Args:
            layer: What stands in the places of one question's maps.
            others: More that is to change of each of these pictures.
        """
        column, large = self.column, view is View.QUESTION
        return {
            column.view: view.value,
            column.show: gr.update(visible=large and layer is Layer.MAP),
            column.layer: gr.update(value=layer.value, visible=large),
            column.overview: gr.update(visible=not large, **others),
            column.softmax: gr.update(visible=large, **others),
            column.sigmoid: gr.update(visible=large, **others),
        }


def lay_out_screen(
    bundle: Bundle,
    examples: Sequence[Example],
    close: Callable[[str | None], None],
    *,
    can_keep: bool = False,
    can_measure: bool = True,
) -> ReadScreen:
    """Lay out the screen inside the tab that is under way.

    Args:
        examples: Radiographs to try it with.
        close: Told the key of a radiograph whose page has gone.
        can_keep: Whether there is a library to save radiographs in.
        can_measure: Whether the models measure maps.
    """
    key = gr.State(value=None, time_to_live=OPEN_SECONDS, delete_callback=close)
    with gr.Row(equal_height=False):
        with gr.Column(scale=0, min_width=318, elem_id="controls"):
            controls = lay_out_controls(bundle, examples)
            keep = lay_out_keep_box("keep") if can_keep else None
        with gr.Column(scale=1, min_width=600, elem_id="reading"):
            column = lay_out_column(bundle, can_measure=can_measure)
    return ReadScreen(key, controls, column, keep)
