import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.special import expit, softmax

from daug.errors import RecipeError
from daug.findings import Activation, Direction
from daug.heatmap import Heatmap, Recipe, Reference, Scores, heat_of
from daug.radiograph import ModelInput

SCORES = Scores(("A", "B", "C"), np.array([1.0, -2.0, 0.5]))


def test_a_recipe_comes_back_from_json_as_it_went_in() -> None:
    recipe = Recipe("A", Direction.LESS, Activation.SIGMOID, 300, 12.5, 7, seeds=(3, 1))
    assert Recipe.from_dict(recipe.to_dict()) == recipe
    assert hash(Recipe.from_dict(recipe.to_dict())) == hash(recipe)


@pytest.mark.parametrize(
    ("changes", "complaint"),
    [
        ({"num_steps": 0}, "num_steps"),
        ({"num_steps": 501}, "num_steps"),
        ({"scale": -1.0}, "scale"),
        ({"scale": float("nan")}, "scale"),
        ({"scale": float("inf")}, "scale"),
        ({"seeds": ()}, "seeds"),
        ({"seeds": (1, 1)}, "seeds"),
        ({"seeds": (-1,)}, "seeds"),
    ],
)
def test_a_recipe_that_cannot_be_drawn_is_refused(
    changes: dict[str, object], complaint: str
) -> None:
    with pytest.raises(RecipeError, match=complaint):
        Recipe("A", **changes)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "broken", [{}, {"super_class": "A"}, {**Recipe("A").to_dict(), "direction": "up"}]
)
def test_a_recipe_file_that_is_none_is_refused(broken: dict[str, object]) -> None:
    with pytest.raises(RecipeError, match="The recipe cannot be read"):
        Recipe.from_dict(broken)


def test_scores_are_the_sigmoid_and_the_softmax_of_the_logits() -> None:
    assert list(SCORES.sigmoid.values()) == pytest.approx(expit(SCORES.logits))
    assert list(SCORES.softmax.values()) == pytest.approx(softmax(SCORES.logits))


@pytest.mark.parametrize("activation", Activation)
def test_what_is_wanted_for_less_is_what_is_missing_for_more(activation: Activation) -> None:
    more, less = (SCORES.wanted(Recipe("B", direction, activation)) for direction in Direction)
    assert more == getattr(SCORES, activation.value)["B"]
    assert less == pytest.approx(1 - more)


def test_the_numbers_of_a_map_leave_out_what_is_not_radiograph() -> None:
    """Heat in the padding around a radiograph is heat nowhere in the patient."""
    change = np.full((1, 10, 10), 2.0, np.float32)
    change[:, 2:8] = 0.25
    change[:, 2, 0] = -0.75
    pixels = np.zeros((10, 10), np.float32)
    heatmap = Heatmap(
        Recipe("A", reference=Reference.INPUT),
        *("digest", "digest"),
        ModelInput(pixels, top=2, left=0, height=6, width=10, mm_per_pixel=None),
        *(change, pixels, pixels),
        *(SCORES, SCORES, SCORES),
        np.zeros((1, 3), np.float32),
    )
    assert heatmap.statistics.max == pytest.approx(0.75)
    assert heatmap.statistics.mean == pytest.approx((59 * 0.25 + 0.75) / 60)
    assert heatmap.heat.min() >= 0


def test_smoothed_heat_is_the_amount_of_change_and_not_what_its_signs_leave() -> None:
    """A finding changes a patch in which pixels rise and fall by turns."""
    checked = np.where(np.indices((64, 64)).sum(axis=0) % 2, 0.3, -0.3).astype(np.float32)
    checked[:, :32] = 0
    assert (heat_of(checked, 0.0) == np.abs(checked)).all()
    smooth = heat_of(checked, 0.03)
    assert smooth[16:48, 48:56] == pytest.approx(0.3, abs=1e-3)
    assert smooth[32, 31] == pytest.approx(0.15, abs=0.04)
    assert smooth[:, :20] == pytest.approx(0, abs=1e-3)


@given(st.integers(8, 56), st.integers(8, 56))
def test_smoothing_keeps_heat_where_it_is_and_as_much_of_it(row: int, column: int) -> None:
    change = np.zeros((64, 64), dtype=np.float32)
    change[row, column] = -1.5
    smooth = heat_of(change, 0.02)
    assert int(smooth.argmax()) == row * 64 + column
    assert float(smooth.sum()) == pytest.approx(1.5, rel=1e-3)


def test_a_recipe_that_smooths_everything_away_is_refused() -> None:
    for wrong in (-0.01, 0.2, float("nan")):
        with pytest.raises(RecipeError, match="smoothing must be"):
            Recipe("Pleural", smoothing=wrong)
