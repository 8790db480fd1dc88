"""What is computed beforehand of a demonstration's cases, and shipped beside their pictures.

    embeddings.safetensors    one tensor for each model, named by its digest: (N, D) unit vectors
    heat.safetensors.xz       one tensor "heat": (N, M, S, S), int8 on the plan's scale

Both name their cases in the metadata, in the order of the rows. `demo.json` lists the SHA-256 of
each file, and what does not match it is not used: everything here can be computed anew.
"""

import hashlib
import json
import lzma
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from safetensors import SafetensorError
from safetensors.numpy import load, save

from daug.augmented import ChannelPlan
from daug.embedding import Embedding
from daug.errors import EmbeddingError

EMBEDDINGS_FILE = "embeddings.safetensors"
HEAT_FILE = "heat.safetensors.xz"
HEAT, ABOUT = "heat", "about"
LEVELS = 127  # of 8 signed bits: 1 is full heat
LENGTH_BYTES = 8  # at the beginning of a safetensors file: how long its JSON header is
LARGEST = 2**28  # bytes unpacked; a demonstration has some megabytes

Vectors = Mapping[str, NDArray[np.float32]]  # case id -> (D,)


@dataclass(frozen=True, eq=False)
class ShippedHeat:
    """The maps of the cases, in 8 bits."""

    ids: tuple[str, ...]
    plan: ChannelPlan  # recipes, scale, and the digest of the bundle that drew them
    heat: NDArray[np.int8]  # (N, M, S, S): LEVELS is the plan's `full_at`

    def changes(self, case_id: str) -> NDArray[np.float32]:
        """Return a case's maps as changes of pixel intensity, (M, S, S)."""
        levels = self.heat[self.ids.index(case_id)].astype(np.float32)
        return np.asarray(levels * np.float32(self.plan.full_at / LEVELS))


def to_levels(changes: NDArray[np.float32], plan: ChannelPlan) -> NDArray[np.int8]:
    """Return changes of pixel intensity in 8 bits on a plan's scale, cut off at full heat."""
    levels = np.round(np.clip(changes / plan.full_at, -1, 1) * LEVELS)
    return np.asarray(levels, dtype=np.int8)


def pack_embeddings(ids: Sequence[str], vectors: Mapping[str, NDArray[np.float32]]) -> bytes:
    """Return the file of the embeddings.

    Args:
        ids: The cases, in the order of the rows.
        vectors: (N, D) by the digest of the model that made them; models may differ in D.
    """
    tensors = {digest: np.asarray(rows, dtype=np.float32) for digest, rows in vectors.items()}
    return save(tensors, metadata=_metadata({"ids": list(ids)}))


def unpack_embeddings(content: bytes) -> dict[str, Vectors]:
    """Return the vectors of every case by the digest of their model.

    Raises:
        EmbeddingError: If this is no such file, or a vector is not of length 1.
    """
    tensors, about = _unpacked(content)
    ids = _ids(about)
    if any(rows.ndim != 2 or len(rows) != len(ids) for rows in tensors.values()):
        raise EmbeddingError(f"{EMBEDDINGS_FILE}: the rows are not one for each case.")
    return {
        digest: {i: Embedding(row, digest).vector for i, row in zip(ids, rows, strict=True)}
        for digest, rows in tensors.items()
    }


def pack_heat(heat: ShippedHeat) -> bytes:
    """Return the file of the maps, compressed: they are smooth, and shrink to a quarter."""
    about = {"ids": list(heat.ids), "plan": heat.plan.to_dict()}
    return lzma.compress(save({HEAT: np.ascontiguousarray(heat.heat)}, metadata=_metadata(about)))


def unpack_heat(content: bytes) -> ShippedHeat:
    """Return what `pack_heat` packed.

    Raises:
        EmbeddingError: If this is no such file.
    """
    try:
        unpacked = lzma.LZMADecompressor().decompress(content, LARGEST)
    except lzma.LZMAError as error:
        raise EmbeddingError(f"{HEAT_FILE}: cannot be unpacked ({error}).") from error
    tensors, about = _unpacked(unpacked)
    try:
        heat, plan = tensors[HEAT], ChannelPlan.from_dict(about["plan"])
    except (KeyError, ValueError) as error:
        raise EmbeddingError(f"{HEAT_FILE}: lacks its maps or their plan ({error}).") from error
    ids = _ids(about)
    if heat.dtype != np.int8 or heat.ndim != 4 or heat.shape[:2] != (len(ids), len(plan.maps)):
        raise EmbeddingError(f"{HEAT_FILE}: does not hold the maps of {len(ids)} cases.")
    return ShippedHeat(ids, plan, heat)


def read_verified(folder: Path, listed: Mapping[str, Any]) -> bytes:
    """Return a file that an index lists, if it is what the index says.

    Args:
        folder: Where the index lies.
        listed: With `file`, a plain name, and `sha256`.

    Raises:
        EmbeddingError: If the file is missing or another.
    """
    name = Path(str(listed["file"])).name
    try:
        content = (folder / name).read_bytes()
    except OSError as error:
        raise EmbeddingError(f"{name}: cannot be read ({error.strerror}).") from error
    if hashlib.sha256(content).hexdigest() != listed["sha256"]:
        raise EmbeddingError(f"{name}: was changed since it was listed.")
    return content


def _metadata(about: Mapping[str, Any]) -> dict[str, str]:
    """Return one entry, since safetensors writes several in any order: files stay the same."""
    return {ABOUT: json.dumps(about)}


def _unpacked(content: bytes) -> tuple[dict[str, NDArray[Any]], dict[str, Any]]:
    """Return the tensors of a safetensors file, and what it says of them."""
    try:
        tensors = load(content)
        length = int.from_bytes(content[:LENGTH_BYTES], "little")
        header = json.loads(content[LENGTH_BYTES : LENGTH_BYTES + length])
        about = dict(json.loads(header["__metadata__"][ABOUT]))
    except (SafetensorError, KeyError, TypeError, ValueError) as error:
        raise EmbeddingError(f"This is no safetensors file of ours ({error}).") from error
    return tensors, about


def _ids(about: Mapping[str, Any]) -> tuple[str, ...]:
    try:
        return tuple(map(str, about["ids"]))
    except (KeyError, TypeError) as error:
        raise EmbeddingError(f"The file does not say whose rows these are ({error}).") from error
