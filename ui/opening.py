"""What the tab "Read" does when a radiograph is opened or closed.

Whatever is drawn of the radiograph of before stops within a step, and nothing of it stays.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import gradio as gr

from daug.bundle import Bundle
from daug.errors import DaugError
from daug.input_check import InputCheck
from daug.radiograph import Radiograph
from daug.workstation import Workstation
from ui import wording
from ui.examples import Example
from ui.measurement_panel import measurements_html
from ui.measuring import measure_radiograph
from ui.patient_group import NOT_STATED
from ui.read_screen import ReadScreen, Update
from ui.reading_column import View, look_of, progress_bar
from ui.readings import Reading, Readings
from ui.score_plot import score_plot
from ui.screen_pictures import radiograph_pane

NOT_DRAWN = "Nothing is drawn by itself: the input check has its doubts."


@dataclass(frozen=True)
class OpeningHandlers:
    """The answers; `opened` is always the key of the radiograph on the screen."""

    workstation: Workstation
    readings: Readings
    examples: Sequence[Example]
    screen: ReadScreen

    def leave(self, opened: str | None) -> Update:
        """Close the radiograph of before at once, while the next is still on its way."""
        self.readings.close(opened)
        return {**self._nothing_open(), self.screen.column.status: "Opening."}

    def pick(self, event: gr.SelectData) -> str:
        """Return where the example lies that was clicked."""
        return str(self.examples[event.index].path)

    def close(self, opened: str | None) -> Update:
        """Close the radiograph; nothing of it stays on the server either."""
        self.readings.close(opened)
        return {**self._nothing_open(), self.screen.column.status: "Open a radiograph."}

    def stay_closed(self, opened: str | None) -> Update:
        """Clear once more when the models are free: a picture may have been on its way."""
        if opened is not None:
            return self.screen.unchanged()
        return {**self._nothing_open(), self.screen.column.status: "Open a radiograph."}

    def open_file(self, path: str | None, old: str | None, *look: Any) -> Update:
        """Show a radiograph, its warnings and its scores.

        Args:
            path: Where it was uploaded to, or where an example lies.
            old: Key of one that was opened meanwhile.
            look: The values of the look's controls.
        """
        self.readings.close(old)
        screen = self.screen
        empty = {**self._nothing_open(), screen.controls.file: None}
        if path is None:  # taken back while it was on its way
            return {**empty, screen.column.status: "Open a radiograph."}
        try:
            radiograph = self.workstation.load(Path(path))
            check = self._checked(radiograph)
            scores = self.workstation.score(radiograph)
            seen = radiograph.model_input(self._bundle.image_size)
            reading = Reading(radiograph, seen, scores, Path(path), check)
            measure_radiograph(self.workstation, reading)
        except DaugError as error:
            return {**empty, screen.column.status: str(error)}
        return {**empty, **self._just_opened(reading, look)}

    def _checked(self, radiograph: Radiograph) -> InputCheck | None:
        check = self.workstation.check_input
        return None if check is None else check(radiograph)

    @property
    def _bundle(self) -> Bundle:
        return self.workstation.bundle

    def _nothing_open(self) -> Update:
        """Clear the screen, all but the status and the file on its way."""
        column, controls = self.screen.column, self.screen.controls
        size = self._bundle.image_size
        return {
            self.screen.key: None,
            column.original: None,
            **self.screen.seen(View.OVERVIEW, value=None),
            column.plot: None,
            column.measured: "",
            column.doubt: gr.update(value="", visible=False),
            controls.verdict: gr.update(value="", visible=False),
            controls.group: gr.update(value=NOT_STATED, visible=False),
            column.bar: progress_bar(0, 0),
            column.look.grid: gr.update(label=f"The model sees {size} × {size}"),
            controls.examples: gr.update(open=True),
            controls.opened: "",
            controls.close: gr.update(visible=False),
            controls.remarks: gr.update(value="", visible=False),
            controls.download: gr.update(value=None, interactive=False),
            **self.screen.buttons(busy=False, is_open=False),
        }

    def _just_opened(self, reading: Reading, look: Sequence[Any]) -> Update:
        """Keep a reading and show what is known before anything is drawn."""
        column, controls = self.screen.column, self.screen.controls
        said = "\n".join(reading.radiograph.warnings)
        lines = min(4, said.count("\n") + 1)
        reading.look = look_of(*look)
        sees = wording.model_sees(reading.radiograph, reading.seen)
        return {
            self.screen.key: self.readings.open(reading),
            column.original: radiograph_pane(reading),
            column.measured: measurements_html(reading, self.workstation, ()),
            column.doubt: gr.update(
                value=wording.doubted(reading.doubts), visible=bool(reading.doubts)
            ),
            controls.verdict: gr.update(value=wording.verdict(reading.check), visible=True),
            controls.group: gr.update(value=reading.group, visible=True),
            column.plot: score_plot(self._bundle, reading.scores),
            column.look.grid: gr.update(label=sees),
            controls.examples: gr.update(open=False),
            controls.opened: reading.radiograph.source_name,
            controls.close: gr.update(visible=True),
            controls.remarks: gr.update(value=said, visible=bool(said), lines=lines),
            **self.screen.said(NOT_DRAWN if reading.doubts else "Figure 2 is drawn next."),
        }
