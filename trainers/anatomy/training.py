"""One training of the anatomy model: from a manifest with masks to a run folder."""

import json
import logging
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch

from daug.anatomy_network import AnatomyConfig
from daug.bundle import file_digest
from daug.errors import ManifestError
from daug.organs import ORGANS
from trainers.anatomy.problem import AnatomyProblem, AnatomySettings, Examples
from trainers.loop import Training
from trainers.manifest import Row, read_manifest, select
from trainers.pixels import load_images
from trainers.problem import LoopSettings
from trainers.processes import join_processes
from trainers.runs import HELD_OUT_SPLIT, RUN_FILE, RunRequest
from trainers.sources import MayTrain, allowed_sources
from trainers.truth_masks import mask_on_square

logger = logging.getLogger(__name__)

FINER = 2  # examples are kept at so many times the model's side, so that a zoom stays sharp


@dataclass(frozen=True)
class AnatomyPreset:
    """Size and length of a training."""

    network: AnatomyConfig
    loop: LoopSettings


PRESETS = {
    "tiny": AnatomyPreset(
        AnatomyConfig(64, patch=4, channels=(8, 16)),
        LoopSettings(batch_size=4, steps=4, warmup_steps=2),
    ),
    # One core, a quarter of an hour. A few images a step: with so few patients, steps count.
    "cpu": AnatomyPreset(
        AnatomyConfig(),
        LoopSettings(
            batch_size=12,
            learning_rate=2e-3,
            weight_decay=0.02,
            warmup_steps=100,
            budget_minutes=14,
            report_minutes=2,
            checkpoint_minutes=4,
        ),
    ),
}


def train_anatomy(request: RunRequest) -> dict[str, Any]:
    """Train an anatomy model and return what `run.json` says of it.

    Raises:
        ManifestError: If no radiograph has masks of both lungs and the heart.
        TrainingError: If the training cannot start or go on.
    """
    join_processes()
    torch.manual_seed(request.seed)
    preset = find_anatomy_preset(request.preset)
    with_masks = rows_with_masks(read_manifest(request.manifest))
    sources = request.sources or allowed_sources(
        (row.source for row in with_masks), MayTrain.RECOGNISE
    )
    size, cache = preset.network.image_size, request.folder / "cache"
    chosen = select(with_masks, splits=[request.split], sources=sources)
    rows, examples = load_examples(chosen, FINER * size, cache)
    watched = select(with_masks, splits=[HELD_OUT_SPLIT], sources=sources)
    _, held_out = load_examples(watched, size, cache)
    logger.info("%d radiographs with masks, %d watched", len(rows), len(watched))
    problem = AnatomyProblem(
        examples,
        held_out,
        preset.network,
        AnatomySettings(tuple(sorted({row.source for row in rows}))),
    )
    if request.init is not None:
        problem.start_from(request.init)
    training = Training(problem, _loop(preset, request), request.folder)
    training.run(resume=request.resume)
    training.accelerator.end_training()
    return _describe(request, training, problem, rows)


def find_anatomy_preset(name: str) -> AnatomyPreset:
    """Return a preset by its name.

    Raises:
        ManifestError: If there is none.
    """
    if name not in PRESETS:
        raise ManifestError(f"{name!r} is no preset. Choose one of {', '.join(PRESETS)}.")
    return PRESETS[name]


def rows_with_masks(rows: Sequence[Row]) -> list[Row]:
    """Return the rows on which experts have drawn both lungs and the heart.

    Raises:
        ManifestError: If there is none.
    """
    chosen = [row for row in rows if set(ORGANS) <= set(row.masks)]
    if not chosen:
        raise ManifestError(
            f"No radiograph of the manifest has the masks {', '.join(ORGANS)}. Name them in its "
            "column `masks`."
        )
    return chosen


def load_examples(rows: Sequence[Row], size: int, cache: Path) -> tuple[list[Row], Examples]:
    """Return the rows that can be read, with pixels and masks on a square of some side."""
    images = load_images(rows, size, cache)
    masks = np.zeros((len(images.rows), len(ORGANS), size, size), dtype=np.uint8)
    for i, row in enumerate(images.rows):
        for j, organ in enumerate(ORGANS):
            masks[i, j][mask_on_square(row.masks[organ], size)] = 255
    return images.rows, Examples(np.array(images.pixels), masks)


def _loop(preset: AnatomyPreset, request: RunRequest) -> LoopSettings:
    loop = replace(preset.loop, seed=request.seed)
    if request.steps is not None or request.budget_minutes is not None:
        loop = replace(loop, steps=request.steps, budget_minutes=request.budget_minutes)
    return loop


def _describe(
    request: RunRequest, training: Training, problem: AnatomyProblem, rows: Sequence[Row]
) -> dict[str, Any]:
    values = {
        "kind": problem.name,
        "preset": request.preset,
        "manifest": {"file": request.manifest.name, "sha256": file_digest(request.manifest)},
        "split": request.split,
        "radiographs": dict(sorted(Counter(row.source for row in rows).items())),
        "images_seen": training.progress.images,
        "steps": training.progress.step,
        "minutes": round(training.progress.elapsed / 60, 1),
        "loop": asdict(training.settings),
        "settings": asdict(problem.settings),
        "parameters": sum(p.numel() for p in problem.network.parameters()),
    }
    if request.init is not None:  # whose training this one goes on with
        weights = sorted(request.init.glob("*.safetensors"))
        values["started_from"] = {path.name: file_digest(path) for path in weights}
    if training.accelerator.is_main_process:
        text = json.dumps(values, indent=2)
        (request.folder / RUN_FILE).write_text(text + "\n", encoding="utf-8")
    return values
