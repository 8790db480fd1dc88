"""Every image decoded once: what tells it from others, or why it cannot be read."""

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from daug.errors import RadiographError
from daug.loading import load_radiograph
from daug.radiograph import Radiograph
from trainers.synthetic.perceptual_hash import Words, perceptual_hash

AT_ONCE = 256  # images decoded ahead
SMALL = 128  # longer side in pixels, of thumbnails and of what is hashed


@dataclass(frozen=True, eq=False)
class Seen:
    """What is remembered of one image; its pixels are not."""

    digest: str  # SHA-256 of the pixels
    words: Words  # 256 bits that hardly change with size, coding and contrast, (4,)


@dataclass(frozen=True)
class Unseen:
    """An image that is not there, or cannot be read."""

    missing: bool
    reason: str


Look = Seen | Unseen


def look_at_all(
    images: Sequence[Path], workers: int, on_progress: Callable[[int], None]
) -> Iterator[Look]:
    """Yield what is seen of each image, in order.

    Args:
        images: Files.
        workers: Threads; decoding lets go of the interpreter.
        on_progress: Told how many are done.
    """
    with ThreadPoolExecutor(workers) as pool:
        for start in range(0, len(images), AT_ONCE):
            yield from pool.map(look_at, images[start : start + AT_ONCE])
            on_progress(min(start + AT_ONCE, len(images)))


def look_at(image: Path) -> Look:
    """Decode one image."""
    try:
        if not image.is_file():
            return Unseen(missing=True, reason=f"{image.name}: the file is not there.")
    except OSError as error:  # a name too long, a folder that may not be entered
        reason = f"{image.name[:100]}: the file cannot be reached ({error.strerror})."
        return Unseen(missing=False, reason=reason)
    try:
        radiograph = load_radiograph(image)
    except RadiographError as error:
        return Unseen(missing=False, reason=str(error))
    return Seen(radiograph.digest, perceptual_hash(small_picture(radiograph)))


def small_picture(radiograph: Radiograph) -> NDArray[np.uint8]:
    """Return a radiograph in 8-bit gray, its longer side SMALL pixels or as it is if less."""
    rows, columns = radiograph.pixels.shape
    scale = min(1.0, SMALL / max(rows, columns))
    size = max(1, round(columns * scale)), max(1, round(rows * scale))
    shrunk = cv2.resize(radiograph.pixels, size, interpolation=cv2.INTER_AREA)
    return np.round((np.asarray(shrunk) + 1) * 127.5).clip(0, 255).astype(np.uint8)
