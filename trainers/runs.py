"""Trainings from a manifest: pick the rows, load the pixels, train, and leave `run.json` behind."""

import json
import logging
import random
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from daug.bundle import file_digest
from daug.errors import TrainingError
from daug.findings import SUPER_CLASSES, Finding
from trainers.classifier import ClassifierProblem, ClassifierSettings
from trainers.diffusion import DiffusionProblem, DiffusionSettings
from trainers.loop import Training
from trainers.made_labels import TEXT_COLUMN
from trainers.manifest import Row, read_manifest, select
from trainers.pixels import Images, load_images
from trainers.presets import Preset, find_preset
from trainers.problem import LoopSettings
from trainers.processes import join_processes
from trainers.sources import MayTrain, allowed_sources
from trainers.surroundings import chest_masks
from trainers.text_labels import count_text_labels, taught_by

logger = logging.getLogger(__name__)

RUN_FILE = "run.json"
HELD_OUT_SPLIT = "val"  # watched during a training; never trained on, never a test score
PICTURED = 64  # held-out radiographs that the denoiser's pictures and error are made of


@dataclass(frozen=True)
class RunRequest:
    """What somebody asks a training to be."""

    manifest: Path
    folder: Path
    preset: str
    split: str = "train"
    sources: tuple[str, ...] = ()  # empty: all that may train this kind of model
    steps: int | None = None
    budget_minutes: float | None = None
    seed: int = 0
    init: Path | None = None
    resume: bool = False
    anatomy: Path | None = None  # folder of a segmenter, for a classifier
    foreign_share: float = 0.0  # see trainers.classifier.ClassifierSettings
    text_labels: bool = False  # learn from labels that were read from reports too


def train_diffusion(request: RunRequest) -> dict[str, Any]:
    """Train a denoiser and return what `run.json` says of it."""
    preset = find_preset(request.preset)
    images, held_out = _load(request, preset, MayTrain.DRAW)
    pictured = list(range(len(held_out.rows)))
    random.Random(request.seed).shuffle(pictured)  # noqa: S311 - mixes sources, no secret
    problem = DiffusionProblem(
        images.rows,
        images.pixels,
        held_out.pixels[pictured[:PICTURED]],
        preset.unet,
        DiffusionSettings(sources=_names(images.rows), late_share=preset.late_share),
    )
    if request.init is not None:
        problem.start_from(request.init)
    training = _run(problem, preset.diffusion_loop, request)
    more = {"settings": asdict(problem.settings), "left_out": images.left_out}
    return _describe(request, training, images.rows, more)


def train_classifier(request: RunRequest) -> dict[str, Any]:
    """Train a classifier and return what `run.json` says of it."""
    preset = find_preset(request.preset)
    images, held_out = _load(request, preset, MayTrain.RECOGNISE)
    rows = images.rows
    problem = ClassifierProblem(
        rows,
        images.pixels,
        held_out.rows,
        held_out.pixels,
        SUPER_CLASSES,
        preset.classifier(tuple(sc.name for sc in SUPER_CLASSES)),
        ClassifierSettings(
            sources=_names(rows),
            highest_t=preset.highest_t,
            foreign_share=request.foreign_share,
        ),
        _chests(images, request),
    )
    if request.init is not None:
        problem.start_from(request.init)
    training = _run(problem, preset.classifier_loop, request)
    counts = [asdict(counts) for counts in problem.counts]
    more = {
        "settings": asdict(problem.settings),
        "left_out": images.left_out,
        "counts": counts,
    }
    learnt_from = [
        row for row, known in zip(rows, problem.labels.known, strict=True) if known.any()
    ]
    return _describe(request, training, learnt_from, more)


def read_run(folder: Path, kind: str) -> dict[str, Any]:
    """Return what a finished training left behind.

    Raises:
        TrainingError: If the folder holds no such training, or one that has not ended.
    """
    path = folder / RUN_FILE
    try:
        values: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, json.JSONDecodeError) as error:
        raise TrainingError(
            f"{folder} holds no finished training ({RUN_FILE} cannot be read). "
            f"Run `daug train {kind}` to its end first."
        ) from error
    if values.get("kind") != kind:
        raise TrainingError(f"{folder} holds a training of {values.get('kind')}, not of {kind}.")
    return values


def _load(request: RunRequest, preset: Preset, needed: MayTrain) -> tuple[Images, Images]:
    """Return what is trained on and what is held out, once it is known to be in order."""
    join_processes()
    torch.manual_seed(request.seed)  # of the first weights; whatever follows has its own
    rows = taught_by(read_manifest(request.manifest), text_labels=request.text_labels)
    sources = request.sources or allowed_sources((row.source for row in rows), needed)
    splits = (request.split, HELD_OUT_SPLIT)
    chosen = [select(rows, splits=[split], sources=sources) for split in splits]
    size, cache = preset.unet.image_size, request.folder / "cache"
    images, held_out = (load_images(of_split, size, cache) for of_split in chosen)
    by_source = dict(Counter(row.source for row in images.rows))
    logger.info("%d radiographs of %s", len(images.rows), by_source)
    return images, held_out


def _chests(images: Images, request: RunRequest) -> NDArray[np.bool_] | None:
    if request.anatomy is None or not request.foreign_share:
        return None
    return chest_masks(images.pixels, request.anatomy, request.folder / "cache")


def _names(rows: Sequence[Row]) -> tuple[str, ...]:
    return tuple(sorted({row.source for row in rows}))


def _run(
    problem: DiffusionProblem | ClassifierProblem, settings: LoopSettings, request: RunRequest
) -> Training:
    settings = replace(settings, seed=request.seed)
    if request.steps is not None or request.budget_minutes is not None:
        settings = replace(settings, steps=request.steps, budget_minutes=request.budget_minutes)
    training = Training(problem, settings, request.folder)
    training.run(resume=request.resume)
    training.accelerator.end_training()
    return training


def _made(rows: Sequence[Row]) -> dict[str, dict[str, int]]:
    """Return how many rows show a painted finding, and how many labels no reader gave, if any."""

    def by_finding(findings: Iterable[Finding | None]) -> dict[str, int]:
        counts = Counter(finding.value for finding in findings if finding is not None)
        return dict(sorted(counts.items()))

    counts = {
        "painted": by_finding(row.painted for row in rows),
        "measured": by_finding(finding for row in rows for finding in row.measured),
        "assumed": by_finding(finding for row in rows for finding in row.assumed),
        TEXT_COLUMN: count_text_labels(rows),
    }
    return {how: findings for how, findings in counts.items() if findings}


def _describe(
    request: RunRequest,
    training: Training,
    rows: Sequence[Row],
    more: Mapping[str, Any],
) -> dict[str, Any]:
    values = {
        "kind": training.problem.name,
        "preset": request.preset,
        "manifest": {"file": request.manifest.name, "sha256": file_digest(request.manifest)},
        "split": request.split,
        "text_labels": request.text_labels,
        "radiographs": dict(sorted(Counter(r.source for r in rows if not r.painted).items())),
        "images_seen": training.progress.images,
        "steps": training.progress.step,
        "minutes": round(training.progress.elapsed / 60, 1),
        "loop": asdict(training.settings),
        **_made(rows),
        **more,
    }
    if request.init is not None:  # whose training this one goes on with
        weights = sorted(request.init.glob("*.safetensors"))
        values["started_from"] = {path.name: file_digest(path) for path in weights}
    if training.accelerator.is_main_process:
        text = json.dumps(values, indent=2)
        (request.folder / RUN_FILE).write_text(text + "\n", encoding="utf-8")
    return values
