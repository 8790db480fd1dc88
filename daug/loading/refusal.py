"""What a broken file makes the libraries raise, turned into one sentence."""

import struct
import warnings
import zlib
from collections.abc import Iterator
from contextlib import contextmanager

import cv2
from PIL import Image
from pydicom.errors import BytesLengthException, InvalidDicomError

from daug.errors import RadiographError
from daug.radiograph import MIN_SIDE

MAX_PIXELS = 60_000_000  # the largest chest detectors have 18 million

# What pydicom, its codecs, Pillow and OpenCV were seen to raise on damaged files. They promise
# no common base, so the list is long; it is only ever used around their own calls.
READING_FAILURES = (
    ArithmeticError,  # decimal strings out of range
    AssertionError,  # pydicom, while reading pixel data at the end of a file
    AttributeError,  # pydicom, elements missing
    BytesLengthException,
    EOFError,
    Image.DecompressionBombError,
    InvalidDicomError,
    LookupError,  # unknown character sets, tables too short
    MemoryError,
    OSError,  # Pillow, truncated and unidentified files
    UserWarning,  # those of MISFITS
    RuntimeError,  # every codec failed, no codec for the syntax, nesting without end
    SyntaxError,  # Pillow, broken PNG and TIFF headers
    TypeError,  # values of another kind than their element's
    ValueError,
    cv2.error,
    struct.error,
    zlib.error,
)

# What pydicom only warns of, though the picture would come out sheared: more pixels than the
# header's rows and columns have room for.
MISFITS = "The decoded RLE segment contains non-conformant padding"


@contextmanager
def refused_as(sentence: str) -> Iterator[None]:
    """Turn what a library raises on a broken file into a RadiographError with this sentence.

    The libraries' own words and warnings are dropped on purpose: pydicom quotes the values of
    elements, and these may name the patient. What matters in them is said by our own checks.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)
        warnings.filterwarnings("error", MISFITS, UserWarning)
        warnings.simplefilter("ignore", Image.DecompressionBombWarning)  # MAX_PIXELS is stricter
        try:
            yield
        except READING_FAILURES:
            raise RadiographError(sentence) from None


def check_pixel_count(name: str, rows: int, columns: int) -> None:
    """Refuse an image too small or too large from its header, before a pixel is decoded."""
    if min(rows, columns) < MIN_SIDE:
        raise RadiographError(
            f"{name}: the image measures {rows} x {columns} pixels, but at least "
            f"{MIN_SIDE} x {MIN_SIDE} are needed. Use the original image."
        )
    if rows * columns > MAX_PIXELS:
        raise RadiographError(
            f"{name}: the image measures {rows} x {columns} pixels, but at most "
            f"{MAX_PIXELS // 10**6} million are read. Export it at the detector's resolution."
        )


def check_not_constant(
    name: str, lowest: float | list[float], highest: float | list[float]
) -> None:
    """Refuse an image whose lowest value (in every color) is its highest, before it is copied."""
    if lowest == highest:
        raise RadiographError(
            f"{name}: every pixel has the same value, so there is nothing to see. "
            "Check that the export from its source was complete."
        )


def chosen_frame(name: str, frames: int, frame: int | None) -> int:
    """Return the index, from 0, of the frame asked for by its number, from 1."""
    if frame is None and frames != 1:
        raise RadiographError(
            f"{name}: the file holds {frames} images, but a radiograph is one. "
            f"Choose a frame from 1 to {frames} (--frame on the command line)."
        )
    number = 1 if frame is None else frame
    if not 1 <= number <= frames:
        raise RadiographError(
            f"{name}: there is no frame {number}, the file holds {frames}. "
            f"Choose a frame from 1 to {frames}."
        )
    return number - 1
