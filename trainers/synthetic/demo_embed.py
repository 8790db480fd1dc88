"""The body of `daug bundle demo-embed`: embeddings and heat of the demonstration's cases.

So that a fresh library can be searched at once. Whoever uses other models computes them anew.
"""

import hashlib
import json
import logging
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from daug.augmented import AugmentedRadiograph, ChannelPlan, resize_change
from daug.bundle import Bundle, read_bundle
from daug.bundled_models import load_models
from daug.embedder import Embedder, open_embedder
from daug.errors import EmbeddingError, ExportError
from daug.loading import load_radiograph
from daug.radiograph import Radiograph
from daug.shipped import (
    EMBEDDINGS_FILE,
    HEAT_FILE,
    ShippedHeat,
    pack_embeddings,
    pack_heat,
    read_verified,
    to_levels,
)
from trainers.evaluation.movement import find_device
from trainers.heat_cache import HeatFileError, HeatKey, read_changes, write_changes
from trainers.heat_drawing import HeatDrawer
from trainers.synthetic.demo import INDEX_FILE
from trainers.synthetic.folder import write_folder

logger = logging.getLogger(__name__)

AT_ONCE = {"cpu": 4, "cuda": 128}  # radiographs
LARGEST_FOLDER = 7_800_000  # bytes, all files together: what a checkout is asked to carry

Changes = NDArray[np.float32]


def embed_demonstration(folder: Path, output: Path, cache: Path | None = None) -> dict[str, Any]:
    """Draw the maps that the bundle's CLIP model looks at, embed every case, and keep both.

    Args:
        folder: Of the bundle, with `clip/`.
        output: What `daug bundle demo` wrote; the files and their digests are added to it.
        cache: Folder for the maps, as `daug augment` fills it, so that a stopped run goes on.

    Returns:
        `shipped`: what `demo.json` now lists.

    Raises:
        BundleError: If the bundle has no CLIP model, or it cannot be loaded.
        ExportError: If the folder holds no demonstration, or cannot be written.
        EmbeddingError: If a picture is not what `demo.json` says.
    """
    bundle = read_bundle(folder)
    embedder = open_embedder(bundle, find_device())
    index = _read_index(output)
    ids = [case["id"] for case in index["cases"]]
    radiographs = [_radiograph(output, case) for case in index["cases"]]
    if cache is None:
        with tempfile.TemporaryDirectory(prefix="daug-demo-") as thrown_away:
            changes = _draw(bundle, embedder, radiographs, Path(thrown_away))
    else:
        changes = _draw(bundle, embedder, radiographs, cache)
    vectors = _vectors(bundle, embedder, radiographs, changes)
    content = {EMBEDDINGS_FILE: pack_embeddings(ids, vectors)}
    if embedder.recipes:
        space = LARGEST_FOLDER - _occupied(output) - len(content[EMBEDDINGS_FILE])
        content[HEAT_FILE] = _heat_that_fits(ids, embedder.plan, changes, space)
    index["shipped"] = [
        {"file": name, "sha256": hashlib.sha256(data).hexdigest()} | _about(name, embedder, vectors)
        for name, data in content.items()
    ]
    text = json.dumps(index, indent=1, ensure_ascii=False) + "\n"
    write_folder(output, {**content, INDEX_FILE: text.encode()}, {EMBEDDINGS_FILE, HEAT_FILE})
    return {"shipped": index["shipped"]}


def _read_index(output: Path) -> dict[str, Any]:
    try:
        index = json.loads((output / INDEX_FILE).read_text(encoding="utf-8"))
        return {**index, "cases": list(index["cases"])}
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise ExportError(
            f"{output} holds no demonstration ({error}). Make one with `daug bundle demo`."
        ) from error


def _radiograph(output: Path, case: Mapping[str, Any]) -> Radiograph:
    read_verified(output, case)
    return load_radiograph(output / case["file"])


