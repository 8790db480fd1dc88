"""A problem so small that a training of it takes milliseconds."""

from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

SLOPE = 3.0


class Toy:
    """Find y = 3 x with a linear layer behind dropout, so that resuming needs all dice."""

    name = "toy"

    def __init__(self, dropout: float = 0.5) -> None:
        torch.manual_seed(1)
        self.model: nn.Module = nn.Sequential(nn.Dropout(dropout), nn.Linear(4, 4))
        self.reports: list[int] = []
        self.losses = -1  # given in training so far; the FLOP count takes one before

    def draw_batch(self, size: int, generator: torch.Generator) -> tuple[Tensor, ...]:
        return (torch.randn(size, 4, generator=generator),)

    def loss(self, model: nn.Module, batch: tuple[Tensor, ...]) -> Tensor:
        self.losses += 1
        loss: Tensor = (model(batch[0]) - SLOPE * batch[0]).square().mean()
        return loss

    def terms(self, batch: tuple[Tensor, ...]) -> Tensor:
        return torch.tensor(len(batch[0]))

    def report(self, folder: Path, step: int) -> dict[str, Any]:
        self.reports.append(step)
        return {"training": self.model.training}

    def save(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        torch.save(self.model.state_dict(), folder / "toy.pt")
