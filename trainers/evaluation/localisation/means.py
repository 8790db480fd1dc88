"""Means over radiographs with their intervals over patients."""

import math
from collections.abc import Sequence

import numpy as np

from daug.bundle import Estimate
from trainers.evaluation.bootstrap import DRAWS, draw_patients, estimate


def mean_estimate(
    values: Sequence[float], patients: Sequence[str], draws: int = DRAWS, seed: int = 0
) -> Estimate:
    """Return the mean of some radiographs' values with its 95 % interval; NaN of none.

    Args:
        values: One for each radiograph, (n,).
        patients: Whose each radiograph is, (n,).
        draws: Of the bootstrap.
        seed: Of the bootstrap.
    """
    if not values:
        return Estimate(math.nan, math.nan, math.nan, 0)
    weights = draw_patients(patients, np.random.default_rng(seed), draws)
    numbers = np.asarray(values, dtype=np.float64)
    return estimate(lambda drawn: np.asarray(drawn @ numbers / drawn.sum(axis=-1)), weights)
