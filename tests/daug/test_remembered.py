"""Maps that were drawn before, and the models that are then left alone."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch

from daug.bundle import Bundle
from daug.bundled_models import load_models
from daug.engine import Engine
from daug.errors import EngineError, RecipeError
from daug.findings import Activation, Direction
from daug.heatmap import Heatmap, Preview, Recipe
from daug.radiograph import PixelSpacing, Radiograph, SpacingPlane
from daug.remembered import RememberedMaps
from daug.workstation import Drawing, finish

NAMES = ("No Finding", "Lung Lesion", "Pleural")


class WatchedEngine:
    """A real engine that notes what it is asked."""

    def __init__(self, bundle: Bundle) -> None:
        self.engine = Engine(load_models(bundle), torch.device("cpu"), fast=False)
        self.asked: list[list[Recipe]] = []
        self.closed = 0

    def draw_heatmaps(self, radiograph: Radiograph, recipes: Sequence[Recipe]) -> Drawing:
        self.asked.append(list(recipes))
        try:
            return (yield from self.engine.draw_heatmaps(radiograph, recipes))
        finally:
            self.closed += 1


@pytest.fixture
def watched(tiny_bundle: Bundle) -> WatchedEngine:
    return WatchedEngine(tiny_bundle)


@pytest.fixture
def remembered(watched: WatchedEngine) -> RememberedMaps:
    return RememberedMaps(watched.draw_heatmaps)


@pytest.fixture
def recipes(tiny_bundle: Bundle) -> list[Recipe]:
    return [tiny_bundle.recipe_for(name, scale=50.0) for name in NAMES]


def draw(
    remembered: RememberedMaps, radiograph: Radiograph, recipes: Sequence[Recipe]
) -> tuple[Heatmap, ...]:
    return finish(remembered.draw_heatmaps(radiograph, recipes))


def test_the_same_question_is_answered_again_without_the_models(
    remembered: RememberedMaps,
    watched: WatchedEngine,
    radiograph: Radiograph,
    recipes: list[Recipe],
) -> None:
    first = draw(remembered, radiograph, recipes)
    again = draw(remembered, radiograph, recipes)
    assert watched.asked == [recipes]
    for one, other in zip(first, again, strict=True):
        assert one.recipe == other.recipe
        np.testing.assert_array_equal(one.seed_changes, other.seed_changes)


def test_of_several_maps_only_the_new_ones_are_drawn_and_all_come_in_order(
    remembered: RememberedMaps,
    watched: WatchedEngine,
    radiograph: Radiograph,
    recipes: list[Recipe],
) -> None:
    draw(remembered, radiograph, recipes[1:2])
    maps = draw(remembered, radiograph, [*recipes, recipes[0]])
    assert watched.asked == [[recipes[1]], [recipes[0], recipes[2]]]
    assert [heatmap.recipe for heatmap in maps] == [*recipes, recipes[0]]


def test_previews_show_the_known_maps_in_their_places(
    remembered: RememberedMaps, radiograph: Radiograph, recipes: list[Recipe]
) -> None:
    (known,) = draw(remembered, radiograph, recipes[1:2])
    previews = list(remembered.draw_heatmaps(radiograph, recipes))
    assert {preview.changes.shape[0] for preview in previews} == {3}
    for preview in previews:
        np.testing.assert_array_equal(preview.changes[1], known.change)
    assert np.abs(previews[-1].changes[0]).max() > 0


@pytest.mark.parametrize(
    "changes",
    [
        {"direction": Direction.LESS},
        {"activation": Activation.SIGMOID},
        {"scale": 51.0},
        {"num_steps": 3},
        {"seeds": (1,)},
        {"noise_level": 90},
    ],
)
def test_whatever_differs_in_the_recipe_is_drawn(
    remembered: RememberedMaps,
    watched: WatchedEngine,
    radiograph: Radiograph,
    recipes: list[Recipe],
    changes: dict[str, object],
) -> None:
    other = replace(recipes[0], **changes)  # type: ignore[arg-type]
    draw(remembered, radiograph, recipes[:1])
    draw(remembered, radiograph, [other])
    assert watched.asked == [[recipes[0]], [other]]


def test_other_pixels_are_another_radiograph(
    remembered: RememberedMaps,
    watched: WatchedEngine,
    radiograph: Radiograph,
    recipes: list[Recipe],
) -> None:
    pixels = radiograph.pixels.copy()
    pixels[0, 0] += 0.01
    draw(remembered, radiograph, recipes[:1])
    (heatmap,) = draw(remembered, replace(radiograph, pixels=pixels), recipes[:1])
    assert len(watched.asked) == 2
    assert heatmap.pixel_digest != radiograph.digest


def test_the_same_pixels_from_a_file_that_knows_its_millimetres_are_measured_in_them(
    remembered: RememberedMaps,
    watched: WatchedEngine,
    radiograph: Radiograph,
    recipes: list[Recipe],
) -> None:
    (without,) = draw(remembered, radiograph, recipes[:1])
    spaced = replace(radiograph, spacing=PixelSpacing(2.0, 2.0, SpacingPlane.PATIENT))
    (with_spacing,) = draw(remembered, spaced, recipes[:1])
    assert len(watched.asked) == 1
    assert without.model_input.mm_per_pixel is None
    assert with_spacing.model_input.mm_per_pixel == spaced.model_input(32).mm_per_pixel


def test_what_was_stopped_is_not_remembered_and_its_computation_ends(
    watched: WatchedEngine, radiograph: Radiograph, recipes: list[Recipe]
) -> None:
    begun: list[Drawing] = []  # held, so that nobody but the cache closes it

    def draw_and_hold(*asked: Any) -> Drawing:
        begun.append(watched.draw_heatmaps(*asked))
        return begun[-1]

    remembered = RememberedMaps(draw_and_hold)
    drawing = remembered.draw_heatmaps(radiograph, recipes)
    next(drawing)
    drawing.close()
    assert watched.closed == 1
    draw(remembered, radiograph, recipes)
    assert len(watched.asked) == 2


def test_an_error_on_the_way_reaches_the_caller_and_nothing_is_remembered(
    radiograph: Radiograph, recipes: list[Recipe]
) -> None:
    def breaks(_: Radiograph, asked: Sequence[Recipe]) -> Drawing:
        yield Preview(0, 1, 1, np.zeros((len(asked), 32, 32), dtype=np.float32))
        raise EngineError("Step 1 of 1 gave values that are not numbers.")

    remembered = RememberedMaps(breaks)
    for _ in range(2):
        with pytest.raises(EngineError):
            draw(remembered, radiograph, recipes)


def test_whoever_asks_for_nothing_is_told_so(
    remembered: RememberedMaps, radiograph: Radiograph
) -> None:
    with pytest.raises(RecipeError, match="No heatmap was asked for"):
        draw(remembered, radiograph, [])


def test_the_maps_used_longest_ago_make_room(
    watched: WatchedEngine, radiograph: Radiograph, recipes: list[Recipe]
) -> None:
    (one,) = draw(RememberedMaps(watched.draw_heatmaps), radiograph, recipes[:1])
    room_for_two = int(2.5 * sum(array.nbytes for array in _arrays(one)))
    remembered = RememberedMaps(watched.draw_heatmaps, room_for_two)
    for recipe in (recipes[0], recipes[1], recipes[0], recipes[2]):  # 1 is now the oldest
        draw(remembered, radiograph, [recipe])
    watched.asked.clear()
    for recipe in (recipes[0], recipes[2], recipes[1]):
        draw(remembered, radiograph, [recipe])
    assert watched.asked == [[recipes[1]]]


def _arrays(heatmap: Heatmap) -> Iterator[np.ndarray]:
    yield from (heatmap.seed_changes, heatmap.counterfactual, heatmap.reference)
    yield from (heatmap.model_input.pixels, heatmap.step_logits)
