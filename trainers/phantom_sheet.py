"""A picture of phantoms: a chest without and with each finding, and where the finding is."""

from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from daug.organs import Mask
from daug.phantom import DRAWN, draw_phantom

LEVELS = 64  # of gray that are kept: enough to see, and small as a file
OUTLINE = 255


def save_phantom_sheet(path: Path, seeds: tuple[int, ...] = (100, 105), size: int = 128) -> None:
    """Write the picture as PNG: two rows for each seed, one column for each finding and one more.

    Args:
        path: Of the PNG file; its folder is made.
        seeds: One chest each.
        size: Side of each phantom in pixels.
    """
    rows = [row for seed in seeds for row in _two_rows(seed, size)]
    path.parent.mkdir(parents=True, exist_ok=True)
    cv2.imwrite(str(path), np.vstack(rows), [cv2.IMWRITE_PNG_COMPRESSION, 9])


def _two_rows(seed: int, size: int) -> list[NDArray[np.uint8]]:
    plain = [_gray(draw_phantom(seed, [], size).pixels)]
    outlined = [plain[0]]
    for finding in DRAWN:
        phantom = draw_phantom(seed, [finding], size)
        plain.append(_gray(phantom.pixels))
        outlined.append(_outlined(plain[-1], phantom.masks[finding]))
    return [np.hstack(plain), np.hstack(outlined)]


def _gray(pixels: NDArray[np.float32]) -> NDArray[np.uint8]:
    steps = np.round((pixels + 1) / 2 * (LEVELS - 1))
    return (steps * (255 / (LEVELS - 1))).astype(np.uint8)


def _outlined(gray: NDArray[np.uint8], mask: Mask) -> NDArray[np.uint8]:
    picture = gray // 2
    outlines, _ = cv2.findContours(mask.astype(np.uint8), cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
    cv2.drawContours(picture, outlines, -1, OUTLINE, 1)
    return picture
