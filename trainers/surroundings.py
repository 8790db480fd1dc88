"""The surroundings of one radiograph around the chest of another, for the classifier to ignore.

Shoulders, collimators, letters and the bed tell which hospital a picture is from, and so perhaps
its label. A classifier that has seen every chest within other surroundings cannot use them, and
its gradient, which draws the maps, has less reason to point at them.
"""

import hashlib
import json
import logging
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional as F

from daug.anatomy import load_anatomist
from daug.guided_region import chest_of
from trainers.pixels import to_model_range

logger = logging.getLogger(__name__)

AT_ONCE = 256
SOFT_EDGE = 5  # pixels over which one picture turns into the other


def chest_masks(pixels: NDArray[np.uint8], anatomy: Path, cache: Path) -> NDArray[np.bool_]:
    """Return the chest of every picture, (N, S, S), made once for these pixels and this segmenter.

    Raises:
        BundleError: If the segmenter cannot be loaded or is of another size.
    """
    parts = [hashlib.sha256(file.read_bytes()).hexdigest() for file in sorted(anatomy.iterdir())]
    parts.append(hashlib.sha256(np.ascontiguousarray(pixels).tobytes()).hexdigest())
    key = hashlib.sha256(json.dumps(parts).encode()).hexdigest()[:16]
    path = cache / f"chests-{key}.npy"
    if path.exists():
        found: NDArray[np.bool_] = np.load(path, mmap_mode="r")
        return found
    anatomist = load_anatomist(anatomy)
    chests = np.empty(pixels.shape, dtype=np.bool_)
    for start in range(0, len(pixels), AT_ONCE):
        images = to_model_range(pixels[start : start + AT_ONCE])[:, 0].numpy()
        seen = anatomist.look_at_all(images)
        chests[start : start + AT_ONCE] = [chest_of(one.organs) for one in seen]
    logger.info("%d chests found, %d not", (~chests.all((1, 2))).sum(), chests.all((1, 2)).sum())
    cache.mkdir(parents=True, exist_ok=True)
    partial = path.with_suffix(".partial")
    with partial.open("wb") as file:
        np.save(file, chests)
    partial.replace(path)
    return chests


def exchange(images: Tensor, chests: Tensor, order: Sequence[int] | Tensor) -> Tensor:
    """Return each image with the surroundings of another.

    Where either has its chest, the image keeps its own pixels, so that no second chest shows.

    Args:
        images: (B, 1, S, S).
        chests: (B, 1, S, S), 1 inside.
        order: Of whom each image takes its surroundings, (B,).
    """
    other = torch.as_tensor(order)
    kept = torch.maximum(chests, chests[other]).float()
    kept = F.avg_pool2d(kept, SOFT_EDGE, stride=1, padding=SOFT_EDGE // 2, count_include_pad=False)
    return kept * images + (1 - kept) * images[other]
