"""What the screen answers, without a browser: only what is asked now is drawn and shown."""

import asyncio
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import gradio as gr
import numpy as np
import pytest

from daug.errors import EngineError
from daug.findings import Direction
from daug.heatmap import Recipe
from daug.radiograph import Radiograph
from daug.workstation import Drawing, Workstation
from tests.ui import phantoms
from ui import drawing, wording
from ui.drawing import DrawingHandlers
from ui.look import ColorMap
from ui.method import own_values
from ui.opening import OpeningHandlers
from ui.read_screen import ReadScreen, lay_out_screen
from ui.reading_column import GRID, SMOOTH
from ui.readings import Reading, Readings
from ui.viewing import ViewHandlers

LOOK = (70, "inferno", 0, SMOOTH)


class Desk:
    """A screen with its handlers, and what the models were asked and when they were freed."""

    def __init__(self, exports: Path) -> None:
        self.bundle = phantoms.bundle()
        self.asked: list[int] = []
        self.freed = 0
        self.fails = False
        self.measurer = phantoms.Measurer(self.bundle)
        station = Workstation(
            self.bundle,
            phantoms.load,
            lambda _: phantoms.scores(self.bundle),
            self._draw,
            measurer=self.measurer,
            check_input=phantoms.check_input,
        )
        self.readings = Readings()
        with gr.Blocks(analytics_enabled=False):
            self.screen: ReadScreen = lay_out_screen(self.bundle, (), self.readings.close)
        self.views = ViewHandlers(station, self.readings, exports, self.screen)
        self.drawing = DrawingHandlers(station, self.readings, self.views, self.screen)
        self.opening = OpeningHandlers(station, self.readings, (), self.screen)
        self.own = own_values(self.bundle)

    def _draw(self, of: Radiograph, recipes: Sequence[Recipe]) -> Drawing:
        self.asked.append(len(recipes))
        if self.fails:
            raise EngineError("Step 1 of 10 gave values that are not numbers.")
        return (yield from phantoms.drawer(self.bundle, closed=self._free)(of, recipes))

    def _free(self) -> None:
        self.freed += 1

    def open(self) -> tuple[str, Reading]:
        radiograph = phantoms.radiograph()
        reading = Reading(radiograph, radiograph.model_input(64), phantoms.scores(self.bundle))
        return self.readings.open(reading), reading

    def ask(self, key: str, name: str, sign: str = "+") -> Iterator[dict[Any, Any]]:
        self.drawing.begin_question(key, name, sign, *self.own)
        return self.drawing.draw_question(key, name, sign, *self.own)

    def figure(self, key: str) -> Iterator[dict[Any, Any]]:
        self.drawing.begin_figure(key, *self.own)
        return self.drawing.draw_figure(key, *self.own)

    def shows_nothing(self, updates: Iterator[dict[Any, Any]]) -> bool:
        """Whether nothing changes; no update at all would blank the screen."""
        return list(updates) == [{self.screen.column.status: gr.skip()}]

    def status(self, update: dict[Any, Any]) -> str:
        return str(update[self.screen.column.status])


@pytest.fixture
def desk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Desk:
    monkeypatch.setattr("ui.followed_drawing.PREVIEW_SECONDS", 0)  # each step is told

    async def build() -> Desk:  # Gradio leaves event loops unclosed where none is running
        return Desk(tmp_path)

    return asyncio.run(build())


def test_leaving_a_radiograph_frees_the_models_and_shows_nothing_more_of_it(desk: Desk) -> None:
    key, reading = desk.open()
    steps = desk.figure(key)
    assert desk.status(next(steps)) == "Step 0 of 10."
    cleared = desk.opening.leave(key)
    assert desk.shows_nothing(steps)
    assert desk.freed == 1
    assert reading.figure == ()
    assert cleared[desk.screen.column.original] is None
    assert cleared[desk.screen.column.overview]["value"] is None
    assert desk.readings.get(key) is None


def test_asking_something_else_frees_the_models_and_shows_only_that(desk: Desk) -> None:
    key, reading = desk.open()
    figure = desk.figure(key)
    next(figure)
    question = desk.ask(key, "Pleural")
    assert desk.shows_nothing(figure)
    assert desk.freed == 1
    assert "Where would it appear?" in desk.status(list(question)[-1])
    assert [one.recipe.super_class for one in reading.heatmaps] == ["Pleural", "Pleural"]
    assert reading.figure == ()


