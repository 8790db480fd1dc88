"""All radiographs of a training in one array, at the model's size, made once a run folder."""

import hashlib
import json
import logging
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import BinaryIO

import numpy as np
import torch
from filelock import FileLock
from numpy.lib.format import write_array_header_1_0
from numpy.typing import NDArray
from torch import Tensor

from daug.errors import ManifestError, RadiographError, TrainingError
from daug.loading import load_radiograph
from trainers.manifest import Row

logger = logging.getLogger(__name__)

MIN_SOURCE_SIDE = 100  # pixels; a smaller picture is blurred at any model size from here on
UNREADABLE_SHOWN = 5
MAX_UNREADABLE_SHARE = 0.5  # beyond it the manifest is wrong, not the images
CACHE_FORMAT = 2  # raised whenever the same files would be decoded to other pixels
AT_ONCE = 256  # images decoded ahead of the disk


@dataclass(frozen=True, eq=False)
class Images:
    """Rows that can be trained on, and their pixels."""

    rows: list[Row]
    pixels: NDArray[np.uint8]  # (N, size, size), mapped from disk, so it may exceed memory
    left_out: dict[str, int]  # how many rows were not used, by reason


@dataclass(frozen=True)
class Decoded:
    """What an array in the cache was made of; its JSON lies beside it."""

    kept: list[int]  # places, among the rows asked for, of those in the array
    reasons: dict[str, str]  # by the place of a row that cannot be read: why not


def load_images(rows: Sequence[Row], size: int, cache: Path) -> Images:
    """Return the rows whose images can be trained on, with their model inputs as 8 bits.

    Thumbnails are left out. So are images that are missing or cannot be read; the log tells how
    many, and the first few. Each image is decoded once, and not at all the second time. Several
    processes may ask at once: one does the work, the others wait.

    Args:
        rows: What to load.
        size: Side of the model's square, in pixels.
        cache: Folder for the array.

    Raises:
        ManifestError: If more than half of the images cannot be read, or none is left.
        TrainingError: If the array cannot be written.
    """
    decoded, array = _from_cache(rows, size, cache, MIN_SOURCE_SIDE)
    missing = sum(not rows[int(place)].image.exists() for place in decoded.reasons)
    left_out = {
        "missing": missing,
        "unreadable": len(decoded.reasons) - missing,
        "too_small": len(rows) - len(decoded.kept) - len(decoded.reasons),
    }
    reasons = list(decoded.reasons.values())
    if len(reasons) > MAX_UNREADABLE_SHARE * len(rows) or not decoded.kept:
        raise ManifestError(
            f"{len(decoded.kept)} of {len(rows)} images can be trained on; "
            f"{_counted(left_out)}. {_first(reasons)}"
            "Check that the images lie where the manifest says, and are radiographs."
        )
    if reasons:
        logger.warning(
            "of %d images, %s; they are left out. %s",
            *(len(rows), _counted(left_out), _first(reasons).strip()),
        )
    return Images([rows[place] for place in decoded.kept], array, left_out)


def pixel_array(rows: Sequence[Row], size: int, cache: Path) -> NDArray[np.uint8]:
    """Return every row's model input as 8 bits, (N, size, size), from the cache if it is there.

    Eight bits are a 256th of the range: far below the noise that the trainings add.

    Args:
        rows: What to load, in the order of the result.
        size: Side of the model's square, in pixels.
        cache: Folder for the array, which is memory-mapped and so may exceed memory.

    Raises:
        ManifestError: If any image cannot be read, since leaving it out would falsify a score;
            it says how many, and the first few reasons.
        TrainingError: If the array cannot be written.
    """
    decoded, array = _from_cache(rows, size, cache, min_side=0)
    _refuse_unreadable(list(decoded.reasons.values()), len(rows))
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
            f"{len(reasons)} of {images} images cannot be read: {_first(reasons)}"
            "Mend or remove them from the manifest."
        )


