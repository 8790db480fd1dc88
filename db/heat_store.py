"""Heatmaps that the library keeps: one file a case, bundle and recipe, checked whenever it is read.

    heatmaps/ab/<SHA-256 of the file>.heat      safetensors: signed levels of 8 bits, and what of

A level is a 127th of the map's largest change, so a value is off by a 254th of that at most; a map
of 128 x 128 takes 17 kB. The file says which pixels, bundle and recipe it is of, so that no two
maps are the same file. Whatever is missing, damaged or about something else counts as not there:
the map can be drawn again.
"""

import hashlib
import json
from contextlib import suppress
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from safetensors import SafetensorError
from safetensors.numpy import load, save
from sqlalchemy import Connection, Engine, delete, insert, select

from daug.errors import LibraryError
from daug.heatmap import Recipe
from db.database import reading, writing
from db.schema import HeatmapRow, RadiographRow
from db.stored_files import (
    HEATMAPS,
    Incoming,
    holding,
    place_of,
    put_in_place,
    sharing,
)
from db.stored_files import delete as delete_files

SUFFIX: Final = "heat"
LEVELS: Final = 127  # on either side of 0
LARGEST: Final = 2.0  # change of a pixel: the full range of intensity
LARGEST_SIDE: Final = 4096  # pixels
TENSOR, ABOUT = "levels", "about"


def store_changes(
    engine: Engine,
    folder: Path,
    case_id: int,
    bundle_digest: str,
    recipe: Recipe,
    changes: NDArray[np.float32],
) -> None:
    """Keep a map of a case, in place of the one that was kept under the same bundle and recipe.

    Args:
        engine: The library's database.
        folder: The library's folder.
        case_id: The case.
        bundle_digest: SHA-256 of the bundle that drew the map.
        recipe: What it was drawn with.
        changes: Signed changes of pixel intensity (S, S), in [-2, 2].

    Raises:
        LibraryError: If there is no such case, these are no changes, or the disk is full.
    """
    _check(changes)
    with reading(engine) as connection:
        pixels = _pixels_of(connection, case_id)
    content = _packed(changes, _about(pixels, bundle_digest, recipe))
    digest = hashlib.sha256(content).hexdigest()
    with sharing(folder), Incoming(folder) as incoming:
        waiting = incoming.write(content, place_of(folder, HEATMAPS, digest, SUFFIX))
        put_in_place([waiting])
        with writing(engine) as connection:
            _pixels_of(connection, case_id)  # it may have been removed meanwhile
            before = _row(connection, case_id, bundle_digest, recipe)
            _replace_row(connection, case_id, bundle_digest, recipe, digest)
    if before is not None and before != (digest, SUFFIX):
        with suppress(LibraryError), holding(folder):  # else it waits for the next sweep
            delete_files([place_of(folder, HEATMAPS, *before)])


def read_changes(
    engine: Engine, folder: Path, case_id: int, bundle_digest: str, recipe: Recipe
) -> NDArray[np.float32] | None:
    """Return the map of a case (S, S), in [-2, 2]; None if none is kept that can be trusted.

    Raises:
        LibraryError: If there is no such case.
    """
    with reading(engine) as connection:
        pixels = _pixels_of(connection, case_id)
        found = _row(connection, case_id, bundle_digest, recipe)
    if found is None:
        return None
    content = _whole(folder, *found)
    return None if content is None else _unpacked(content, _about(pixels, bundle_digest, recipe))


def _check(changes: NDArray[np.float32]) -> None:
    square = changes.ndim == 2 and changes.shape[0] == changes.shape[1]
    if not square or not 0 < len(changes) <= LARGEST_SIDE:
        raise LibraryError(
            f"A heatmap of shape {changes.shape} cannot be kept: it must be square, with 1 to "
            f"{LARGEST_SIDE} pixels a side."
        )
    if not np.abs(changes).max() <= LARGEST:  # nor is NaN
        raise LibraryError(
            f"A heatmap with changes beyond {LARGEST:g}, or that are no numbers, cannot be kept. "
            "Draw it again."
        )


