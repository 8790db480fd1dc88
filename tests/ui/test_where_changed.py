import io
from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from daug.heatmap import Heatmap, Region
from tests.ui import phantoms
from ui.figure2 import figure2_png
from ui.look import USUAL
from ui.map_files import overlay_picture
from ui.map_layers import lit_by
from ui.readings import Reading
from ui.screen_pictures import map_pane
from ui.viewing import answered
from ui.where_changed import NOT_FOUND, region_document, where_changed

BUNDLE, CHEST = phantoms.bundle(), phantoms.radiograph()


@pytest.mark.parametrize(
    ("name", "within", "expected"),
    [
        ("Lung Lesion", Region.SITE, "Only the lungs may change."),
        ("Lung Lesion", Region.CHEST, "Only the chest may change."),
        ("Pleural", Region.SITE, "Only the chest may change."),
        ("No Finding", Region.LUNGS, "Only the lungs may change."),
        ("Pleural", Region.PICTURE, ""),
    ],
)
def test_a_reader_is_told_where_a_map_could_change_the_picture(
    name: str, within: Region, expected: str
) -> None:
    region = np.zeros((phantoms.SIZE, phantoms.SIZE), dtype=np.float32)
    region[: phantoms.SIZE // 4] = 0.5
    found = None if within is Region.PICTURE else region
    drawn = phantoms.heatmap(CHEST, BUNDLE, BUNDLE.recipe_for(name, within=within))
    drawn = replace(drawn, region=found)
    assert where_changed(BUNDLE, drawn) == expected
    assert answered(BUNDLE, drawn).endswith(expected)
    document = region_document(BUNDLE, drawn)
    assert document["found"] is True
    assert document["share_of_picture"] == (1 if found is None else 0.25)


def test_where_no_chest_was_found_it_says_so() -> None:
    drawn = phantoms.heatmap(CHEST, BUNDLE, BUNDLE.recipe_for("Lung Lesion", within=Region.SITE))
    assert where_changed(BUNDLE, drawn) == NOT_FOUND
    document = region_document(BUNDLE, drawn)
    assert document == {"asked": "lungs", "found": False, "share_of_picture": 1.0}


def test_pictures_show_the_heat_that_is_measured_and_not_its_pixels() -> None:
    """A map whose recipe smooths is drawn smooth: on the screen, in files and in Figure 2."""
    rng = np.random.default_rng(0)
    signs = rng.choice([-0.5, 0.5], (phantoms.SIZE, phantoms.SIZE))
    change = np.where(rng.random(signs.shape) < 0.5, signs, 0).astype(np.float32)
    recipe = BUNDLE.recipe_for("No Finding", smoothing=0.05)
    smooth = phantoms.heatmap(CHEST, BUNDLE, recipe, change)
    rough = replace(smooth, recipe=replace(recipe, smoothing=0.0))
    assert not smooth.stability(0.45).any()
    assert rough.stability(0.45).mean() > 0.3
    reading = Reading(CHEST, smooth.model_input, smooth.scores_input)
    station = phantoms.workstation()
    drawn_by: tuple[Callable[[Heatmap], NDArray[np.uint8]], ...] = (
        lambda one: overlay_picture(CHEST, one, BUNDLE),
        lambda one: lit_by(one, one, (BUNDLE.heat_scale,) * 2, (64, 64), USUAL),
        lambda one: decoded(figure2_png(CHEST, [one], BUNDLE)),
        lambda one: map_pane(reading, one, station),
    )
    for draw in drawn_by:
        assert edges(draw(smooth)) < 0.9 * edges(draw(rough))  # words have edges, too


def edges(picture: NDArray[np.uint8]) -> float:
    return float(np.abs(np.diff(picture.astype(int), axis=1)).mean())


def decoded(png: bytes) -> NDArray[np.uint8]:
    return np.asarray(Image.open(io.BytesIO(png)).convert("RGB"))
