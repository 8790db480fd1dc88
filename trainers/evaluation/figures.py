"""Figures that can be averaged and subtracted, since they are known in the same draws.

The difference of two models, or the mean over findings or over seeds, has an interval of its own
only if both sides were drawn together: here each figure keeps its value in every draw.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from daug.bundle import Estimate
from trainers.evaluation.bootstrap import (
    DRAWS,
    DRAWS_AT_ONCE,
    Floats,
    Statistic,
    draw_patients,
    interval,
)
from trainers.manifest import Row


@dataclass(frozen=True, eq=False)
class Figure:
    """A figure on the cases as they are, and in every draw of the patients."""

    value: float
    drawn: Floats  # (D,), NaN where undefined
    n: int  # cases that it is of

    def __sub__(self, other: "Figure") -> "Figure":
        """Return the difference of two figures of the same cases and draws."""
        return Figure(self.value - other.value, self.drawn - other.drawn, min(self.n, other.n))

    def estimate(self) -> Estimate:
        """Return the figure with its 95 % percentile interval; NaN where there is none."""
        return Estimate(self.value, *interval(self.drawn), self.n)


def mean_figure(figures: Sequence[Figure], shares: Sequence[float], n: int) -> Figure:
    """Return the mean of figures of the same draws, each counting by its share.

    Args:
        figures: At least one.
        shares: Positive, in any unit; the same in every draw.
        n: Cases that the mean is of.
    """
    part = np.asarray(shares, dtype=np.float64) / np.sum(shares)
    value = float(part @ np.array([figure.value for figure in figures]))
    return Figure(value, part @ np.stack([figure.drawn for figure in figures]), n)


class Draws:
    """The same draws of the patients for everything that is measured on some cases.

    Patients are drawn with replacement within their source, as many as it has: the sources are
    what was collected, not chance. A source's draws hang on the seed and its name alone, so that
    its intervals are the same whichever other sources are scored beside it.
    """

    def __init__(self, rows: Sequence[Row], seed: int = 0, draws: int = DRAWS) -> None:
        self.count = draws
        self._patients = np.array([row.patient for row in rows])
        self._weights = np.zeros((draws, len(rows)))
        sources = np.array([row.source for row in rows])
        for source in np.unique(sources).tolist():
            own = np.flatnonzero(sources == source)
            generator = np.random.default_rng([seed, *source.encode()])
            names = self._patients[own].tolist()
            self._weights[:, own] = draw_patients(names, generator, draws)

    def figure(self, statistic: Statistic, chosen: NDArray[np.intp]) -> Figure:
        """Return a figure of some of the cases.

        Args:
            statistic: From weights of the chosen cases; see `Statistic`.
            chosen: Their places, (n,).

        Returns:
            It; undefined in every draw if all are of one patient, since then nothing varies.
        """
        n = len(chosen)
        value = float(statistic(np.ones((1, n)))[0])
        if len(np.unique(self._patients[chosen])) < 2:
            return Figure(value, np.full(self.count, np.nan), n)
        blocks = range(0, self.count, DRAWS_AT_ONCE)
        parts = [statistic(self._weights[i : i + DRAWS_AT_ONCE, chosen]) for i in blocks]
        return Figure(value, np.concatenate(parts), n)

    def constant(self, value: float, n: int) -> Figure:
        """Return a figure that is the same in every draw."""
        return Figure(value, np.full(self.count, value), n)


def mean_of_cases(values: Floats) -> Statistic:
    """Return the statistic that is the mean of a value of each case, (n,)."""

    def mean(weights: Floats) -> Floats:
        total = weights.sum(axis=1)
        part: Floats = weights @ values
        share: Floats = np.divide(part, total, out=np.full_like(part, np.nan), where=total > 0)
        return share

    return mean
