from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest

from daug.errors import RadiographError
from daug.findings import Finding
from daug.organs import OrganMasks
from daug.phantom import PAINTERS, draw_phantom, paint
from daug.radiograph import AIR

SIZE = 96


@pytest.fixture
def chest() -> tuple[np.ndarray, OrganMasks]:
    phantom = draw_phantom(5, [], SIZE)
    return phantom.pixels, phantom.organs


def dice(seed: int = 0) -> np.random.Generator:
    return np.random.default_rng(seed)


@pytest.mark.parametrize("finding", PAINTERS)
def test_what_is_painted_brightens_its_mask_and_leaves_the_rest_bit_for_bit(
    finding: Finding, chest: tuple[np.ndarray, OrganMasks]
) -> None:
    pixels, organs = chest
    before = pixels.copy()
    for seed in range(20):
        painted = paint(finding, pixels, organs, dice(seed))
        assert (painted.pixels[~painted.mask] == pixels[~painted.mask]).all()
        assert (painted.pixels[painted.mask] > pixels[painted.mask]).mean() > 0.98
        assert painted.pixels.max() <= 1
        assert painted.mask.any()
    assert (pixels == before).all()


@pytest.mark.parametrize("finding", PAINTERS)
def test_padding_stays_air(finding: Finding, chest: tuple[np.ndarray, OrganMasks]) -> None:
    pixels, organs = chest
    margin = ((0, 0), (20, 12))
    wide = np.pad(pixels, margin, constant_values=AIR)
    masks = OrganMasks(**{name: np.pad(mask, margin) for name, mask in organs.by_name.items()})
    for seed in range(10):
        painted = paint(finding, wide, masks, dice(seed))
        assert (painted.pixels[:, :20] == AIR).all()
        assert (painted.pixels[:, -12:] == AIR).all()
        bare = paint(finding, pixels, organs, dice(seed))
        assert (painted.mask[:, 20:-12] == bare.mask).mean() > 0.99  # drawn by where organs lie


def test_an_effusion_is_no_brighter_than_the_heart(chest: tuple[np.ndarray, OrganMasks]) -> None:
    pixels, organs = chest
    heart = np.median(pixels[organs.heart])
    painted = paint(Finding.PLEURAL_EFFUSION, pixels, organs, dice())
    assert painted.pixels[painted.mask].max() <= heart + 1e-5


def test_the_same_dice_paint_the_same_finding(chest: tuple[np.ndarray, OrganMasks]) -> None:
    one, other, third = (
        paint(Finding.SUPPORT_DEVICES, *chest, dice(seed)).pixels for seed in (1, 1, 2)
    )
    assert (one == other).all()
    assert (one != third).any()


@pytest.mark.parametrize(
    "finding", [Finding.CARDIOMEGALY, Finding.ATELECTASIS, Finding.FRACTURE, Finding.NO_FINDING]
)
def test_findings_that_move_organs_are_not_painted(
    finding: Finding, chest: tuple[np.ndarray, OrganMasks]
) -> None:
    with pytest.raises(RadiographError, match=f"{finding} cannot be painted.*Lung Lesion"):
        paint(finding, *chest, dice())


def test_a_chest_whose_organs_are_not_known_is_refused(
    chest: tuple[np.ndarray, OrganMasks],
) -> None:
    pixels, organs = chest
    empty = np.zeros_like(organs.heart)
    with pytest.raises(RadiographError, match="No left_lung and no heart was found"):
        paint(Finding.LUNG_LESION, pixels, replace(organs, left_lung=empty, heart=empty), dice())
    mirrored = replace(organs, left_lung=organs.right_lung, right_lung=organs.left_lung)
    with pytest.raises(RadiographError, match="must lie on the left of the picture"):
        paint(Finding.LUNG_LESION, pixels, mirrored, dice())
    with pytest.raises(RadiographError, match="masks of the same picture"):
        paint(Finding.LUNG_LESION, pixels[:-1], organs, dice())


@pytest.mark.shared
def test_a_real_normal_radiograph_takes_every_finding(shared: Path) -> None:
    from daug.loading import load_radiograph
    from trainers.manifest import read_manifest, select
    from trainers.truth_masks import mask_on_square

    rows = select(read_manifest(shared / "cxr" / "manifest.csv"), sources=["jsrt"])
    row = next(row for row in rows if "heart" in row.masks)
    pixels = load_radiograph(row.image).model_input(128).pixels
    names = ("left_lung", "right_lung", "heart")
    organs = OrganMasks(**{name: mask_on_square(row.masks[name], 128) for name in names})
    for finding in PAINTERS:
        painted = paint(finding, pixels, organs, dice(3))
        near = cv2.dilate(organs.lungs.astype(np.uint8), np.ones((5, 5))) > 0
        assert (painted.mask & near).any()
        assert (painted.pixels[~painted.mask] == pixels[~painted.mask]).all()
