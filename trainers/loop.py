"""One training loop for every model: budget, cosine, EMA, checkpoints, resume, progress.

It knows nothing of radiographs. A Problem says what the model is, how a batch is drawn and what
its loss is; the loop carries it to the end of its budget and leaves averaged weights behind.

All chance of a step hangs on the seed, on how many samples were drawn before it and, for dropout
alone, on the process. So a training that was killed and resumed is bit for bit the one that was
not, and two processes are one with twice the batch.
"""

import json
import logging
import math
import shutil
from collections.abc import Callable, Iterator
from contextlib import nullcontext
from dataclasses import asdict
from pathlib import Path
from typing import Any

import torch
from diffusers.training_utils import EMAModel
from torch import Tensor
from torch.nn.utils import get_total_norm

from daug.errors import TrainingError
from trainers.checkpoints import Checkpoints, Stateful
from trainers.clock import Clock
from trainers.evaluation.curves import draw_loss_curve
from trainers.pace import learning_rate_share, share_done
from trainers.problem import Batch, LoopSettings, Problem, Progress
from trainers.processes import make_accelerator
from trainers.sampling import draw_samples, seed_from
from trainers.throughput import LOG_FILE, Throughput, cut_log

logger = logging.getLogger(__name__)

WEIGHTS = "weights"  # folder of the averaged weights, inside the run folder


