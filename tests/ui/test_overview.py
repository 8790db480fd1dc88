"""Figure 2 on the screen: which column was clicked, and what a column says."""

import numpy as np
import pytest

from daug.findings import Activation, Direction
from daug.heatmap import Preview, Recipe
from daug.workstation import finish
from tests.ui import phantoms
from ui.look import Look
from ui.overview import WIDTH, finished_overview, question_at, unfinished_overview
from ui.readings import Reading

WORKSTATION = phantoms.workstation()
BUNDLE = WORKSTATION.bundle


def recipes(columns: int) -> list[Recipe]:
    asks = [(card.name, direction) for direction in Direction for card in BUNDLE.offered]
    return [
        BUNDLE.recipe_for(name, direction, activation)
        for name, direction in asks[:columns]
        for activation in (Activation.SIGMOID, Activation.SOFTMAX)
    ]


def reading(columns: int, rows: int = 360) -> Reading:
    radiograph = phantoms.radiograph(rows)
    one = Reading(radiograph, radiograph.model_input(64), phantoms.scores(BUNDLE))
    one.figure = finish(phantoms.drawer(BUNDLE)(radiograph, recipes(columns)))
    return one


def colored(picture: np.ndarray) -> np.ndarray:
    return np.asarray(np.ptp(picture[:-60].astype(int), axis=2) > 60)


@pytest.mark.parametrize("columns", [1, 3, 4])
def test_a_click_on_heat_finds_the_column_whose_heat_it_is(columns: int) -> None:
    """Only one map is drawn hot; wherever its color is, a click there means its question."""
    one = reading(columns)
    for wanted in {(map_.recipe.super_class, map_.recipe.direction) for map_ in one.figure}:
        changes = np.stack(
            [
                np.where((r.super_class, r.direction) == wanted, 0.4, 0.0)
                * np.ones((64, 64), dtype=np.float32)
                for r in recipes(columns)
            ]
        )
        preview = Preview(4, 4, 0, changes)
        picture = unfinished_overview(one, recipes(columns), preview, WORKSTATION)
        heat = np.ptp(picture[100:-40].astype(int), axis=2) > 60
        places = np.flatnonzero(heat.any(axis=0)) * WIDTH / picture.shape[1]
        assert {question_at(float(place), one.figure) for place in places} == {wanted}


def test_an_unfinished_map_is_the_paler_the_less_of_it_is_done() -> None:
    one = reading(4)
    changes = np.stack([heatmap.change for heatmap in one.figure])

    def color(done: int) -> float:
        picture = unfinished_overview(one, recipes(4), Preview(done, 10, 0, changes), WORKSTATION)
        return float(np.ptp(picture[100:-40].astype(int), axis=2).mean())

    assert color(0) < color(3) < color(10)
    nothing = unfinished_overview(one, recipes(4), Preview(0, 10, 0, changes), WORKSTATION)
    assert np.ptp(nothing[100:-40].astype(int), axis=2).max() == 0


@pytest.mark.parametrize("rows", [120, 360, 1200])
def test_the_picture_fits_its_pane_whatever_the_radiographs_proportions(rows: int) -> None:
    picture = finished_overview(reading(4, rows), WORKSTATION)
    assert picture.shape[1] == WIDTH
    assert picture.shape[1] / picture.shape[0] == pytest.approx(1.72, abs=0.01)


def test_it_follows_how_maps_are_shown() -> None:
    one = reading(4)
    usual = finished_overview(one, WORKSTATION)
    one.look = Look(opacity=0)
    assert colored(finished_overview(one, WORKSTATION)[180:]).sum() == 0
    assert colored(usual[180:]).sum() > 0