def _counted(left_out: dict[str, int]) -> str:
    words = {"missing": "missing", "unreadable": "unreadable", "too_small": "too small"}
    return ", ".join(f"{left_out[reason]} {word}" for reason, word in words.items())


def _first(reasons: Sequence[str]) -> str:
    """Return the first few reasons, each a sentence, with a space behind the last."""
    return "".join(f"{reason} " for reason in sorted(reasons)[:UNREADABLE_SHOWN])


def _from_cache(
    rows: Sequence[Row], size: int, cache: Path, min_side: int
) -> tuple[Decoded, NDArray[np.uint8]]:
    """Return what was decoded of some rows, and the array of it, made now if it is not there."""
    path = cache / f"pixels-{size}-{_key(rows, min_side)}.npy"
    made = path.with_suffix(".json")  # written last: while it is missing, so is the array
    try:
        cache.mkdir(parents=True, exist_ok=True)
        with FileLock(cache / "pixels.lock"):  # let go by the system even if its holder is killed
            if not made.exists():
                _decode_all(rows, size, min_side, path)
    except OSError as error:
        raise TrainingError(
            f"The images cannot be kept in {cache} ({error}). Make room, or name another folder."
        ) from error
    decoded = Decoded(**json.loads(made.read_text(encoding="utf-8")))
    array: NDArray[np.uint8] = np.load(path, mmap_mode="r")
    return decoded, array


def _key(rows: Sequence[Row], min_side: int) -> str:
    """Return a name for the content of some images, as far as the file system knows it."""
    digest = hashlib.sha256(f"{CACHE_FORMAT} {min_side}\n".encode())
    for row in rows:
        digest.update(f"{row.image}\0{_stamp(row.image)}\n".encode())
    return digest.hexdigest()[:16]


def _stamp(image: Path) -> str:
    try:
        stat = image.stat()
    except OSError:
        return "missing"
    return f"{stat.st_size} {stat.st_mtime_ns} {stat.st_ctime_ns}"  # the last for restored dates


def _decode_all(rows: Sequence[Row], size: int, min_side: int, path: Path) -> None:
    """Write the array of the rows that can be read and are large enough, and what it holds."""
    decoded = Decoded([], {})
    partial = path.with_suffix(".partial")  # whoever holds the lock writes it; so nobody else does
    with partial.open("wb") as file:
        _write_header(file, 0, size)
        for place, found in enumerate(_decode_in_order(rows, size, min_side)):
            if isinstance(found, str):
                decoded.reasons[str(place)] = found
            elif found is not None:
                file.write(found.tobytes())
                decoded.kept.append(place)
        file.seek(0)
        _write_header(file, len(decoded.kept), size)
    partial.replace(path)
    partial.write_text(json.dumps(asdict(decoded)), encoding="utf-8")
    partial.replace(path.with_suffix(".json"))


def _decode_in_order(
    rows: Sequence[Row], size: int, min_side: int
) -> Iterator[NDArray[np.uint8] | str | None]:
    """Yield each row's pixels, or why it cannot be read, or None for a thumbnail."""

    def decode(row: Row) -> NDArray[np.uint8] | str | None:
        try:
            radiograph = load_radiograph(row.image)
        except RadiographError as error:
            return str(error)
        if min(radiograph.pixels.shape) < min_side:
            return None
        pixels = radiograph.model_input(size).pixels
        return np.round((pixels + 1) * 127.5).astype(np.uint8)

    with ThreadPoolExecutor() as pool:
        for start in range(0, len(rows), AT_ONCE):
            yield from pool.map(decode, rows[start : start + AT_ONCE])


def _write_header(file: BinaryIO, images: int, size: int) -> None:
    """Write a header whose length does not hang on how many images there are."""
    shape = (images, size, size)
    write_array_header_1_0(file, {"descr": "|u1", "fortran_order": False, "shape": shape})
