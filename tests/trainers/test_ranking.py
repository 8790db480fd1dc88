import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import average_precision_score, roc_auc_score

from trainers.evaluation.bootstrap import Floats
from trainers.evaluation.ranking import prevalence, rank

# Few different scores, so that ties are the rule; weights of 0 as in a bootstrap draw.
cases = st.lists(
    st.tuples(st.booleans(), st.integers(-3, 3), st.integers(0, 3)), min_size=2, max_size=40
).filter(lambda drawn: len({label for label, _, weight in drawn if weight}) == 2)


def columns(drawn: list[tuple[bool, int, int]]) -> tuple[Floats, Floats, Floats]:
    table = np.array(drawn, dtype=np.float64)
    return table[:, 0], table[:, 1], table[:, 2]


@given(cases)
def test_average_precision_is_scikit_learns_with_ties_and_weights(
    drawn: list[tuple[bool, int, int]],
) -> None:
    labels, scores, weights = columns(drawn)
    (ours,) = rank(labels, scores).average_precision(weights[None])
    theirs = average_precision_score(labels, scores, sample_weight=weights)
    assert ours == pytest.approx(theirs, abs=1e-12)


@given(cases)
def test_auroc_is_scikit_learns_with_ties_and_weights(drawn: list[tuple[bool, int, int]]) -> None:
    labels, scores, weights = columns(drawn)
    (ours,) = rank(labels, scores).auroc(weights[None])
    theirs = roc_auc_score(labels, scores, sample_weight=weights)
    assert ours == pytest.approx(theirs, abs=1e-12)


@given(cases)
def test_a_weight_of_two_is_the_same_as_the_case_twice(drawn: list[tuple[bool, int, int]]) -> None:
    labels, scores, weights = columns(drawn)
    twice = np.repeat(np.arange(len(labels)), weights.astype(int))
    ranking, repeated = rank(labels, scores), rank(labels[twice], scores[twice])
    ones = np.ones((1, len(twice)))
    for figure in ("average_precision", "auroc"):
        (weighted,) = getattr(ranking, figure)(weights[None])
        (plain,) = getattr(repeated, figure)(ones)
        assert weighted == pytest.approx(plain, abs=1e-12)


def test_many_draws_at_once_are_each_draw_alone() -> None:
    generator = np.random.default_rng(0)
    labels = generator.integers(0, 2, 30).astype(np.float64)
    weights = generator.integers(0, 4, (20, 30)).astype(np.float64)
    ranking = rank(labels, generator.normal(size=30).round(1))
    for figure in (ranking.average_precision, ranking.auroc):
        together = figure(weights)
        alone = [figure(draw[None])[0] for draw in weights]
        np.testing.assert_allclose(together, alone, rtol=1e-12)


@pytest.mark.parametrize("label", [0.0, 1.0])
def test_a_draw_without_one_of_the_classes_has_no_figure(label: float) -> None:
    ranking = rank(np.array([label, label, 1 - label]), np.array([1.0, 2.0, 3.0]))
    weights = np.array([[1.0, 1.0, 0.0], [1.0, 1.0, 1.0]])
    for figure in (ranking.average_precision, ranking.auroc):
        assert np.isnan(figure(weights)).tolist() == [True, False]


def test_prevalence_is_the_weighted_share() -> None:
    weights = np.array([[1.0, 1.0, 1.0, 1.0], [3.0, 1.0, 0.0, 0.0]])
    shares = prevalence(np.array([1.0, 0.0, 0.0, 0.0]), weights)
    np.testing.assert_allclose(shares, [0.25, 0.75])
