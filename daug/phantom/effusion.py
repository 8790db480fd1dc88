"""Pleural effusion: fluid that stands at the base and climbs along the chest wall."""

from dataclasses import dataclass

import numpy as np

from daug.phantom.body import Side
from daug.phantom.canvas import Layer
from daug.phantom.landmarks import Landmarks

HEIGHTS = (0.1, 0.5)  # at the chest wall, of the lung's height
DENSITIES = (0.75, 1.15)
MENISCUS = 0.45  # share of the height at the mediastinum; the rest is the climb to the wall
EDGE = 0.05  # over which the fluid reaches its full density, of the lung's height


@dataclass(frozen=True)
class Effusion:
    """Fluid on one or both sides."""

    heights: tuple[tuple[Side, float], ...]  # at the chest wall, of the lung's height
    density: float


def draw_effusion(generator: np.random.Generator) -> Effusion:
    """Roll the dice for an effusion; a third of them are on both sides."""
    u = generator.uniform
    which = u()
    sides = tuple(Side) if which < 1 / 3 else ((Side.LEFT,) if which < 2 / 3 else (Side.RIGHT,))
    return Effusion(tuple((side, u(*HEIGHTS)) for side in sides), u(*DENSITIES))


def effusion_density(effusion: Effusion, landmarks: Landmarks) -> Layer:
    """Return the density of an effusion.

    It fills what was lung below its level, blunts the costophrenic angle and hides the diaphragm;
    the level is concave, highest at the chest wall.
    """
    density = np.zeros(landmarks.shape, dtype=np.float32)
    for side, height in effusion.heights:
        out = landmarks.outwards(side).clip(0, 1)  # (1, W)
        level = 1 - height * (MENISCUS + (1 - MENISCUS) * out**2.5)
        depth = (landmarks.downwards(side) - level) / EDGE  # (H, W)
        density += depth.clip(0, 1) * landmarks.soft_lung(side)
    return density * np.float32(effusion.density)
