"""Heatmaps of a whole data set, drawn once: one file a radiograph, verified whenever it is read.

    DIR/<first two letters>/<pixel digest>-<key>.safetensors

The key comes from the digest of the bundle and the recipes, so that another bundle or another
recipe is another file. A file is written beside its place and moved there when it is whole, so
that several processes and machines can share a folder and a stopped run leaves nothing broken.
"""

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path
from uuid import uuid4

import numpy as np
from numpy.typing import NDArray
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save_file

from daug.errors import ManifestError
from daug.heatmap import Recipe

KEY_LENGTH = 16  # letters of a SHA-256: 64 bits, for a handful of bundles and recipes
CHANGE = "change"


@dataclass(frozen=True)
class HeatKey:
    """Which maps, drawn by which networks."""

    bundle_digest: str
    recipes: tuple[Recipe, ...]  # in the order of the maps
    size: int  # side of the maps, in pixels

    @property
    def text(self) -> str:
        """The same as one line of JSON, which is also kept in every file."""
        recipes = [recipe.to_dict() for recipe in self.recipes]
        return json.dumps(
            {"bundle": self.bundle_digest, "recipes": recipes, "size": self.size}, sort_keys=True
        )

    def path(self, folder: Path, pixel_digest: str) -> Path:
        """Return where the maps of a radiograph are kept."""
        key = hashlib.sha256(self.text.encode()).hexdigest()[:KEY_LENGTH]
        return folder / pixel_digest[:2] / f"{pixel_digest}-{key}.safetensors"


class HeatFileError(ManifestError):
    """The maps of a radiograph are missing, cut off, altered, or not those that were asked for."""


def write_changes(
    folder: Path, key: HeatKey, pixel_digest: str, changes: NDArray[np.float32]
) -> Path:
    """Write the maps of one radiograph, whole or not at all.

    Args:
        folder: The cache; made if missing.
        key: What they are.
        pixel_digest: Of the radiograph.
        changes: Signed changes of pixel intensity, (M, S, S); kept in 16 bits.

    Returns:
        The file.
    """
    path = key.path(folder, pixel_digest)
    path.parent.mkdir(parents=True, exist_ok=True)
    stored = np.ascontiguousarray(changes, dtype=np.float16)
    about = {"key": key.text, "pixels": pixel_digest, "sha256": _checksum(stored)}
    partial = path.with_name(f"{uuid4().hex}.partial")  # two processes never write to one file
    try:
        save_file({CHANGE: stored}, partial, metadata=about)
        partial.replace(path)
    finally:
        partial.unlink(missing_ok=True)
    return path


def read_changes(folder: Path, key: HeatKey, pixel_digest: str) -> NDArray[np.float32]:
    """Return the maps of one radiograph, (M, S, S).

    Raises:
        HeatFileError: If they are missing or not exactly what was written.
    """
    path = key.path(folder, pixel_digest)
    try:
        with safe_open(path, framework="numpy") as file:
            about = file.metadata() or {}
            stored = file.get_tensor(CHANGE)
    except FileNotFoundError as error:
        raise HeatFileError(
            f"No maps of the radiograph {pixel_digest[:12]} are in {folder}. "
            "Draw them with `daug augment`."
        ) from error
    except (OSError, SafetensorError, KeyError, ValueError) as error:
        raise HeatFileError(_damaged(path, str(error))) from error
    if about.get("key") != key.text or about.get("pixels") != pixel_digest:
        raise HeatFileError(_damaged(path, "it says that it holds other maps"))
    if about.get("sha256") != _checksum(stored):
        raise HeatFileError(_damaged(path, "its checksum differs"))
    shape = (len(key.recipes), key.size, key.size)
    if stored.shape != shape or stored.dtype != np.float16 or not np.isfinite(stored).all():
        raise HeatFileError(_damaged(path, f"it does not hold finite maps of {shape}"))
    return np.asarray(stored, dtype=np.float32)


def _damaged(path: Path, why: str) -> str:
    return f"{path.name}: cannot be used ({why}). Run `daug augment` again; it makes it anew."


def _checksum(stored: NDArray[np.float16]) -> str:
    return hashlib.sha256(str(stored.shape).encode() + stored.tobytes()).hexdigest()
