"""What the tab "Read" does when finished maps are to be shown in another way; no model is asked."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import gradio as gr

from daug.bundle import Bundle
from daug.errors import DaugError, RecipeError
from daug.heatmap import Heatmap
from daug.workstation import Workstation
from ui import wording
from ui.class_choice import description
from ui.figure2 import figure2_png
from ui.look import Show
from ui.map_scale import scales_of
from ui.measurement_panel import measurements_html
from ui.measuring import measure, measure_radiograph, told_below
from ui.overview import finished_overview, question_at
from ui.read_screen import ReadScreen, Update
from ui.reading_column import View, look_of
from ui.readings import Reading, Readings
from ui.score_plot import score_plot
from ui.screen_pictures import question_panes, radiograph_pane
from ui.where_changed import where_changed
from ui.whole_files import write_whole

ASK = "Choose a super-class and a direction: their two maps are drawn at once."


@dataclass(frozen=True)
class ViewHandlers:
    """The answers; `look` is always the values of the look's controls."""

    workstation: Workstation
    readings: Readings
    exports: Path  # folder for panels on their way to the browser
    screen: ReadScreen

    @property
    def bundle(self) -> Bundle:
        """Whose maps they are."""
        return self.workstation.bundle

    def show(self, opened: str | None, view: str, shown: str, *look: Any) -> Update:
        """Show what is finished as it is to be shown now, with the scores that belong to it."""
        screen, chosen = self.screen, View(view)
        reading = self.readings.get(opened)
        if reading is None:
            return screen.seen(chosen)
        before, reading.look = reading.look, look_of(*look)
        reading.show = Show(shown)
        regrid = before.smooth != reading.look.smooth
        original = radiograph_pane(reading) if regrid else gr.skip()
        pair = reading.heatmaps if chosen is View.QUESTION else ()
        hint = {screen.column.status: ASK} if _nothing_asked(reading, chosen) else {}
        return {
            **screen.seen(chosen, reading.layer),
            screen.column.original: original,
            **self._maps(reading, chosen),
            screen.column.plot: score_plot(self.bundle, reading.scores, pair),
            screen.column.measured: measurements_html(reading, self.workstation, pair),
            **hint,
        }

    def compare_with(
        self, opened: str | None, group: str, view: str, shown: str, *look: Any
    ) -> Update:
        """Compare the radiograph with another group: other scales and words, the same maps."""
        reading = self.readings.get(opened)
        if reading is None:
            return self.screen.unchanged()
        if group == reading.group:  # the browser tells of one choice twice
            return self.screen.unchanged()
        reading.compare_with(group)
        try:
            measure_radiograph(self.workstation, reading)
            measure(self.workstation, reading, (*reading.figure, *reading.heatmaps))
        except DaugError as error:
            return {self.screen.column.status: str(error)}
        column, update = self.screen.column, self.show(opened, view, shown, *look)
        for choice in (column.view, column.show, column.layer):
            update.pop(choice, None)  # they stay as they are
        return {
            **update,
            self.screen.column.original: radiograph_pane(reading),
            self.screen.column.status: f"Compared with: {group}. The maps are the same.",
        }

    def panes(self, reading: Reading) -> Update:
        """Return the two large pictures of the question that was answered."""
        pictures = question_panes(reading, self.workstation)
        return {
            pane: gr.update(value=picture, visible=picture is not None)
            for pane, picture in zip(self.screen.column.panes, pictures, strict=False)
        }

    def enlarge(
        self,
        opened: str | None,
        shown: str,
        opacity: float,
        colors: str,
        hide: float,
        grid: str,
        event: gr.SelectData,
    ) -> Update:
        """Show the two maps of the column of Figure 2 that was clicked."""
        reading = self.readings.get(opened)
        if reading is None or not reading.figure or reading.turn is not None:
            return self.screen.unchanged()
        name, direction = question_at(event.index[0], reading.figure)
        pair = [
            heatmap
            for heatmap in reading.figure
            if (heatmap.recipe.super_class, heatmap.recipe.direction) == (name, direction)
        ]
        reading.heatmaps = tuple(pair)
        reading.settle_layer()
        controls = self.screen.controls
        return {
            **self.show(opened, View.QUESTION, shown, opacity, colors, hide, grid),
            controls.super_class: name,
            controls.direction: direction.value,
            controls.question: description(self.bundle, name, direction),
            self.screen.column.status: answered(self.bundle, pair[0]),
        }

    def write_figure(self, opened: str | None, *look: Any) -> Update:
        """Make Figure 2 ready to download as it is shown; nothing if it is not drawn."""
        download = self.screen.controls.download
        reading = self.readings.get(opened)
        if reading is None or not reading.figure:
            return {download: gr.update(value=None, interactive=False)}
        path = self.exports / f"figure2-{reading.radiograph.digest[: wording.DIGEST_LETTERS]}.png"
        shown = look_of(*look) if look else reading.look
        png = figure2_png(
            reading.doubted,
            reading.figure,
            self.bundle,
            look=shown,
            scale_of=scales_of(self.workstation, reading.radiograph),
            told=told_below(reading, reading.figure),
        )
        if not self.exports.is_dir():  # the server ended meanwhile, and nothing outlives it
            return {download: gr.skip()}
        write_whole({path: png})
        return {download: gr.update(value=str(path), interactive=True)}

    def remember(self, *look: Any) -> list[Any]:
        """Return what the browser keeps: how maps are shown, and nothing of any radiograph."""
        return list(look)

    def restore(self, kept: Any) -> Update:
        """Show maps as they were shown last time; what cannot be understood is left alone."""
        controls = self.screen.column.look.all
        try:
            percent, colors, hide, grid = kept
            look = look_of(percent, colors, hide, grid)
        except (TypeError, ValueError, RecipeError):
            return {controls[0]: gr.skip()}
        hidden = round(100 * look.hide_below)
        return dict(zip(controls, (percent, look.colors.value, hidden, grid), strict=True))

    def _maps(self, reading: Reading, view: View) -> Update:
        """Return the finished pictures of a view."""
        column = self.screen.column
        if view is View.OVERVIEW:
            if not reading.figure:
                return {}
            picture = finished_overview(reading, self.workstation)
            return {column.overview: gr.update(value=picture, visible=True)}
        return self.panes(reading)


def answered(bundle: Bundle, heatmap: Heatmap) -> str:
    """Return what is said of the maps of one question."""
    recipe = heatmap.recipe
    name = wording.title(recipe.super_class, recipe.direction)
    asked = f"{name}: {wording.question(bundle.card(recipe.super_class), recipe.direction)}"
    where = where_changed(bundle, heatmap)
    end = "" if asked.endswith("?") else "."
    return f"{asked}{end} {where}" if where else asked


def _nothing_asked(reading: Reading, view: View) -> bool:
    return view is View.QUESTION and not reading.heatmaps and reading.turn is None