def _about(pixels: str, bundle_digest: str, recipe: Recipe) -> dict[str, Any]:
    return {"pixels": pixels, "bundle": bundle_digest, "recipe": recipe.to_dict()}


def _packed(changes: NDArray[np.float32], about: dict[str, Any]) -> bytes:
    """Return the content of a file; the same map is always the same bytes."""
    largest = float(np.abs(changes).max())
    step = largest / LEVELS
    levels = np.rint(changes.astype(np.float64) / step if step else changes).astype(np.int8)
    text = json.dumps({**about, "step": step}, sort_keys=True)
    content: bytes = save({TENSOR: np.ascontiguousarray(levels)}, metadata={ABOUT: text})
    return content


def _unpacked(content: bytes, about: dict[str, Any]) -> NDArray[np.float32] | None:
    """Return the map of a file, or None if the file is about something else."""
    try:
        length = int.from_bytes(content[:8], "little")
        header = json.loads(content[8 : 8 + length])
        told = json.loads(header["__metadata__"][ABOUT])
        step = float(told.pop("step"))
        levels = load(content)[TENSOR]
    except (SafetensorError, KeyError, TypeError, ValueError, AttributeError):
        return None
    sound = levels.dtype == np.int8 and levels.ndim == 2 and 0 <= step <= LARGEST / LEVELS
    if told != about or not sound:
        return None
    changes = levels.astype(np.float64) * step  # in single precision a tiny step would be off
    return np.clip(changes, -LARGEST, LARGEST).astype(np.float32)


def _pixels_of(connection: Connection, case_id: int) -> str:
    pixels = connection.scalar(
        select(RadiographRow.pixel_digest).where(RadiographRow.id == case_id)
    )
    if pixels is None:
        raise LibraryError(f"There is no case {case_id} to keep a heatmap of.")
    return str(pixels)


def _recipe_digest(recipe: Recipe) -> str:
    return hashlib.sha256(json.dumps(recipe.to_dict(), sort_keys=True).encode()).hexdigest()


def _row(
    connection: Connection, case_id: int, bundle_digest: str, recipe: Recipe
) -> tuple[str, str] | None:
    """Return the digest and suffix of the file that a map is kept in."""
    row = connection.execute(
        select(HeatmapRow.file_digest, HeatmapRow.suffix).where(
            HeatmapRow.radiograph_id == case_id,
            HeatmapRow.bundle_digest == bundle_digest,
            HeatmapRow.recipe_digest == _recipe_digest(recipe),
        )
    ).one_or_none()
    return None if row is None else (row.file_digest, row.suffix)


def _replace_row(
    connection: Connection, case_id: int, bundle_digest: str, recipe: Recipe, digest: str
) -> None:
    key = {
        "radiograph_id": case_id,
        "bundle_digest": bundle_digest,
        "recipe_digest": _recipe_digest(recipe),
    }
    connection.execute(
        delete(HeatmapRow).where(*(getattr(HeatmapRow, name) == is_ for name, is_ in key.items()))
    )
    connection.execute(
        insert(HeatmapRow).values(**key, recipe=recipe.to_dict(), file_digest=digest, suffix=SUFFIX)
    )


def forget_damaged(connection: Connection, folder: Path) -> list[int]:
    """Delete the rows of maps whose files are missing or were changed; return whose they were.

    The files themselves then belong to no case, and are swept.
    """
    rows = connection.execute(
        select(HeatmapRow.id, HeatmapRow.radiograph_id, HeatmapRow.file_digest, HeatmapRow.suffix)
    ).all()
    damaged = [row for row in rows if _whole(folder, row.file_digest, row.suffix) is None]
    connection.execute(delete(HeatmapRow).where(HeatmapRow.id.in_([row.id for row in damaged])))
    return [row.radiograph_id for row in damaged]


def _whole(folder: Path, digest: str, suffix: str) -> bytes | None:
    """Return the content of a map's file, or None if it is not as it was written."""
    try:
        content = place_of(folder, HEATMAPS, digest, suffix).read_bytes()
    except OSError:
        return None
    return content if hashlib.sha256(content).hexdigest() == digest else None
