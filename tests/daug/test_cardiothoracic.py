"""The cardiothoracic ratio is what a ruler says, and is withheld where a ruler would mislead."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from daug.cardiothoracic import (
    CardiothoracicRatio,
    RatioError,
    cardiothoracic_ratio,
    heart_caliper,
    thorax_caliper,
)
from daug.costophrenic import Corner, costophrenic_angles
from daug.organs import OrganMasks
from daug.thorax_symmetry import thorax_symmetry
from daug.view import View
from tests.daug.drawn_chest import DrawnChest, mirrored, turned

ERROR = RatioError(half_width=0.03, n=31)


def measured(
    organs: OrganMasks, view: View = View.PA, age: float | None = 50
) -> CardiothoracicRatio:
    return cardiothoracic_ratio(organs, view=view, age=age, error=ERROR)


def test_the_ratio_of_a_drawn_chest_is_the_quotient_of_the_widths_it_was_drawn_with() -> None:
    organs = DrawnChest(side=240, thorax=(0.15, 0.85), heart=(0.40, 0.70)).organs()

    found = measured(organs)

    assert found.withheld == ""
    assert found.heart is not None
    assert (found.heart.x0, found.heart.x1) == (96, 168)
    assert found.thorax is not None
    assert (found.thorax.x0, found.thorax.x1) == (36, 204)
    assert found.value == pytest.approx(72 / 168)
    assert found.enlarged is False


def test_the_widest_heart_is_found_where_its_two_borders_lie_at_different_heights() -> None:
    organs = DrawnChest().organs()
    heart = np.zeros_like(organs.heart)
    heart[100:120, 90:130] = True  # the right atrium, above
    heart[150:160, 110:170] = True  # the apex, below

    caliper = heart_caliper(replace(organs, heart=heart))

    assert (caliper.x0, caliper.x1) == (90, 170)
    assert 100 <= caliper.y0 <= 120
    assert 150 <= caliper.y1 <= 160


def test_the_thorax_is_measured_in_its_widest_row_and_never_across_two() -> None:
    organs = DrawnChest().organs()
    left = organs.left_lung.copy()
    right = organs.right_lung.copy()
    right[60:64, 20:40] = True  # a bulge on one side
    left[140:144, 200:230] = True  # and one elsewhere on the other

    caliper = thorax_caliper(OrganMasks(left, right, organs.heart))

    assert caliper is not None
    assert (caliper.x0, caliper.x1) == (36, 230)
    assert caliper.y0 == caliper.y1
    assert 140 <= caliper.y0 < 144


widths = st.floats(0.25, 0.5)


@given(share=widths, side=st.integers(120, 400))
def test_the_ratio_does_not_hang_on_the_size_of_the_picture(share: float, side: int) -> None:
    chest = DrawnChest(side=side, heart=(0.55 - share / 2, 0.55 + share / 2))

    found = measured(chest.organs())

    assert found.value == pytest.approx(share / 0.7, abs=2 / (0.7 * side))


@given(share=widths, shift=st.floats(-0.04, 0.04))
def test_a_mirror_leaves_the_ratio_and_swaps_the_calipers(share: float, shift: float) -> None:
    organs = DrawnChest(heart=(0.5 + shift - share / 2, 0.5 + shift + share / 2)).organs()

    straight, seen = measured(organs), measured(mirrored(organs))

    assert seen.value == straight.value
    assert seen.heart is not None
    assert straight.heart is not None
    assert (seen.heart.x0, seen.heart.x1) == (240 - straight.heart.x1, 240 - straight.heart.x0)


def test_only_an_adult_seen_from_behind_gets_an_interval() -> None:
    organs = DrawnChest().organs()
    adult_pa = measured(organs)
    assert adult_pa.value is not None
    assert (adult_pa.low, adult_pa.high) == pytest.approx(
        (adult_pa.value - 0.03, adult_pa.value + 0.03)
    )
    assert adult_pa.note == ""

    for view, age, note in (
        (View.AP, 50, "AP overestimates"),
        (View.UNKNOWN, 50, "view not known"),
        (View.PA, None, "age not known"),
    ):
        other = measured(organs, view, age)
        assert other.value == adult_pa.value
        assert (other.low, other.high) == (None, None)
        assert other.note == note


def test_without_a_measured_error_there_is_no_interval_and_the_note_says_so() -> None:
    found = cardiothoracic_ratio(DrawnChest().organs(), view=View.PA, age=50)
    assert (found.low, found.high, found.note) == (None, None, "error not measured")


@pytest.mark.parametrize(("age", "given_out"), [(15.9, False), (16.0, True), (0.5, False)])
def test_a_child_gets_no_ratio(age: float, given_out: bool) -> None:
    found = measured(DrawnChest().organs(), age=age)
    assert (found.value is not None) is given_out
    assert ("child" in found.withheld) is not given_out


def test_a_lateral_view_gets_no_ratio() -> None:
    assert "lateral" in measured(DrawnChest().organs(), View.LATERAL).withheld


@pytest.mark.parametrize("organ", ["left_lung", "right_lung", "heart"])
def test_a_missing_organ_is_named_and_there_is_no_ratio(organ: str) -> None:
    organs = DrawnChest().organs()
    empty = np.zeros(organs.shape, dtype=np.bool_)

    found = measured(replace(organs, **{organ: empty}))

    assert found.value is None
    assert found.withheld == f"the {organ.replace('_', ' ')} was not found"


@pytest.mark.parametrize("side", ["left", "right"])
def test_fluid_that_blunts_a_costophrenic_angle_withholds_the_ratio(side: str) -> None:
    organs = DrawnChest(left_corner=0.12).organs()  # level with the dome
    organs = organs if side == "left" else mirrored(organs)

    found = measured(organs)

    assert found.value is None
    assert found.withheld == f"the {side} costophrenic angle is blunted or hidden"


def test_a_lung_that_the_picture_cuts_off_withholds_the_ratio() -> None:
    organs = DrawnChest().organs()
    narrow = OrganMasks(*(mask[:, 40:] for mask in organs.by_name.values()))

    found = measured(narrow)

    assert found.withheld == "the picture ends within the right lung"


def test_a_lung_much_smaller_than_the_other_withholds_the_ratio() -> None:
    organs = DrawnChest().organs()
    left = organs.left_lung.copy()
    left[:100] = False

    assert "left lung is much smaller" in measured(replace(organs, left_lung=left)).withheld


def test_a_turned_patient_gets_no_ratio() -> None:
    straight = DrawnChest(side=400)
    rotated = replace(straight, inner=(0.53, 0.65)).organs()  # the spine went to one side

    assert measured(straight.organs()).withheld == ""
    assert measured(rotated).withheld == "the patient seems to be turned"
    symmetry = thorax_symmetry(rotated)
    assert symmetry is not None
    assert symmetry.midline_offset == pytest.approx(0.09 / 0.7, abs=0.01)


@pytest.mark.parametrize("degrees", [-16, -5, 5, 16])
def test_a_leaning_thorax_is_measured_and_beyond_a_limit_withheld(degrees: float) -> None:
    organs = turned(DrawnChest(side=400, bottom=0.7, top=0.3).organs(), degrees)
    symmetry = thorax_symmetry(organs)
    assert symmetry is not None
    assert symmetry.tilt_degrees == pytest.approx(degrees, abs=2.5)
    found = measured(organs)
    assert ("leans" in found.withheld) is (abs(degrees) > 10), found.withheld


@pytest.mark.parametrize("organ", ["left_lung", "right_lung", "heart"])
def test_an_organ_that_the_segmenter_doubts_withholds_the_ratio(organ: str) -> None:
    sure = dict.fromkeys(("left_lung", "right_lung", "heart"), 0.97)

    found = cardiothoracic_ratio(
        DrawnChest().organs(), view=View.PA, age=50, confidence={**sure, organ: 0.6}
    )

    assert found.withheld == f"the borders of the {organ.replace('_', ' ')} are unclear"


def test_a_drawn_corner_is_found_where_it_is_with_the_angle_it_was_drawn_with() -> None:
    chest = DrawnChest(side=480, dome=0.2)
    angles = costophrenic_angles(chest.organs())

    across, down = (0.44 - 0.15) * 2 / 3, 0.2
    expected = np.degrees(np.arctan2(across, down))
    for name, x in (("right_lung", 0.15), ("left_lung", 0.85)):
        angle = angles[name]
        assert angle.corner is Corner.SHARP
        assert angle.degrees == pytest.approx(expected, abs=3)
        assert (angle.column, angle.row) == pytest.approx((480 * x, 480 * 0.75), abs=2)


@given(raised=st.floats(0.0, 0.05))
def test_the_more_a_corner_is_raised_the_blunter_it_reads(raised: float) -> None:
    def degrees(corner: float) -> float:
        found = costophrenic_angles(DrawnChest(side=480, dome=0.2, left_corner=corner).organs())
        assert found["left_lung"].degrees is not None
        return found["left_lung"].degrees

    assert degrees(raised + 0.03) > degrees(raised)


def test_a_corner_below_the_picture_is_cut_off_and_not_called_blunt() -> None:
    organs = DrawnChest().organs()
    cut = OrganMasks(*(mask[: round(0.7 * 240)] for mask in organs.by_name.values()))
    corners = {angle.corner for angle in costophrenic_angles(cut).values()}
    assert corners == {Corner.CUT_OFF}
