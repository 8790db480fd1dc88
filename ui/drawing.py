"""What the tab "Read" does when maps are to be drawn: begin at once, draw in turn, stop in time.

Only the last thing that was asked of a radiograph is drawn, and nothing is shown once the
radiograph is closed or something else was asked.
"""

from collections.abc import Callable, Generator, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import gradio as gr

from daug.bundle import Bundle
from daug.errors import DaugError
from daug.findings import Activation, Direction
from daug.heatmap import Heatmap, Preview, Recipe
from daug.workstation import Workstation
from ui import wording
from ui.chosen_maps import default_asks, panel_recipes
from ui.followed_drawing import FollowedDrawing
from ui.look import Layer
from ui.map_layers import DRAWINGS
from ui.measurement_panel import measurements_html
from ui.measuring import measure
from ui.method import recipe_changes
from ui.overview import finished_overview, unfinished_overview
from ui.read_screen import ReadScreen, Update
from ui.reading_column import View, progress_bar
from ui.readings import Reading, Readings, Turn
from ui.score_plot import score_plot
from ui.screen_pictures import preview_pane
from ui.viewing import ViewHandlers, answered

BROKEN = "Something went wrong that DAug did not foresee; the terminal it runs in says what."
MOST_KEPT = 8  # maps that were drawn from several seeds
CLOSED = "The radiograph is no longer open. Open its file again."

Updates = Generator[Update, None, None]
Asked = Callable[[Reading], Sequence[Recipe]]


@dataclass(frozen=True)
class _Telling:
    """What is shown of a drawing."""

    unfinished: Callable[[Reading, Sequence[Recipe], Preview], Update]
    finished: Callable[[Reading, tuple[Heatmap, ...]], Iterator[Update]]
    if_stopped: str  # what is said of the result if somebody stops it


