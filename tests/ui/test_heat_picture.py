"""Color over a radiograph: where the heat is, on one scale, and nowhere else."""

import cv2
import numpy as np
import pytest

from daug.bundle import HeatScale
from daug.errors import RecipeError
from tests.ui import phantoms
from ui.captioned import captioned
from ui.color_ramps import heat_ramp, signed_ramps
from ui.heat_picture import Ink, color_bar, gray, heat_over, levels, overlay, shown
from ui.look import ColorMap, Look

SCALE = HeatScale(mark=0.1, full_at=0.5)
OPAQUE = Look(opacity=1)


def flat(value: float, shape: tuple[int, int] = (80, 80)) -> np.ndarray:
    return np.full(shape, value, dtype=np.float32)


def test_nothing_is_drawn_below_the_mark() -> None:
    radiograph = shown(phantoms.radiograph())
    picture = overlay(radiograph, flat(0.0999, radiograph.shape), SCALE, look=OPAQUE)
    assert (picture == radiograph[..., None]).all()


def test_heat_above_the_mark_is_drawn_whichever_its_sign() -> None:
    background = np.full((80, 80), 60, dtype=np.uint8)
    added = overlay(background, flat(0.3), SCALE)
    removed = overlay(background, flat(-0.3), SCALE)
    assert (added != 60).any()
    assert (added == removed).all()


def test_the_same_heat_has_the_same_color_in_two_different_pictures() -> None:
    """A picture with a hotter place elsewhere is not drawn paler: nothing is stretched."""
    background = np.full((80, 80), 60, dtype=np.uint8)
    mild = flat(0.2)
    with_a_hotter_place = mild.copy()
    with_a_hotter_place[:10, :10] = 1.5
    alone = overlay(background, mild, SCALE)
    beside = overlay(background, with_a_hotter_place, SCALE)
    assert (alone[40:, 40:] == beside[40:, 40:]).all()


def test_more_heat_is_a_higher_level_up_to_full_color() -> None:
    heat = np.array([0.0, 0.099, 0.1, 0.2, 0.3, 0.5, 0.9, 2.0], dtype=np.float32)
    level = levels(heat, SCALE).astype(int)
    assert level[:2].tolist() == [0, 0]
    assert level[2] > 0
    assert (np.diff(level) >= 0).all()
    assert level[-3:].tolist() == [255, 255, 255]


def lightness(colors: np.ndarray) -> np.ndarray:
    """CIE L*, as a gray print shows it, for 8-bit colors (N, 3)."""
    return cv2.cvtColor(colors[None].astype(np.float32) / 255, cv2.COLOR_RGB2LAB)[0, :, 0]


@pytest.mark.parametrize("colors", ColorMap)
def test_colors_grow_lighter_as_heat_grows(colors: ColorMap) -> None:
    """Perceptually ordered: a rainbow would rise and fall."""
    for ramp in (heat_ramp(colors), *signed_ramps(colors)):
        light = lightness(ramp)
        assert (np.diff(light) >= -0.3).all()
        assert light[-1] - light[0] > 35


@pytest.mark.parametrize("colors", ColorMap)
def test_no_color_of_heat_is_gray(colors: ColorMap) -> None:
    """Gray is what the radiograph is made of."""
    for ramp in (heat_ramp(colors), *signed_ramps(colors)):
        assert (np.ptp(ramp.astype(int), axis=1) >= 40).all()


@pytest.mark.parametrize("colors", ColorMap)
def test_as_much_added_as_removed_is_about_as_light(colors: ColorMap) -> None:
    added, removed = (lightness(ramp) for ramp in signed_ramps(colors))
    assert np.abs(added - removed).max() < 12


def test_the_bar_shows_full_color_at_its_top_and_the_mark_at_its_foot() -> None:
    bar = color_bar(256, 4, SCALE, look=OPAQUE)
    assert (bar[0] == heat_ramp(ColorMap.INFERNO)[255]).all()
    assert (np.ptp(bar[200].astype(int), axis=1) > 20).all()


def test_heat_below_the_chosen_share_is_hidden_on_map_and_bar_and_the_rest_keeps_its_color() -> (
    None
):
    background = np.full((1, 5), 60, dtype=np.uint8)
    change = np.array([[0.05, 0.15, -0.24, 0.26, 0.5]], dtype=np.float32)
    usual = overlay(background, change, SCALE)
    hidden = overlay(background, change, SCALE, look=Look(hide_below=0.5))
    assert (hidden[0, :3] == 60).all()
    assert (hidden[0, 3:] == usual[0, 3:]).all()  # never stretched
    bar = color_bar(401, 1, SCALE, look=Look(hide_below=0.5))[:, 0]  # from 0.5 to 0.1
    assert (bar[260:] == 96).all()
    assert (bar[:240] != 96).any(axis=1).all()


