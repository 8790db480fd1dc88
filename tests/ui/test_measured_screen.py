"""What is measured on the screen: the input check, whom maps are compared with, the layers."""

import asyncio
from dataclasses import replace
from pathlib import Path
from typing import Any

import gradio as gr
import numpy as np
import pytest

from daug.input_check import InputCheck
from daug.normal_floor import NormalGroup
from daug.view import View
from tests.ui import phantoms
from tests.ui.test_screen_handlers import LOOK, Desk
from ui.captioned import WARNING
from ui.look import Layer
from ui.map_layers import DRAWINGS
from ui.map_scale import map_scale
from ui.readings import Reading
from ui.screen_pictures import map_pane, radiograph_pane

CHEST, NO_CHEST = (360, 300), (300, 360)  # to the drawn check, what is wider than high is none


@pytest.fixture
def desk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Desk:
    monkeypatch.setattr("ui.followed_drawing.PREVIEW_SECONDS", 0)

    async def build() -> Desk:
        return Desk(tmp_path)

    return asyncio.run(build())


def opened(desk: Desk, shape: tuple[int, int], **known: Any) -> tuple[str, dict[Any, Any]]:
    """Open a drawn radiograph as its file is opened."""
    station = replace(
        desk.views.workstation, load=lambda path, frame=None: phantoms.radiograph(*shape, **known)
    )
    opening = replace(desk.opening, workstation=station)
    update = opening.open_file("drawn.png", None, *LOOK)
    return update[desk.screen.key], update


def reading_of(desk: Desk, key: str) -> Reading:
    reading = desk.readings.get(key)
    assert reading is not None
    return reading


