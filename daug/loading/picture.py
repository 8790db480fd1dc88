"""PNG, JPEG and TIFF pictures into radiographs.

Pixels of 8 bits are shown as they are, 0 black and 255 white. Deeper ones are not taken through
8 bits, and since a file of 16 bits seldom uses its range, they are shown from their 0.5th to
their 99.5th percentile. A picture does not say which view it is, where the patient's right is
or how large its pixels are; comments, thumbnails and places of origin in it are not read, but
what says that it is synthetic is.
"""

from pathlib import Path
from typing import Any, BinaryIO

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps
from PIL.TiffImagePlugin import BITSPERSAMPLE, PHOTOMETRIC_INTERPRETATION

from daug.errors import RadiographError
from daug.loading.color import gray_from_rgb
from daug.loading.first_look import look_at, look_at_coarse_jpeg
from daug.loading.gray_levels import (
    Shown,
    inverted,
    shown_from_8_bits,
    stretched_by_percentile,
)
from daug.loading.refusal import check_pixel_count, chosen_frame, refused_as
from daug.loading.synthetic import warnings_of
from daug.radiograph import Radiograph

DAMAGED = "{}: the picture is damaged or incomplete. Copy it again or re-export it."
FORMATS = ("PNG", "JPEG", "TIFF")
DEEP_GRAY = {"I", "I;16", "I;16B", "I;16L", "I;16N", "F"}  # Pillow's modes above 8 bits
PNG_DEPTH = 24  # where a PNG says how many bits a sample has
WHITE_IS_ZERO = 0  # TIFF 6.0, PhotometricInterpretation


def load_picture(path: Path, *, frame: int | None = None) -> Radiograph:
    """Return the radiograph in a PNG, JPEG or TIFF file.

    Args:
        path: The file, whatever it is called.
        frame: Which image of an animation or of a file with several pages, from 1.
    """
    # a file rather than its path: Pillow 12.3 maps uncompressed TIFFs into memory by their path
    # and then scrambles those that lie on their side
    with path.open("rb") as file, _opened(path.name, file) as picture:
        frames = _go_to_frame(path.name, picture, frame)
        check_pixel_count(path.name, picture.height, picture.width)
        if picture.mode == "1":
            raise RadiographError(
                f"{path.name}: the picture knows black and white only, "
                "but a radiograph has shades of gray. Use the original image."
            )
        with refused_as(DAMAGED.format(path.name)):
            look_at_coarse_jpeg(path, picture)
            picture.load()  # a cut file is noticed here, by OpenCV it would not be
            look_at(path.name, picture)
            upright = ImageOps.exif_transpose(picture)
            deep_color = upright.mode not in DEEP_GRAY and _bits(picture, path) > 8
            samples = _deep_color(upright, path, frames) if deep_color else _samples(upright)
            alpha = _alpha(upright)
            white_is_zero = _tag(picture, PHOTOMETRIC_INTERPRETATION, None) == WHITE_IS_ZERO
    gray = samples if samples.ndim == 2 else gray_from_rgb(path.name, samples)
    shown = _shown(path.name, gray, alpha)
    if white_is_zero and upright.mode in DEEP_GRAY:  # up to 8 bits, Pillow has done so
        shown = inverted(shown)
    return Radiograph(shown, source_name=path.stem, warnings=warnings_of(picture.info))


def _go_to_frame(name: str, picture: Image.Image, frame: int | None) -> int:
    """Turn to the image asked for; return how many the file holds."""
    with refused_as(DAMAGED.format(name)):
        frames = int(getattr(picture, "n_frames", 1))  # walks through the file
    index = chosen_frame(name, frames, frame)
    with refused_as(DAMAGED.format(name)):
        if index:
            picture.seek(index)
    return frames


def _opened(name: str, file: BinaryIO) -> Image.Image:
    """Return the picture, its pixels not yet read."""
    not_an_image = (
        f"{name}: this is not an image that can be read, but a DICOM, PNG, JPEG or TIFF file "
        "is needed. Check that it was copied whole."
    )
    with refused_as(not_an_image):
        try:
            return Image.open(file, formats=FORMATS)
        except Image.DecompressionBombError:
            raise RadiographError(
                f"{name}: the image has far more pixels than a radiograph, so it was not opened. "
                "Export it at the detector's resolution."
            ) from None


def _bits(picture: Image.Image, path: Path) -> int:
    """Return the bits per sample that the file states; Pillow hides them for colors."""
    if picture.format == "PNG":
        with path.open("rb") as file:
            return file.read(PNG_DEPTH + 1)[PNG_DEPTH]
    return int(max(_tag(picture, BITSPERSAMPLE, (8,))))


def _tag(picture: Image.Image, number: int, default: Any) -> Any:
    """Return what a TIFF file states under a number; other files state nothing."""
    return getattr(picture, "tag_v2", {}).get(number, default)


def _samples(upright: Image.Image) -> NDArray[Any]:
    """Return gray (H, W) or RGB (H, W, 3) samples as Pillow has them, without alpha."""
    if upright.mode in DEEP_GRAY:
        return np.asarray(upright)
    if upright.mode in {"L", "LA"}:
        return np.asarray(upright.getchannel(0))
    return np.asarray(upright.convert("RGB"))


def _deep_color(upright: Image.Image, path: Path, frames: int) -> NDArray[Any]:
    """Return the same picture as RGB of 16 bits, (H, W, 3), of which Pillow leaves 8."""
    data = np.frombuffer(path.read_bytes(), dtype=np.uint8)
    decoded = cv2.imdecode(data, cv2.IMREAD_COLOR | cv2.IMREAD_ANYDEPTH)
    if frames != 1 or decoded is None or decoded.shape[:2] != upright.size[::-1]:
        raise RadiographError(
            f"{path.name}: this kind of color picture cannot be read at its full depth. "
            "Save it as a gray 16-bit PNG."
        )
    return np.ascontiguousarray(decoded[..., ::-1])


def _alpha(upright: Image.Image) -> NDArray[np.uint8] | None:
    """Return how opaque each pixel is, (H, W), or None where all are."""
    if upright.mode in DEEP_GRAY or not upright.has_transparency_data:
        return None
    return np.asarray(upright.convert("RGBA").getchannel("A"))


def _shown(name: str, gray: NDArray[Any], alpha: NDArray[np.uint8] | None) -> Shown:
    """Show gray samples on black, which is what lies behind a film."""
    values = gray.astype(np.float32)
    if not np.isfinite(values).all():
        raise RadiographError(
            f"{name}: some pixels are infinite or not a number, but gray levels must be finite. "
            "Export the picture with whole numbers."
        )
    if alpha is not None:
        values *= alpha / np.float32(255)
    return shown_from_8_bits(values) if gray.dtype == np.uint8 else stretched_by_percentile(values)
