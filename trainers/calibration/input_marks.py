"""Where the marks of the input check lie, and how often pictures are beyond them: numbers alone.

scores   one row for each picture, one column for each Sign, larger is worse, (N, K)
marks    one for each Sign, (K,); a picture is flagged if any score is beyond its mark
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from daug.bundle import Estimate
from daug.errors import ManifestError
from trainers.evaluation.bootstrap import bootstrap

Floats = NDArray[np.float64]
SLACK = 0.05  # of the spread, above the worst picture, since no score is exact to the last bit
MIN_RADIOGRAPHS = 50  # fewer say nothing of a rate of a few in a hundred


def set_marks(scores: Floats, rate: float) -> Floats:
    """Return marks that flag at most a share of the pictures, all signs together.

    One after the other, the picture whose loss lowers the marks most is given up, until the share
    is spent; so one strange picture costs one false alarm, however many signs it is strange by.
    A mark lies midway between the worst picture that is kept and the next that is given up.

    Args:
        scores: Of sound pictures, (N, K).
        rate: Share of them that may be flagged, in [0, 1).

    Raises:
        ManifestError: If there are fewer than MIN_RADIOGRAPHS pictures.
    """
    if len(scores) < MIN_RADIOGRAPHS:
        raise ManifestError(
            f"{len(scores)} held-out radiographs cannot say what is usual; at least "
            f"{MIN_RADIOGRAPHS} are needed. Name a split with more of them."
        )
    spread = np.median(np.abs(scores - np.median(scores, axis=0)), axis=0)
    scaled = scores / np.where(spread > 0, spread, 1)
    kept = np.ones(len(scores), dtype=np.bool_)
    for _ in range(int(rate * len(scores))):
        kept[_most_lowering(scaled, kept)] = False
    worst: Floats = scores[kept].max(axis=0)
    given_up = np.where(scores[~kept] > worst, scores[~kept], np.inf)
    beyond = given_up.min(axis=0, initial=np.inf)
    return np.where(np.isfinite(beyond), (worst + beyond) / 2, worst + SLACK * spread)


def _most_lowering(scores: Floats, kept: NDArray[np.bool_]) -> int:
    """Return the picture without which the largest scores would be lowest in sum."""
    places = np.flatnonzero(kept)
    order = np.argsort(-scores[places], axis=0, kind="stable")  # (kept, K)
    first, second = places[order[0]], places[order[1]]
    columns = np.arange(scores.shape[1])
    gains = np.zeros(len(scores))
    np.add.at(gains, first, scores[first, columns] - scores[second, columns])
    return int(first[gains[first].argmax()])


def flagged(scores: Floats, marks: Floats) -> NDArray[np.bool_]:
    """Return which pictures have any score beyond its mark, (N,)."""
    return np.asarray((~(scores <= marks)).any(axis=1))


def share(hits: NDArray[np.bool_], patients: Sequence[str]) -> Estimate:
    """Return the share of pictures that were hit, with its 95 % interval over patients."""
    values = hits.astype(np.float64)
    return bootstrap(
        lambda weights: weights @ values / weights.sum(axis=1),
        patients,
        np.random.default_rng(0),
    )
