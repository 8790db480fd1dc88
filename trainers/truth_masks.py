"""What experts have drawn, brought onto the model's padded square exactly as the radiograph is."""

from collections.abc import Iterable
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image, UnidentifiedImageError

from daug.errors import ManifestError
from daug.organs import Mask
from daug.radiograph import onto_square, square_place
from trainers.manifest import Box

ROUNDING = 1e-4  # of a pixel's area, lost when it is resized


def read_mask(path: Path) -> Mask:
    """Return a drawn mask at its own size, (H, W); it may mark nothing, as no radiograph may.

    Raises:
        ManifestError: If the file is missing or is no picture.
    """
    try:
        with Image.open(path, formats=("PNG",)) as picture:
            return np.asarray(picture.convert("L")) > 127
    except (OSError, UnidentifiedImageError) as error:
        raise ManifestError(
            f"{path.parent.name}/{path.name}: the mask cannot be read ({error}). A mask is a PNG "
            "file of its image's size, white where something is."
        ) from error


def mask_on_square(path: Path, size: int) -> Mask:
    """Return a drawn mask on the model's square, (size, size).

    A model pixel belongs to it if at least half of its area does. What is so small that no pixel
    qualifies keeps the pixels that it covers most.

    Raises:
        ManifestError: If the file is missing or is no picture.
    """
    return shrink_mask(read_mask(path), size)


def shrink_mask(mask: Mask, size: int) -> Mask:
    """Return a mask of any height and width on the model's square; see `mask_on_square`."""
    share = onto_square(mask.astype(np.float32), size, outside=0)
    return _half_covered(share)


def boxes_on_square(boxes: Iterable[Box], height: int, width: int, size: int) -> Mask:
    """Return what lies in any of some boxes, on the model's square, (size, size).

    A model pixel lies in a box if its centre does; a box between two centres keeps the nearest.

    Args:
        boxes: Fractions of the image's width and height.
        height: Rows of the image that they were drawn on.
        width: Its columns.
        size: Side of the model's square, in pixels.
    """
    top, left, rows, columns = square_place(height, width, size)
    inside = np.zeros((size, size), dtype=np.bool_)
    for box in boxes:
        down = _span(box.y0, box.y1, top, rows)
        across = _span(box.x0, box.x1, left, columns)
        inside[down, across] = True
    return inside


def _half_covered(share: NDArray[np.float32]) -> Mask:
    half = share >= 0.5 - ROUNDING
    if half.any() or share.max() <= 0:
        return np.asarray(half, dtype=np.bool_)
    return np.asarray(share >= share.max() - ROUNDING, dtype=np.bool_)


def _span(start: float, end: float, first: int, length: int) -> slice:
    """Return the pixels of one axis whose centres lie between two fractions of it."""
    begin, stop = (first + round(end_point * length) for end_point in (start, end))
    begin = min(begin, first + length - 1)
    return slice(begin, max(stop, begin + 1))
