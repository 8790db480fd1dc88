import numpy as np
import pytest

from daug.findings import Activation, Direction
from trainers.evaluation.localisation.document import targets
from trainers.evaluation.localisation.kinds import DAUG, GRAD_CAM, Kind
from trainers.evaluation.localisation.measures import SHARES, Measured
from trainers.evaluation.localisation.scorable import Part
from trainers.evaluation.localisation.scored import MeasuredCase, best_share, score

OURS = Kind(DAUG, "Lung Lesion", Direction.LESS, Activation.SOFTMAX)
THEIRS = Kind(GRAD_CAM, "Lung Lesion")


def measured(
    number: int, kind: Kind, *, hit: float, energy: float, part: Part = Part.FIGURE, best: int = 0
) -> MeasuredCase:
    by_share = np.linspace(0.1, 0.2, len(SHARES))
    by_share[best] = 0.9
    figures = Measured(hit, energy, 0.1, 0.2, by_share)
    return MeasuredCase("jsrt:nodule", f"r{number}", f"p{number // 2}", part, kind, figures)


def study(n: int = 24) -> list[MeasuredCase]:
    """Ours hits every third radiograph, Grad-CAM every sixth; energies differ by exactly a half."""
    found = []
    for i in range(n):
        found.append(measured(i, OURS, hit=float(i % 3 == 0), energy=1.5 + i, best=3))
        found.append(measured(i, THEIRS, hit=float(i % 6 == 0), energy=1.0 + i))
    for i in range(100, 106):
        found.append(measured(i, OURS, hit=1, energy=99, part=Part.TUNING, best=5))
    return found


def test_figures_are_means_over_the_radiographs_for_the_figure_alone() -> None:
    ours, theirs = score(study(), draws=200)
    assert (ours.kind, ours.n, theirs.n) == (OURS, 24, 24)
    assert ours.figures["hit_rate"].value == pytest.approx(8 / 24)
    assert ours.figures["energy_ratio"].value == pytest.approx(1.5 + 23 / 2)
    low, high = ours.figures["hit_rate"].low, ours.figures["hit_rate"].high
    assert 0 < low < 8 / 24 < high < 1


def test_differences_are_paired_so_what_all_maps_share_cancels() -> None:
    """Energies range from 1 to 25, but ours is a half above on every radiograph."""
    ours, theirs = score(study(), draws=200)
    difference = ours.to_grad_cam["energy_ratio"]
    assert (difference.value, difference.low, difference.high) == pytest.approx((0.5, 0.5, 0.5))
    assert ours.to_grad_cam["hit_rate"].value == pytest.approx(4 / 24)
    assert not theirs.to_grad_cam


def test_the_threshold_is_chosen_on_other_radiographs_than_it_is_scored_on() -> None:
    """Of the scored ones another share would be best; it must not be taken."""
    ours, theirs = score(study(), draws=50)
    assert ours.tuned_share == SHARES[5]
    assert ours.tuning_cases == 6
    assert ours.iou_tuned is not None
    assert ours.iou_tuned.value == pytest.approx(np.linspace(0.1, 0.2, len(SHARES))[5])
    assert theirs.tuned_share is None
    assert theirs.iou_tuned is None


def test_the_best_share_is_that_of_the_mean_overlap() -> None:
    tuning = [measured(i, OURS, hit=0, energy=1, best=best) for i, best in enumerate([2, 2, 7])]
    assert best_share(tuning) == SHARES[2]
    assert best_share([]) is None


def test_the_tuning_half_can_be_scored_by_itself() -> None:
    (row,) = score(study(), Part.TUNING, draws=50)
    assert (row.n, row.figures["energy_ratio"].value) == (6, 99)


def test_a_target_is_met_only_in_both_measures_and_says_if_n_is_too_small() -> None:
    (met,) = targets(score(study(), draws=200))
    assert (met["beats"], met["beats_for_sure"], met["enough"]) == (True, True, True)
    (few,) = targets(score([one for one in study() if int(one.row_id[1:]) < 12], draws=50))
    assert not few["enough"]
    worse = [
        one
        if one.kind == THEIRS
        else measured(int(one.row_id[1:]), OURS, hit=0, energy=100, part=one.part)
        for one in study()
    ]
    (missed,) = targets(score(worse, draws=50))
    assert not missed["beats"]  # more energy, but fewer hits


def test_a_map_that_is_missing_on_some_radiographs_is_compared_on_the_others() -> None:
    some = [one for one in study() if one.kind == THEIRS or int(one.row_id[1:]) % 2]
    ours = score(some, draws=50)[0] if some[0].kind == OURS else score(some, draws=50)[1]
    assert ours.kind == OURS
    assert ours.n == 12
    assert ours.to_grad_cam["energy_ratio"].value == pytest.approx(0.5)


def test_only_one_of_our_maps_is_the_compared_one() -> None:
    every = [
        Kind(DAUG, name, way, act)
        for name in ("Lung Lesion",)
        for way in Direction
        for act in Activation
    ]
    assert [kind for kind in [*every, THEIRS] if kind.default] == [OURS]
