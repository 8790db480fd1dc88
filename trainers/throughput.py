"""How fast a training runs, and how much of the machine it uses."""

import json
import logging
import time
from pathlib import Path

import torch
from accelerate import Accelerator
from torch.utils.flop_counter import FlopCounterMode

from trainers.problem import LoopSettings, Problem, Progress

logger = logging.getLogger(__name__)

LOG_FILE = "log.jsonl"  # one line of figures for each line of the log
PEAK_CHANNELS, PEAK_SIDE = 256, 32  # a 3x3 convolution that keeps every core busy
PEAK_BATCH = {"cpu": 8, "cuda": 512}  # a device of another kind is tried as the CPU is
PEAK_REPEATS = 10


class Throughput:
    """Counts images and losses between two lines of the log."""

    def __init__(self, problem: Problem, settings: LoopSettings, accelerator: Accelerator) -> None:
        self.device, self.processes = accelerator.device, accelerator.num_processes
        # The dice thrown for measuring must not be missing from a resumed training.
        own = [self.device] if self.device.type == "cuda" else []
        with torch.random.fork_rng(own):
            self.peak = convolution_peak(self.device)
            self.flop_per_image = training_flop(problem, self.device)
        self._since = time.monotonic()
        self._images_then = -1
        self._losses: list[float] = []

    def log_machine(self) -> None:
        """Say what the machine can do and what one image costs."""
        logger.info(
            "%d x %s, %d threads: convolution peak %.2f TFLOP/s each; one image costs %.2f GFLOP",
            self.processes,
            self.device,
            torch.get_num_threads(),
            self.peak / 1e12,
            self.flop_per_image / 1e9,
        )

    def count(self, loss: float, progress: Progress) -> None:
        """Add one optimiser step."""
        if self._images_then < 0:
            # The first step warms up; the rate counts from its end.
            self._since, self._images_then = time.monotonic(), progress.images
        self._losses.append(loss)

    def log(self, folder: Path, progress: Progress, done: float) -> None:
        """Write one line to the log and one to `log.jsonl`, if there were steps since the last."""
        if not self._losses:
            return
        now = time.monotonic()
        rate = (progress.images - self._images_then) / max(1e-9, now - self._since)
        loss = sum(self._losses) / len(self._losses)
        left = progress.elapsed * (1 - done) / max(done, 1e-9)
        share = rate * self.flop_per_image / (self.peak * self.processes)
        logger.info(
            "step %d  loss %.4f  %.1f images/s  %.0f %% of peak  %.0f %% done  %.0f min left",
            *(progress.step, loss, rate, 100 * share, 100 * done, left / 60),
        )
        line = {
            "step": progress.step,
            "images": progress.images,
            "seconds": round(progress.elapsed, 1),
            "loss": loss,
            "images_per_second": round(rate, 2),
            "share_of_peak": round(share, 3),
        }
        with (folder / LOG_FILE).open("a", encoding="utf-8") as file:
            file.write(json.dumps(line) + "\n")
        self._since, self._images_then, self._losses = now, progress.images, []


def cut_log(folder: Path, step: int) -> None:
    """Drop what a killed run logged after the step that the training goes on from.

    Those steps are taken, and logged, a second time; and the last line may be half a line.
    """
    path = folder / LOG_FILE
    if not path.exists():
        return
    lines = path.read_text(encoding="utf-8", errors="replace").splitlines()
    partial = path.with_suffix(".partial")
    kept = "".join(f"{line}\n" for line in lines if _step_of(line) <= step)
    partial.write_text(kept, encoding="utf-8")
    partial.replace(path)


def _step_of(line: str) -> float:
    try:
        return float(json.loads(line)["step"])
    except (ValueError, KeyError, TypeError):
        return float("inf")


def convolution_peak(device: torch.device) -> float:
    """Return the best rate of a large 3x3 convolution in bfloat16 here, in FLOP/s."""
    batch = PEAK_BATCH.get(device.type, PEAK_BATCH["cpu"])
    convolution = torch.nn.Conv2d(PEAK_CHANNELS, PEAK_CHANNELS, 3, padding=1, bias=False)
    convolution = convolution.to(device, torch.bfloat16).to(memory_format=torch.channels_last)
    images = torch.randn(batch, PEAK_CHANNELS, PEAK_SIDE, PEAK_SIDE).to(
        device, torch.bfloat16, memory_format=torch.channels_last
    )
    best = float("inf")
    with torch.no_grad():
        for _ in range(PEAK_REPEATS):
            start = time.perf_counter()
            convolution(images)
            if device.type == "cuda":
                torch.cuda.synchronize()
            best = min(best, time.perf_counter() - start)
    flop: int = 2 * batch * PEAK_SIDE**2 * PEAK_CHANNELS**2 * 9
    return flop / best


def training_flop(problem: Problem, device: torch.device) -> float:
    """Return the FLOP of one image's forward and backward pass."""
    batch = problem.draw_batch(1, torch.Generator().manual_seed(0))
    with FlopCounterMode(display=False) as counter:
        loss = problem.loss(problem.model, tuple(part.to(device) for part in batch))
        torch.autograd.backward(loss)
    problem.model.zero_grad(set_to_none=True)
    return float(counter.get_total_flops())
