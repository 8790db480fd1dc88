"""A vector index as files: whole, in agreement with their manifest, or not used at all.

A save writes new files under new names and then renames a new manifest into place; whoever reads
the old files keeps them open. The manifest holds the SHA-256 of each file and of itself. Nothing
here is the truth: whatever is missing, damaged or about something else is made again.
"""

import fcntl
import hashlib
import json
import os
import secrets
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from db.index_data import CellLayout, IndexData
from db.sketch import Sketch

FORMAT: Final = 2
MANIFEST = "manifest.json"
LOCK = "lock"
READ_AT_ONCE = 1 << 22
CELL_ARRAYS, CELL_NUMBERS = ("centers", "sizes", "rows"), ("probes", "recall")

Arrays = dict[str, NDArray[Any]]


class StaleIndexError(Exception):
    """The files are not the index that is wanted; never shown, always answered by a new index."""


@dataclass(frozen=True)
class Subject:
    """What an index is an index of. Two indexes of one subject give the same answers."""

    model_digest: str
    generation: str  # of this model's embeddings in the library
    dimension: int
    count: int


def load_index(folder: Path, model_digest: str, generation: str) -> IndexData:
    """Return the saved index; vectors stay on disk and are mapped into memory.

    Raises:
        StaleIndexError: If there is none, any byte of it differs from what was written, or it is
            about another model or generation.
    """
    try:
        manifest = _read_manifest(folder)
        subject = Subject(**manifest["subject"])
        if (subject.model_digest, subject.generation) != (model_digest, generation):
            raise StaleIndexError("of another model or generation")
        arrays = {
            name: _read_array(folder / file["name"], file["sha256"])
            for name, file in manifest["files"].items()
        }
        data = _unpack(arrays, manifest["numbers"])
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise StaleIndexError(str(error)) from error
    if data.vectors.shape != (subject.count, subject.dimension) or len(data.ids) != subject.count:
        raise StaleIndexError("of another size")
    return data


def save_index(folder: Path, data: IndexData, model_digest: str, generation: str) -> None:
    """Put an index in the place of the one that is there; call with the folder locked.

    Raises:
        OSError: If the folder cannot be written; the index that was there is then still whole.
    """
    token = secrets.token_hex(8)
    arrays, numbers = _pack(data)
    try:
        files = {
            name: _write(folder / f"{name}-{token}.npy", array) for name, array in arrays.items()
        }
        count, dimension = data.vectors.shape
        content: dict[str, Any] = {
            "format": FORMAT,
            "subject": asdict(Subject(model_digest, generation, dimension, count)),
            "numbers": numbers,
            "files": files,
        }
        content["sha256"] = _digest_of(content)
        waiting = folder / f"{MANIFEST}-{token}"
        with waiting.open("w") as file:
            json.dump(content, file, indent=1)
            file.flush()
            os.fsync(file.fileno())
        waiting.replace(folder / MANIFEST)
        _sync_folder(folder)
    except OSError:
        for path in folder.glob(f"*-{token}*"):
            path.unlink(missing_ok=True)
        raise
    _sweep(folder, {file["name"] for file in files.values()})


@contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Keep other programs from saving an index here at the same time.

    Raises:
        OSError: If the folder cannot be made or written.
    """
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    with (folder / LOCK).open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def _pack(data: IndexData) -> tuple[Arrays, dict[str, Any]]:
    arrays: Arrays = {"ids": data.ids, "vectors": data.vectors, "codes": data.codes}
    numbers: dict[str, Any] = {"shortlist": data.shortlist}
    if data.sketch is not None:
        arrays |= {"axes": data.sketch.axes, "center": data.sketch.center}
        numbers |= {
            name: getattr(data.sketch, name) for name in ("unit", "row_error", "longest", "width")
        }
    if data.cells is not None:
        arrays |= {name: getattr(data.cells, name) for name in CELL_ARRAYS}
        numbers |= {name: getattr(data.cells, name) for name in CELL_NUMBERS}
    return arrays, numbers


def _unpack(arrays: Arrays, numbers: Mapping[str, Any]) -> IndexData:
    rest = {name: n for name, n in numbers.items() if name not in {"shortlist", *CELL_NUMBERS}}
    sketch = Sketch(arrays["axes"], arrays["center"], **rest) if rest else None
    cells = None
    if "probes" in numbers:
        centers, sizes, rows = (arrays[name] for name in CELL_ARRAYS)
        cells = CellLayout(centers, sizes, rows, numbers["probes"], numbers["recall"])
    return IndexData(
        arrays["ids"], arrays["vectors"], arrays["codes"], sketch, numbers["shortlist"], cells
    )


def _read_manifest(folder: Path) -> dict[str, Any]:
    manifest = json.loads((folder / MANIFEST).read_bytes())
    if not isinstance(manifest, dict) or manifest.get("format") != FORMAT:
        raise StaleIndexError("of another format")
    if manifest.pop("sha256", None) != _digest_of(manifest):
        raise StaleIndexError("manifest damaged")
    return manifest


def _digest_of(content: Mapping[str, Any]) -> str:
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()


def _read_array(path: Path, sha256: str) -> NDArray[Any]:
    with path.open("rb") as file:
        if hashlib.file_digest(file, "sha256").hexdigest() != sha256:
            raise StaleIndexError(f"{path.name} damaged")
    if path.stat().st_size <= READ_AT_ONCE:  # nothing can be mapped of an array without elements
        return np.load(path, allow_pickle=False)  # type: ignore[no-any-return]
    return np.load(path, mmap_mode="r", allow_pickle=False)  # type: ignore[no-any-return]


def _write(path: Path, array: NDArray[Any]) -> dict[str, str]:
    """Write an array to the disk itself, and return its name and digest."""
    with path.open("w+b") as file:
        np.save(file, np.ascontiguousarray(array), allow_pickle=False)
        file.flush()
        os.fsync(file.fileno())
        file.seek(0)
        return {"name": path.name, "sha256": hashlib.file_digest(file, "sha256").hexdigest()}


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _sweep(folder: Path, used: set[str]) -> None:
    """Remove what earlier saves left, those cut short included."""
    for path in folder.iterdir():
        if path.name not in used | {MANIFEST, LOCK}:
            path.unlink(missing_ok=True)
