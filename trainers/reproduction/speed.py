"""How fast this machine runs the networks of a preset: a few steps of each, on made-up images."""

import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import torch

from daug.clip import Clip
from daug.clip_files import write_tokenizer
from daug.errors import RadiographError
from daug.findings import SUPER_CLASSES
from daug.loading import load_radiograph
from daug.towers import Tokenizer
from trainers.classifier import ClassifierProblem, ClassifierSettings
from trainers.clip import ClipCases, ClipProblem, ClipSettings
from trainers.clip_run import OPEN_CLIP_CONTEXT
from trainers.diffusion import DiffusionProblem, DiffusionSettings
from trainers.manifest import Row
from trainers.reproduction.sizes import Size
from trainers.reproduction.space import clip_config
from trainers.reproduction.timing import Pace, time_network, time_training

MOST_ROWS = 5000  # to fill batches from
OPENED = 8  # radiographs, to time reading them


@dataclass(frozen=True)
class Speed:
    """What this machine needs for the parts of a preset."""

    device: str
    denoiser: Pace
    classifier: Pace
    clip: Pace
    denoise: float  # seconds for one image, once through the denoiser
    guide: float  # seconds for one image, the classifier with its gradient
    opening: float  # seconds for reading one radiograph and bringing it to the model's size


def measure_speed(size: Size, rows: Sequence[Row], clip_batch: int) -> Speed:
    """Run a few steps of each network, and open a few radiographs.

    Args:
        size: The preset.
        rows: Of the manifest; their labels and reports fill the batches.
        clip_batch: Radiographs of one step of the CLIP training.
    """
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    networks, train = size.networks, _spread([r for r in rows if r.split == "train"], MOST_ROWS)
    side = networks.unet.image_size
    pixels = np.broadcast_to(np.full((1, side, side), 100, np.uint8), (len(train), side, side))
    names = tuple(sorted({row.source for row in train}))
    with torch.random.fork_rng():
        denoiser = DiffusionProblem(
            train, pixels, pixels[:1], networks.unet, DiffusionSettings(sources=names)
        )
        classifier = ClassifierProblem(
            *(train, pixels, train[:1], pixels[:1], SUPER_CLASSES),
            networks.classifier(tuple(sc.name for sc in SUPER_CLASSES)),
            ClassifierSettings(sources=names, highest_t=networks.highest_t),
        )
        with TemporaryDirectory() as folder:
            clip = _clip_problem(size, train, names, Path(folder))
        return Speed(
            torch.cuda.get_device_name() if device.type == "cuda" else "processor",
            time_training(denoiser, networks.diffusion_loop.batch_size, device),
            time_training(classifier, networks.classifier_loop.batch_size, device),
            time_training(clip, clip_batch, device),
            time_network(denoiser.model, side, device, with_gradient=False),
            time_network(classifier.model, side, device, with_gradient=True),
            time_opening(rows, side),
        )


def time_opening(rows: Sequence[Row], side: int) -> float:
    """Return the seconds from a file to a model input, several being read at once."""
    some = _spread(rows, OPENED)

    def open_one(row: Row) -> bool:
        try:
            load_radiograph(row.image).model_input(side)
        except RadiographError:
            return False
        return True

    began = time.perf_counter()
    with ThreadPoolExecutor() as pool:
        read = sum(pool.map(open_one, some))
    return (time.perf_counter() - began) / max(1, read)


def _clip_problem(size: Size, rows: list[Row], names: tuple[str, ...], folder: Path) -> ClipProblem:
    config = clip_config(size)
    side, text = config.image_size, config.model_cfg["text_cfg"]
    merges = write_tokenizer(int(text.get("vocab_size", 49408)), folder)
    tokenizer = Tokenizer(merges, int(text.get("context_length", OPEN_CLIP_CONTEXT)))
    pixels = np.broadcast_to(np.full((1, side, side), 100, np.uint8), (len(rows), side, side))
    cases = ClipCases(rows, pixels, np.empty((len(rows), 0, side, side), np.int8))
    return ClipProblem(Clip(config), tokenizer, cases, cases, ClipSettings(sources=names))


def _spread(rows: Sequence[Row], most: int) -> list[Row]:
    return list(rows[:: max(1, len(rows) // most)][:most])
