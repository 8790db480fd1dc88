"""From curves in a body's own coordinates to soft layers of density on a square of pixels."""

import math
from collections.abc import Iterable
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from daug.phantom.body import Exposure

Floats = NDArray[np.float64]
Points = Floats  # (N, 2): x, y
Layer = NDArray[np.float32]  # (S, S), 0 where nothing was drawn
SUBPIXEL_BITS = 4  # OpenCV draws with fractions of 1/16 pixel
LEAST_SIGMA = 0.25  # pixels; a narrower blur changes nothing


@dataclass(frozen=True, eq=False)
class Lines:
    """Curves that are drawn as lines of one density."""

    curves: Floats  # (K, N, 2): x, y
    widths: Floats  # (K,) in shares of the side; a line thinner than a pixel is drawn fainter
    density: float  # up to 1


class Canvas:
    """A square of pixels that a body is drawn on, as it stands before the detector."""

    def __init__(self, size: int, exposure: Exposure) -> None:
        self.size = size
        angle = math.radians(exposure.roll)
        cos, sin = math.cos(angle) * exposure.zoom, math.sin(angle) * exposure.zoom
        self._matrix = size * np.array([[cos, sin], [-sin, cos]])  # from the right
        middle = np.array([0.5 + exposure.across, 0.5 + exposure.down])
        self._shift = size * middle - 0.5 - np.array([0.0, 0.5]) @ self._matrix

    def pixels(self, points: Floats) -> Floats:
        """Return where points (..., 2) of the body lie, in pixels from the first one's centre."""
        placed: Floats = points @ self._matrix + self._shift
        return placed

    def fill(self, points: Points, soft: float = 0.0) -> Layer:
        """Return the inside of a closed curve as 1 with a soft edge.

        Args:
            points: Corners, (N, 2).
            soft: Sigma of the edge, in shares of the side.
        """
        return self.blur(self._filled(points), soft)

    def mask(self, points: Points) -> NDArray[np.bool_]:
        """Return the inside of a closed curve, as the pixels of which half or more lie in it."""
        inside: NDArray[np.bool_] = self._filled(points) >= 128
        return inside

    def _filled(self, points: Points) -> NDArray[np.uint8]:
        layer = np.zeros((self.size, self.size), dtype=np.uint8)
        cv2.fillPoly(layer, [self._fixed(points)], 255, cv2.LINE_AA, SUBPIXEL_BITS)
        return layer

    def lines(self, groups: Iterable[Lines], soft: float = 0.0) -> Layer:
        """Return curves drawn as lines, the denser over the fainter.

        Args:
            groups: Curves of one density each.
            soft: Sigma of their edges, in shares of the side.
        """
        layer = np.zeros((self.size, self.size), dtype=np.uint8)
        for group in sorted(groups, key=lambda group: group.density):
            fixed = self._fixed(group.curves)
            for curve, width in zip(fixed, (group.widths * self.size).tolist(), strict=True):
                thickness = max(1, round(width))
                level = 255 * group.density * min(1.0, width / thickness)
                cv2.polylines(layer, [curve], False, level, thickness, cv2.LINE_AA, SUBPIXEL_BITS)
        return self.blur(layer, soft)

    def blur(self, layer: NDArray[np.uint8], soft: float) -> Layer:
        """Return a layer of 8 bits as one of density up to 1, softened."""
        dense = layer.astype(np.float32)
        dense *= np.float32(1 / 255)
        return blurred(dense, soft * self.size)

    def _fixed(self, points: Floats) -> NDArray[np.int32]:
        fixed: NDArray[np.int32] = np.rint(self.pixels(points) * 2**SUBPIXEL_BITS).astype(np.int32)
        return fixed


def blurred(layer: Layer, sigma: float) -> Layer:
    """Return a layer blurred by a Gaussian of sigma pixels; not at all below a quarter."""
    if sigma < LEAST_SIGMA:
        return layer
    return np.asarray(cv2.GaussianBlur(layer, (0, 0), sigma), dtype=np.float32)


def closed_spline(corners: Points, steps: int = 6) -> Points:
    """Return a smooth closed curve through corners: Catmull & Rom 1974, uniform."""
    before, after = np.roll(corners, 1, axis=0), np.roll(corners, -1, axis=0)
    after_next = np.roll(corners, -2, axis=0)
    t = np.linspace(0, 1, steps, endpoint=False)[:, None, None]
    curve = 0.5 * (
        2 * corners
        + (after - before) * t
        + (2 * before - 5 * corners + 4 * after - after_next) * t**2
        + (3 * corners - before - 3 * after + after_next) * t**3
    )  # (steps, corners, 2)
    return curve.transpose(1, 0, 2).reshape(-1, 2)
