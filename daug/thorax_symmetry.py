"""How straight a patient stood, as far as the masks of the lungs show it.

A turned patient's spine no longer lies midway between the ribs, and the heart's shadow changes its
width with the turn; a leaning patient's thorax is not crossed along its width by a row of pixels.
"""

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from daug.organs import Mask, OrganMasks

MIN_ROWS = 8  # that cross both lungs; with fewer they do not lie side by side
UPPER_PART = (
    3  # one third of the lungs, above the heart: where their inner borders show the midline
)


@dataclass(frozen=True)
class ThoraxSymmetry:
    """What the lungs' borders say of the patient's stance."""

    midline_offset: float  # of the midline from midway between the ribs, share of the width
    tilt_degrees: float  # of the line from lung to lung, clockwise positive
    lung_ratio: float  # area of the left lung over that of the right


def thorax_symmetry(organs: OrganMasks) -> ThoraxSymmetry | None:
    """Return how straight the patient stood, or None where the lungs do not lie side by side."""
    if len(lung_borders(organs)[0]) < MIN_ROWS:
        return None
    (left_x, left_y), (right_x, right_y) = _middle(organs.left_lung), _middle(organs.right_lung)
    tilt = float(np.degrees(np.arctan2(left_y - right_y, left_x - right_x)))
    rows, borders = lung_borders(_turned_back(organs, tilt))
    right_outer, right_inner, left_inner, left_outer = borders[: max(1, len(rows) // UPPER_PART)].T
    offset = (right_inner + left_inner - right_outer - left_outer) / 2
    return ThoraxSymmetry(
        midline_offset=float((offset / (left_outer - right_outer)).mean()),
        tilt_degrees=tilt,
        lung_ratio=float(organs.left_lung.sum() / organs.right_lung.sum()),
    )


def lung_borders(organs: OrganMasks) -> tuple[NDArray[np.intp], NDArray[np.float64]]:
    """Return the borders of both lungs in every row that crosses both, the right lung's first.

    Returns:
        The rows, (N,), and for each the outer and inner border of the right lung, then the inner
        and outer border of the left one, (N, 4), in pixels from the picture's left edge.
    """
    right, left = organs.right_lung, organs.left_lung
    rows = np.flatnonzero(right.any(axis=1) & left.any(axis=1))
    borders = [*_ends(right[rows]), *_ends(left[rows])]
    return rows, np.stack(borders, axis=1).astype(np.float64)


def _ends(masks: NDArray[np.bool_]) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Return where each row begins and ends, the end just beyond its last pixel."""
    return masks.argmax(axis=1), masks.shape[1] - masks[:, ::-1].argmax(axis=1)


def _middle(mask: Mask) -> NDArray[np.float64]:
    """Return the centre of a mask as x and y."""
    return np.asarray(np.argwhere(mask).mean(axis=0)[::-1])


def _turned_back(organs: OrganMasks, tilt: float) -> OrganMasks:
    """Return the masks as if the patient had stood upright; what leaves the picture is lost."""
    height, width = organs.shape
    centre = _middle(organs.lungs)
    matrix = cv2.getRotationMatrix2D((float(centre[0]), float(centre[1])), tilt, 1.0)
    turned = (
        cv2.warpAffine(mask.astype(np.uint8), matrix, (width, height), flags=cv2.INTER_NEAREST)
        for mask in organs.by_name.values()
    )
    return OrganMasks(*(mask.astype(np.bool_) for mask in turned))
