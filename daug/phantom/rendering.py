"""A body rendered: its density along the rays, and where its organs lie. Nothing here is chance.

Density is what weakens the rays, in units in which a shown gray level is 1 - 2 exp(-density): air
is -1, and what is dense approaches 1. So adding a density to a picture that is already there needs
no more than its gray levels: 1 - (1 - gray) exp(-density), Beer and Lambert's law.
"""

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from daug.organs import OrganMasks
from daug.phantom import outlines
from daug.phantom.body import Body, Exposure
from daug.phantom.canvas import Canvas, Layer, Lines, blurred
from daug.phantom.skeleton import bones, spine
from daug.phantom.vessels import airways, hilum_at, vessels

CENTRAL = 0.32  # density of heart and mediastinum beyond the chest wall's
ABDOMINAL = 0.4
EDGE = 0.003  # sigma of the borders of lungs, heart and diaphragm, in shares of the side
FOG = 0.03  # density that even air shows
GRAIN = 0.6  # sigma of the noise's own blur in pixels: detectors are not sharper


@dataclass(frozen=True, eq=False)
class Rendered:
    """A body's density, and its organs."""

    density: Layer  # (S, S)
    organs: OrganMasks


def render(body: Body, size: int) -> Rendered:
    """Return a body's density without noise, on a square of pixels.

    Args:
        body: What is drawn.
        size: Side S of the picture, in pixels.
    """
    canvas = Canvas(size, body.exposure)
    lungs = [canvas.mask(outlines.lung(body, half)) for half in body.sides]
    heart_curve = outlines.heart(body)
    heart = canvas.mask(heart_curve)
    right, left = (lung & ~heart for lung in lungs)
    air = blurred((right | left).astype(np.float32), EDGE * size)
    density = _soft_tissue(body, canvas) * (1 - np.float32(body.lucency) * air)
    density += (1 - air) * _central(body, canvas, heart_curve)
    density += air * _in_lungs(body, canvas)
    density += bones(body, canvas) + spine(body, canvas) * (1 - np.float32(0.5) * air)
    density = blurred(density, body.exposure.blur * size)
    density += _marker(body.exposure, size)
    return Rendered(density, OrganMasks(left_lung=left, right_lung=right, heart=heart))


def shown(density: Layer, exposure: Exposure) -> Layer:
    """Return gray levels in [-1, 1] of a density, with the exposure's own noise.

    Every pixel hangs on its own density alone, so a finding changes nothing where it adds none.
    """
    gray = 1 - 2 * np.exp(-np.float32(exposure.gain) * density - np.float32(FOG))
    noisy: Layer = gray + noise(exposure, density.shape[0])
    return noisy.clip(-1, 1)


def noise(exposure: Exposure, size: int) -> Layer:
    """Return an exposure's noise, (S, S): white, then as blurred as a detector blurs it."""
    generator = np.random.default_rng(exposure.noise_seed)
    grain = blurred(generator.standard_normal((size, size), dtype=np.float32), GRAIN)
    return grain * np.float32(exposure.noise / max(float(grain.std()), 1e-6))


def _soft_tissue(body: Body, canvas: Canvas) -> Layer:
    """Return the chest wall with breasts, thinner towards the skin."""
    wall = canvas.fill(outlines.skin(body), soft=0.012) * np.float32(body.soft_tissue)
    if body.breast:
        for half in body.sides:
            wall += np.float32(body.breast) * canvas.fill(_breast(body, half.side), soft=0.01)
    return wall


def _breast(body: Body, side: int) -> NDArray[np.float64]:
    angle = np.linspace(0, 2 * np.pi, 24, endpoint=False)
    bottom = min(body.right.base, body.left.base) - 0.03
    x = side * (0.58 * body.half_width + 0.42 * body.half_width * np.cos(angle))
    return np.stack([x, bottom - 0.15 + 0.16 * np.sin(angle)], axis=1)


def _central(body: Body, canvas: Canvas, heart: NDArray[np.float64]) -> Layer:
    """Return the density of what lies between and below the lungs, beyond the chest wall's."""
    middle = np.maximum(canvas.fill(heart, EDGE), canvas.fill(outlines.mediastinum(body), 0.008))
    below = canvas.fill(outlines.abdomen(body), EDGE)
    if body.stomach:
        below *= 1 - np.float32(0.8) * canvas.fill(_stomach(body), 0.006)
    dense: Layer = np.maximum(np.float32(CENTRAL) * middle, np.float32(ABDOMINAL) * below)
    return dense - np.float32(0.22) * airways(body, canvas)


def _stomach(body: Body) -> NDArray[np.float64]:
    angle = np.linspace(0, 2 * np.pi, 16, endpoint=False)
    top = body.left.base - body.left.dome + 0.02
    x = 0.48 * body.half_width + 1.4 * body.stomach * np.cos(angle)
    return np.stack([x, top + body.stomach * (1 + np.sin(angle))], axis=1)


def _in_lungs(body: Body, canvas: Canvas) -> Layer:
    """Return the density of vessels and of the minor fissure."""
    dense = vessels(body, canvas)
    if body.fissure_density:
        x, _ = hilum_at(body, body.right)
        across = np.linspace(0, 1, 8)
        y = body.fissure - body.fissure_slope * across - 0.01 * np.sin(np.pi * across)
        line = np.stack([x + (-body.half_width - x) * across, y], axis=1)
        fissure = Lines(line[None], np.array([0.006]), 1.0)
        dense += np.float32(body.fissure_density) * canvas.lines([fissure])
    return dense


def _marker(exposure: Exposure, size: int) -> Layer:
    layer = np.zeros((size, size), dtype=np.uint8)
    if exposure.marker:
        x, y = exposure.marker_place
        place = (int((x + 0.5) * size) - size // 40, int(y * size))
        scale, thick = size / 500, max(1, size // 128)
        font = cv2.FONT_HERSHEY_SIMPLEX
        cv2.putText(layer, exposure.marker, place, font, scale, 255, thick, cv2.LINE_AA)
    return layer.astype(np.float32) * np.float32(1.6 / 255)