def test_nothing_shows_below_the_mark_whatever_is_chosen() -> None:
    background = np.full((2, 2), 60, dtype=np.uint8)
    picture = overlay(background, flat(0.09, (2, 2)), SCALE, look=Look(1, hide_below=0.0))
    assert (picture == 60).all()
    assert Look(hide_below=0.0).hidden_below(SCALE) == SCALE.mark  # which the caption says


def test_on_the_models_own_grid_map_and_radiograph_are_blocks() -> None:
    radiograph = phantoms.radiograph(640, 640)
    seen = radiograph.model_input(64)
    change = np.random.default_rng(0).uniform(-1, 1, (64, 64)).astype(np.float32)
    blocks = heat_over(radiograph, seen, change, SCALE, look=Look(smooth=False))
    tiled = blocks.reshape(64, 10, 64, 10, 3)
    assert (tiled == tiled[:, :1, :, :1]).all()
    smooth = heat_over(radiograph, seen, change, SCALE).reshape(64, 10, 64, 10, 3)
    assert (smooth != smooth[:, :1, :, :1]).any()


@pytest.mark.parametrize("wrong", [{"opacity": 1.1}, {"hide_below": -0.1}])
def test_a_look_that_cannot_be_is_refused(wrong: dict[str, float]) -> None:
    with pytest.raises(RecipeError, match="%"):
        Look(**wrong)  # type: ignore[arg-type]


@pytest.mark.parametrize("shape", [(200, 120), (120, 200), (150, 150)])
def test_a_hot_model_pixel_lands_on_the_radiographs_own_pixels(shape: tuple[int, int]) -> None:
    radiograph = phantoms.radiograph(*shape)
    seen = radiograph.model_input(64)
    row, column = seen.top + seen.height // 4, seen.left + seen.width // 3
    change = np.zeros((64, 64), dtype=np.float32)
    change[row, column] = 1.0
    picture = heat_over(radiograph, seen, change, SCALE, look=OPAQUE)
    assert picture.shape == (*shape, 3)
    colored = np.argwhere(picture.max(axis=2).astype(int) - picture.min(axis=2) > 40)
    longest = max(shape)
    expected = (np.array([row - seen.top, column - seen.left]) + 0.5) * longest / 64 - 0.5
    np.testing.assert_allclose(colored.mean(axis=0), expected, atol=1.5)


def test_heat_in_the_padding_is_not_drawn() -> None:
    radiograph = phantoms.radiograph(200, 100)
    seen = radiograph.model_input(64)
    change = np.zeros((64, 64), dtype=np.float32)
    change[:, : seen.left - 1] = 1.0
    picture = heat_over(radiograph, seen, change, SCALE)
    assert (picture == shown(radiograph)[..., None]).all()


def test_gray_spans_the_whole_range_and_is_never_stretched() -> None:
    assert gray(np.array([[-1.0, 0.0, 1.0]], dtype=np.float32)).tolist() == [[0, 128, 255]]
    dull = np.linspace(-0.2, 0.2, 6, dtype=np.float32)[None]
    assert gray(dull).max() < 160


def test_signed_ink_tells_added_from_removed_density() -> None:
    background = np.full((2, 2), 90, dtype=np.uint8)
    change = np.array([[0.4, -0.4], [0.05, -0.05]], dtype=np.float32)
    picture = overlay(background, change, SCALE, ink=Ink.SIGNED).astype(int)
    red, _, blue = np.moveaxis(picture, 2, 0)
    assert red[0, 0] > blue[0, 0] + 50
    assert blue[0, 1] > red[0, 1] + 50
    assert (picture[1] == 90).all()


def test_a_caption_leaves_the_pictures_pixels_alone() -> None:
    picture = np.random.default_rng(0).integers(0, 255, (700, 650, 3), dtype=np.uint8)
    whole = captioned(picture, ["+ Pleural"], scale=SCALE)
    assert (whole[:700] == picture).all()
    assert whole[700:].max() > 200  # words


def test_an_imagined_picture_is_framed() -> None:
    picture = np.zeros((700, 650, 3), dtype=np.uint8)
    plain, imagined = captioned(picture, ["x"]), captioned(picture, ["x"], imagined=True)
    assert (plain[0] == 0).all()
    assert (imagined[0] == (255, 176, 0)).all()
    assert imagined.shape[0] > plain.shape[0]  # one line more: whose picture it is not
