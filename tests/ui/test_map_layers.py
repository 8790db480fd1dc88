"""Stability and disagreement as pictures."""

from dataclasses import replace

import numpy as np
import pytest

from daug.bundle import HeatScale
from daug.heat_layers import ShownBy
from daug.heatmap import Heatmap
from tests.ui import phantoms
from ui.color_ramps import heat_ramp
from ui.look import ColorMap, Look
from ui.map_layers import (
    ONLY_SIGMOID,
    ONLY_SOFTMAX,
    disagreement_in_words,
    disagreement_keys,
    disagreement_overlay,
    lit_by,
    stability_overlay,
)

BUNDLE = phantoms.bundle()
SCALE = HeatScale(0.1, 0.5)
OPAQUE = Look(opacity=1, smooth=False)
SQUARE = phantoms.radiograph(640, 640)


def heatmap(changes: list[np.ndarray]) -> Heatmap:
    drawn = phantoms.heatmap(SQUARE, BUNDLE, BUNDLE.recipe_for("No Finding"))
    return replace(drawn, seed_changes=np.stack(changes).astype(np.float32))


def columns(*values: float) -> np.ndarray:
    """Columns of 8 model pixels, one for each value, (64, 64)."""
    return np.repeat(np.repeat(np.array(values)[None], 64, axis=0), 64 // len(values), axis=1)


def test_a_place_has_the_color_of_its_share_of_drawings() -> None:
    lit = [columns(*(0.3 if seed < lit else 0.0 for lit in range(8))) for seed in range(8)]
    background = np.full((64, 64), 60, dtype=np.uint8)
    picture = stability_overlay(background, heatmap(lit), SCALE, OPAQUE)
    shown = picture[32, 4::8]  # lit in 0, 1, ... 7 of 8 drawings
    assert (shown[0] == 60).all()
    light = shown[1:].astype(int).sum(axis=1)
    assert (np.diff(light) > 0).all()
    always = stability_overlay(background, heatmap([columns(0.3)] * 8), SCALE, OPAQUE)
    assert (always == heat_ramp(ColorMap.INFERNO)[255]).all()


def test_stability_counts_what_is_drawn_and_nothing_below() -> None:
    background = np.full((64, 64), 60, dtype=np.uint8)
    weak = heatmap([columns(0.09)] * 8)
    assert (stability_overlay(background, weak, SCALE, OPAQUE) == 60).all()
    hidden = Look(opacity=1, hide_below=0.8)
    assert (stability_overlay(background, heatmap([columns(0.3)] * 8), SCALE, hidden) == 60).all()


def test_each_way_alone_has_its_color_and_both_have_stripes_of_both() -> None:
    softmax = heatmap([columns(0.0, 0.3, 0.0, 0.3)])
    sigmoid = heatmap([columns(0.0, 0.0, -0.4, 0.4)])
    lit = lit_by(softmax, sigmoid, (SCALE, SCALE), (64, 64), OPAQUE)
    kinds = [ShownBy(int(lit[5, at])) for at in (8, 24, 40, 56)]
    assert kinds == [ShownBy.NEITHER, ShownBy.SOFTMAX, ShownBy.SIGMOID, ShownBy.BOTH]
    picture = disagreement_overlay(np.full((64, 64), 60, dtype=np.uint8), lit, OPAQUE)
    assert (picture[:, :16] == 60).all()
    assert (picture[:, 17:31] == ONLY_SOFTMAX).all()
    assert (picture[:, 33:47] == ONLY_SIGMOID).all()
    both = {tuple(color) for color in picture[:, 49:].reshape(-1, 3).tolist()}
    assert both == {ONLY_SOFTMAX, ONLY_SIGMOID}
    assert "only softmax 33 %, only sigmoid 33 %, both 33 %" in disagreement_in_words(lit)


def test_each_way_is_lit_above_its_own_mark() -> None:
    one = heatmap([columns(0.3)])
    lit = lit_by(one, one, (SCALE, HeatScale(0.4, 0.5)), (64, 64), OPAQUE)
    assert (lit == ShownBy.SOFTMAX).all()


def test_nothing_lit_is_said_in_words() -> None:
    nothing = np.zeros((4, 4), dtype=np.uint8)
    assert disagreement_in_words(nothing) == "neither map has heat above its mark"


@pytest.mark.parametrize("place", [0, 1, 2])
def test_the_legends_patches_have_the_colors_of_the_picture(place: int) -> None:
    patch, _ = disagreement_keys()[place]
    expected = [{ONLY_SOFTMAX}, {ONLY_SIGMOID}, {ONLY_SOFTMAX, ONLY_SIGMOID}][place]
    assert {tuple(color) for color in patch.reshape(-1, 3).tolist()} == expected


def test_the_two_colors_differ_for_whoever_sees_no_red_or_no_green() -> None:
    """They differ in blue, which both still see, and in lightness little: neither looks more."""
    first, second = np.array(ONLY_SOFTMAX), np.array(ONLY_SIGMOID)
    assert abs(first[2] - second[2]) > 150
