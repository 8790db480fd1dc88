"""How much disk each stage takes, from the preset and the number of radiographs."""

import shutil
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import torch
from torch import nn

from daug.augmented import ChannelPlan
from daug.clip import Clip, ClipConfig
from daug.errors import TrainingError
from daug.findings import SUPER_CLASSES
from daug.noisy_classifier import NoisyClassifier
from daug.prompts import class_prompts
from daug.towers import known_model_cfg
from daug.unet import Denoiser
from trainers.checkpoints import KEPT
from trainers.evaluation.ablation_runs import ABLATION_ROWS
from trainers.evaluation.clip_scores import PIXELS_SIDE
from trainers.manifest import Row
from trainers.reproduction.order import Order
from trainers.reproduction.sizes import Size, find_size
from trainers.reproduction.state import OUTDATED_FOLDER

GIB = 2**30
TRAINED_BYTES = 16  # of a parameter in a checkpoint: weight, average, two moments of AdamW
STORED_BYTES = 2  # in a bundle
MAP_FILE_BYTES = 4096  # of a file beside its numbers: key, recipe, rounding up to whole blocks


@dataclass(frozen=True)
class Parameters:
    """How many numbers each network holds."""

    denoiser: int
    classifier: int
    clip: int


@cache
def parameters(preset: str) -> Parameters:
    """Return how large the networks of a preset are."""
    size = find_size(preset)
    classes = tuple(super_class.name for super_class in SUPER_CLASSES)
    with torch.device("meta"):  # no numbers, only shapes
        denoiser = Denoiser(size.networks.unet)
        classifier = NoisyClassifier(size.networks.classifier(classes))
        clip = Clip(clip_config(size))
    return Parameters(_count(denoiser), _count(classifier), _count(clip))


def clip_config(size: Size, plan: ChannelPlan | None = None) -> ClipConfig:
    """Return the CLIP model of a preset, without pretrained weights."""
    clip = size.clip
    model_cfg = known_model_cfg(clip.model, clip.image_size) if clip.model else clip.model_cfg
    return ClipConfig(dict(model_cfg), plan or ChannelPlan(), class_prompts())


def bytes_of_stages(order: Order, rows: Sequence[Row]) -> Mapping[str, int]:
    """Return about how many bytes each stage adds to the folder, the largest at any moment.

    Args:
        order: What is asked for.
        rows: Radiographs that are trained on and scored.
    """
    size, count = order.size, parameters(order.preset)
    side, clip_side, n = size.networks.unet.image_size, size.clip.image_size, len(rows)
    by_split = Counter(row.split for row in rows)
    watched = by_split["train"] + by_split["val"]
    runs = len(ABLATION_ROWS) * len(order.clip_seeds)
    clip_pixels = 0 if clip_side == side else n * clip_side**2
    return {
        "data": sum(len(row.report) + 1000 for row in rows) + watched * side**2,
        "diffusion": _run_bytes(count.denoiser),
        "classifier": _run_bytes(count.classifier),
        "build": by_split["test"] * side**2 + STORED_BYTES * (count.denoiser + count.classifier),
        "tune": STORED_BYTES * (count.denoiser + count.classifier),
        "maps": n * (STORED_BYTES * side**2 + MAP_FILE_BYTES),
        "clip": clip_pixels + watched * clip_side**2 + runs * _run_bytes(count.clip),
        "ablation": by_split["test"] * (clip_side**2 + (4 * PIXELS_SIDE) ** 2),
        "add-clip": STORED_BYTES * (count.denoiser + count.classifier + count.clip),
    }


def bytes_to_come(order: Order, rows: Sequence[Row]) -> int:
    """Return about how many bytes the folder will still take, beside what is in it."""
    return max(0, sum(bytes_of_stages(order, rows).values()) - _there(order.folder))


def check_space(order: Order, rows: Sequence[Row]) -> None:
    """Refuse to start where the disk cannot hold what is still to come.

    Raises:
        TrainingError: If that is so.
    """
    needed, free = bytes_to_come(order, rows), free_bytes(order.folder)
    if needed > free:
        raise TrainingError(
            f"{order.folder} will need about {needed / GIB:.1f} GiB more, but its disk has "
            f"{free / GIB:.1f} GiB left. Free some, or name a folder on another disk."
        )


def free_bytes(folder: Path) -> int:
    """Return how much room the disk of a folder has that may not be there yet."""
    place = folder.resolve()
    while not place.exists():
        place = place.parent
    return shutil.disk_usage(place).free


def _there(folder: Path) -> int:
    """Return the bytes of what is in a folder, but for what is made anew beside it."""
    parts = (path for path in folder.glob("*") if path.name != OUTDATED_FOLDER)
    files = (path for part in parts for path in (part, *part.rglob("*")))
    return sum(p.stat().st_size for p in files if p.is_file() and not p.is_symlink())


def _run_bytes(count: int) -> int:
    """Return the bytes of a run: checkpoints, the one being written, and the averaged weights."""
    return count * ((KEPT + 1) * TRAINED_BYTES + 4)


def _count(network: nn.Module) -> int:
    return sum(parameter.numel() for parameter in network.parameters())
