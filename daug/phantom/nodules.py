"""Nodules and masses: balls of soft tissue in the lungs."""

import math
from dataclasses import dataclass

import cv2
import numpy as np

from daug.phantom.canvas import Layer
from daug.phantom.landmarks import Landmarks

MOST = 3
RADII = (0.022, 0.06)  # shares of the thorax's width, about 7 to 18 mm of 300
LEAST_RADIUS = 2.0  # pixels; a smaller one would not show
DENSITIES = (0.4, 0.95)  # through the middle
FLATTEST = 0.75  # shortest axis over the longest


@dataclass(frozen=True)
class Nodule:
    """One ball."""

    place: float  # which of the pixels where it fits, in [0, 1)
    radius: float  # share of the thorax's width
    density: float
    flatness: float  # shorter axis over the longer
    angle: float  # radians


def draw_nodules(generator: np.random.Generator) -> tuple[Nodule, ...]:
    """Roll the dice for one to three nodules, mostly one."""
    u = generator.uniform
    count = 1 + int(generator.choice(MOST, p=(0.6, 0.25, 0.15)))
    return tuple(
        Nodule(u(), u(*RADII), u(*DENSITIES), u(FLATTEST, 1), u(0, math.pi)) for _ in range(count)
    )


def nodule_density(nodules: tuple[Nodule, ...], landmarks: Landmarks) -> Layer:
    """Return the density of nodules: about as thick as a ball is there, nothing beyond its edge.

    They lie where at least 0.7 of their radius is lung around their middle.
    """
    lungs = landmarks.organs.lungs
    depth = cv2.distanceTransform(lungs.astype(np.uint8), cv2.DIST_L2, 3)
    density = np.zeros(landmarks.shape, dtype=np.float32)
    for nodule in nodules:
        radius = max(nodule.radius * landmarks.unit, LEAST_RADIUS)
        fits = np.flatnonzero(depth >= min(0.7 * radius, float(depth.max())))
        y, x = divmod(int(fits[int(nodule.place * len(fits))]), density.shape[1])
        _add_ball(density, nodule, x, y, radius)
    return density


def _add_ball(density: Layer, nodule: Nodule, x: int, y: int, radius: float) -> None:
    reach = math.ceil(radius)
    top, left = max(0, y - reach), max(0, x - reach)
    part = density[top : y + reach + 1, left : x + reach + 1]
    down, across = np.ogrid[: part.shape[0], : part.shape[1]]
    down, across = down + top - y, across + left - x
    cos, sin = math.cos(nodule.angle), math.sin(nodule.angle)
    along, beside = across * cos + down * sin, (down * cos - across * sin) / nodule.flatness
    inside = 1 - (along**2 + beside**2) / radius**2
    thickness = inside.clip(min=0) ** 0.75  # a ball's would be to the 0.5; nodules fade more softly
    part += np.float32(nodule.density) * thickness.astype(np.float32)
