"""Zones are thirds of each lung, and the heat in them is counted once and completely."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from daug.errors import RadiographError
from daug.lung_zones import LEVELS, Zone, lung_zones, zone_labels
from daug.organs import MaskBox, OrganMasks
from daug.zone_table import zone_table
from tests.daug.drawn_chest import DrawnChest, mirrored


def blocks() -> OrganMasks:
    """Lungs of 30 x 10 and 60 x 20 pixels, the left one lower and larger; a heart between."""
    masks = np.zeros((3, 100, 100), dtype=np.bool_)
    masks[0, 30:90, 60:80] = True
    masks[1, 10:40, 20:30] = True
    masks[2, 60:80, 40:60] = True
    return OrganMasks(*masks)


def test_each_lung_is_cut_into_thirds_of_its_own_height() -> None:
    zones = lung_zones(blocks())
    rows = {zone: (np.flatnonzero(m.any(axis=1))[[0, -1]]).tolist() for zone, m in zones.items()}
    assert rows == {
        Zone.RIGHT_UPPER: [10, 19],
        Zone.RIGHT_MIDDLE: [20, 29],
        Zone.RIGHT_LOWER: [30, 39],
        Zone.LEFT_UPPER: [30, 49],
        Zone.LEFT_MIDDLE: [50, 69],
        Zone.LEFT_LOWER: [70, 89],
    }


def test_zones_are_disjoint_and_together_the_lungs() -> None:
    organs = DrawnChest().organs()
    stacked = np.stack(list(lung_zones(organs).values()))
    assert (stacked.sum(axis=0) == organs.lungs).all()
    assert ((zone_labels(organs) > 0) == organs.lungs).all()


def test_heat_in_one_zone_is_found_there_and_nowhere_else() -> None:
    organs = blocks()
    for zone, mask in lung_zones(organs).items():
        table = zone_table(np.where(mask, 0.25, 0.0), organs)
        assert table.zones[zone].share == pytest.approx(1)
        assert table.zones[zone].mean == pytest.approx(0.25)
        assert sum(heat.share or 0 for heat in table.zones.values()) == pytest.approx(1)
        side, level = zone.value.split()
        assert table.asymmetry[level] == {"right": 1, "left": -1}[side]
        assert (table.outside_lungs, table.outside_thorax) == (0, 0)


def test_even_heat_is_shared_by_area() -> None:
    table = zone_table(np.full((100, 100), 0.1), blocks())
    assert table.zones[Zone.LEFT_LOWER].share == pytest.approx(400 / 10_000)
    assert table.zones[Zone.LEFT_LOWER].area == pytest.approx(400 / 1500)
    assert table.outside_lungs == pytest.approx(1 - 1500 / 10_000)
    assert table.outside_chest == pytest.approx(1 - 1900 / 10_000)
    # the box of lungs and heart is 80 x 60 pixels, with 4 and 3 more on each side
    assert table.outside_thorax == pytest.approx(1 - 88 * 66 / 10_000)
    assert table.at_border == pytest.approx(1 - 90 * 90 / 10_000)
    assert table.asymmetry == pytest.approx(dict.fromkeys(LEVELS, 0.0), abs=1e-9)


@given(seed=st.integers(0, 2**32 - 1))
def test_a_mirror_swaps_the_sides_and_turns_the_asymmetry_around(seed: int) -> None:
    organs = DrawnChest(side=80).organs()
    heat = np.random.default_rng(seed).random((80, 80))

    straight, seen = zone_table(heat, organs), zone_table(heat[:, ::-1], mirrored(organs))

    for level in LEVELS:
        left, right = Zone.at("left", level), Zone.at("right", level)
        assert seen.zones[left].mean == pytest.approx(straight.zones[right].mean)
        assert seen.zones[left].share == pytest.approx(straight.zones[right].share)
        assert seen.asymmetry[level] == pytest.approx(-(straight.asymmetry[level] or 0))
    assert seen.at_border == pytest.approx(straight.at_border)


@given(factor=st.floats(1e-3, 1e3))
def test_shares_do_not_hang_on_the_unit_of_heat_and_means_follow_it(factor: float) -> None:
    organs, heat = blocks(), np.random.default_rng(0).random((100, 100))
    one, other = zone_table(heat, organs), zone_table(factor * heat, organs)
    for zone in Zone:
        assert other.zones[zone].share == pytest.approx(one.zones[zone].share)
        assert other.zones[zone].mean == pytest.approx(factor * (one.zones[zone].mean or 0))
    assert other.outside_lungs == pytest.approx(one.outside_lungs)


def test_padding_around_a_narrow_picture_counts_as_border() -> None:
    heat = np.zeros((100, 100))
    heat[50, 5], heat[50, 21], heat[50, 40] = 1, 1, 2  # padding, border of the picture, inside
    picture = MaskBox(0, 20, 100, 80)

    assert zone_table(heat, blocks(), picture=picture).at_border == pytest.approx(0.5)
    assert zone_table(heat, blocks()).at_border == 0


def test_heat_on_text_is_told_only_where_somebody_looked_for_text() -> None:
    heat, text = np.zeros((100, 100)), np.zeros((100, 100), dtype=np.bool_)
    heat[20:30, 85:95], heat[60, 70] = 0.03, 1.0
    text[20:30, 85:95] = True
    assert zone_table(heat, blocks(), text=text).on_text == pytest.approx(0.75)
    assert zone_table(heat, blocks()).on_text is None


def test_a_map_without_heat_has_no_shares_and_a_lung_that_is_not_there_no_mean() -> None:
    organs = blocks()
    gone = OrganMasks(np.zeros_like(organs.left_lung), organs.right_lung, organs.heart)

    table = zone_table(np.zeros((100, 100)), gone).to_dict()

    assert table["zones"]["left upper"] == {"mean": None, "share": None, "area": 0.0}
    assert table["zones"]["right upper"]["mean"] == 0
    assert table["outside_lungs"] is None
    assert table["asymmetry"] == dict.fromkeys(LEVELS, None)


@pytest.mark.parametrize("heat", [np.full((100, 100), -0.1), np.full((100, 100), np.nan)])
def test_heat_below_zero_or_no_number_is_refused(heat: np.ndarray) -> None:
    with pytest.raises(RadiographError, match="at least 0"):
        zone_table(heat, blocks())


def test_a_map_of_another_shape_is_refused() -> None:
    with pytest.raises(RadiographError, match="one shape"):
        zone_table(np.zeros((50, 50)), blocks())
