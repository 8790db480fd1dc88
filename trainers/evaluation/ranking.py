"""How well scores part the radiographs with a class from those without, from weights.

    labels    1 with the class, 0 without, (N,)
    scores    higher for more likely; only their order counts, and equal ones stay together, (N,)
    weights   how often each radiograph counts, (D, N); one row for each draw of the bootstrap

With weights of 1 these are scikit-learn's `average_precision_score` and `roc_auc_score`; they
are written out here because a thousand draws have to be ranked only once.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from trainers.evaluation.bootstrap import Floats


@dataclass(frozen=True, eq=False)
class Ranking:
    """Radiographs in falling order of score; K places, one for each different score."""

    labels: Floats  # (N,) in rank order
    order: NDArray[np.intp]  # (N,) which radiograph stands where
    ends: NDArray[np.intp]  # (K,) the last radiograph of each place

    def average_precision(self, weights: Floats) -> Floats:
        """Return the average precision of each draw, (D,); NaN where a class is missing.

        It is the mean precision over the positives, each at its own place: steps, not
        trapezoids, which would flatter.
        """
        hits, alarms = self._counts(weights)  # (D, K)
        shown = hits + alarms
        precision = np.divide(hits, shown, out=np.zeros_like(hits), where=shown > 0)
        found = np.diff(hits, axis=1, prepend=0)
        return _share((found * precision).sum(axis=1), hits[:, -1], alarms[:, -1])

    def auroc(self, weights: Floats) -> Floats:
        """Return the area under the ROC curve of each draw, (D,); NaN where a class is missing."""
        hits, alarms = self._counts(weights)  # (D, K)
        before = np.concatenate([np.zeros((len(hits), 1)), hits[:, :-1]], axis=1)
        area = (np.diff(alarms, axis=1, prepend=0) * (before + hits) / 2).sum(axis=1)
        positives, negatives = hits[:, -1], alarms[:, -1]
        return _share(area, positives * negatives, positives * negatives)

    def _counts(self, weights: Floats) -> tuple[Floats, Floats]:
        """Return the positives and negatives down to the end of each place, (D, K) each."""
        ranked = weights[:, self.order]
        hits = (ranked * self.labels).cumsum(axis=1)
        alarms = (ranked * (1 - self.labels)).cumsum(axis=1)
        return hits[:, self.ends], alarms[:, self.ends]


def rank(labels: Floats, scores: Floats) -> Ranking:
    """Return radiographs ranked by score; there must be at least one."""
    order = np.argsort(-scores, kind="stable")
    falls = np.diff(scores[order]) != 0
    return Ranking(labels[order], order, np.flatnonzero(np.append(falls, True)))


def prevalence(labels: Floats, weights: Floats) -> Floats:
    """Return the share of radiographs with the class in each draw, (D,)."""
    share: Floats = weights @ labels / weights.sum(axis=1)
    return share


def _share(part: Floats, whole: Floats, needed: Floats) -> Floats:
    """Return part / whole, and NaN where whole or needed is 0."""
    missing = (whole == 0) | (needed == 0)
    return np.where(missing, np.nan, part / np.where(missing, 1, whole))
