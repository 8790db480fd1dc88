"""One training loop for every model: budget, cosine, EMA, checkpoints, resume, progress.

It knows nothing of radiographs. A Problem says what the model is, how a batch is drawn and what
its loss is; the loop carries it to the end of its budget and leaves averaged weights behind.
"""

import json
import logging
import math
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any

import torch
from accelerate import Accelerator
from diffusers.training_utils import EMAModel

from daug.errors import TrainingError
from daug.precision import has_fast_bf16
from trainers.checkpoints import Checkpoints
from trainers.evaluation.curves import draw_loss_curve
from trainers.problem import LoopSettings, Problem, Progress
from trainers.throughput import LOG_FILE, Throughput

logger = logging.getLogger(__name__)


def learning_rate_share(done: float, step: int, warmup_steps: int) -> float:
    """Return the share of the highest learning rate: a straight warm-up, then half a cosine.

    Args:
        done: Share of the training that is over, in [0, 1].
        step: Optimiser steps taken so far.
        warmup_steps: Steps of the warm-up.
    """
    warmup = min(1.0, (step + 1) / max(1, warmup_steps))
    return warmup * 0.5 * (1 + math.cos(math.pi * min(1.0, max(0.0, done))))


def share_done(settings: LoopSettings, progress: Progress) -> float:
    """Return how much of the training is over, by steps or by time, whichever is further."""
    by_steps = progress.step / settings.steps if settings.steps else 0.0
    minutes = settings.budget_minutes
    by_time = progress.elapsed / (60 * minutes) if minutes else 0.0
    return max(by_steps, by_time)


class Training:
    """One run of one Problem in one folder."""

    def __init__(self, problem: Problem, settings: LoopSettings, folder: Path) -> None:
        self.problem, self.settings, self.folder = problem, settings, folder
        folder.mkdir(parents=True, exist_ok=True)
        self.accelerator = Accelerator(mixed_precision=_mixed_precision())
        optimizer = torch.optim.AdamW(
            problem.model.parameters(),
            lr=settings.learning_rate,
            weight_decay=settings.weight_decay,
        )
        self.model, self.optimizer = self.accelerator.prepare(problem.model, optimizer)
        self.ema = EMAModel(
            problem.model.parameters(), decay=settings.ema_decay, use_ema_warmup=True, power=0.75
        )
        self.ema.to(self.accelerator.device)
        self.progress = Progress()
        self.generator = torch.Generator().manual_seed(
            settings.seed + 1_000_003 * self.accelerator.process_index
        )
        self.accelerator.register_for_checkpointing(self.ema, self.progress)
        self.checkpoints = Checkpoints(folder / "checkpoints", self.accelerator)

    def run(self, *, resume: bool = False) -> None:
        """Train to the end of the budget.

        Raises:
            TrainingError: If the folder holds another run and `resume` was not asked for, if
                there is nothing to resume, or if the loss is no longer a number.
        """
        self._take_up(resume)
        _write_settings(self.folder, self.settings)
        throughput = Throughput(self.problem, self.settings, self.accelerator)
        throughput.log_machine()
        due = Due(
            checkpoint=60 * self.settings.checkpoint_minutes,
            report=60 * self.settings.report_minutes,
            log=self.settings.log_seconds,
        )
        for loss in self._steps():
            throughput.count(loss, self.progress)
            if due("log"):
                throughput.log(self.folder, self.progress, share_done(self.settings, self.progress))
            if due("checkpoint"):
                self._save()
            if due("report"):
                self._report()
        throughput.log(self.folder, self.progress, share_done(self.settings, self.progress))
        self._save()
        self._report()

    def _steps(self) -> Iterator[float]:
        clock = time.monotonic()
        self.model.train()
        while share_done(self.settings, self.progress) < 1:
            loss = self._step()
            if not math.isfinite(loss):
                raise TrainingError(
                    f"{self.problem.name}: the loss is {loss} at step {self.progress.step}. "
                    "The last checkpoint is kept; resume from it with a lower learning rate."
                )
            self.progress.step += 1
            now = time.monotonic()
            self.progress.elapsed += now - clock
            clock = now
            yield loss

    def _step(self) -> float:
        settings = self.settings
        share = learning_rate_share(
            share_done(settings, self.progress), self.progress.step, settings.warmup_steps
        )
        for group in self.optimizer.param_groups:
            group["lr"] = settings.learning_rate * share
        total = 0.0
        for _ in range(settings.accumulate):
            batch = self.problem.draw_batch(settings.batch_size, self.generator)
            batch = tuple(part.to(self.accelerator.device, non_blocking=True) for part in batch)
            loss = self.problem.loss(self.model, batch) / settings.accumulate
            self.accelerator.backward(loss)
            total += float(loss.detach())
            self.progress.images += settings.batch_size * self.accelerator.num_processes
        self.accelerator.clip_grad_norm_(self.model.parameters(), settings.max_grad_norm)
        self.optimizer.step()
        self.optimizer.zero_grad(set_to_none=True)
        self.ema.step(self.problem.model.parameters())
        return total

    def _take_up(self, resume: bool) -> None:
        if not resume:
            if self.checkpoints.steps():
                raise TrainingError(
                    f"{self.folder.name} already holds a run. Add --resume to go on with it, or "
                    "name another folder."
                )
            return
        self.checkpoints.restore()
        if self.progress.generator is not None:
            self.generator.set_state(self.progress.generator)
        logger.info("resumed at step %d, %d images", self.progress.step, self.progress.images)

    def _save(self) -> None:
        self.progress.generator = self.generator.get_state()
        self.checkpoints.save(self.progress.step)
        self._with_averaged_weights(lambda: self.problem.save(self.folder / "weights"))

    def _report(self) -> None:
        scores: dict[str, Any] = {}

        def draw() -> None:
            scores.update(self.problem.report(self.folder, self.progress.step))

        self._with_averaged_weights(draw)
        if self.accelerator.is_main_process:
            self._draw_loss()
        logger.info("step %d: %s", self.progress.step, json.dumps(scores))

    def _draw_loss(self) -> None:
        try:
            draw_loss_curve(self.folder / LOG_FILE, self.folder / "loss.png")
        except TrainingError as error:  # a run of a few steps has no curve; it is none the worse
            logger.info("no curve of the loss: %s", error)

    def _with_averaged_weights(self, act: Callable[[], None]) -> None:
        if not self.accelerator.is_main_process:
            return
        model = self.problem.model
        self.ema.store(model.parameters())
        self.ema.copy_to(model.parameters())
        model.eval()
        try:
            act()
        finally:
            self.ema.restore(model.parameters())
            model.train()


class Due:
    """Says when something is to be done again, each thing at its own interval in seconds."""

    def __init__(self, **intervals: float) -> None:
        self._intervals = intervals
        self._last = dict.fromkeys(intervals, time.monotonic())

    def __call__(self, what: str) -> bool:
        """Return whether the interval is over, and if so begin the next one."""
        now = time.monotonic()
        if now - self._last[what] < self._intervals[what]:
            return False
        self._last[what] = now
        return True


def _mixed_precision() -> str:
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    return "bf16" if has_fast_bf16(device) else "no"


def _write_settings(folder: Path, settings: LoopSettings) -> None:
    text = json.dumps(asdict(settings), indent=2)
    (folder / "settings.json").write_text(text + "\n", encoding="utf-8")
