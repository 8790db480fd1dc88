"""What the tab "Read" answers when a person does something.

A handler returns what changes on the screen, or yields it bit by bit while models are at work.
Which element calls which handler is `read_tab`'s to say.
"""

from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import gradio as gr

from daug.bundle import Bundle
from daug.errors import DaugError
from daug.findings import Activation, Direction
from daug.heatmap import Heatmap, Preview, Recipe
from daug.workstation import Workstation
from ui import wording
from ui.chosen_maps import default_asks, panel_recipes
from ui.figure2 import figure2_png
from ui.followed_drawing import FollowedDrawing
from ui.read_screen import ReadScreen, Update, progress_bar
from ui.readings import Reading, Readings
from ui.recipe_settings import recipe_changes
from ui.score_plot import score_plot
from ui.screen_pictures import Show, map_pane, preview_pane, radiograph_pane
from ui.whole_files import write_whole

BROKEN = "Something went wrong that DAug did not foresee; the terminal it runs in says what."
CLOSED = "The radiograph is no longer open. Open its file again."


@dataclass(frozen=True)
class ReadHandlers:
    """The answers; `opened` is always the key of the radiograph on the screen."""

    workstation: Workstation  # loads, scores and draws
    readings: Readings  # where open radiographs are kept
    exports: Path  # folder for panels on their way to the browser
    screen: ReadScreen

    def open_file(self, path: str | None, old: str | None) -> Update:
        """Close the radiograph of before; show the new one, its warnings and its scores."""
        self.readings.close(old)
        empty = self._nothing_open()
        if path is None:
            return {**empty, self.screen.column.status: "Open a radiograph."}
        try:
            radiograph = self.workstation.load(Path(path))
            scores = self.workstation.score(radiograph)
        except DaugError as error:
            return {**empty, self.screen.column.status: str(error)}
        seen = radiograph.model_input(self._bundle.image_size)
        return {**empty, **self._just_opened(Reading(radiograph, seen, scores))}

    def begin(self, opened: str | None) -> Update:
        """Answer the click at once, before the models are free."""
        reading = self.readings.get(opened)
        if reading is None:
            return self._closed()
        reading.stop.clear()
        bar = {self.screen.column.bar: progress_bar(0, 0)}
        return {**self._said("Waiting for the models.", busy=True), **bar}

    def draw_maps(
        self, opened: str | None, name: str, sign: str, *rest: Any
    ) -> Generator[Update, None, None]:
        """Draw both maps of one question.

        Args:
            name: The super-class.
            sign: + or -.
            rest: The recipe's settings, what the maps show, and their opacity in percent.
        """
        *knobs, shown, percent = rest
        reading = self.readings.get(opened)
        if reading is None:
            yield self._closed()
            return
        reading.heatmaps = ()  # what was drawn before answers another question
        try:
            recipes = self._pair(name, sign, knobs)
            maps = yield from self._follow(
                reading,
                recipes,
                lambda preview, told: {
                    self.screen.column.status: told,
                    **self._unfinished(reading, recipes, preview, percent),
                },
                if_stopped="The maps are unfinished.",
            )
        except DaugError as error:
            yield self._said(str(error))
            return
        if maps is not None:
            reading.heatmaps = maps
            plot = score_plot(self._bundle, reading.scores, maps)
            yield {
                **self._finished(_answered(self._bundle, recipes[0])),
                self.screen.column.plot: plot,
                **self.redraw(opened, shown, percent),
            }

    def redraw(self, opened: str | None, shown: str, percent: float) -> Update:
        """Show the maps that are drawn in another way; no model is asked."""
        panes = self.screen.column.panes
        reading = self.readings.get(opened)
        if reading is None or not reading.heatmaps:
            return {pane: gr.skip() for pane in panes}
        return {
            pane: map_pane(reading, heatmap, self._bundle, Show(shown), percent / 100)
            for pane, heatmap in zip(panes, reading.heatmaps, strict=True)
        }

    def draw_figure(self, opened: str | None, *rest: Any) -> Generator[Update, None, None]:
        """Draw Figure 2 with the bundle's own choice of maps.

        Args:
            rest: The recipe's settings, and the opacity in percent.
        """
        *knobs, percent = rest
        reading = self.readings.get(opened)
        if reading is None:
            yield self._closed()
            return
        try:
            recipes = self._figure_recipes(reading, knobs)
            maps = yield from self._follow(
                reading,
                recipes,
                lambda _, told: {
                    self.screen.column.status: f"Figure 2, {len(recipes)} maps. {told}"
                },
                if_stopped="Figure 2 was not drawn.",
            )
            path = None if maps is None else str(self._write_figure(reading, maps, percent))
        except DaugError as error:
            yield self._said(str(error))
            return
        if path is not None:
            yield {
                **self._finished("Figure 2 is below, and ready to download."),
                self.screen.figure: gr.update(value=path, visible=True),
                self.screen.controls.download: gr.update(value=path, interactive=True),
            }

    def give_up(self, opened: str | None) -> str:
        """Have what is being drawn stop after its step; return the status."""
        reading = self.readings.get(opened)
        if reading is not None:
            reading.stop.set()
        return "Stopping after this step."

    def recover(self, opened: str | None) -> Update:
        """Own up to an error that nobody foresaw, and free the buttons."""
        return self._said(BROKEN, is_open=self.readings.get(opened) is not None)

    @property
    def _bundle(self) -> Bundle:
        return self.workstation.bundle

    def _said(self, text: str, *, busy: bool = False, is_open: bool = True) -> Update:
        buttons = self.screen.buttons(busy=busy, is_open=is_open)
        return {self.screen.column.status: text, **buttons}

    def _closed(self) -> Update:
        return self._said(CLOSED, is_open=False)

    def _finished(self, text: str) -> Update:
        return {**self._said(text), self.screen.column.bar: progress_bar(1, 1)}

    def _nothing_open(self) -> Update:
        """Clear the screen, all but the status."""
        column, controls = self.screen.column, self.screen.controls
        return {
            self.screen.key: None,
            column.original: None,
            **dict.fromkeys(column.panes),
            column.plot: None,
            column.bar: progress_bar(0, 0),
            controls.remarks: gr.update(value="", visible=False),
            self.screen.figure: gr.update(value=None, visible=False),
            controls.download: gr.update(value=None, interactive=False),
            **self.screen.buttons(busy=False, is_open=False),
        }

    def _just_opened(self, reading: Reading) -> Update:
        """Keep a reading and show what is known before anything is asked."""
        column, remarks = self.screen.column, self.screen.controls.remarks
        said = "\n".join(reading.radiograph.warnings)
        lines = min(4, said.count("\n") + 1)
        return {
            self.screen.key: self.readings.open(reading),
            column.original: radiograph_pane(reading.radiograph, self._bundle),
            column.plot: score_plot(self._bundle, reading.scores),
            remarks: gr.update(value=said, visible=bool(said), lines=lines),
            **self._said("Choose a super-class and a direction, then Draw."),
        }

    def _follow(
        self,
        reading: Reading,
        recipes: Sequence[Recipe],
        show: Callable[[Preview, str], Update],
        if_stopped: str,
    ) -> Generator[Update, None, tuple[Heatmap, ...] | None]:
        """Draw maps and tell of them on the way.

        Args:
            show: Given a preview and how far that is in words, returns what to show beside the bar.
            if_stopped: What is said of the result if somebody stops it.

        Returns:
            The maps, or None if somebody stopped them, which the screen then says.
        """
        drawing = self.workstation.draw_heatmaps(reading.radiograph, recipes)
        followed = FollowedDrawing(drawing, reading.stop)
        for preview in followed:
            bar = {self.screen.column.bar: progress_bar(preview.done, preview.total)}
            yield {**show(preview, _told(preview, followed.seconds_left)), **bar}
        if followed.stopped:
            yield self._said(f"Stopped after step {followed.step}. {if_stopped}")
            return None
        return followed.heatmaps

    def _pair(self, name: str, sign: str, knobs: Sequence[Any]) -> list[Recipe]:
        changes = recipe_changes(self._bundle, *knobs)
        return [
            self._bundle.recipe_for(name, Direction(sign), activation, **changes)
            for activation in (Activation.SOFTMAX, Activation.SIGMOID)
        ]

    def _unfinished(
        self, reading: Reading, recipes: Sequence[Recipe], preview: Preview, percent: float
    ) -> Update:
        panes = zip(self.screen.column.panes, recipes, strict=True)
        return {
            pane: preview_pane(reading, recipe, preview, place, self._bundle, percent / 100)
            for place, (pane, recipe) in enumerate(panes)
        }

    def _figure_recipes(self, reading: Reading, knobs: Sequence[Any]) -> tuple[Recipe, ...]:
        asks = default_asks(self._bundle, reading.scores)
        return panel_recipes(self._bundle, asks, **recipe_changes(self._bundle, *knobs))

    def _write_figure(self, reading: Reading, maps: tuple[Heatmap, ...], percent: float) -> Path:
        png = figure2_png(reading.radiograph, maps, self._bundle, opacity=percent / 100)
        digest = reading.radiograph.digest[: wording.DIGEST_LETTERS]
        path = self.exports / f"figure2-{digest}.png"
        write_whole({path: png})
        return path


def _told(preview: Preview, seconds_left: float | None) -> str:
    left = "" if seconds_left is None else f", about {seconds_left:.0f} s left"
    return f"Step {preview.done} of {preview.total}{left}."


def _answered(bundle: Bundle, recipe: Recipe) -> str:
    name = wording.title(recipe.super_class, recipe.direction)
    return f"{name}: {wording.question(bundle.card(recipe.super_class), recipe.direction)}"
