"""A chest of straight lines, of which every measure is known."""

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from daug.organs import OrganMasks


@dataclass(frozen=True)
class DrawnChest:
    """Sides in pixels, positions as shares of the side; the patient's right is on the left."""

    side: int = 240
    thorax: tuple[float, float] = (0.15, 0.85)  # outer borders of the lungs
    heart: tuple[float, float] = (0.40, 0.70)  # its outermost borders
    top: float = 0.15
    bottom: float = 0.75  # of both lungs: their costophrenic corners
    inner: tuple[float, float] = (0.44, 0.56)  # inner borders of the lungs
    dome: float = 0.12  # of each diaphragm above the corners, share of the side
    left_corner: float = 0.0  # how far the left corner is raised, share of the side

    def organs(self) -> OrganMasks:
        """Draw it."""
        right = [(self.thorax[0], 0.0), (self.inner[0], 0.0)]
        left = [(self.thorax[1], self.left_corner), (self.inner[1], 0.0)]
        heart = self._rectangle(self.heart, (self.bottom - 0.2, self.bottom))
        return OrganMasks(self._lung(*left), self._lung(*right), heart)

    def _lung(self, outer: tuple[float, float], inner: tuple[float, float]) -> NDArray[np.bool_]:
        (x0, raised), (x1, _) = outer, inner
        dome = (x0 + 2 * x1) / 3
        points = [
            (x0, self.top),
            (x1, self.top),
            (x1, self.bottom - 0.8 * self.dome),
            (dome, self.bottom - self.dome),
            (x0, self.bottom - raised),
        ]
        drawn = np.zeros((self.side, self.side), dtype=np.uint8)
        last = self._pixels(max(x0, x1)) - 1  # so that borders lie where they are said to lie
        corners = [(min(self._pixels(x), last), self._pixels(y)) for x, y in points]
        cv2.fillPoly(drawn, [np.array(corners, dtype=np.int32)], 1)
        return drawn.astype(np.bool_)

    def _rectangle(
        self, across: tuple[float, float], down: tuple[float, float]
    ) -> NDArray[np.bool_]:
        mask = np.zeros((self.side, self.side), dtype=np.bool_)
        (x0, x1), (y0, y1) = (tuple(self._pixels(v) for v in pair) for pair in (across, down))
        mask[y0:y1, x0:x1] = True
        return mask

    def _pixels(self, share: float) -> int:
        return round(share * self.side)


def mirrored(organs: OrganMasks) -> OrganMasks:
    """The same chest seen in a mirror, its sides named anew."""
    return OrganMasks(organs.right_lung[:, ::-1], organs.left_lung[:, ::-1], organs.heart[:, ::-1])


def turned(organs: OrganMasks, degrees: float) -> OrganMasks:
    """The chest turned around the picture's middle, clockwise."""
    height, width = organs.shape
    matrix = cv2.getRotationMatrix2D(((width - 1) / 2, (height - 1) / 2), -degrees, 1.0)
    return OrganMasks(
        *(
            cv2.warpAffine(mask.astype(np.uint8), matrix, (width, height)) > 0
            for mask in organs.by_name.values()
        )
    )
