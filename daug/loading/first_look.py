"""What can be refused of a picture before its pixels are copied into arrays.

A photograph of a telephone has up to 50 million pixels, which as arrays fill half a gigabyte;
that it is no radiograph shows in every eighth of them.
"""

from pathlib import Path

import numpy as np
from PIL import Image

from daug.loading.color import MAX_COLOR_SAMPLES, check_gray
from daug.loading.refusal import check_not_constant

EXTREMES_UNTOLD = {"I;16B", "I;16L", "I;16N"}  # Pillow does not tell lowest and highest of them
COLOR_MODES = {"RGB", "RGBA", "RGBX", "CMYK", "YCbCr", "LAB", "P", "PA"}


def look_at_coarse_jpeg(path: Path, picture: Image.Image) -> None:
    """Refuse a color photograph in a large JPEG, decoding an eighth of its rows and columns.

    Raises:
        RadiographError: It is a color photograph.
    """
    if picture.format != "JPEG" or picture.width * picture.height <= 4 * MAX_COLOR_SAMPLES:
        return
    with Image.open(path, formats=("JPEG",)) as coarse:
        side = int(MAX_COLOR_SAMPLES**0.5)
        coarse.draft(None, (side, side))
        coarse.load()
        _check_color(path.name, coarse)


def look_at(name: str, picture: Image.Image) -> None:
    """Refuse a picture that is one color throughout or a color photograph.

    Args:
        name: What to call the file in the message.
        picture: Decoded already, in any of Pillow's modes.

    Raises:
        RadiographError: It is either.
    """
    if picture.mode not in EXTREMES_UNTOLD:
        ends = np.atleast_2d(np.array(picture.getextrema(), dtype=np.float64))  # a row a band
        check_not_constant(name, ends[:, 0].tolist(), ends[:, 1].tolist())
    _check_color(name, picture)


def _check_color(name: str, picture: Image.Image) -> None:
    if picture.mode not in COLOR_MODES:
        return
    step = max(1.0, (picture.width * picture.height / MAX_COLOR_SAMPLES) ** 0.5)
    size = (max(1, round(picture.width / step)), max(1, round(picture.height / step)))
    sample = picture.resize(size, Image.Resampling.NEAREST)
    check_gray(name, np.asarray(sample.convert("RGB")))