def _draw(
    bundle: Bundle, embedder: Embedder, radiographs: Sequence[Radiograph], cache: Path
) -> list[Changes]:
    """Return the maps of every radiograph, (M, S, S) each; what the cache lacks is drawn."""
    size = bundle.image_size
    if not embedder.recipes:
        return [np.empty((0, size, size), dtype=np.float32) for _ in radiographs]
    key = HeatKey(bundle.digest, embedder.recipes, size)
    missing = [one for one in radiographs if not _is_drawn(cache, key, one)]
    if missing:
        # in float32, which every machine agrees on
        drawer = HeatDrawer(load_models(bundle), embedder.recipes, embedder.device, fast=False)
        at_once = AT_ONCE[embedder.device.type]
        for start in range(0, len(missing), at_once):
            some = missing[start : start + at_once]
            x_0 = np.stack([one.model_input(size).pixels for one in some])[:, None]
            for one, drawn in zip(some, drawer.draw(torch.from_numpy(x_0)), strict=True):
                write_changes(cache, key, one.digest, drawn.numpy())
            logger.info("maps of %d of %d radiographs drawn", start + len(some), len(missing))
    return [read_changes(cache, key, one.digest) for one in radiographs]


def _is_drawn(cache: Path, key: HeatKey, radiograph: Radiograph) -> bool:
    try:
        read_changes(cache, key, radiograph.digest)
    except HeatFileError:
        return False
    return True


def _vectors(
    bundle: Bundle,
    embedder: Embedder,
    radiographs: Sequence[Radiograph],
    changes: Sequence[Changes],
) -> dict[str, Changes]:
    """Return the embeddings (N, D) by the digest that marks them: with heat, and without it."""

    def with_heat() -> Iterator[Changes]:
        for radiograph, maps in zip(radiographs, changes, strict=True):
            drawn = dict(zip(embedder.recipes, maps, strict=True))
            augmented = AugmentedRadiograph(radiograph, drawn, bundle.digest)
            yield embedder.embed(augmented).vector

    vectors = {embedder.model_digest: np.stack(list(with_heat()))}
    if embedder.digest_without_heat is not None:
        plain = [embedder.embed_without_heat(radiograph).vector for radiograph in radiographs]
        vectors[embedder.digest_without_heat] = np.stack(plain)
    return vectors


def _heat_that_fits(
    ids: Sequence[str], plan: ChannelPlan, changes: Sequence[Changes], space: int
) -> bytes:
    """Return the maps packed at the largest size that leaves the folder small enough.

    Raises:
        EmbeddingError: If there is no room for maps of any size.
    """
    side = changes[0].shape[-1]
    while side >= 8:
        levels = np.stack(
            [to_levels(np.stack([resize_change(m, side) for m in maps]), plan) for maps in changes]
        )
        packed = pack_heat(ShippedHeat(tuple(ids), plan, levels))
        if len(packed) <= space:
            return packed
        logger.info(
            "maps of %d pixels take %d bytes; there is room for %d", side, len(packed), space
        )
        side //= 2
    raise EmbeddingError(
        f"The maps do not fit beside the pictures in {LARGEST_FOLDER} bytes. Make fewer cases with "
        "`daug bundle demo --count`."
    )


def _occupied(output: Path) -> int:
    """Return the size of all files that stay, in bytes."""
    replaced = {EMBEDDINGS_FILE, HEAT_FILE}
    return sum(path.stat().st_size for path in output.iterdir() if path.name not in replaced)


def _about(name: str, embedder: Embedder, vectors: Mapping[str, Changes]) -> dict[str, Any]:
    """Return what `demo.json` says of a file beside its digest, so that it need not be opened."""
    if name == EMBEDDINGS_FILE:
        return {"kind": "embeddings", "models": list(vectors), "dimensions": embedder.dimensions}
    return {"kind": "heat", "bundle_digest": embedder.plan.bundle_digest}
