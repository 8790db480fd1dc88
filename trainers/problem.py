"""What a training is: a problem, how long and how fast, and how far it has come."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import torch
from torch import Tensor, nn

from daug.errors import TrainingError

Batch = tuple[Tensor, ...]


@dataclass(frozen=True)
class LoopSettings:
    """How long and how fast to train."""

    batch_size: int = 32  # of one process and one accumulation step; N processes see N times it
    learning_rate: float = 4e-4  # at its highest
    weight_decay: float = 0.01
    warmup_steps: int = 200  # optimiser steps on a straight line up to learning_rate
    ema_decay: float = 0.999
    accumulate: int = 1  # batches for one optimiser step
    max_grad_norm: float = 1.0
    seed: int = 0
    steps: int | None = None  # optimiser steps in all; or
    budget_minutes: float | None = None  # wall-clock time in all, resumed parts added up
    checkpoint_minutes: float = 5.0
    report_minutes: float = 10.0  # between pictures and scores
    log_seconds: float = 20.0

    def __post_init__(self) -> None:
        if self.steps is None and self.budget_minutes is None:
            raise TrainingError("Give the training an end: a number of steps or of minutes.")


class Problem(Protocol):
    """What is trained."""

    name: str
    model: nn.Module

    def draw_batch(self, size: int, generator: torch.Generator) -> Batch:
        """Return a batch on the CPU; every random choice comes from the generator.

        It is called from several threads at once and must change nothing.
        """
        ...

    def loss(self, model: nn.Module, batch: Batch) -> Tensor:
        """Return the mean loss of a batch that lies on the model's device."""
        ...

    def terms(self, batch: Batch) -> Tensor:
        """Return how many terms that mean is over, a scalar.

        Batches of several processes, or of one optimiser step, count by it, so that together
        they are worth exactly one large batch.
        """
        ...

    def report(self, folder: Path, step: int) -> dict[str, Any]:
        """Draw pictures and scores with `model`, which holds averaged weights just now."""
        ...

    def save(self, folder: Path) -> None:
        """Write `model`, which holds averaged weights just now."""
        ...


@dataclass
class Progress:
    """Where a training stands; saved in every checkpoint."""

    step: int = 0
    images: int = 0  # drawn so far by all processes; the next sample has this number
    elapsed: float = 0.0  # seconds of training, over all parts of a resumed run

    def state_dict(self) -> dict[str, Any]:
        """Return all of it, for a checkpoint."""
        return dict(self.__dict__)

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Take up where `state_dict` left off."""
        self.__dict__.update(state)
