"""Maps that were drawn before: one file for each radiograph and set of maps, checked when read.

    DIR/<first two letters>/<pixel digest>-<key>.safetensors

The key comes from everything that decides what the maps look like, so that another bundle, recipe
or method is another file. `trainers.heat_cache` keeps changes in 16 bits, which the gradients of
saliency methods would fall out of; so these are of 32 bits.
"""

import hashlib
import json
import logging
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from uuid import uuid4

import numpy as np
from numpy.typing import NDArray
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save_file

logger = logging.getLogger(__name__)

FORMAT = 1  # raised whenever the same key would give other maps
KEY_LENGTH = 16
Maps = dict[str, NDArray[np.float32]]


class MapStore:
    """A folder of maps by what they are of and how they were drawn."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def read(self, pixel_digest: str, key: Mapping[str, Any]) -> Maps | None:
        """Return the maps by name, or None if they are not there or no longer whole."""
        path = self._path(pixel_digest, key)
        try:
            with safe_open(path, framework="numpy") as file:
                about = file.metadata() or {}
                maps = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
        except FileNotFoundError:
            return None
        except (OSError, SafetensorError, ValueError) as error:
            logger.warning("%s: cannot be used (%s), so it is drawn again.", path.name, error)
            return None
        if about.get("key") != _text(key) or about.get("sha256") != _checksum(maps):
            logger.warning("%s: is not what was written, so it is drawn again.", path.name)
            return None
        return maps

    def write(self, pixel_digest: str, key: Mapping[str, Any], maps: Maps) -> None:
        """Keep maps by name, whole or not at all."""
        path = self._path(pixel_digest, key)
        path.parent.mkdir(parents=True, exist_ok=True)
        kept = {name: np.ascontiguousarray(heat, np.float32) for name, heat in maps.items()}
        partial = path.with_name(f"{uuid4().hex}.partial")
        try:
            save_file(kept, partial, metadata={"key": _text(key), "sha256": _checksum(kept)})
            partial.replace(path)
        finally:
            partial.unlink(missing_ok=True)

    def _path(self, pixel_digest: str, key: Mapping[str, Any]) -> Path:
        short = hashlib.sha256(_text(key).encode()).hexdigest()[:KEY_LENGTH]
        return self.folder / pixel_digest[:2] / f"{pixel_digest}-{short}.safetensors"


def _text(key: Mapping[str, Any]) -> str:
    return json.dumps({"format": FORMAT, **key}, sort_keys=True)


def _checksum(maps: Maps) -> str:
    digest = hashlib.sha256()
    for name in sorted(maps):
        digest.update(f"{name} {maps[name].shape}".encode() + maps[name].tobytes())
    return digest.hexdigest()
