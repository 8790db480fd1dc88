"""Consolidation and edema: air replaced by fluid, with soft edges and air still in the bronchi."""

import math
from dataclasses import dataclass
from enum import StrEnum

import cv2
import numpy as np

from daug.phantom.body import Side
from daug.phantom.canvas import Layer, blurred
from daug.phantom.landmarks import Landmarks

TEXTURE = 14  # side of the coarse noise that makes it patchy
CUT = 0.22  # of the envelope: what is fainter is left out, which makes the mask's edge
BRONCHI = 4
SHOWS_BRONCHI = 0.11  # radius of a region from which on bronchi are seen in it


class Pattern(StrEnum):
    """How the opacity spreads."""

    FOCAL = "focal"  # one region of one lung, as lobar pneumonia
    PATCHY = "patchy"  # several in both
    PERIHILAR = "perihilar"  # around both hila, as alveolar edema


@dataclass(frozen=True)
class Patch:
    """One region."""

    side: Side
    out: float  # of the way from the midline to the chest wall
    down: float  # of the way from apex to base
    radius: float  # share of the thorax's width
    stretch: float  # height over width
    density: float


@dataclass(frozen=True)
class Consolidation:
    """All regions of one patient."""

    pattern: Pattern
    patches: tuple[Patch, ...]
    texture_seed: int


def draw_consolidation(generator: np.random.Generator) -> Consolidation:
    """Roll the dice for a consolidation."""
    u = generator.uniform
    pattern = list(Pattern)[int(generator.choice(3, p=(0.6, 0.2, 0.2)))]
    seed = int(generator.integers(2**32))
    if pattern is Pattern.PERIHILAR:
        down, radius, density = u(0.45, 0.55), u(0.13, 0.18), u(0.4, 0.8)
        both = [Patch(side, u(0.38, 0.5), down, radius, 1.3, density) for side in Side]
        return Consolidation(pattern, tuple(both), seed)
    count = 1 if pattern is Pattern.FOCAL else 2 + int(generator.integers(3))
    smallest, largest = (0.1, 0.2) if pattern is Pattern.FOCAL else (0.08, 0.12)
    patches = tuple(
        Patch(
            Side.RIGHT if u() < 0.5 else Side.LEFT,
            out=u(0.4, 0.8),
            down=u(0.25, 0.85),
            radius=u(smallest, largest),
            stretch=u(0.8, 1.3),
            density=u(0.4, 0.85),
        )
        for _ in range(count)
    )
    return Consolidation(pattern, patches, seed)


def consolidation_density(found: Consolidation, landmarks: Landmarks) -> Layer:
    """Return the density of a consolidation: inside the lungs alone, patchy, fading outwards."""
    generator = np.random.default_rng(found.texture_seed)
    texture = _texture(landmarks, generator)
    density = np.zeros(landmarks.shape, dtype=np.float32)
    for patch in found.patches:
        density = np.maximum(density, _patch(patch, landmarks, texture))
    air = _air_in_bronchi(found, landmarks, generator)
    return density * (1 - np.float32(0.4) * air)


def _texture(landmarks: Landmarks, generator: np.random.Generator) -> Layer:
    """Return coarse noise over the thorax, (H, W), about -2 to 2."""
    coarse = generator.standard_normal((TEXTURE, TEXTURE), dtype=np.float32)
    right, left = landmarks.right, landmarks.left
    top, bottom = min(right.top, left.top), max(right.bottom, left.bottom)
    across, down = left.right - right.left, bottom - top
    texture = np.zeros(landmarks.shape, dtype=np.float32)
    texture[top:bottom, right.left : left.right] = cv2.resize(
        coarse, (across, down), interpolation=cv2.INTER_CUBIC
    )
    return texture


def _patch(patch: Patch, landmarks: Landmarks, texture: Layer) -> Layer:
    x, y = _centre(patch, landmarks)
    radius = max(patch.radius * landmarks.unit, 2.0)
    down, across = np.ogrid[: texture.shape[0], : texture.shape[1]]
    distance = ((across - x) / radius) ** 2 + ((down - y) / (radius * patch.stretch)) ** 2
    envelope = np.exp(-distance).astype(np.float32) * (1 + np.float32(0.35) * texture)
    rising = ((envelope - CUT) / (0.8 - CUT)).clip(0, 1)
    return np.float32(patch.density) * rising * landmarks.soft_lung(patch.side)


def _centre(patch: Patch, landmarks: Landmarks) -> tuple[float, float]:
    box = landmarks.box(patch.side)
    wall = box.left if patch.side is Side.RIGHT else box.right - 1
    x = landmarks.midline + patch.out * (wall - landmarks.midline)
    return x, box.top + patch.down * (box.bottom - 1 - box.top)


def _air_in_bronchi(
    found: Consolidation, landmarks: Landmarks, generator: np.random.Generator
) -> Layer:
    """Return air bronchograms: dark branches that run from the hilum through each region."""
    layer = np.zeros(landmarks.shape, dtype=np.uint8)
    thickness = max(1, round(0.008 * landmarks.unit))
    for patch in (p for p in found.patches if p.radius >= SHOWS_BRONCHI):
        x, y = _centre(patch, landmarks)
        reach = patch.radius * landmarks.unit
        heading = 0.0 if patch.side is Side.LEFT else math.pi
        for turn in generator.normal(0, 0.7, BRONCHI):
            angle = heading + turn
            tip = (round(x + reach * math.cos(angle)), round(y + reach * math.sin(angle)))
            root = (round(x - 0.6 * reach * math.cos(heading)), round(y - 0.2 * reach))
            cv2.line(layer, root, tip, 255, thickness, cv2.LINE_AA)
    return blurred(layer.astype(np.float32) / np.float32(255), 0.004 * landmarks.unit)
