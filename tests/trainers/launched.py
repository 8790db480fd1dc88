"""Trainings in processes of their own, for tests that kill them or start several at once.

accelerate launch --multi_gpu --num_processes 2 tests/trainers/launched.py FOLDER BATCH
"""

import json
import logging
import sys
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from daug.findings import Finding, SuperClass
from daug.noisy_classifier import ClassifierConfig
from daug.unet import PredictionType, UNetConfig
from tests.trainers.rows import row
from tests.trainers.toy import Toy
from trainers import processes
from trainers.classifier import ClassifierProblem, ClassifierSettings
from trainers.clock import Clock
from trainers.diffusion import DiffusionProblem, DiffusionSettings
from trainers.loop import Training
from trainers.problem import LoopSettings, Problem

SIZE, STEPS = 16, 6


def tiny_denoiser() -> Problem:
    torch.manual_seed(3)
    rows = [row(f"r{i}") for i in range(12)]
    pixels = np.random.default_rng(0).integers(0, 256, (12, SIZE, SIZE), dtype=np.uint8)
    shape = UNetConfig(SIZE, 1, (32, 32), attention_from=8, prediction_type=PredictionType.EPSILON)
    return DiffusionProblem(rows, pixels, pixels[:2], shape, DiffusionSettings(("one",)))


def tiny_classifier() -> Problem:
    torch.manual_seed(4)
    rows = [row(f"r{i}", {Finding.PNEUMONIA: i % 2}) for i in range(80)]
    for i in range(40):  # half of the rows know a second label, so batches differ in what counts
        labels = {Finding.PNEUMONIA: i % 2, Finding.PLEURAL_EFFUSION: i // 2 % 2}
        rows[i] = row(f"r{i}", labels)
    pixels = np.random.default_rng(1).integers(0, 256, (80, SIZE, SIZE), dtype=np.uint8)
    classes = (
        SuperClass("Pneumonia", (Finding.PNEUMONIA,)),
        SuperClass("Pleural", (Finding.PLEURAL_EFFUSION,)),
    )
    config = ClassifierConfig(
        ("Pneumonia", "Pleural"), image_size=SIZE, patch=2, channels=(32,), dropout=0.0
    )
    return ClassifierProblem(
        rows, pixels, rows[:20], pixels[:20], classes, config, ClassifierSettings(("one",))
    )


def in_float64(problem: Problem) -> Problem:
    """Let the network compute so finely that weights without any effect keep still.

    Adam makes full steps of the rounding errors in a gradient that should be 0, such as that of
    a bias before a normalisation.
    """

    def widen(module: nn.Module, images_and_t: tuple[Tensor, ...]) -> tuple[Tensor, ...]:
        return (images_and_t[0].double(), *images_and_t[1:])

    problem.model.double().register_forward_pre_hook(widen)
    return problem


PROBLEMS: dict[str, Callable[[], Problem]] = {
    "toy": lambda: Toy(dropout=0.0),
    "denoiser": lambda: in_float64(tiny_denoiser()),
    "classifier": lambda: in_float64(tiny_classifier()),
    "dropout": Toy,
}


def train(folder: Path, problem: str, *, resume: bool = False, **changes: Any) -> Training:
    """Train in float32 on one thread, and save and log at every step."""
    values: dict[str, Any] = {"batch_size": 4, "learning_rate": 0.01, "warmup_steps": 2}
    values |= {"ema_decay": 0.9, "checkpoint_minutes": 0.0, "log_seconds": 0.0, "steps": STEPS}
    torch.set_num_threads(1)
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr("trainers.processes.has_fast_bf16", lambda device: False)
        # Measuring it takes most of a second.
        patched.setattr("trainers.throughput.convolution_peak", lambda device: 1e12)
        training = Training(PROBLEMS[problem](), LoopSettings(**{**values, **changes}), folder)
        training.run(resume=resume)
    return training


def train_by_clocks_that_disagree(folder: Path) -> None:
    """Train by time, where every process but the main one has a clock that runs five times fast."""
    rank = processes.join_processes().process_index
    clock = partial(Clock, now=lambda: time.monotonic() * (5 if rank else 1))
    minutes = 1.0 / 60
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr("trainers.loop.Clock", clock)
        training = train(
            folder, "toy", steps=None, budget_minutes=minutes, checkpoint_minutes=minutes / 7
        )
    (folder / f"process-{rank}.json").write_text(json.dumps(training.progress.state_dict()))


if __name__ == "__main__":
    logging.basicConfig(level=logging.INFO, stream=sys.stderr)
    processes.join_processes()
    for name in ("toy", "denoiser", "classifier"):
        train(Path(sys.argv[1]) / name, name, batch_size=int(sys.argv[2]))
    train_by_clocks_that_disagree(Path(sys.argv[1]) / "clocks")
