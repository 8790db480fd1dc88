"""Color pixels that are gray after all, and those that are not."""

import cv2
import numpy as np

from daug.errors import RadiographError
from daug.loading.gray_levels import Stored

# How far red and blue stray from green, in parts of the full range, on average over the picture
# and after each has lost its median, so that film tinted as a whole counts as gray. Radiographs
# tinted like blue or yellowed film reach 0.04 and a full gray wedge 0.08; a pale photograph of a
# temple has 0.12, one of a flower 0.25 (the two photographs that come with scikit-learn).
MAX_COLOR = 0.09
MAX_COLOR_SAMPLES = 250_000  # pixels that are looked at, evenly spread


def gray_from_rgb(name: str, rgb: Stored) -> Stored:
    """Return the luminance (Rec. 601) of an RGB picture that is gray in truth.

    Args:
        name: What to call the file in the message.
        rgb: (H, W, 3), 8 or 16 bits; where the three agree, the result is that same value.

    Raises:
        RadiographError: The picture is a color photograph.
    """
    check_gray(name, rgb)
    return np.asarray(cv2.cvtColor(rgb, cv2.COLOR_RGB2GRAY), dtype=rgb.dtype)


def check_gray(name: str, rgb: Stored) -> None:
    """Refuse a color photograph, see `gray_from_rgb`."""
    strayed = color_amount(rgb)
    if strayed > MAX_COLOR:
        raise RadiographError(
            f"{name}: this is a color picture (color {strayed:.2f} of the range, at most "
            f"{MAX_COLOR} is allowed), but a radiograph is gray. "
            "Open the original image rather than a photograph or an overlay."
        )


def color_amount(rgb: Stored) -> float:
    """Return how far red and blue stray from green, see MAX_COLOR."""
    rows, columns, _ = rgb.shape
    step = max(1, int(np.ceil(np.sqrt(rows * columns / MAX_COLOR_SAMPLES))))
    sample = rgb[::step, ::step].astype(np.float32) / np.float32(np.iinfo(rgb.dtype).max)
    red, green, blue = np.moveaxis(sample, 2, 0)
    return sum(float(np.abs(away - np.median(away)).mean()) for away in (red - green, blue - green))
