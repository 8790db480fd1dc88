"""What one step of a network costs on this machine, in seconds and in memory."""

import time
from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from daug.precision import has_fast_bf16
from trainers.heat_run import BATCH
from trainers.problem import Problem

SECONDS = 1.0  # of a step that is worth repeating
FEW = 2  # images of the first step that is timed on a processor
TIMES = 3  # that a quick network is asked; the quickest counts
OPTIMISER_BYTES = 20  # of a parameter in training: weight, gradient, two moments, average


@dataclass(frozen=True)
class Pace:
    """What one training costs."""

    seconds: float  # of an optimiser step
    memory: int  # bytes, about, at the preset's batch


def time_training(problem: Problem, batch: int, device: torch.device) -> Pace:
    """Return what an optimiser step costs.

    On a graphics card a whole step is timed. On a processor two with fewer images are, and the
    rest is reckoned on the straight line through them: part of a step hangs on no image, as the
    prompts of the classes do.

    Args:
        problem: What is trained.
        batch: Images of a step.
        device: Where it is trained.
    """
    model = problem.model.to(device).train()
    optimizer = torch.optim.AdamW(model.parameters())

    def step(images: int) -> tuple[float, int]:
        parts = problem.draw_batch(images, torch.Generator().manual_seed(0))
        parts = tuple(part.to(device) for part in parts)
        began = time.perf_counter()
        saved = SavedBytes()
        with autocast(device), saved:
            loss = problem.loss(model, parts)
        torch.autograd.backward(loss)
        wait(device)
        return time.perf_counter() - began, saved.total

    seconds, saved = _whole(step, batch) if device.type == "cuda" else _reckoned(step, batch)
    began = time.perf_counter()
    optimizer.step()
    wait(device)
    update = time.perf_counter() - began
    count = sum(parameter.numel() for parameter in model.parameters())
    optimizer.zero_grad(set_to_none=True)
    model.cpu()
    return Pace(seconds + update, OPTIMISER_BYTES * count + int(saved))


def time_network(
    model: nn.Module, side: int, device: torch.device, *, with_gradient: bool
) -> float:
    """Return the seconds that a network needs for one image, with the gradient of it if asked."""
    model = model.to(device).eval()
    t = torch.tensor(200, device=device)

    def once(count: int) -> None:
        images = torch.zeros(count, 1, side, side, device=device)
        with autocast(device), torch.set_grad_enabled(with_gradient):
            seen = images.requires_grad_(with_gradient)
            output: Tensor = model(seen, t)
        if with_gradient:
            torch.autograd.grad(output.sum(), seen)
        wait(device)

    one = _quickest(lambda: once(1))
    few = BATCH[device.type]
    each = _quickest(lambda: once(few)) / few if one < SECONDS / few else one
    model.cpu()
    return each


class SavedBytes(torch.autograd.graph.saved_tensors_hooks):
    """Counts what a forward pass keeps for the way back."""

    def __init__(self) -> None:
        self.total = 0
        self._seen: set[int] = set()
        super().__init__(self._keep, lambda tensor: tensor)

    def _keep(self, tensor: Tensor) -> Tensor:
        storage = tensor.untyped_storage()
        if not isinstance(tensor, nn.Parameter) and storage.data_ptr() not in self._seen:
            self._seen.add(storage.data_ptr())
            self.total += storage.nbytes()
        return tensor


def autocast(device: torch.device) -> torch.autocast:
    """Compute as trainings do: in 16 bits where that is fast."""
    return torch.autocast(device.type, torch.bfloat16, enabled=has_fast_bf16(device))


def wait(device: torch.device) -> None:
    """Let an accelerator come to the end of what it was asked."""
    if device.type == "cuda":
        torch.cuda.synchronize()


def _whole(step: Callable[[int], tuple[float, int]], batch: int) -> tuple[float, float]:
    step(batch)  # warms up
    return step(batch)


def _reckoned(step: Callable[[int], tuple[float, int]], batch: int) -> tuple[float, float]:
    few = min(FEW, batch)
    first, saved = step(few)
    if first < SECONDS:  # the first also warms up, which no longer matters in a slow one
        first, saved = step(few)
    many = min(batch, max(2 * few, int(few * SECONDS / max(first, 1e-9))))
    if many == few:
        return first, saved
    second, more = step(many)
    each = max(second - first, 0.0) / (many - few)
    each_saved = (more - saved) / (many - few)
    return second + (batch - many) * each, more + (batch - many) * each_saved


def _quickest(once: Callable[[], None]) -> float:
    seconds: list[float] = []
    while len(seconds) < TIMES and not (seconds and seconds[0] > SECONDS):
        began = time.perf_counter()
        once()
        seconds.append(time.perf_counter() - began)
    return min(seconds)
