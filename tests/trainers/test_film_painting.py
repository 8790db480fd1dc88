"""What is painted on a real film keeps to the film's own gray levels."""

import numpy as np
import pytest
from numpy.typing import NDArray

from daug.errors import RadiographError
from daug.findings import Finding
from daug.organs import OrganMasks
from daug.phantom import PAINTERS, draw_phantom, paint
from trainers.film_painting import exposure_of, paint_film

IN_THE_LUNGS = [finding for finding in PAINTERS if finding is not Finding.SUPPORT_DEVICES]
SIZE = 160


@pytest.fixture(scope="module")
def chest() -> tuple[NDArray[np.float32], OrganMasks]:
    phantom = draw_phantom(4, [], SIZE)
    return phantom.pixels, phantom.organs


def dice(seed: int) -> np.random.Generator:
    return np.random.default_rng(seed)


def dull(pixels: NDArray[np.float32]) -> NDArray[np.float32]:
    """Print a film without any white: its brightest becomes mid-gray."""
    return (pixels + 1) * np.float32(0.45) - 1


@pytest.mark.parametrize("finding", PAINTERS)
@pytest.mark.parametrize("seed", range(6))
def test_beyond_its_mask_a_film_stays_bit_for_bit(
    chest: tuple[NDArray[np.float32], OrganMasks], finding: Finding, seed: int
) -> None:
    for film in (chest[0], dull(chest[0])):
        painted = paint_film(finding, film, chest[1], dice(seed))
        assert (painted.pixels[~painted.mask] == film[~painted.mask]).all()
        assert (painted.pixels[painted.mask] > film[painted.mask]).mean() > 0.95
        assert painted.mask.any()


@pytest.mark.parametrize("finding", IN_THE_LUNGS)
def test_a_dull_print_gets_the_dull_print_of_the_same_finding(
    chest: tuple[NDArray[np.float32], OrganMasks], finding: Finding
) -> None:
    pixels, organs = chest
    printed = pixels.clip(max=exposure_of(dull(pixels), organs).expected(dull(pixels)).max())
    for seed in range(4):
        sharp = paint_film(finding, printed, organs, dice(seed))
        flat = paint_film(finding, dull(printed), organs, dice(seed))
        assert np.abs(flat.pixels - dull(sharp.pixels)).max() < 0.03


def test_no_consolidation_outshines_the_heart_of_a_dull_print(
    chest: tuple[NDArray[np.float32], OrganMasks],
) -> None:
    film, organs = dull(chest[0]), chest[1]
    heart = float(np.median(film[organs.heart]))
    for seed in range(10):
        painted = paint_film(Finding.CONSOLIDATION, film, organs, dice(seed))
        assert np.median(painted.pixels[painted.mask]) < heart


def test_on_a_contrasty_film_a_nodule_is_painted_as_on_a_phantom(
    chest: tuple[NDArray[np.float32], OrganMasks],
) -> None:
    film, organs = chest[0].copy(), chest[1]
    film[organs.lungs & ~organs.heart] -= np.float32(0.3)
    film = film.clip(-0.99, 1)
    assert exposure_of(film, organs).white == 1
    here, there = (draw(Finding.LUNG_LESION, film, organs, dice(1)) for draw in (paint_film, paint))
    assert np.abs(here.pixels - there.pixels).max() < 1e-5


def test_ribs_are_still_seen_in_fluid(chest: tuple[NDArray[np.float32], OrganMasks]) -> None:
    """Stripes laid over the lungs stay stripes where the fluid stands."""
    film, organs = chest
    rows = np.arange(SIZE, dtype=np.float32)[:, None]
    striped = (film + 0.15 * np.sin(2 * np.pi * rows / 8) * organs.lungs).astype(np.float32)
    striped = striped.clip(-0.99, 1)
    painted = paint_film(Finding.PLEURAL_EFFUSION, striped, organs, dice(1))
    plain = paint_film(Finding.PLEURAL_EFFUSION, film, organs, dice(1))
    deep = painted.mask & plain.mask & (plain.pixels - film > 0.2)
    assert deep.sum() > 100
    before, after = (striped - film)[deep], (painted.pixels - plain.pixels)[deep]
    assert np.corrcoef(before, after)[0, 1] > 0.8
    assert 0.1 < after.std() / before.std() < 0.9  # fainter, as through water


def test_fluid_is_no_brighter_than_heart_and_tissue_below(
    chest: tuple[NDArray[np.float32], OrganMasks],
) -> None:
    film, organs = chest[0].copy(), chest[1]
    bottom = np.flatnonzero(organs.lungs.any(axis=1))[-1]
    film[bottom - 30 :][~organs.chest[bottom - 30 :]] = 0.2  # far darker than the heart
    for seed in range(5):
        painted = paint_film(Finding.PLEURAL_EFFUSION, film, organs, dice(seed))
        deep = painted.mask & (painted.pixels - film > 0.05)
        assert np.median(painted.pixels[deep]) < 0.3


def test_an_inverted_film_is_not_painted_on(
    chest: tuple[NDArray[np.float32], OrganMasks],
) -> None:
    with pytest.raises(RadiographError, match="no darker than the heart"):
        paint_film(Finding.LUNG_LESION, -chest[0], chest[1], dice(0))