class Training:
    """One run of one Problem in one folder."""

    def __init__(self, problem: Problem, settings: LoopSettings, folder: Path) -> None:
        self.problem, self.settings, self.folder = problem, settings, folder
        folder.mkdir(parents=True, exist_ok=True)
        self.accelerator = make_accelerator()
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
        own: dict[str, Stateful] = {"averaged": self.ema, "progress": self.progress}
        self.checkpoints = Checkpoints(folder / "checkpoints", self.accelerator, own)

    def run(self, *, resume: bool = False) -> None:
        """Train to the end of the budget.

        Raises:
            TrainingError: If the folder holds another run and `resume` was not asked for, if
                there is nothing to resume, if a checkpoint cannot be written, or if loss,
                gradient or weights are no longer numbers; the last state in which they were is
                kept then.
        """
        self._take_up(resume)
        throughput = Throughput(self.problem, self.settings, self.accelerator)
        if self.accelerator.is_main_process:
            _write_settings(self.folder, self.settings)
            throughput.log_machine()
        clock = Clock(
            self.accelerator,
            {
                "log": self.settings.log_seconds,
                "checkpoint": 60 * self.settings.checkpoint_minutes,
                "report": 60 * self.settings.report_minutes,
            },
        )
        self.model.train()
        while self._done() < 1:
            try:
                loss = self._step()
            except _NoNumberError as error:
                self._log(throughput)
                self._keep_last_good()
                raise TrainingError(
                    f"{self.problem.name}: the {error} at step {self.progress.step}, so the "
                    "training was ended. The last good state is kept. Go on from it with --resume "
                    "and another --seed, which draws other images and noise."
                ) from error
            tick = clock.tick()
            self.progress.elapsed += tick.seconds
            throughput.count(loss, self.progress)
            if tick.due & {"log", "checkpoint"}:  # a resumed run's log begins at its checkpoint
                self._log(throughput)
            if "checkpoint" in tick.due:
                self._save()
            if "report" in tick.due:
                self._report()
        self._log(throughput)
        self._save()
        self._report()

    def _done(self) -> float:
        return share_done(self.settings, self.progress)

    def _step(self) -> float:
        """Take one optimiser step and return the loss before it, over all processes."""
        settings = self.settings
        share = learning_rate_share(self._done(), self.progress.step, settings.warmup_steps)
        for group in self.optimizer.param_groups:
            group["lr"] = settings.learning_rate * share
        loss = self._gather_gradients(list(self._draw_batches()))
        norm = self.accelerator.clip_grad_norm_(self.model.parameters(), settings.max_grad_norm)
        _check_number("loss", loss)
        _check_number("norm of the gradient", norm)
        self.optimizer.step()
        self.optimizer.zero_grad(set_to_none=True)
        _check_number("norm of the weights", self._weights_norm())
        self.ema.step(self.problem.model.parameters())
        self.progress.step += 1
        batches = settings.accumulate * self.accelerator.num_processes
        self.progress.images += batches * settings.batch_size
        return float(loss)

    def _draw_batches(self) -> Iterator[Batch]:
        """Yield this process's share of the samples of a step."""
        size, rank = self.settings.batch_size, self.accelerator.process_index
        for i in range(self.settings.accumulate):
            first = self.progress.images + (i * self.accelerator.num_processes + rank) * size
            batch = draw_samples(
                self.problem.draw_batch, self.settings.seed, range(first, first + size)
            )
            yield tuple(part.to(self.accelerator.device, non_blocking=True) for part in batch)

    def _gather_gradients(self, batches: list[Batch]) -> Tensor:
        """Leave the gradient of one large batch behind, and return its loss."""
        device, processes = self.accelerator.device, self.accelerator.num_processes
        terms = torch.stack([self.problem.terms(batch) for batch in batches]).to(device).float()
        total = self.accelerator.reduce(terms.sum(), "sum").clamp(min=1)
        torch.manual_seed(
            seed_from(
                "dropout",
                self.settings.seed,
                self.progress.images,
                self.accelerator.process_index,
            )
        )
        loss = torch.zeros((), device=device)
        for i, batch in enumerate(batches):
            last = i == len(batches) - 1
            with nullcontext() if last else self.accelerator.no_sync(self.model):
                # Gradients are averaged over the processes, so that each counts for all.
                share = terms[i] / total * processes
                part = self.problem.loss(self.model, batch) * share
                self.accelerator.backward(part)
            loss += part.detach()
        gathered: Tensor = self.accelerator.reduce(loss, "mean")
        return gathered

    @torch.no_grad()
    def _weights_norm(self) -> Tensor:
        return get_total_norm(list(self.problem.model.parameters()))

    def _keep_last_good(self) -> None:
        """Save what is in memory, if it is still what it was before the step that went wrong."""
        if math.isfinite(float(self._weights_norm())):
            self._save()

    def _take_up(self, resume: bool) -> None:
        if resume:
            self.checkpoints.restore()
            logger.info("resumed at step %d, %d images", self.progress.step, self.progress.images)
        elif self.checkpoints.steps():
            raise TrainingError(
                f"{self.folder.name} already holds a run. Add --resume to go on with it, or "
                "name another folder."
            )
        if self.accelerator.is_main_process:
            cut_log(self.folder, self.progress.step)

    def _log(self, throughput: Throughput) -> None:
        if self.accelerator.is_main_process:
            throughput.log(self.folder, self.progress, self._done())

    def _save(self) -> None:
        self.checkpoints.save(self.progress.step)
        self._with_averaged_weights(self._save_weights)

    def _save_weights(self) -> None:
        """Replace the weights file by file, so that each is whole at any moment."""
        partial, whole = self.folder / f"{WEIGHTS}.partial", self.folder / WEIGHTS
        shutil.rmtree(partial, ignore_errors=True)
        self.problem.save(partial)
        for path in sorted(partial.rglob("*")):
            target = whole / path.relative_to(partial)
            if path.is_dir():
                target.mkdir(parents=True, exist_ok=True)
            else:
                target.parent.mkdir(parents=True, exist_ok=True)
                path.replace(target)
        shutil.rmtree(partial)

    def _report(self) -> None:
        scores: dict[str, Any] = {}

        def draw() -> None:
            scores.update(self.problem.report(self.folder, self.progress.step))
            self._draw_loss()
            logger.info("step %d: %s", self.progress.step, json.dumps(scores))

        self._with_averaged_weights(draw)

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


class _NoNumberError(Exception):
    """A value of a step is NaN or infinite; all processes see the same values."""


def _check_number(what: str, value: Tensor) -> None:
    if not math.isfinite(float(value)):
        raise _NoNumberError(f"{what} is {float(value)}")


def _write_settings(folder: Path, settings: LoopSettings) -> None:
    text = json.dumps(asdict(settings), indent=2)
    (folder / "settings.json").write_text(text + "\n", encoding="utf-8")