def test_of_two_questions_in_line_only_the_last_is_drawn(desk: Desk) -> None:
    key, reading = desk.open()
    first, second = desk.ask(key, "Pleural"), desk.ask(key, "Lung Lesion", "-")
    assert desk.shows_nothing(first)
    list(second)
    assert desk.asked == [2]
    assert reading.heatmaps[0].recipe.super_class == "Lung Lesion"
    assert reading.heatmaps[0].recipe.direction is Direction.LESS


def test_stop_stops_within_a_step_and_the_models_are_free_for_the_next(desk: Desk) -> None:
    key, reading = desk.open()
    steps = desk.ask(key, "Pleural")
    next(steps), next(steps)
    desk.drawing.give_up(key)
    (last,) = steps
    assert desk.status(last) == "Stopped at step 1 of 10. The maps are unfinished."
    assert last[desk.screen.controls.stop]["interactive"] is False
    assert desk.freed == 1
    list(desk.ask(key, "Pleural"))
    assert len(reading.heatmaps) == 2


def test_a_wrong_method_is_told_before_a_model_is_asked(desk: Desk) -> None:
    key, _ = desk.open()
    wrong = [*desk.own]
    wrong[2] = 2.5
    begun = desk.drawing.begin_question(key, "Pleural", "+", *wrong)
    assert desk.status(begun) == "Steps must be a whole number from 1 upwards, got 2.5."
    assert desk.shows_nothing(desk.drawing.draw_question(key, "Pleural", "+", *wrong))
    assert desk.asked == []


def test_an_error_of_the_engine_is_told_and_the_next_drawing_works(desk: Desk) -> None:
    key, reading = desk.open()
    desk.fails = True
    (told,) = desk.ask(key, "Pleural")
    assert "not numbers" in desk.status(told)
    desk.fails = False
    list(desk.ask(key, "Pleural"))
    assert len(reading.heatmaps) == 2


def test_a_radiograph_closed_to_make_room_is_said_to_be_closed(desk: Desk) -> None:
    begun = desk.drawing.begin_figure("long gone", *desk.own)
    assert desk.status(begun) == drawing.CLOSED
    assert desk.shows_nothing(desk.drawing.draw_figure("long gone", *desk.own))


def test_a_clicked_column_is_shown_large_without_asking_the_models(desk: Desk) -> None:
    key, reading = desk.open()
    list(desk.figure(key))
    asked = list(desk.asked)
    update = desk.views.enlarge(
        key, "change", *LOOK, gr.SelectData(None, {"index": [1300, 300], "value": None})
    )
    last = reading.figure[-1].recipe
    assert update[desk.screen.controls.super_class] == last.super_class
    assert update[desk.screen.controls.direction] == last.direction.value
    assert {one.recipe.super_class for one in reading.heatmaps} == {last.super_class}
    assert [one.recipe.activation for one in reading.heatmaps] == ["softmax", "sigmoid"]
    assert desk.asked == asked


def test_maps_that_finish_are_shown_as_was_chosen_meanwhile(desk: Desk) -> None:
    key, reading = desk.open()
    steps = desk.ask(key, "Pleural")
    next(steps)
    desk.views.show(key, "One question", "no map", 70, "viridis", 50, GRID)
    last = list(steps)[-1]
    pane = last[desk.screen.column.softmax]["value"]
    assert np.ptp(pane[:780].astype(int), axis=2).max() == 0  # no map was chosen, so no color
    assert reading.look.colors is ColorMap.VIRIDIS
    assert reading.look.smooth is False


@pytest.mark.parametrize(
    "kept", [None, [], "x", [70, "jet", 20, SMOOTH], [900, "inferno", 20, GRID]]
)
def test_preferences_that_make_no_sense_are_left_alone(desk: Desk, kept: object) -> None:
    (update,) = desk.views.restore(kept).values()
    assert update == gr.skip()


def test_preferences_come_back_as_they_were_left(desk: Desk) -> None:
    restored = desk.views.restore([50, "plasma", 12, GRID])
    assert list(restored.values()) == [50, "plasma", 12, GRID]


def test_the_words_of_the_two_questions_stand_beside_each_answer(desk: Desk) -> None:
    key, _ = desk.open()
    imagined, real = list(desk.ask(key, "Pleural"))[-1], list(desk.ask(key, "Pleural", "-"))[-1]
    assert wording.IMAGINED in desk.status(imagined)
    assert desk.status(real).endswith(wording.WHAT_IS_ABNORMAL)
