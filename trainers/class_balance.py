"""Which labels may be learnt from, and batches in which no class and no source dominates.

A class is learnt only from sources that label it both ways: where every image of a source has
it, the source's look (blur, age, collimator) would stand in for the disease.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from daug.bundle import MIN_EXAMPLES, TrainingCounts
from daug.errors import ManifestError
from daug.findings import State, SuperClass
from trainers.manifest import Row

MIN_EACH_WAY = 5  # of a source, with and without a class, for it to count as labelled both ways


@dataclass(frozen=True, eq=False)
class Labels:
    """What each row says of each super-class."""

    present: Tensor  # (N, C) float32, 1 or 0
    known: Tensor  # (N, C) bool; nothing else enters the loss


@dataclass(frozen=True)
class Pool:
    """The rows of one source that have, or have not, a class."""

    class_index: int
    source: str
    positives: tuple[int, ...]
    negatives: tuple[int, ...]

    @property
    def smaller(self) -> int:
        """How many rows the rarer side has."""
        return min(len(self.positives), len(self.negatives))


def find_pools(rows: Sequence[Row], super_classes: Sequence[SuperClass]) -> list[Pool]:
    """Return every source that labels a class both ways, for each class."""
    pools = []
    for class_index, super_class in enumerate(super_classes):
        for source in sorted({row.source for row in rows}):
            states = {
                i: row.state(super_class) for i, row in enumerate(rows) if row.source == source
            }
            pool = Pool(
                class_index,
                source,
                positives=tuple(i for i, state in states.items() if state is State.PRESENT),
                negatives=tuple(i for i, state in states.items() if state is State.ABSENT),
            )
            if pool.smaller >= MIN_EACH_WAY:
                pools.append(pool)
    return pools


def labels_from(pools: Sequence[Pool], rows: int, classes: int) -> Labels:
    """Return the labels that may be learnt from, unknown everywhere else."""
    present, known = torch.zeros(rows, classes), torch.zeros(rows, classes, dtype=torch.bool)
    for pool in pools:
        present[list(pool.positives), pool.class_index] = 1
        known[list(pool.positives + pool.negatives), pool.class_index] = True
    return Labels(present, known)


def count_training(
    pools: Sequence[Pool], rows: Sequence[Row], super_classes: Sequence[SuperClass]
) -> list[TrainingCounts]:
    """Return how many usable examples each class has, and of which findings."""
    counts = []
    for class_index, super_class in enumerate(super_classes):
        own = [pool for pool in pools if pool.class_index == class_index]
        positives = [rows[i] for pool in own for i in pool.positives]
        by_finding = {
            finding.value: sum(row.labels.get(finding) == 1 for row in positives)
            for finding in super_class.findings
        }
        findings = frozenset(super_class.findings)
        painted = [row for row in positives if row.painted in findings]
        measured = [row for row in positives if not row.painted and row.measured & findings]
        negatives = sum(len(pool.negatives) for pool in own)
        counts.append(
            TrainingCounts(len(positives), negatives, by_finding, len(painted), len(measured))
        )
    return counts


class BalancedSampler:
    """Draws a class, a source that labels it both ways, present or absent, then a row of these."""

    def __init__(self, pools: Sequence[Pool]) -> None:
        """Prepare the draw.

        Raises:
            ManifestError: If no class has enough examples either way.
        """
        classes = sorted({pool.class_index for pool in pools})
        trained = [
            c
            for c in classes
            if min(
                sum(len(p.positives) for p in pools if p.class_index == c),
                sum(len(p.negatives) for p in pools if p.class_index == c),
            )
            >= MIN_EXAMPLES
        ]
        if not trained:
            raise ManifestError(
                f"No super-class has {MIN_EXAMPLES} radiographs with it and {MIN_EXAMPLES} without "
                "in sources that label it both ways. Add sources, or check the finding columns."
            )
        self.pools = [pool for pool in pools if pool.class_index in trained]
        self.weights = torch.zeros(len(self.pools))
        for c in trained:
            of_class = [i for i, pool in enumerate(self.pools) if pool.class_index == c]
            # The square root lets a large source count for more, but not in proportion.
            share = torch.tensor([self.pools[i].smaller ** 0.5 for i in of_class])
            self.weights[of_class] = share / share.sum() / len(trained)

    def draw(self, batch: int, generator: torch.Generator) -> Tensor:
        """Return the rows of a batch, (batch,)."""
        chosen = torch.multinomial(self.weights, batch, replacement=True, generator=generator)
        u = torch.rand(batch, 2, generator=generator)
        rows = []
        for pool_index, (side, place) in zip(chosen.tolist(), u.tolist(), strict=True):
            pool = self.pools[pool_index]
            members = pool.positives if side < 0.5 else pool.negatives
            rows.append(members[int(place * len(members))])
        return torch.tensor(rows)
