"""The panel: all columns, both rows, and everything that explains or redraws it."""

import json
from collections.abc import Callable
from dataclasses import replace
from io import BytesIO

import numpy as np
import pytest
from PIL import Image

from daug.findings import Activation, Direction
from daug.heatmap import Recipe
from daug.workstation import finish
from tests.ui import phantoms
from ui import figure2, wording
from ui.figure2 import draw_figure2, figure2_png
from ui.look import USUAL, ColorMap, Look
from ui.map_scale import scales_of
from ui.typesetting import write

BUNDLE = phantoms.bundle()


def recipes(columns: int) -> list[Recipe]:
    asks = [(card.name, direction) for direction in Direction for card in BUNDLE.offered]
    return [
        BUNDLE.recipe_for(name, direction, activation)
        for name, direction in asks[:columns]
        for activation in (Activation.SIGMOID, Activation.SOFTMAX)
    ]


def opened(columns: int = 4) -> Image.Image:
    radiograph = phantoms.radiograph()
    maps = finish(phantoms.drawer(BUNDLE)(radiograph, recipes(columns)))
    return Image.open(BytesIO(figure2_png(radiograph, maps, BUNDLE)))


def said(monkeypatch: pytest.MonkeyPatch, warnings: tuple[str, ...], look: Look = USUAL) -> str:
    """All words of a panel, in the order in which they are written."""
    radiograph = phantoms.radiograph(warnings=warnings)
    maps = finish(phantoms.drawer(BUNDLE)(radiograph, recipes(4)))
    return listened(monkeypatch, lambda: draw_figure2(radiograph, maps, BUNDLE, look=look))


def listened(monkeypatch: pytest.MonkeyPatch, draw_panel: Callable[[], object]) -> str:
    """All words that are written meanwhile."""
    words: list[str] = []

    def listen(draw: object, place: object, lines: list[str], *rest: object, **how: object) -> int:
        words.extend(lines)
        return write(draw, place, lines, *rest, **how)  # type: ignore[arg-type]

    monkeypatch.setattr("ui.figure2.write", listen)
    draw_panel()
    return " ".join(words)


@pytest.mark.parametrize("columns", range(1, 9))
def test_every_map_has_its_tile(columns: int) -> None:
    """Colored places in a row of tiles are as many as the maps asked for."""
    image = np.asarray(opened(columns)).astype(int)
    colored = image.max(axis=2) - image.min(axis=2) > 60
    starts = figure2.MARGIN + figure2.TILE[1] + figure2.GAP + figure2.ROW_NAME
    for place in range(columns):
        left = starts + place * (figure2.TILE[1] + figure2.GAP)
        tile = colored[:, left : left + figure2.TILE[1]]
        rows = np.flatnonzero(tile.any(axis=1))
        gaps = np.flatnonzero(np.diff(rows) > 40)
        assert len(gaps) >= 1, f"column {place} lacks a row"
    right = starts + columns * (figure2.TILE[1] + figure2.GAP)
    assert not colored[:, right + figure2.BAR :].any()


def test_softmax_stands_above_sigmoid_whatever_the_order_of_the_maps() -> None:
    """The drawn sigmoid map has a second hot place, so more of its row is colored."""
    image = np.asarray(opened(4)).astype(int)
    colored = image.max(axis=2) - image.min(axis=2) > 60
    tiles = colored[:, 600:-300]
    rows = np.flatnonzero(tiles.any(axis=1))
    middle = (rows[0] + rows[-1]) // 2
    assert tiles[:middle].sum() < 0.9 * tiles[middle:].sum()


def test_the_panel_prints_at_300_dots_per_inch() -> None:
    assert [round(dots) for dots in opened().info["dpi"]] == [300, 300]


def test_the_file_says_how_to_redraw_it_and_what_it_is_not_for() -> None:
    panel = opened(3)
    told = json.loads(panel.info["daug"])
    assert panel.info["Disclaimer"] == told["notice"] == wording.NOTICE
    assert [Recipe.from_dict(recipe) for recipe in told["recipes"]] == recipes(3)
    assert told["pixel_digest"] == phantoms.radiograph().digest
    assert told["bundle"]["digest"] == BUNDLE.digest


