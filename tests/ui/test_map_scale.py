"""Each map has one fixed scale, by what it asks and whom it is compared with."""

from dataclasses import replace

import pytest

from daug.findings import Direction
from daug.normal_floor import NormalGroup
from daug.view import View
from tests.ui import phantoms
from ui import wording
from ui.map_scale import legend_of, map_scale, scales_of

STATION = replace(phantoms.workstation(), measurer=phantoms.Measurer(phantoms.bundle()))
BUNDLE = STATION.bundle
ABNORMAL = [("No Finding", Direction.MORE), ("Pleural", Direction.LESS)]
IMAGINED = [("No Finding", Direction.LESS), ("Pleural", Direction.MORE)]


@pytest.mark.parametrize(("name", "direction"), ABNORMAL)
def test_what_looks_abnormal_is_on_the_floor_of_its_group(name: str, direction: Direction) -> None:
    recipe = BUNDLE.recipe_for(name, direction)
    adult, child = phantoms.radiograph(age=40.0), phantoms.radiograph(age=4.0)
    scales = [map_scale(STATION, one, recipe) for one in (adult, child)]
    groups = (NormalGroup.ADULT_PA, NormalGroup.CHILD)
    assert scales == [phantoms.FLOORS[group] for group in groups]
    assert "normal floor of child" in legend_of(BUNDLE, child, recipe, scales[1]).unit
    assert legend_of(BUNDLE, child, recipe, scales[1]).high == f"≥ {scales[1].full_at:.2g}"


@pytest.mark.parametrize(("name", "direction"), IMAGINED)
def test_what_is_imagined_is_on_the_bundles_scale(name: str, direction: Direction) -> None:
    recipe = BUNDLE.recipe_for(name, direction)
    scale = scales_of(STATION, phantoms.radiograph(age=40.0))(recipe)
    assert scale == phantoms.SCALE
    legend = legend_of(BUNDLE, phantoms.radiograph(age=40.0), recipe, scale)
    assert legend.unit == wording.HEAT_UNIT


def test_without_normals_every_map_is_on_the_bundles_scale() -> None:
    recipe = BUNDLE.recipe_for("No Finding")
    unknown = phantoms.radiograph(view=View.UNKNOWN)
    assert map_scale(STATION, unknown, recipe) == phantoms.SCALE
    assert map_scale(phantoms.workstation(), phantoms.radiograph(), recipe) == phantoms.SCALE
