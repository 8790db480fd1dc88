"""Where things are in a chest of which only the organs are known, drawn or real."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from daug.errors import RadiographError
from daug.organs import Mask, MaskBox, OrganMasks, mask_box
from daug.phantom.body import Side
from daug.phantom.canvas import Layer, blurred

SOFT_EDGE = 0.006  # sigma of a lung's border on a radiograph, in shares of the thorax's width


@dataclass(frozen=True, eq=False)
class Landmarks:
    """Boxes of the organs, and lengths to measure by, in pixels."""

    organs: OrganMasks
    right: MaskBox  # the patient's right lung, on the left of the picture
    left: MaskBox
    heart: MaskBox
    unit: float  # width from the outside of one lung to the outside of the other
    midline: float  # x halfway between the lungs at their hila
    carina: float  # y

    @property
    def shape(self) -> tuple[int, int]:
        """Height and width of the picture."""
        return self.organs.shape

    def lung(self, side: Side) -> Mask:
        """Return the mask of a lung."""
        return self.organs.right_lung if side is Side.RIGHT else self.organs.left_lung

    @cached_property
    def soft_right(self) -> Layer:
        """The right lung with the soft border that a radiograph gives it, (H, W) in [0, 1]."""
        return blurred(self.organs.right_lung.astype(np.float32), SOFT_EDGE * self.unit)

    @cached_property
    def soft_left(self) -> Layer:
        """The left lung in the same way."""
        return blurred(self.organs.left_lung.astype(np.float32), SOFT_EDGE * self.unit)

    def soft_lung(self, side: Side) -> Layer:
        """Return a lung with a soft border, so that what fills it leaves no dark rim."""
        return self.soft_right if side is Side.RIGHT else self.soft_left

    def box(self, side: Side) -> MaskBox:
        """Return the box of a lung."""
        return self.right if side is Side.RIGHT else self.left

    def outwards(self, side: Side) -> NDArray[np.float32]:
        """Return for each column how far it lies from the midline to the outside of a lung.

        0 at the midline, 1 at the chest wall; (1, W).
        """
        box = self.box(side)
        wall = box.left if side is Side.RIGHT else box.right - 1
        x = np.arange(self.shape[1], dtype=np.float32)
        return ((x - np.float32(self.midline)) / np.float32(wall - self.midline))[None]

    def downwards(self, side: Side) -> NDArray[np.float32]:
        """Return for each row how far it lies from apex to base of a lung, (H, 1)."""
        box = self.box(side)
        y = np.arange(self.shape[0], dtype=np.float32)
        return ((y - box.top) / np.float32(box.bottom - 1 - box.top))[:, None]


def find_landmarks(organs: OrganMasks) -> Landmarks:
    """Return what the painters need to know of a chest.

    Raises:
        RadiographError: If an organ is missing, or the lungs are not side by side.
    """
    right, left, heart = (
        mask_box(mask) for mask in (organs.right_lung, organs.left_lung, organs.heart)
    )
    if right is None or left is None or heart is None:
        raise RadiographError(
            f"No {' and no '.join(organs.missing)} was found, but a finding is painted by where "
            "both lungs and the heart lie. Choose a frontal radiograph of a whole chest."
        )
    unit = left.right - right.left
    if right.right - right.left < 4 or left.right - left.left < 4 or right.left >= left.left:
        raise RadiographError(
            "The patient's right lung must lie on the left of the picture and the left lung on "
            "its right, each at least 4 pixels wide. Turn the radiograph, or check its masks."
        )
    top, bottom = max(right.top, left.top), min(right.bottom, left.bottom)
    return Landmarks(
        organs,
        right,
        left,
        heart,
        unit=float(unit),
        midline=_between(organs, round(top + 0.35 * (bottom - top))),
        carina=top + 0.32 * (bottom - top),
    )


def _between(organs: OrganMasks, row: int) -> float:
    """Return x halfway between the lungs' inner borders at a row, or between their boxes."""
    right, left = np.flatnonzero(organs.right_lung[row]), np.flatnonzero(organs.left_lung[row])
    if not right.size or not left.size:
        right, left = (np.flatnonzero(m.any(axis=0)) for m in (organs.right_lung, organs.left_lung))
    return (float(right[-1]) + float(left[0])) / 2
