import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from sklearn.metrics import average_precision_score

from trainers.evaluation.localisation.measures import (
    SHARES,
    above_otsu,
    energy_ratio,
    hit,
    hottest,
    iou,
    mean_of,
    measure,
)

Mask = NDArray[np.bool_]


def square(side: int = 20, low: int = 5, high: int = 10) -> Mask:
    """A truth of 5 x 5 in 20 x 20 pixels: a 16th of the area."""
    inside = np.zeros((side, side), dtype=np.bool_)
    inside[low:high, low:high] = True
    return inside


def random_heat(seed: int) -> NDArray[np.float32]:
    return np.random.default_rng(seed).random((20, 20), dtype=np.float32)


def test_a_map_that_is_the_truth_is_perfect_in_every_measure() -> None:
    inside = square()
    found = measure(inside.astype(np.float32), inside)
    assert (found.hit_rate, found.iou_otsu, found.average_precision) == (1, 1, 1)
    assert found.energy_ratio == pytest.approx(16)  # all the heat in a 16th of the area
    assert found.iou_by_share.max() == 1


def test_a_map_of_everything_but_the_truth_is_worthless() -> None:
    inside = square()
    found = measure((~inside).astype(np.float32), inside)
    assert (found.hit_rate, found.energy_ratio, found.iou_otsu) == (0, 0, 0)
    assert found.iou_by_share.max() == 0


@pytest.mark.parametrize("value", [0.0, 0.3])
def test_a_map_that_says_the_same_everywhere_gets_what_a_guess_gets(value: float) -> None:
    inside = square()
    found = measure(np.full(inside.shape, value, dtype=np.float32), inside)
    share = 1 / 16
    assert found.hit_rate == pytest.approx(share)
    assert found.energy_ratio == pytest.approx(1)
    assert found.average_precision == pytest.approx(share)
    assert found.iou_otsu == 0


def test_of_several_hottest_pixels_the_share_inside_is_the_hit() -> None:
    inside = square()
    heat = np.zeros(inside.shape, dtype=np.float32)
    heat[5, 5] = heat[6, 6] = heat[0, 0] = heat[19, 19] = 0.7
    assert hit(heat, inside) == 0.5


def test_a_peak_one_pixel_beside_the_truth_is_no_hit() -> None:
    inside = square()
    heat = np.zeros(inside.shape, dtype=np.float32)
    heat[5, 4] = 1
    assert hit(heat, inside) == 0


def test_twice_the_heat_inside_has_the_energy_ratio_of_its_closed_form() -> None:
    """With heat 2 inside a 16th and 1 elsewhere: (2/16) / (2/16 + 15/16) / (1/16) = 32/17."""
    inside = square()
    heat = np.where(inside, 2, 1).astype(np.float32)
    assert energy_ratio(heat, inside) == pytest.approx(32 / 17)


@given(st.integers(0, 1000), st.floats(0.01, 100))
def test_no_measure_hangs_on_the_unit_of_the_heat(seed: int, factor: float) -> None:
    """Powers of two are exact, so that ties and thresholds stay where they are."""
    inside, heat = square(), random_heat(seed)
    scaled = heat * np.float32(2.0 ** round(np.log2(factor)))
    one, other = measure(heat, inside), measure(scaled, inside)
    assert one.hit_rate == other.hit_rate
    assert one.energy_ratio == pytest.approx(other.energy_ratio)
    assert one.iou_otsu == pytest.approx(other.iou_otsu)
    assert one.average_precision == pytest.approx(other.average_precision)
    assert np.array_equal(one.iou_by_share, other.iou_by_share)


def test_average_precision_is_of_the_pixels_by_heat() -> None:
    """By hand: ranks of the truth 1 and 3 of 4 give (1/1 + 2/3) / 2."""
    heat = np.array([[0.9, 0.5], [0.7, 0.1]], dtype=np.float32)
    inside = np.array([[True, True], [False, False]])
    assert measure(heat, inside).average_precision == pytest.approx((1 + 2 / 3) / 2)
    noisy, truth = random_heat(3), square()
    oracle = average_precision_score(truth.ravel(), noisy.ravel())
    assert measure(noisy, truth).average_precision == pytest.approx(oracle)


@given(st.integers(0, 200))
def test_otsu_leaves_the_least_variance_within_the_two_sides(seed: int) -> None:
    """Against all 255 thresholds, tried one by one."""
    heat = random_heat(seed) ** 3
    levels = np.round((heat - heat.min()) / (heat.max() - heat.min()) * 255)

    def within(marked: Mask) -> float:
        sides = [levels[marked], levels[~marked]]
        return float(sum(side.size * side.var() for side in sides if side.size))

    best = min(within(levels > t) for t in range(255))
    assert within(above_otsu(heat)) == pytest.approx(best, rel=1e-6)


def test_otsu_parts_two_plateaus() -> None:
    inside = square()
    heat = np.where(inside, 0.8, 0.1).astype(np.float32)
    assert np.array_equal(above_otsu(heat), inside)


def test_the_hottest_share_counts_pixels_and_keeps_ties_together() -> None:
    heat = np.arange(1, 401, dtype=np.float32).reshape(20, 20)
    for share in SHARES:
        assert hottest(heat, share).sum() == max(1, round(share * 400))
    heat[heat > 350] = 1000
    assert hottest(heat, 0.05).sum() == 50


def test_pixels_without_heat_are_never_marked() -> None:
    heat = np.zeros((20, 20), dtype=np.float32)
    heat[0, 0] = 1
    assert hottest(heat, 0.5).sum() == 1


def test_intersection_over_union_of_half_overlapping_squares() -> None:
    one, other = np.zeros((2, 10, 10), dtype=np.bool_)
    one[2:6, 2:6] = True
    other[2:6, 4:8] = True
    assert iou(one, other) == pytest.approx(8 / 24)


def test_several_draws_are_averaged_measure_by_measure() -> None:
    inside = square()
    right, wrong = (measure(m.astype(np.float32), inside) for m in (inside, ~inside))
    both = mean_of([right, wrong])
    assert (both.hit_rate, both.iou_otsu) == (0.5, 0.5)
    assert both.energy_ratio == pytest.approx(8)
    assert np.allclose(both.iou_by_share, (right.iou_by_share + wrong.iou_by_share) / 2)


def test_opencv_and_the_measures_agree_on_what_is_above() -> None:
    """Otsu marks what is strictly above the threshold, never the threshold's own level."""
    levels = np.array([[0, 0, 0, 10, 10, 10]], dtype=np.uint8)
    threshold, _ = cv2.threshold(levels, 0, 255, cv2.THRESH_BINARY + cv2.THRESH_OTSU)
    assert threshold == 0
    assert above_otsu(levels.astype(np.float32)).tolist() == [[False] * 3 + [True] * 3]
