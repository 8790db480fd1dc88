from pathlib import Path

import cv2
import numpy as np
import pytest
import torch

from daug.anatomy_network import AnatomyConfig, AnatomyNet, save_anatomy
from daug.errors import TrainingError
from daug.findings import SUPER_CLASSES
from daug.guided_region import chest_of
from daug.noisy_classifier import ClassifierConfig
from daug.organs import OrganMasks
from tests.daug.drawn_chest import DrawnChest
from tests.trainers.rows import row
from trainers.classifier import ClassifierProblem, ClassifierSettings
from trainers.surroundings import chest_masks, exchange

SIZE = 32


def images(*values: float) -> torch.Tensor:
    return torch.stack([torch.full((1, SIZE, SIZE), value) for value in values])


def chests(top: int, bottom: int) -> torch.Tensor:
    mask = torch.zeros(2, 1, SIZE, SIZE)
    mask[:, :, top:bottom] = 1
    return mask


def test_the_chest_stays_and_what_is_around_it_comes_from_the_other() -> None:
    mixed = exchange(images(0.5, -0.5), chests(8, 24), [1, 0])
    assert (mixed[0, 0, 12:20] == 0.5).all()
    assert (mixed[1, 0, 12:20] == -0.5).all()
    assert (mixed[0, 0, :4] == -0.5).all()
    assert (mixed[1, 0, 28:] == 0.5).all()


def test_the_seam_is_soft() -> None:
    mixed = exchange(images(0.5, -0.5), chests(8, 24), [1, 0])[0, 0, :, 0]
    assert mixed.diff().abs().max() < 0.5


def test_no_second_chest_shows_where_the_other_has_its_own() -> None:
    masks = chests(8, 16)
    masks[1] = 0
    masks[1, :, 16:24] = 1
    mixed = exchange(images(0.5, -0.5), masks, [1, 0])
    assert (mixed[0, 0, 18:22] == 0.5).all()


def test_the_chest_holds_lungs_and_heart_and_what_lies_between() -> None:
    organs = DrawnChest().organs()
    chest = chest_of(organs)
    assert (chest | ~organs.chest).all()
    assert chest[organs.shape[0] // 2].sum() > organs.chest[organs.shape[0] // 2].sum()
    assert not chest[0].any()


def test_where_no_chest_is_found_everything_counts_as_one() -> None:
    nothing = np.zeros((SIZE, SIZE), dtype=np.bool_)
    assert chest_of(OrganMasks(nothing, nothing, nothing)).all()


def test_chests_are_found_once_for_the_same_pixels_and_segmenter(tmp_path: Path) -> None:
    save_anatomy(AnatomyNet(AnatomyConfig(image_size=SIZE, channels=(8, 8))), tmp_path / "a")
    pixels = np.random.default_rng(0).integers(0, 255, (3, SIZE, SIZE), dtype=np.uint8)
    first = np.array(chest_masks(pixels, tmp_path / "a", tmp_path / "cache"))
    (made,) = (tmp_path / "cache").glob("*.npy")
    stamp = made.stat().st_mtime_ns
    again = chest_masks(pixels, tmp_path / "a", tmp_path / "cache")
    assert (first == again).all()
    assert made.stat().st_mtime_ns == stamp
    chest_masks(255 - pixels, tmp_path / "a", tmp_path / "cache")
    assert len(list((tmp_path / "cache").glob("*.npy"))) == 2


def test_surroundings_are_not_exchanged_without_knowing_the_chests() -> None:
    rows = [row(str(i)) for i in range(4)]
    pixels = np.zeros((4, SIZE, SIZE), dtype=np.uint8)
    names = tuple(sc.name for sc in SUPER_CLASSES)
    config = ClassifierConfig(names, image_size=SIZE, patch=2, channels=(32, 32))
    settings = ClassifierSettings(("one",), foreign_share=0.5)
    with pytest.raises(TrainingError, match="--anatomy"):
        ClassifierProblem(rows, pixels, rows, pixels, SUPER_CLASSES, config, settings)


def test_the_drawn_hull_is_convex() -> None:
    chest = chest_of(DrawnChest().organs()).astype(np.uint8)
    (outline,), _ = cv2.findContours(chest, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
    hull = cv2.contourArea(cv2.convexHull(outline))
    assert cv2.contourArea(outline) > 0.97 * hull