@dataclass(frozen=True)
class DrawingHandlers:
    """The answers; `opened` is always the key of the radiograph on the screen."""

    workstation: Workstation
    readings: Readings
    views: ViewHandlers
    screen: ReadScreen

    def begin_question(self, opened: str | None, name: str, sign: str, *method: Any) -> Update:
        """Ask for both maps of one question, before the models are free."""
        return self._begin(opened, View.QUESTION, lambda _: self._pair(name, sign, method))

    def begin_first_figure(self, opened: str | None, *method: Any) -> Update:
        """Ask for Figure 2 of a radiograph that was just opened, unless its input is doubted."""
        reading = self.readings.get(opened)
        if reading is not None and reading.doubts:
            return self.screen.unchanged()
        return self.begin_figure(opened, *method)

    def begin_layer(self, opened: str | None, layer: str) -> Update:
        """Show another layer of the two maps; ask for the drawings that it needs."""
        reading = self.readings.get(opened)
        if reading is None:
            return self.screen.unchanged()
        reading.layer = Layer(layer)
        recipes = self._drawings_missing(reading)
        if recipes and reading.turn is None:
            reading.ask(recipes)
            said = f"Waiting for the models: {DRAWINGS} drawings of each map."
            return {**self.screen.said(said, busy=True), self.screen.column.bar: progress_bar(0, 0)}
        reading.settle_layer()
        return self._layer_shown(reading)

    def draw_layer(self, opened: str | None) -> Updates:
        """Draw both maps of a question from several seeds, where their stability is asked for.

        The layer is shown once more at the end: an answer to something that was chosen before it
        may have come to the screen after it.
        """
        telling = _Telling(lambda *_: {}, self._drawings_done, "The stability is not known.")
        yield from self._draw(opened, self._drawings_missing, telling)
        reading = self.readings.get(opened)
        if reading is not None and reading.turn is None:
            reading.settle_layer()  # stopped, or failed: the maps are still there
            yield self._layer_shown(reading)

    def begin_figure(self, opened: str | None, *method: Any) -> Update:
        """Ask for Figure 2, before the models are free."""
        begun = self._begin(
            opened, View.OVERVIEW, lambda reading: self._figure_recipes(reading, method)
        )
        download = {self.screen.controls.download: gr.update(value=None, interactive=False)}
        return {**begun, **download}

    def draw_question(self, opened: str | None, name: str, sign: str, *method: Any) -> Updates:
        """Draw both maps of one question.

        Args:
            name: The super-class.
            sign: + or -.
            method: The values of the method's fields.
        """
        telling = _Telling(self._maps_so_far, self._maps_done, "The maps are unfinished.")
        yield from self._draw(opened, lambda _: self._pair(name, sign, method), telling)

    def draw_figure(self, opened: str | None, *method: Any) -> Updates:
        """Draw the maps of Figure 2, and make it ready to download.

        Args:
            method: The values of the method's fields.
        """
        telling = _Telling(
            self._figure_so_far,
            lambda reading, maps: self._figure_done(opened, reading, maps),
            "Figure 2 is unfinished.",
        )
        yield from self._draw(
            opened, lambda reading: self._figure_recipes(reading, method), telling
        )

    def give_up(self, opened: str | None) -> str:
        """Have what is being drawn stop after its step; return the status."""
        reading = self.readings.get(opened)
        if reading is not None:
            reading.stop()
        return "Stopping after this step."

    def recover(self, opened: str | None) -> Update:
        """Own up to an error that nobody foresaw, and free the buttons."""
        reading = self.readings.get(opened)
        if reading is not None:
            reading.stop()
            reading.turn = None
        return self.screen.said(BROKEN, is_open=reading is not None)

    @property
    def _bundle(self) -> Bundle:
        return self.workstation.bundle

    def _begin(self, opened: str | None, view: View, recipes_of: Asked) -> Update:
        if opened is None:
            return self.screen.buttons(busy=False, is_open=False)
        reading = self.readings.get(opened)
        if reading is None:
            return self.screen.said(CLOSED, is_open=False)
        try:
            reading.ask(recipes_of(reading))
            if reading.layer is Layer.STABILITY:
                reading.layer = Layer.MAP
        except DaugError as error:
            return self.screen.said(str(error), busy=reading.turn is not None)
        return {
            **self.screen.said("Waiting for the models.", busy=True),
            **self.screen.seen(view, reading.layer),
            self.screen.column.bar: progress_bar(0, 0),
        }

    def _draw(self, opened: str | None, recipes_of: Asked, telling: _Telling) -> Updates:
        """Draw maps and tell of them on the way, unless they are no longer what is asked."""
        reading = self.readings.get(opened)
        turn = None if reading is None else self._take(reading, recipes_of)
        if reading is None or turn is None:
            yield self.screen.unchanged()
            return
        drawing = self.workstation.draw_heatmaps(reading.radiograph, turn.recipes)
        followed = FollowedDrawing(drawing, turn.stop)
        failed = None
        try:
            for preview in followed:
                if self._still_asked(opened, reading, turn):
                    update = telling.unfinished(reading, turn.recipes, preview)
                    yield {**self._progress(preview, followed.seconds_left), **update}
        except DaugError as error:
            failed = str(error)
        if not self._still_asked(opened, reading, turn):
            yield self.screen.unchanged()
            return
        reading.turn = None
        if failed is not None:
            yield self.screen.said(failed)
        elif followed.stopped:
            yield self.screen.said(f"Stopped at {followed.reached}. {telling.if_stopped}")
        else:
            yield from telling.finished(reading, followed.heatmaps)

    def _maps_so_far(self, reading: Reading, recipes: Sequence[Recipe], preview: Preview) -> Update:
        reading.heatmaps = ()  # what was drawn before answers another question
        return {
            pane: preview_pane(reading, recipe, preview, place, self.workstation)
            for place, (pane, recipe) in enumerate(
                zip(self.screen.column.panes, recipes, strict=True)
            )
        }

    def _maps_done(self, reading: Reading, maps: tuple[Heatmap, ...]) -> Iterator[Update]:
        reading.heatmaps = maps
        measure(self.workstation, reading, maps)
        column = self.screen.column
        yield {
            **self.screen.finished(answered(self._bundle, maps[0])),
            column.plot: score_plot(self._bundle, reading.scores, maps),
            column.measured: measurements_html(reading, self.workstation, maps),
            **self.views.panes(reading),
        }

    def _drawings_missing(self, reading: Reading) -> tuple[Recipe, ...]:
        """Return the recipes of the drawings that the layer needs and that are not there."""
        if reading.layer is not Layer.STABILITY:
            return ()
        missing = [one for one in reading.heatmaps if reading.drawn_often(one.recipe) is None]
        seeds = tuple(range(DRAWINGS))
        return tuple(replace(one.recipe, seeds=seeds) for one in missing)

    def _drawings_done(self, reading: Reading, maps: tuple[Heatmap, ...]) -> Iterator[Update]:
        reading.drawings = (*reading.drawings, *maps)[-MOST_KEPT:]
        said = f"Drawn {DRAWINGS} times, from seeds 0 to {DRAWINGS - 1}: the stability is known."
        yield {**self.screen.finished(said), **self._layer_shown(reading)}

    def _layer_shown(self, reading: Reading) -> Update:
        """Return the pictures of the layer that is chosen."""
        if not reading.heatmaps:
            return self.screen.unchanged()
        column = self.screen.column
        return {
            column.layer: reading.layer.value,
            column.show: gr.update(visible=reading.layer is Layer.MAP),
            column.measured: measurements_html(reading, self.workstation, reading.heatmaps),
            **self.views.panes(reading),
        }

    def _figure_so_far(
        self, reading: Reading, recipes: Sequence[Recipe], preview: Preview
    ) -> Update:
        reading.figure = ()
        picture = unfinished_overview(reading, recipes, preview, self.workstation)
        return {self.screen.column.overview: picture}

    def _figure_done(
        self, opened: str | None, reading: Reading, maps: tuple[Heatmap, ...]
    ) -> Iterator[Update]:
        reading.figure = maps
        measure(self.workstation, reading, maps)
        picture = finished_overview(reading, self.workstation)
        said = "Figure 2 is drawn. Click a column to see its maps large."
        yield {**self.screen.finished(said), self.screen.column.overview: picture}
        yield self.views.write_figure(opened)

    def _take(self, reading: Reading, recipes_of: Asked) -> Turn | None:
        try:
            return reading.take(recipes_of(reading))
        except DaugError:  # which was said when it was asked for
            return None

    def _still_asked(self, opened: str | None, reading: Reading, turn: Turn) -> bool:
        return self.readings.get(opened) is reading and reading.turn is turn

    def _progress(self, preview: Preview, seconds_left: float | None) -> Update:
        left = "" if seconds_left is None else f", about {seconds_left:.0f} s left"
        told = f"{wording.step(preview).capitalize()}{left}."
        done, total = preview.encoded + preview.done, preview.encode_total + preview.total
        bar = progress_bar(done, total)
        return {self.screen.column.status: told, self.screen.column.bar: bar}

    def _pair(self, name: str, sign: str, method: Sequence[Any]) -> tuple[Recipe, ...]:
        changes = recipe_changes(self._bundle, *method)
        return tuple(
            self._bundle.recipe_for(name, Direction(sign), activation, **changes)
            for activation in (Activation.SOFTMAX, Activation.SIGMOID)
        )

    def _figure_recipes(self, reading: Reading, method: Sequence[Any]) -> tuple[Recipe, ...]:
        asks = default_asks(self._bundle, reading.scores)
        return panel_recipes(self._bundle, asks, **recipe_changes(self._bundle, *method))
