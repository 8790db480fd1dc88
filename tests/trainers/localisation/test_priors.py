import numpy as np

from daug.organs import OrganMasks
from daug.radiograph import Radiograph
from trainers.evaluation.localisation.area import area_of
from trainers.evaluation.localisation.priors import CHANCE_DRAWS, centre, chance, lungs


def test_the_centre_is_hottest_in_the_middle_of_the_radiograph_and_cold_around_it(
    radiograph: Radiograph,
) -> None:
    seen = radiograph.model_input(32)
    heat = centre(seen)
    assert not heat[: seen.top].any()  # the padding
    inside = heat[area_of(seen)]
    assert inside[seen.height // 2, seen.width // 2] == inside.max()
    assert np.allclose(inside, inside[::-1, ::-1])
    edge = inside[seen.height // 2, 0] / inside.max()
    assert abs(edge - np.exp(-2)) < 0.05  # half of the width is two standard deviations


def test_chance_is_even_and_the_same_for_the_same_radiograph(radiograph: Radiograph) -> None:
    seen = radiograph.model_input(32)
    heat = chance(seen, 7)
    assert heat.shape == (CHANCE_DRAWS, 32, 32)
    assert abs(heat.mean() - 0.5) < 0.02
    assert np.array_equal(heat, chance(seen, 7))
    assert not np.array_equal(heat, chance(seen, 8))


def test_the_lungs_are_both_lungs_alike_or_nothing(radiograph: Radiograph) -> None:
    seen = radiograph.model_input(32)
    empty = np.zeros((32, 32), dtype=np.bool_)
    left, heart = empty.copy(), empty.copy()
    left[5:20, 20:28], heart[15:25, 10:25] = True, True
    found = lungs(seen, lambda _: OrganMasks(left, empty, heart))
    assert found is not None
    assert np.array_equal(found, left.astype(np.float32))
    assert lungs(seen, lambda _: OrganMasks(empty, empty, heart)) is None
    assert lungs(seen, lambda _: None) is None