def test_a_panel_does_not_carry_the_files_name() -> None:
    """People name files after patients, and a panel is made to be shown around."""
    radiograph = phantoms.radiograph(source_name="Doe Jane 1950")
    maps = finish(phantoms.drawer(BUNDLE)(radiograph, recipes(1)))
    assert b"Doe" not in figure2_png(radiograph, maps, BUNDLE)


def test_a_panel_says_what_it_shows(monkeypatch: pytest.MonkeyPatch) -> None:
    words = said(monkeypatch, warnings=("The view is not known.",))
    assert wording.NOTICE in words
    assert "+ No Finding" in words
    assert wording.WHAT_IS_ABNORMAL in words
    assert wording.IMAGINED in words
    assert "No map for Lung Opacity, Pneumothorax or Fracture." in words
    assert "No training examples, so no map: Atelectasis and Support Device." in words
    assert "Cardiomegaly (0)" in words  # in the class by name, not by training
    assert "Lung Lesion: not measured (n = 12 with it)" in words
    assert "score 0.75 → 0.95" in words
    assert "side not known" in words
    assert "! The view is not known." in words
    assert "L = 500, s = 100, 10 steps, gaussian encoder, reference = control, seed 0" in words
    assert BUNDLE.digest[:8] in words


@pytest.mark.parametrize("shape", [(900, 300), (300, 900)])
def test_radiographs_of_any_proportions_fit(shape: tuple[int, int]) -> None:
    radiograph = phantoms.radiograph(*shape)
    maps = finish(phantoms.drawer(BUNDLE)(radiograph, recipes(4)))
    image = draw_figure2(radiograph, maps, BUNDLE)
    assert image.width < 3000
    assert image.height < 2600


def test_the_panel_is_drawn_as_it_is_shown_and_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    radiograph = phantoms.radiograph()
    maps = finish(phantoms.drawer(BUNDLE)(radiograph, recipes(2)))
    look = Look(0.5, ColorMap.VIRIDIS, hide_below=0.75, smooth=False)
    usual = Image.open(BytesIO(figure2_png(radiograph, maps, BUNDLE)))
    changed = Image.open(BytesIO(figure2_png(radiograph, maps, BUNDLE, look=look)))
    told = json.loads(changed.info["daug"])
    assert told["opacity"] == 0.5
    assert told["color_map"] == "viridis"
    assert told["hidden_below"] == pytest.approx(0.3)  # of 0.4 at full color
    assert told["smooth"] is False
    assert heat_pixels(changed) < 0.7 * heat_pixels(usual)
    words = said(monkeypatch, (), look)
    assert "Shown in viridis, opacity 50%, nothing is drawn below 0.3, on the model's own" in words
    assert "The model sees 64 × 64, size of a pixel not known" in words


def test_maps_on_scales_of_their_own_say_so_below_each(monkeypatch: pytest.MonkeyPatch) -> None:
    station = replace(phantoms.workstation(), measurer=phantoms.Measurer(BUNDLE))
    radiograph = phantoms.radiograph(age=40.0)
    maps = finish(phantoms.drawer(BUNDLE)(radiograph, recipes(4)))
    scale_of = scales_of(station, radiograph)
    told = {maps[0].recipe: "hotter than 88 of 100"}
    words = listened(
        monkeypatch,
        lambda: draw_figure2(radiograph, maps, BUNDLE, scale_of=scale_of, told=told),
    )
    assert "color: 0.1 to 0.3, normal floor" in words  # + No Finding
    assert "color: 0.05 to 0.4, intensity" in words
    assert "normal floor of adult PA" in words
    assert "hotter than 88 of 100" in words
    png = figure2_png(radiograph, maps, BUNDLE, scale_of=scale_of)
    scales = json.loads(Image.open(BytesIO(png)).info["daug"])["heat_scales"]
    assert [scale["kind"] for scale in scales] == ["normal floor"] * 2 + ["intensity"] * 6
    assert scales[0]["full_at"] == 0.3


def heat_pixels(image: Image.Image) -> int:
    """How many pixels of the maps are colored, without the bar at the right."""
    array = np.asarray(image).astype(int)[:, : -figure2.BAR - figure2.MARGIN]
    return int((np.ptp(array, axis=2) > 40).sum())
