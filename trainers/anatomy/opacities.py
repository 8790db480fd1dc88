"""Disease painted over the lungs, so that lungs are found where they are no longer dark.

An opacity in the lung leaves the mask as it is. Fluid below the lung pushes it up, so the mask
ends at its meniscus.
"""

import cv2
import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

Floats = NDArray[np.float32]

OPACITY_CHANCE = 0.55
FLUID_CHANCE = 0.15  # of each lung
MIN_LUNG = 30  # pixels; less has no base that fluid could lie on


def paint_opacities(image: Floats, masks: Floats, dice: Generator) -> None:
    """Paint consolidation, haze or a white lung into an image, in place.

    Args:
        image: (S, S) in [0, 1].
        masks: (3, S, S) in [0, 1]: left lung, right lung, heart.
        dice: Source of all chance.
    """
    if dice.random() >= OPACITY_CHANCE:
        return
    tissue = _tissue_level(image, masks)
    for lung in masks[:2]:
        if dice.random() < 0.3 or lung.sum() < MIN_LUNG:
            continue
        density = _patches(lung.shape[0], dice) if dice.random() < 0.8 else np.ones_like(lung)
        density = density * lung * dice.uniform(0.3, 0.95)
        density = cv2.GaussianBlur(density, (0, 0), dice.uniform(0.5, 2.0))
        level = tissue * dice.uniform(0.8, 1.1) + 0.03 * dice.standard_normal(lung.shape)
        image += density * (level.astype(np.float32) - image)


def paint_fluid(image: Floats, masks: Floats, dice: Generator) -> None:
    """Let fluid stand on the base of a lung, higher at the side: image and masks, in place."""
    tissue = _tissue_level(image, masks)
    for i, outward in ((0, 1), (1, -1)):  # the left lung's side is on the right of the picture
        lung = masks[i]
        if dice.random() >= FLUID_CHANCE or lung.sum() < MIN_LUNG:
            continue
        wet = lung * _below_meniscus(lung, outward, dice)
        soft = cv2.GaussianBlur(wet, (0, 0), 1.0) * dice.uniform(0.85, 1.0)
        image += soft * (tissue * dice.uniform(0.9, 1.15) - image)
        masks[i] = lung * (1 - wet)


def _below_meniscus(lung: Floats, outward: int, dice: Generator) -> Floats:
    rows, columns = np.nonzero(lung > 0.5)
    height = dice.uniform(0.05, 0.35) * (rows.max() - rows.min())
    if not height:
        return np.zeros_like(lung)
    span = max(1, columns.max() - columns.min())
    x = (np.arange(lung.shape[1]) - columns.min()) / span
    out = (x if outward > 0 else 1 - x).clip(0, 1)  # 0 at the heart, 1 at the side
    low = dice.uniform(0.2, 0.8)  # height at the heart over height at the side
    level = rows.max() - height * (low + (1 - low) * out ** dice.uniform(1, 4))
    below = np.arange(lung.shape[0])[:, None] > level[None]
    return np.asarray(below, dtype=np.float32)


def _tissue_level(image: Floats, masks: Floats) -> float:
    """Return how bright the heart is, or the body where there is no heart."""
    heart = masks[2] > 0.5
    return float(image[heart].mean() if heart.any() else np.quantile(image, 0.75))


def _patches(size: int, dice: Generator) -> Floats:
    """Return a smooth random density, (size, size) in [0, 1]."""
    cells = int(dice.integers(3, 9))
    coarse = dice.random((cells, cells)).astype(np.float32)
    smooth = cv2.resize(coarse, (size, size), interpolation=cv2.INTER_CUBIC)
    edge, middle = dice.uniform(0.05, 0.4), dice.uniform(0.3, 0.7)
    return np.asarray(((smooth - middle) / edge + 0.5).clip(0, 1), dtype=np.float32)
