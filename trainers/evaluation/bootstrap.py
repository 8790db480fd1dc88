"""How sure a figure is: the percentile bootstrap over patients.

Two radiographs of one patient are not two independent cases, so patients are drawn, with
replacement, each with all of their radiographs. A draw is a row of weights: how often each
radiograph is in it. Whoever can compute a figure from weights, many draws at once, gets an
interval here; nothing here knows what the figure is.

Efron & Tibshirani 1993, "An Introduction to the Bootstrap", section 13.3.
"""

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from daug.bundle import Estimate

Floats = NDArray[np.float64]
Statistic = Callable[[Floats], Floats]  # weights (D, N) -> the figure (D,), NaN where undefined

DRAWS = 1000
BOUNDS = (0.025, 0.975)  # 95 %
# Draws that lack a class have no figure. Once more of them are missing than the interval leaves
# out at its two ends, its bounds would describe a luckier study than this one.
MIN_DEFINED = 0.95
DRAWS_AT_ONCE = 100  # keeps the intermediate tables in a processor's cache


def bootstrap(
    statistic: Statistic,
    patients: Sequence[str],
    generator: np.random.Generator,
    draws: int = DRAWS,
) -> Estimate:
    """Return a figure with its 95 % interval over patients.

    Args:
        statistic: The figure from weights; see `Statistic`.
        patients: Whose each radiograph is, (N,), in the order of the weights' columns.
        generator: Source of all chance.
        draws: How many times the patients are drawn.
    """
    return estimate(statistic, draw_patients(patients, generator, draws))


def draw_patients(
    patients: Sequence[str], generator: np.random.Generator, draws: int = DRAWS
) -> Floats:
    """Return how often each radiograph is in each draw of the patients, (D, N).

    Use the same draws for several figures of the same radiographs: it is quicker, and their
    intervals then differ only where the figures do.
    """
    names, whose = np.unique(np.asarray(patients, dtype=str), return_inverse=True)
    count = len(names)
    if not count:
        return np.zeros((draws, 0))
    chosen = generator.integers(count, size=(draws, count)) + count * np.arange(draws)[:, None]
    times = np.bincount(chosen.ravel(), minlength=draws * count).reshape(draws, count)
    return times[:, whose].astype(np.float64)


def estimate(statistic: Statistic, weights: Floats) -> Estimate:
    """Return a figure with its 95 % percentile interval from draws that were made before.

    Args:
        statistic: The figure from weights; see `Statistic`.
        weights: How often each radiograph is in each draw, (D, N).

    Returns:
        The figure on the radiographs as they are, and n = N. The bounds come from the draws in
        which the figure is defined; both are NaN if fewer than 95 % are, or if the draws are all
        alike because there is only one patient.
    """
    n = weights.shape[1]
    value = float(statistic(np.ones((1, n)))[0])
    if (weights == weights[:1]).all():
        return Estimate(value, float("nan"), float("nan"), n)
    blocks = range(0, len(weights), DRAWS_AT_ONCE)
    figures = np.concatenate([statistic(weights[i : i + DRAWS_AT_ONCE]) for i in blocks])
    return Estimate(value, *interval(figures), n)


def interval(figures: Floats) -> tuple[float, float]:
    """Return the 95 % percentile interval of a figure's draws, (D,).

    The bounds come from the draws in which the figure is defined; both are NaN if fewer than 95 %
    are.
    """
    defined = figures[~np.isnan(figures)]
    if len(defined) < MIN_DEFINED * len(figures):
        return float("nan"), float("nan")
    low, high = np.quantile(defined, BOUNDS)
    return float(low), float(high)
