"""The costophrenic angles, as far as the masks of the lungs show them.

Where the diaphragm meets the ribs, a healthy lung ends in a sharp corner that points down and out.
Fluid fills it first, so a blunt corner or a missing one is a sign of effusion; a patient who did
not breathe in, or a picture that ends above it, looks the same to a mask.
"""

from dataclasses import dataclass
from enum import StrEnum

import cv2
import numpy as np
from numpy.typing import NDArray

from daug.organs import Mask, MaskBox, OrganMasks, mask_box

OUTER_PART = 0.5  # of the lung's width, in which the corner is looked for
NEAR, FAR = 0.03, 0.12  # of the lung's height along its outline: where the two sides are followed
MIN_HEIGHT = 12  # pixels of a lung; less has no corner that could be measured
# In 188 adults with masks drawn by experts (JSRT), 98 of 100 corners are sharper than this and 99
# of 100 deeper.
MAX_SHARP_DEGREES = 85.0
MIN_DEPTH = 0.08


class Corner(StrEnum):
    """What the mask shows of a costophrenic angle."""

    SHARP = "sharp"
    BLUNT = "blunted or hidden"
    CUT_OFF = "outside the picture"
    NOT_SEEN = "lung not found"


@dataclass(frozen=True)
class CostophrenicAngle:
    """One corner; positions in pixels of the mask, from its upper left."""

    corner: Corner
    row: float | None = None
    column: float | None = None
    degrees: float | None = None  # between ribs and diaphragm
    depth: float | None = None  # below the dome of the diaphragm, share of the lung's height


def costophrenic_angles(organs: OrganMasks) -> dict[str, CostophrenicAngle]:
    """Return the corner of each lung by its name, `left_lung` and `right_lung`.

    Args:
        organs: Masks on the picture itself; padding around it would hide that a lung is cut off.
    """
    return {
        "left_lung": _angle(organs.left_lung, outward=1),
        "right_lung": _angle(organs.right_lung, outward=-1),
    }


def _angle(lung: Mask, outward: int) -> CostophrenicAngle:
    box = mask_box(lung)
    if box is None or box.bottom - box.top < MIN_HEIGHT:
        return CostophrenicAngle(Corner.NOT_SEEN)
    outline = _outline(lung)
    at = _corner_index(outline, box, outward)
    column, row = (float(v) for v in outline[at])
    height = box.bottom - box.top
    degrees = _opening(outline, at, height)
    depth = (row - _dome_row(lung, box)) / height
    if row >= lung.shape[0] - 1 or not 0 < column < lung.shape[1] - 1:
        return CostophrenicAngle(Corner.CUT_OFF, row, column, degrees, depth)
    sharp = degrees <= MAX_SHARP_DEGREES and depth >= MIN_DEPTH
    return CostophrenicAngle(Corner.SHARP if sharp else Corner.BLUNT, row, column, degrees, depth)


def _outline(lung: Mask) -> NDArray[np.int32]:
    """Return the points of the longest outline, (N, 2) as x and y."""
    outlines, _ = cv2.findContours(lung.astype(np.uint8), cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
    longest = max(outlines, key=len)
    return np.asarray(longest[:, 0], dtype=np.int32)


def _corner_index(outline: NDArray[np.int32], box: MaskBox, outward: int) -> int:
    """Return which point of the outline lies lowest in the outer part; the outermost of those."""
    x, y = outline[:, 0], outline[:, 1]
    from_middle = (x - (box.left + box.right - 1) / 2) * outward / max(1, box.right - box.left)
    outer = from_middle >= 0.5 - OUTER_PART
    order = np.where(outer, y + 1e-3 * from_middle, -np.inf)
    return int(order.argmax())


def _opening(outline: NDArray[np.int32], at: int, height: int) -> float:
    """Return the angle between the two sides that meet in a point of the outline, in degrees."""
    around = np.roll(outline, -at, axis=0).astype(np.float64)
    sides = []
    for path in (around, np.roll(around[::-1], 1, axis=0)):
        away = path - path[0]
        length = np.concatenate([[0], np.hypot(*np.diff(path, axis=0).T).cumsum()])
        chosen = (length >= NEAR * height) & (length <= FAR * height)
        sides.append(away[chosen].sum(axis=0) if chosen.any() else away[1])
    cosine = np.dot(*sides) / max(float(np.prod([np.linalg.norm(side) for side in sides])), 1e-9)
    return float(np.degrees(np.arccos(np.clip(cosine, -1, 1))))


def _dome_row(lung: Mask, box: MaskBox) -> float:
    """Return the row of the highest point of the lung's base, in the middle half of its width."""
    quarter = (box.right - box.left) // 4
    middle = lung[:, box.left + quarter : box.right - quarter]
    below = middle.shape[0] - 1 - middle[::-1].argmax(axis=0)
    return float(below[middle.any(axis=0)].min(initial=box.bottom - 1))
