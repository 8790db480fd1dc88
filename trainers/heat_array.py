"""The cached heatmaps of a training in one array beside its pixels, at the model's size."""

import hashlib
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
from filelock import FileLock
from numpy.lib.format import open_memmap
from numpy.typing import NDArray

from daug.augmented import ChannelPlan, resize_change
from daug.errors import TrainingError
from daug.loading import load_radiograph
from trainers.heat_cache import HeatFileError, HeatKey, read_changes
from trainers.manifest import Row

LEVELS = 127  # of 8 signed bits: 1 is full heat


def heat_array(
    rows: Sequence[Row], plan: ChannelPlan, key: HeatKey, maps: Path, size: int, cache: Path
) -> NDArray[np.int8]:
    """Return every row's maps on the plan's scale in 8 bits, (N, M, size, size).

    Args:
        rows: In the order of the result.
        plan: Scale and order of the maps.
        key: Of the files in `maps`.
        maps: The folder that `daug augment` filled.
        size: Side of the result, in pixels.
        cache: Folder for the array, which is memory-mapped.

    Raises:
        TrainingError: If maps are missing or damaged; it says how many.
    """
    if not plan.maps:
        return np.empty((len(rows), 0, size, size), dtype=np.int8)
    cache.mkdir(parents=True, exist_ok=True)
    digest = hashlib.sha256(f"{key.text}\n{plan.full_at}\n".encode())
    for row in rows:
        stat = row.image.stat()
        digest.update(f"{row.image}\0{stat.st_size} {stat.st_mtime_ns}\n".encode())
    path = cache / f"heat-{size}-{digest.hexdigest()[:16]}.npy"
    with FileLock(cache / "heat.lock"):
        if not path.exists():
            _write(rows, plan, key, maps, size, path)
    array: NDArray[np.int8] = np.load(path, mmap_mode="r")
    return array


def to_changes(heat: NDArray[np.int8], plan: ChannelPlan) -> NDArray[np.float32]:
    """Return what `heat_array` keeps as changes of pixel intensity again."""
    return np.asarray(heat, dtype=np.float32) * np.float32(plan.full_at / LEVELS)


def _write(
    rows: Sequence[Row], plan: ChannelPlan, key: HeatKey, maps: Path, size: int, path: Path
) -> None:
    partial = path.with_suffix(".partial.npy")
    shape = (len(rows), len(plan.maps), size, size)
    array = open_memmap(partial, mode="w+", dtype=np.int8, shape=shape)
    reasons: list[str] = []

    def load(index: int) -> None:
        try:
            changes = read_changes(maps, key, load_radiograph(rows[index].image).digest)
        except HeatFileError as error:
            reasons.append(str(error))
            return
        for place, change in enumerate(changes):
            heat = np.clip(resize_change(change, size) / plan.full_at, -1, 1)
            array[index, place] = np.round(heat * LEVELS).astype(np.int8)

    with ThreadPoolExecutor() as pool:
        list(pool.map(load, range(len(rows))))
    array.flush()
    if reasons:
        partial.unlink()
        raise TrainingError(
            f"{len(reasons)} of {len(rows)} radiographs have no usable maps in {maps}: "
            f"{min(reasons)} Run `daug augment` with the same manifest, bundle and maps first."
        )
    partial.replace(path)
