from collections.abc import Sequence

import numpy as np
import pytest
from numpy.typing import NDArray

from daug.errors import RecipeError
from daug.heat_layers import ShownBy, shown_by, stability_of
from daug.heatmap import Heatmap, Recipe, Scores
from daug.radiograph import ModelInput

SIZE = 8
NOTHING = np.zeros((SIZE, SIZE), dtype=np.float32)
SCORES = Scores(("A",), np.zeros(1))


def heatmap(changes: Sequence[NDArray[np.float32]]) -> Heatmap:
    """A map on a radiograph that fills the upper half of the square."""
    return Heatmap(
        recipe=Recipe("A", seeds=tuple(range(len(changes)))),
        pixel_digest="",
        bundle_digest="",
        model_input=ModelInput(NOTHING, 0, 0, SIZE // 2, SIZE, None),
        seed_changes=np.stack(changes),
        counterfactual=NOTHING,
        reference=NOTHING,
        scores_input=SCORES,
        scores_before=SCORES,
        scores_after=SCORES,
        step_logits=np.zeros((1, 1), dtype=np.float32),
    )


def lit(*places: tuple[int, int], value: float = 0.5) -> NDArray[np.float32]:
    change = NOTHING.copy()
    for place in places:
        change[place] = value
    return change


def test_what_is_lit_in_seven_of_eight_drawings_is_stable_and_in_six_is_not() -> None:
    drawings = [lit((0, 0), (1, 1))] * 6 + [lit((0, 0))] + [lit()]
    found = stability_of(heatmap(drawings), mark=0.1)
    assert found.drawings == 8
    assert found.lit == pytest.approx(2 / (SIZE * SIZE // 2))
    assert found.stable == 0.5
    assert found.peak == 7 / 8
    assert found.in_words.startswith("hottest place lit in 7 of 8 drawings; 50 %")


def test_heat_outside_the_radiograph_is_no_part_of_stability() -> None:
    drawings = [lit((0, 0), (SIZE - 1, 0), value=sign * 0.5) for sign in (1.0, 1.0)]
    found = stability_of(heatmap(drawings), mark=0.1)
    assert found.lit == pytest.approx(1 / (SIZE * SIZE // 2))


def test_a_decrease_is_as_lit_as_an_increase() -> None:
    found = stability_of(heatmap([lit((0, 0)), lit((0, 0), value=-0.6)]), mark=0.1)
    assert found.stable == 1


def test_where_nothing_is_lit_nothing_is_stable_or_unstable() -> None:
    found = stability_of(heatmap([lit(), lit()]), mark=0.1)
    assert found.stable is None
    assert found.in_words == "nothing above the mark in any of 2 drawings"


def test_one_drawing_has_no_stability() -> None:
    with pytest.raises(RecipeError, match="several seeds"):
        stability_of(heatmap([lit((0, 0))]), mark=0.1)


def test_where_the_two_ways_disagree_each_pixel_says_who_lights_it() -> None:
    softmax = np.array([[0.0, 0.3, 0.0, 0.3]])
    sigmoid = np.array([[0.0, 0.0, 0.6, 0.6]])
    found = shown_by(softmax, sigmoid, softmax_mark=0.2, sigmoid_mark=0.5)
    assert found.tolist() == [[ShownBy.NEITHER, ShownBy.SOFTMAX, ShownBy.SIGMOID, ShownBy.BOTH]]


def test_each_way_has_its_own_mark() -> None:
    heat = np.full((1, 1), 0.3)
    assert shown_by(heat, heat, 0.2, 0.5)[0, 0] == ShownBy.SOFTMAX
    assert shown_by(heat, heat, 0.5, 0.2)[0, 0] == ShownBy.SIGMOID


def test_maps_of_two_sizes_are_refused() -> None:
    with pytest.raises(RecipeError, match="Two maps of one radiograph"):
        shown_by(np.zeros((2, 2)), np.zeros((3, 3)), 0.1, 0.1)
