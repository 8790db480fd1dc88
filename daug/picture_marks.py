"""What lies on a picture and not in the patient: its border, letters and markers.

A model that reads a hospital's letters, or the edge of its shutters, has learnt where a picture is
from. Heat that lies on them says so.
"""

import cv2
import numpy as np
from numpy.typing import NDArray

from daug.organs import Mask, MaskBox

BORDER_SHARE = 0.05  # of the picture's shorter side
STROKE_SHARE = 0.03  # of the picture's longer side: letters are drawn with thinner strokes
STANDS_OUT = 0.55  # of the full range 2: brighter than its surroundings by so much
BRIGHT = 0.5  # in [-1, 1]
MIN_PIXELS = 3
MAX_PART = 0.01  # of the picture: what is larger is bone, a device or a bright background
WIDEST = 0.25  # of the picture's side: so is what is longer, for instance a wire
AROUND = 3  # pixels around a letter that belong to it, at 384 px; blur and heat spread


def border_band(shape: tuple[int, int], picture: MaskBox | None = None) -> Mask:
    """Return the outermost band of a picture, with all that lies outside it, (H, W).

    Args:
        shape: Height and width of the result.
        picture: Where the radiograph lies on the model's square; everywhere if None.
    """
    box = picture or MaskBox(0, 0, *shape)
    band = max(1, round(BORDER_SHARE * min(box.bottom - box.top, box.right - box.left)))
    inner = MaskBox(box.top + band, box.left + band, box.bottom - band, box.right - band)
    return ~inner.mask(shape)


def text_mask(pixels: NDArray[np.float32]) -> Mask:
    """Return where letters and markers seem to be burnt in, (H, W).

    They are small, nearly white, and stand out sharply from what surrounds them. Tips of wires,
    clips and calcified nodes may look the same; letters darker than the picture are not found.

    Args:
        pixels: A radiograph, (H, W) in [-1, 1], best at its full resolution.
    """
    side = max(pixels.shape)
    reach = 2 * round(STROKE_SHARE * side / 2) + 1
    disc = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (reach, reach))
    stands_out = cv2.morphologyEx(pixels, cv2.MORPH_TOPHAT, disc) > STANDS_OUT
    candidates = (stands_out & (pixels > BRIGHT)).astype(np.uint8)
    count, labels, stats, _ = cv2.connectedComponentsWithStats(candidates)
    area, wide = stats[:, cv2.CC_STAT_AREA], stats[:, cv2.CC_STAT_WIDTH]
    longest = np.maximum(wide, stats[:, cv2.CC_STAT_HEIGHT])
    kept = (area >= MIN_PIXELS) & (area <= MAX_PART * pixels.size) & (longest <= WIDEST * side)
    kept[0] = False  # what is no candidate
    assert len(kept) == count
    around = 2 * max(1, round(AROUND * side / 384)) + 1
    grown = cv2.dilate(kept[labels].astype(np.uint8), np.ones((around, around), np.uint8))
    return grown.astype(np.bool_)