def warns(picture: np.ndarray) -> bool:
    """Whether anything below the middle of a picture is written in the color of warnings."""
    return bool((picture[len(picture) // 2 :] == WARNING).all(axis=2).sum() > 30)


def test_a_picture_that_is_no_chest_is_said_to_be_none_before_any_map_of_it(desk: Desk) -> None:
    key, update = opened(desk, NO_CHEST)
    told = update[desk.screen.column.doubt]
    assert told["visible"] is True
    assert phantoms.DOUBT in told["value"]
    assert "draws anyway" in told["value"]
    assert "NOT passed" in update[desk.screen.controls.verdict]["value"]
    desk.drawing.begin_first_figure(key, *desk.own)
    assert desk.shows_nothing(desk.drawing.draw_figure(key, *desk.own))
    assert desk.asked == []


def test_whoever_draws_anyway_sees_the_warning_in_every_picture(desk: Desk) -> None:
    key, update = opened(desk, NO_CHEST)
    assert warns(update[desk.screen.column.original])
    overview = list(desk.figure(key))[-2][desk.screen.column.overview]
    assert warns(overview)
    last = list(desk.ask(key, "No Finding"))[-1]
    for layer in Layer:
        if layer is not Layer.STABILITY:
            last = desk.drawing.begin_layer(key, layer.value)
        panes = [last[pane]["value"] for pane in desk.screen.column.panes]
        assert all(warns(pane) for pane in panes if pane is not None), layer
    assert reading_of(desk, key).doubted.warnings[0] == phantoms.DOUBT  # which Figure 2 prints


def test_a_chest_passes_and_its_figure_is_drawn_by_itself(desk: Desk) -> None:
    key, update = opened(desk, CHEST)
    assert update[desk.screen.column.doubt]["visible"] is False
    assert update[desk.screen.controls.verdict]["value"] == "Input check: passed."
    desk.drawing.begin_first_figure(key, *desk.own)
    list(desk.drawing.draw_figure(key, *desk.own))
    assert desk.asked == [8]
    assert not warns(update[desk.screen.column.original])


def test_models_without_a_check_or_measurements_say_so(desk: Desk) -> None:
    bare = replace(desk.views.workstation, measurer=None, check_input=None)
    desk.opening = replace(desk.opening, workstation=bare)
    desk.drawing = replace(
        desk.drawing, workstation=bare, views=replace(desk.views, workstation=bare)
    )
    bare_load = replace(bare, load=lambda path, frame=None: phantoms.radiograph())
    update = replace(desk.opening, workstation=bare_load).open_file("x.png", None, *LOOK)
    assert "have none" in update[desk.screen.controls.verdict]["value"]
    assert "no measurements" in update[desk.screen.column.measured]
    list(desk.ask(update[desk.screen.key], "No Finding"))
    assert len(reading_of(desk, update[desk.screen.key]).heatmaps) == 2


def test_the_group_comes_from_the_file_and_the_reader_may_change_it(desk: Desk) -> None:
    key, update = opened(desk, CHEST, view=View.PA, age=40.0)
    assert update[desk.screen.controls.group]["value"] == "adult PA"
    list(desk.figure(key))
    asked, reads = list(desk.asked), desk.measurer.reads
    reading = reading_of(desk, key)
    recipe = reading.figure[0].recipe
    station = desk.views.workstation
    assert map_scale(station, reading.radiograph, recipe) == phantoms.FLOORS[NormalGroup.ADULT_PA]
    change = desk.views.compare_with(key, "child", "Overview (Figure 2)", "change", *LOOK)
    assert map_scale(station, reading.radiograph, recipe) == phantoms.FLOORS[NormalGroup.CHILD]
    assert desk.asked == asked  # no map was drawn anew
    assert desk.measurer.reads == reads + 8
    assert "the patient is a child" in change[desk.screen.column.measured]
    desk.views.compare_with(key, "adult PA", "Overview (Figure 2)", "change", *LOOK)
    assert desk.measurer.reads == reads + 8  # which was measured before
    assert reading.radiograph is reading.filed


def test_a_map_is_drawn_on_the_floor_of_its_group_and_says_where_it_lies(desk: Desk) -> None:
    """0.35 of change is full color to adults, PA, and little to a child."""
    key, _ = opened(desk, CHEST, view=View.PA, age=40.0)
    list(desk.ask(key, "No Finding"))
    reading, station = reading_of(desk, key), desk.views.workstation
    adult = map_pane(reading, reading.heatmaps[0], station)
    desk.views.compare_with(key, "child", "One question", "change", *LOOK)
    child = map_pane(reading, reading.heatmaps[0], station)
    assert color(adult) > 1.2 * color(child)


def test_a_map_of_what_is_imagined_stays_on_the_one_scale(desk: Desk) -> None:
    key, _ = opened(desk, CHEST, view=View.PA, age=40.0)
    list(desk.ask(key, "Pleural"))
    reading, station = reading_of(desk, key), desk.views.workstation
    assert map_scale(station, reading.radiograph, reading.heatmaps[0].recipe) == phantoms.SCALE
    adult = map_pane(reading, reading.heatmaps[0], station)
    desk.views.compare_with(key, "child", "One question", "change", *LOOK)
    child = map_pane(reading, reading.heatmaps[0], station)
    assert color(adult) == color(child)


def color(picture: np.ndarray) -> int:
    """How many pixels of a map are colored."""
    return int((np.ptp(picture[:800].astype(int), axis=2) > 40).sum())


def test_what_the_reader_states_is_not_taken_for_the_files(desk: Desk) -> None:
    key, _ = opened(desk, CHEST, view=View.UNKNOWN)
    reading = reading_of(desk, key)
    before = radiograph_pane(reading)
    desk.views.compare_with(key, "adult AP", "Overview (Figure 2)", "change", *LOOK)
    assert (radiograph_pane(reading) != before).any()  # "stated by the reader"
    assert reading.filed.view is View.UNKNOWN  # which the library keeps
    assert "stated by the reader" in reading.radiograph.warnings[-1]


def test_stability_is_drawn_on_demand_from_eight_seeds(desk: Desk) -> None:
    key, _ = opened(desk, CHEST, view=View.PA, age=40.0)
    list(desk.ask(key, "No Finding"))
    desk.asked.clear()
    begun = desk.drawing.begin_layer(key, "Stability")
    assert begun[desk.screen.controls.stop]["interactive"] is True
    last = list(desk.drawing.draw_layer(key))[-1]
    assert desk.asked == [2]
    reading = reading_of(desk, key)
    assert [one.recipe.seeds for one in reading.drawings] == [tuple(range(DRAWINGS))] * 2
    assert reading.drawings[0].recipe.super_class == "No Finding"
    assert f"of {DRAWINGS} drawings" in last[desk.screen.column.measured]
    desk.drawing.begin_layer(key, "Map")
    again = desk.drawing.begin_layer(key, "Stability")
    assert again[desk.screen.column.softmax]["visible"] is True
    list(desk.drawing.draw_layer(key))
    assert desk.asked == [2]  # it was there


def test_an_answer_that_comes_late_does_not_leave_another_layer_on_the_screen(desk: Desk) -> None:
    """What was begun before a layer was chosen may reach the browser after it."""
    key, _ = opened(desk, CHEST, view=View.PA, age=40.0)
    list(desk.ask(key, "No Finding"))
    late = desk.views.compare_with(key, "child", "One question", "change", *LOOK)
    chosen = desk.drawing.begin_layer(key, "Control")
    last = list(desk.drawing.draw_layer(key))[-1]
    pane = desk.screen.column.softmax
    assert (last[pane]["value"] == chosen[pane]["value"]).all()
    assert (last[pane]["value"] != late[pane]["value"]).any()
    assert last[desk.screen.column.layer] == "Control"


def test_a_choice_that_is_told_twice_is_answered_once(desk: Desk) -> None:
    key, _ = opened(desk, CHEST, view=View.PA, age=40.0)
    list(desk.ask(key, "No Finding"))
    desk.views.compare_with(key, "child", "One question", "change", *LOOK)
    reads = desk.measurer.reads
    again = desk.views.compare_with(key, "child", "One question", "change", *LOOK)
    assert desk.shows_nothing(iter([again]))
    assert desk.measurer.reads == reads


def test_stopping_the_stability_leaves_the_maps(desk: Desk) -> None:
    key, _ = opened(desk, CHEST)
    list(desk.ask(key, "No Finding"))
    desk.drawing.begin_layer(key, "Stability")
    steps = desk.drawing.draw_layer(key)
    next(steps)
    desk.drawing.give_up(key)
    *_, stopped, last = steps
    assert desk.status(stopped).endswith("The stability is not known.")
    assert last[desk.screen.column.layer] == "Map"
    assert color(last[desk.screen.column.softmax]["value"]) > 0
    assert desk.freed == 1
    assert len(reading_of(desk, key).heatmaps) == 2


def test_a_new_question_leaves_the_stability_of_the_old_one(desk: Desk) -> None:
    key, _ = opened(desk, CHEST)
    list(desk.ask(key, "No Finding"))
    desk.drawing.begin_layer(key, "Stability")
    list(desk.drawing.draw_layer(key))
    last = list(desk.ask(key, "Pleural"))[-1]
    assert reading_of(desk, key).layer is Layer.MAP
    assert color(last[desk.screen.column.softmax]["value"]) > 0


def test_the_layers_of_a_question_have_their_places(desk: Desk) -> None:
    key, _ = opened(desk, CHEST)
    list(desk.ask(key, "No Finding"))
    column = desk.screen.column
    control = desk.drawing.begin_layer(key, "Control")
    assert color(control[column.softmax]["value"][20:780, 20:-20]) == 0  # bare pictures, framed
    assert (control[column.softmax]["value"][0] == WARNING).all()
    assert (control[column.softmax]["value"] != control[column.sigmoid]["value"]).any()
    differing = desk.drawing.begin_layer(key, "Disagreement")
    assert differing[column.sigmoid]["visible"] is False
    assert differing[column.show]["visible"] is False
    maps = desk.drawing.begin_layer(key, "Map")
    assert maps[column.sigmoid]["visible"] is True
    assert maps[column.show]["visible"] is True


def test_the_measurements_of_a_question_stand_beside_its_maps(desk: Desk) -> None:
    key, update = opened(desk, CHEST, view=View.PA, age=40.0)
    column = desk.screen.column
    assert "0.48 (0.45 to 0.51)" in update[column.measured]  # before any map
    told = list(desk.ask(key, "No Finding"))[-1][column.measured]
    assert "0.47 (0.44 to 0.50) → 0.52 (0.49 to 0.55)" in told
    assert "hotter than 88 of 100 adult PA normals, n = 140" in told
    assert "where the normal floor is 1" in told
    imagined = list(desk.ask(key, "Pleural"))[-1][column.measured]
    assert "mean change of pixel intensity" in imagined
    clicked = gr.SelectData(None, {"index": [1300, 300], "value": None})
    list(desk.figure(key))
    assert "<table" in desk.views.enlarge(key, "change", *LOOK, clicked)[column.measured]


def test_a_check_that_only_names_reasons_where_it_is_not_ok_is_believed() -> None:
    radiograph = phantoms.radiograph()
    passed = InputCheck(True, (), 0.0, 0.0)
    reading = Reading(radiograph, radiograph.model_input(64), phantoms.scores(phantoms.bundle()))
    assert reading.doubts == ()
    reading.check = passed
    assert reading.doubts == ()
    assert reading.doubted is reading.radiograph
