"""Six zones of the lungs, as radiologists name them: upper, middle and lower of each side.

Each lung is cut into thirds of its own height, so a small or raised lung has small zones.
"""

from enum import StrEnum

import numpy as np
from numpy.typing import NDArray

from daug.organs import Mask, OrganMasks, mask_box

LEVELS = ("upper", "middle", "lower")
SIDES = ("right", "left")  # the patient's


class Zone(StrEnum):
    """A third of a lung; the sides are the patient's."""

    RIGHT_UPPER = "right upper"
    RIGHT_MIDDLE = "right middle"
    RIGHT_LOWER = "right lower"
    LEFT_UPPER = "left upper"
    LEFT_MIDDLE = "left middle"
    LEFT_LOWER = "left lower"

    @classmethod
    def at(cls, side: str, level: str) -> "Zone":
        """Return the zone of a side and a level."""
        return cls(f"{side} {level}")


def lung_zones(organs: OrganMasks) -> dict[Zone, Mask]:
    """Return the mask of each zone, empty where a lung was not found."""
    lungs = {"right": organs.right_lung, "left": organs.left_lung}
    return {
        Zone.at(side, level): third
        for side in SIDES
        for level, third in zip(LEVELS, _thirds(lungs[side]), strict=True)
    }


def zone_labels(organs: OrganMasks) -> NDArray[np.uint8]:
    """Return one picture of all zones, (H, W): 0 outside, else 1 to 6 in the order of Zone.

    Where the masks of the two lungs overlap, the left one's zone stands.
    """
    labels = np.zeros(organs.shape, dtype=np.uint8)
    for number, mask in enumerate(lung_zones(organs).values(), start=1):
        labels[mask] = number
    return labels


def _thirds(lung: Mask) -> list[Mask]:
    box = mask_box(lung)
    if box is None:
        return [np.zeros_like(lung) for _ in LEVELS]
    height = box.bottom - box.top
    level = (np.arange(lung.shape[0]) - box.top) * len(LEVELS) // height
    return [lung & (level == i)[:, None] for i in range(len(LEVELS))]
