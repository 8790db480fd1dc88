"""Which radiographs a batch is made of, and the dice that each of its samples has of its own.

A sample is a function of the training's seed and of its number, counted over the whole training.
So it does not matter which process draws it, in batches of what size, or whether the training
was killed and resumed in between: the number of samples drawn so far is all that is to be kept.
"""

import hashlib
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor

import torch
from torch import Tensor

from trainers.manifest import Row
from trainers.problem import Batch

DrawBatch = Callable[[int, torch.Generator], Batch]  # see Problem.draw_batch


def seed_from(*words: object) -> int:
    """Return a seed of 64 bits that hangs on every word and resembles no other."""
    return int.from_bytes(hashlib.blake2b(repr(words).encode(), digest_size=8).digest(), "big")


def draw_samples(draw_batch: DrawBatch, seed: int, numbers: Iterable[int]) -> Batch:
    """Return the samples with these numbers as one batch.

    Args:
        draw_batch: Draws a batch of a given size; asked for one sample at a time, from several
            threads at once.
        seed: Of the training.
        numbers: Which samples, counted over the whole training.
    """

    def sample(number: int) -> Batch:
        return draw_batch(1, torch.Generator().manual_seed(seed_from("sample", seed, number)))

    with ThreadPoolExecutor(torch.get_num_threads()) as pool:
        samples = list(pool.map(sample, numbers))
    return tuple(torch.cat(parts) for parts in zip(*samples, strict=True))


def source_weights(rows: Sequence[Row], balance: float) -> Tensor:
    """Return the chance of drawing each row, (N,), adding up to 1.

    A source is drawn in proportion to its number of rows to the power of `balance`: at 1 all
    rows are alike and a large source dominates, at 0 all sources are alike.
    """
    counts = Counter(row.source for row in rows)
    weights = torch.tensor([counts[row.source] ** (balance - 1) for row in rows])
    return weights / weights.sum()


class WeightedDraw:
    """Draws rows by their weights, with replacement, as fast for a million rows as for ten."""

    def __init__(self, weights: Tensor) -> None:
        self._heaped = weights.double().cumsum(0)  # (N,), rising

    def __call__(self, batch: int, generator: torch.Generator) -> Tensor:
        """Return the rows of a batch, (batch,)."""
        u = torch.rand(batch, generator=generator, dtype=torch.float64) * self._heaped[-1]
        return torch.searchsorted(self._heaped, u, right=True).clamp(max=len(self._heaped) - 1)
