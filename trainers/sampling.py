"""Which radiographs a batch is made of: sources and classes in balance, drawn with replacement."""

from collections import Counter
from collections.abc import Sequence

import torch
from torch import Tensor

from trainers.manifest import Row


def source_weights(rows: Sequence[Row], balance: float) -> Tensor:
    """Return the chance of drawing each row, (N,), adding up to 1.

    A source is drawn in proportion to its number of rows to the power of `balance`: at 1 all
    rows are alike and a large source dominates, at 0 all sources are alike.
    """
    counts = Counter(row.source for row in rows)
    weights = torch.tensor([counts[row.source] ** (balance - 1) for row in rows])
    return weights / weights.sum()


def draw_indices(weights: Tensor, batch: int, generator: torch.Generator) -> Tensor:
    """Return the rows of a batch, (batch,)."""
    return torch.multinomial(weights, batch, replacement=True, generator=generator)
