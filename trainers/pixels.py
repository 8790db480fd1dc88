"""All radiographs of a training in one array, at the model's size, made once a run folder."""

import hashlib
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import torch
from numpy.lib.format import open_memmap
from numpy.typing import NDArray
from torch import Tensor

from daug.errors import ManifestError, RadiographError
from daug.loading import load_radiograph
from trainers.manifest import Row

MIN_SOURCE_SIDE = 100  # pixels; a smaller picture is blurred at any model size from here on
UNREADABLE_SHOWN = 5


def pixel_array(rows: Sequence[Row], size: int, cache: Path) -> NDArray[np.uint8]:
    """Return every row's model input as 8 bits, (N, size, size), from the cache if it is there.

    Eight bits are a 256th of the range: far below the noise that the trainings add.

    Args:
        rows: What to load, in the order of the result.
        size: Side of the model's square, in pixels.
        cache: Folder for the array, which is memory-mapped and so may exceed memory.

    Raises:
        ManifestError: If any image cannot be read; it says how many, and the first few reasons.
    """
    cache.mkdir(parents=True, exist_ok=True)
    key = hashlib.sha256("\n".join(str(row.image) for row in rows).encode()).hexdigest()[:16]
    path = cache / f"pixels-{size}-{key}.npy"
    if not path.exists():
        _write(rows, size, path)
    array: NDArray[np.uint8] = np.load(path, mmap_mode="r")
    return array


def to_model_range(pixels: NDArray[np.uint8]) -> Tensor:
    """Return 8-bit pixels (B, S, S) as float32 (B, 1, S, S) in [-1, 1]."""
    return torch.from_numpy(np.array(pixels, dtype=np.float32)).div_(127.5).sub_(1)[:, None]


def large_enough(rows: Sequence[Row], min_side: int = MIN_SOURCE_SIDE) -> list[Row]:
    """Return the rows whose image file is not a thumbnail.

    Raises:
        ManifestError: If an image file is missing or is no picture.
    """
    reasons: list[str] = []

    def shorter_side(row: Row) -> int:
        try:
            return int(min(load_radiograph(row.image).pixels.shape))
        except RadiographError as error:
            reasons.append(str(error))
            return 0

    with ThreadPoolExecutor() as pool:
        sides = list(pool.map(shorter_side, rows))
    _refuse_unreadable(reasons, len(rows))
    return [row for row, side in zip(rows, sides, strict=True) if side >= min_side]


def _refuse_unreadable(reasons: Sequence[str], images: int) -> None:
    if reasons:
        raise ManifestError(
            f"{len(reasons)} of {images} images cannot be read: "
            + "; ".join(sorted(reasons)[:UNREADABLE_SHOWN])
            + ". Mend or remove them from the manifest."
        )


def _write(rows: Sequence[Row], size: int, path: Path) -> None:
    partial = path.with_suffix(".partial.npy")
    array = open_memmap(partial, mode="w+", dtype=np.uint8, shape=(len(rows), size, size))
    reasons: list[str] = []

    def load(index: int) -> None:
        try:
            pixels = load_radiograph(rows[index].image).model_input(size).pixels
            array[index] = np.round((pixels + 1) * 127.5).astype(np.uint8)
        except RadiographError as error:
            reasons.append(str(error))

    with ThreadPoolExecutor() as pool:
        list(pool.map(load, range(len(rows))))
    array.flush()
    if reasons:
        partial.unlink()
    _refuse_unreadable(reasons, len(rows))
    partial.replace(path)
