import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import roc_curve

from daug.bundle import Estimate
from daug.findings import Finding, SuperClass
from tests.trainers.rows import row
from trainers.evaluation.class_metrics import class_metrics, operating_points, youden_point
from trainers.evaluation.classifier_scores import ALL_SOURCES, ScoreRow

LESION = SuperClass("Lung Lesion", (Finding.LUNG_LESION,))
SOME = Estimate(0.7, 0.6, 0.8, 100)
NO_INTERVAL = Estimate(0.7, math.nan, math.nan, 10)


def score(
    source: str, positives: int, negatives: int, t: int = 0, figure: Estimate = SOME
) -> ScoreRow:
    return ScoreRow(LESION.name, source, t, positives, negatives, figure, figure, SOME)


def test_a_class_is_described_at_t_0_within_sources_the_most_telling_first() -> None:
    metrics = class_metrics(
        [
            score("few", 10, 500),
            score("lopsided", 500, 19),
            score("good", 40, 41),
            score("best", 50, 50),
            score("best", 50, 50, t=100),
            score(ALL_SOURCES, 600, 610),
        ]
    )
    assert [m.source for m in metrics["Lung Lesion"]] == ["best", "good", "lopsided", "few"]
    assert metrics["Lung Lesion"][0].positives == 50


def test_a_source_without_an_interval_measures_nothing() -> None:
    assert class_metrics([score("tiny", 1, 4, figure=NO_INTERVAL)]) == {"Lung Lesion": ()}


@given(
    st.lists(st.tuples(st.booleans(), st.integers(0, 6)), min_size=10, max_size=60).filter(
        lambda drawn: min(sum(p for p, _ in drawn), sum(not p for p, _ in drawn)) >= 5
    )
)
def test_the_operating_point_has_the_highest_youden_j_of_scikit_learns_roc(
    drawn: list[tuple[bool, int]],
) -> None:
    labels = np.array([present for present, _ in drawn], dtype=np.float64)
    scores = np.array([level / 6 for _, level in drawn])
    false_alarms, sensitivity, _ = roc_curve(labels, scores)
    highest = (sensitivity - false_alarms).max()
    point = youden_point(labels, scores)
    if point is None:
        assert highest == pytest.approx(0)
    else:
        above = scores > point
        assert above[labels == 1].mean() - above[labels == 0].mean() == pytest.approx(highest)
        assert point not in scores


def test_perfectly_parted_cases_are_parted_in_the_middle_of_the_gap() -> None:
    labels = np.array([0.0] * 5 + [1.0] * 5)
    scores = np.array([0.1, 0.1, 0.2, 0.2, 0.3, 0.7, 0.8, 0.8, 0.9, 0.9])
    assert youden_point(labels, scores) == pytest.approx(0.5)


def test_scores_that_point_the_wrong_way_give_no_operating_point() -> None:
    labels = np.array([1.0] * 5 + [0.0] * 5)
    assert youden_point(labels, np.linspace(0.1, 0.9, 10)) is None


def found_point(*groups: tuple[str, int, int, float]) -> float | None:
    """Operating point where, in each (source, with, without, shift), the cases are cleanly parted.

    The logits of a source are shift + 1 with a lesion and shift - 1 without.
    """
    rows, logits = [], []
    for source, positives, negatives, shift in groups:
        for i in range(positives + negatives):
            rows.append(
                row(f"{source}{i}", {Finding.LUNG_LESION: int(i < positives)}, source=source)
            )
            logits.append([shift + (1 if i < positives else -1)])
    return operating_points(np.array(logits, dtype=np.float32), rows, [LESION])["Lung Lesion"]


def sigmoid(z: float) -> float:
    return 1 / (1 + math.exp(-z))


def test_the_operating_point_is_looked_for_in_the_most_telling_source_alone() -> None:
    point = found_point(("best", 30, 25, 0.0), ("other", 20, 20, 5.0), ("ill only", 90, 0, -5.0))
    assert point == pytest.approx((sigmoid(1) + sigmoid(-1)) / 2)


def test_small_sources_that_label_both_ways_are_pooled() -> None:
    """All pooled cases part cleanly at 0; the source with only ill ones would spoil that."""
    assert found_point(("a", 3, 19, 0.0), ("b", 2, 4, 0.0), ("ill only", 90, 0, -1.5)) == (
        pytest.approx(0.5)
    )


def test_too_few_cases_even_together_give_no_operating_point() -> None:
    assert found_point(("a", 2, 19, 0.0), ("b", 2, 40, 0.0)) is None
    assert found_point(("ill only", 90, 0, 0.0)) is None
