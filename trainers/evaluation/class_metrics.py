"""What a bundle says about each super-class: how well it was measured, and where "yes" begins."""

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from daug.bundle import MIN_TEST_POSITIVES, ClassMetrics
from daug.findings import SuperClass
from trainers.evaluation.bootstrap import Floats
from trainers.evaluation.classifier_scores import (
    ScoreRow,
    known_labels,
    rarer_side,
    telling_sources,
)
from trainers.manifest import Row

MIN_POOLED = 5  # cases with the class, and without, below which no operating point is given


def class_metrics(scores: Sequence[ScoreRow]) -> dict[str, tuple[ClassMetrics, ...]]:
    """Return the figures of each super-class at t = 0 within each source.

    Sources with enough radiographs come first, and of these the one with most on its rarer side;
    figures over all sources measure the sources' looks as well and are left out. So is a source
    with too few patients for an interval: it measures nothing, and a bundle holds only numbers.

    Args:
        scores: Of any levels and sources; see `score_rows`.
    """
    clean = [
        row
        for row in scores
        if row.t == 0
        and not row.measures_source_look
        and math.isfinite(row.average_precision.low)
        and math.isfinite(row.auroc.low)
    ]
    clean.sort(key=lambda r: (not r.enough, -min(r.positives, r.negatives), r.source))
    return {
        name: tuple(
            ClassMetrics(r.source, r.positives, r.negatives, r.average_precision, r.auroc)
            for r in clean
            if r.super_class == name
        )
        for name in dict.fromkeys(row.super_class for row in scores)
    }


def operating_points(
    logits: NDArray[np.float32], rows: Sequence[Row], super_classes: Sequence[SuperClass]
) -> dict[str, float | None]:
    """Return the sigmoid score of each super-class above which a radiograph is said to have it.

    It is where sensitivity + specificity is highest (Youden 1950) among the validation cases of
    the most telling source. If that source has fewer than 20 with the class or 20 without, all
    sources that label the class both ways are pooled; if even these have fewer than 5 of
    either, or the score parts them no better than chance, there is no operating point.

    Args:
        logits: Of the validation radiographs at t = 0, (N, C).
        rows: The same radiographs, (N,); never those that a score is reported on.
        super_classes: In the order of the logits, (C,).
    """
    sources = np.array([row.source for row in rows])
    points: dict[str, float | None] = {}
    for index, super_class in enumerate(super_classes):
        labels = known_labels(rows, super_class)
        chosen = _telling_cases(labels, sources)
        scores = logits[chosen, index].astype(np.float64)
        points[super_class.name] = youden_point(labels[chosen], np.exp(-np.logaddexp(0, -scores)))
    return points


def youden_point(labels: Floats, scores: Floats) -> float | None:
    """Return the score that best parts cases with a class from those without, or None.

    Args:
        labels: 1 or 0, (N,).
        scores: (N,); "above" the point means with the class.

    Returns:
        The middle between the two neighbouring scores where Youden's J is highest (the upper
        pair of several), or None if there are fewer than 5 of either label or J is never above 0.
    """
    if rarer_side(labels) < MIN_POOLED:
        return None
    order = np.argsort(-scores, kind="stable")
    labels, scores = labels[order], scores[order]
    sensitivity = labels.cumsum() / labels.sum()
    false_alarms = (1 - labels).cumsum() / (1 - labels).sum()
    youden = sensitivity - false_alarms  # J if the radiographs down to here are called positive
    youden[:-1][scores[:-1] == scores[1:]] = 0  # equal scores cannot be parted
    best = int(youden.argmax())
    if youden[best] <= 0:
        return None
    return float((scores[best] + scores[best + 1]) / 2)


def _telling_cases(labels: Floats, sources: NDArray[np.str_]) -> NDArray[np.bool_]:
    """Return which radiographs an operating point is to be looked for in, (N,)."""
    known = ~np.isnan(labels)
    telling = telling_sources(labels, sources)
    if telling:
        best: NDArray[np.bool_] = known & (sources == telling[0])
        if rarer_side(labels[best]) >= MIN_TEST_POSITIVES:
            return best
    pooled: NDArray[np.bool_] = known & np.isin(sources, telling)
    return pooled
