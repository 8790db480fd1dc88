"""What each finding does to a chest, beyond being brighter."""

import numpy as np
import pytest
from numpy.typing import NDArray

from daug.findings import Finding
from daug.organs import Mask
from daug.phantom.atelectasis import (
    Atelectasis,
    Collapse,
    atelectasis_density,
    draw_atelectasis,
    pulled,
)
from daug.phantom.body import Body, Side, draw_body
from daug.phantom.devices import Device, PlacedDevice, device_density
from daug.phantom.drawing import draw_phantom
from daug.phantom.effusion import Effusion, effusion_density
from daug.phantom.landmarks import Landmarks, find_landmarks
from daug.phantom.nodules import Nodule, nodule_density
from daug.phantom.rendering import render
from daug.phantom.vessels import hilum_at

SIZE = 128
SEEDS = range(8)


def body(seed: int = 0) -> Body:
    return draw_body(np.random.default_rng(seed))


def landmarks(of: Body) -> Landmarks:
    return find_landmarks(render(of, SIZE).organs)


def top_of(mask: Mask) -> NDArray[np.intp]:
    """First row of a mask in each column that it has."""
    columns = mask.any(axis=0)
    tops: NDArray[np.intp] = mask.argmax(axis=0)[columns]
    return tops


@pytest.mark.parametrize("side", Side)
@pytest.mark.parametrize("collapse", Collapse)
def test_a_collapse_takes_volume_and_draws_its_neighbours_towards_it(
    side: Side, collapse: Collapse
) -> None:
    for seed in SEEDS:
        healthy = body(seed)
        drawn = draw_atelectasis(np.random.default_rng(seed))
        found = Atelectasis(collapse, side, 0.8, 0.7, drawn.plates)
        moved = pulled(healthy, found)
        before, after = landmarks(healthy), landmarks(moved)
        own = side
        assert after.lung(own).sum() < before.lung(own).sum()
        assert moved.of(own).base < healthy.of(own).base  # the diaphragm rises
        hilum, was = hilum_at(moved, moved.of(own)), hilum_at(healthy, healthy.of(own))
        if collapse is Collapse.UPPER_LOBE:
            assert hilum[1] < was[1]
            assert moved.right.side is Side.RIGHT
        else:
            assert hilum[1] > was[1]
        shift = (
            np.argwhere(after.organs.heart).mean(axis=0)[1]
            - np.argwhere(before.organs.heart).mean(axis=0)[1]
        )
        if collapse is not Collapse.PLATES:
            assert shift * side > 1  # pixels, towards the collapse
        mask = atelectasis_density(found, after) > 0
        other = after.lung(Side(-side))
        assert mask.any()
        assert not (mask & other).any()


def test_the_minor_fissure_follows_a_collapse_of_its_lung_alone() -> None:
    healthy = body()

    def fissure(collapse: Collapse, side: Side) -> float:
        return pulled(healthy, Atelectasis(collapse, side, 0.8, 0.7, ())).fissure

    assert fissure(Collapse.UPPER_LOBE, Side.RIGHT) < healthy.fissure
    assert fissure(Collapse.LOWER_LOBE, Side.RIGHT) > healthy.fissure
    assert fissure(Collapse.UPPER_LOBE, Side.LEFT) == healthy.fissure


@pytest.mark.parametrize("side", Side)
def test_an_effusion_fills_the_costophrenic_angle_and_climbs_the_chest_wall(side: Side) -> None:
    for seed in SEEDS:
        at = landmarks(body(seed))
        mask = effusion_density(Effusion(((side, 0.35),), 1.0), at) > 0.02
        lung = at.lung(side)
        lowest = lung & (np.arange(SIZE)[:, None] >= at.box(side).bottom - 3)
        assert mask[lowest].all()
        level = top_of(mask & lung)
        inner, outer = (level[-5:].mean(), level[:5].mean())
        if side is Side.LEFT:
            inner, outer = outer, inner
        assert outer < inner - 3  # rows; higher at the wall
        assert not (mask & at.lung(Side(-side)) & ~lung).any()


def test_more_fluid_stands_higher() -> None:
    at = landmarks(body())
    masks = [effusion_density(Effusion(((Side.LEFT, h),), 1.0), at) > 0 for h in (0.15, 0.3, 0.5)]
    assert (masks[0] <= masks[1]).all()
    assert (masks[1] <= masks[2]).all()
    assert masks[0].sum() < masks[1].sum() < masks[2].sum()


def test_a_nodule_is_a_disc_of_its_radius_with_its_middle_in_a_lung() -> None:
    at = landmarks(body())
    for place in np.linspace(0, 0.999, 25):
        density = nodule_density((Nodule(float(place), 0.05, 0.6, 1.0, 0.0),), at)
        radius = 0.05 * at.unit
        middle = np.unravel_index(density.argmax(), density.shape)
        assert at.organs.lungs[middle]
        assert density.max() == pytest.approx(0.6, rel=1e-5)
        assert (density > 0).sum() == pytest.approx(np.pi * radius**2, rel=0.15)


def placed(device: Device, side: Side = Side.LEFT) -> PlacedDevice:
    return PlacedDevice(device, side, 1.4, (0.2, -0.4, 0.6))


def test_tubes_and_lines_end_where_they_should() -> None:
    for seed in SEEDS:
        at = landmarks(body(seed))

        def mask(device: Device, side: Side = Side.LEFT) -> Mask:
            return device_density((placed(device, side),), at) > 0  # noqa: B023 - called at once

        tube = np.argwhere(mask(Device.ENDOTRACHEAL_TUBE))
        assert tube[:, 0].max() < at.carina
        assert abs(tube[:, 1].mean() - at.midline) < 0.03 * at.unit
        gastric = np.argwhere(mask(Device.GASTRIC_TUBE))
        assert gastric[:, 0].max() > at.left.bottom - 2
        assert gastric[gastric[:, 0].argmax(), 1] > at.midline  # the stomach is on the left
        line = np.argwhere(mask(Device.CENTRAL_LINE))
        tip = line[line[:, 0].argmax()]
        assert tip[1] < at.midline
        assert at.carina < tip[0] < at.heart.bottom
        for side in Side:
            chest_tube = mask(Device.CHEST_TUBE, side)
            assert (chest_tube & at.lung(side)).sum() > 0.4 * chest_tube.sum()
            pacemaker = np.argwhere(mask(Device.PACEMAKER, side) & at.organs.heart)
            assert len(pacemaker) > 3  # its leads end in the heart


def test_consolidation_stays_in_the_lungs_up_to_their_soft_border() -> None:
    for seed in range(20):
        phantom = draw_phantom(seed, [Finding.CONSOLIDATION], SIZE)
        mask = phantom.masks[Finding.CONSOLIDATION]
        wide = np.pad(phantom.organs.lungs, 3)
        near = np.zeros_like(mask)
        for dy in range(7):
            for dx in range(7):
                near |= wide[dy : dy + SIZE, dx : dx + SIZE]
        assert not (mask & ~near).any()
        assert (mask & phantom.organs.lungs).sum() > 0.8 * mask.sum()
