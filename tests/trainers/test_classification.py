import numpy as np
import pytest
from sklearn.metrics import average_precision_score, roc_auc_score

from daug.findings import Finding
from tests.trainers.rows import row
from tests.trainers.scored import cases_of
from trainers.evaluation.classification import classification_rows
from trainers.evaluation.clip_scores import ClipScores
from trainers.evaluation.figures import Draws
from trainers.evaluation.finding_rows import FindingRow, find_means
from trainers.manifest import Row

FINDINGS = (Finding.EDEMA, Finding.PNEUMONIA, Finding.FRACTURE)
N = 180


def rows_with(states: np.ndarray) -> list[Row]:
    """Rows of two sources; a state of -1 is uncertain, of -2 not mentioned."""
    return [
        row(
            f"{i:03}",
            {f: int(s) for f, s in zip(FINDINGS, line, strict=True) if s > -2},
            source="one" if i // 2 % 2 else "two",
            patient=f"p{i // 2}",
        )
        for i, line in enumerate(states)
    ]


def scored(states: np.ndarray, seed: int = 0) -> tuple[list[FindingRow], np.ndarray, list[Row]]:
    rows = rows_with(states)
    known = np.where(states == 1, 1.0, 0.0)
    drawn = np.random.default_rng(seed).normal(size=states.shape) + known
    logits = np.asarray(np.round(drawn, 1), dtype=np.float32)  # so that some are equal
    model = ClipScores("model", np.ones((len(rows), 2), np.float32), None, logits, FINDINGS)
    return classification_rows([model], cases_of(rows), Draws(rows, draws=40)), logits, rows


@pytest.mark.parametrize("source", ["all", "one", "two"])
def test_each_finding_scores_as_in_scikit_learn_on_the_cases_in_which_it_is_known(
    source: str,
) -> None:
    states = np.random.default_rng(5).choice(
        [1, 0, -1, -2], p=[0.42, 0.42, 0.08, 0.08], size=(N, 3)
    )
    found, logits, rows = scored(states)
    of_source = np.array([source in (r.source, "all") for r in rows])
    for i, finding in enumerate(FINDINGS):
        mine = next(
            r for r in found if (r.model, r.source, r.finding) == ("model", source, finding)
        )
        known = of_source & (states[:, i] >= 0)
        labels, logit = states[known, i], logits[known, i]
        figures = mine.figures
        assert mine.counts == {"positives": labels.sum(), "negatives": (labels == 0).sum()}
        assert figures["auroc"].value == pytest.approx(roc_auc_score(labels, logit))
        assert figures["average_precision"].value == pytest.approx(
            average_precision_score(labels, logit)
        )


def test_both_means_are_scikit_learns_macro_and_weighted_where_all_is_known() -> None:
    states = (np.random.default_rng(6).random((N, 3)) < [0.2, 0.5, 0.7]).astype(int)
    found, logits, _ = scored(states)
    mean = next(m for m in find_means(found) if (m.model, m.source) == ("model", "all"))
    for metric, oracle in (
        ("auroc", roc_auc_score),
        ("average_precision", average_precision_score),
    ):
        assert mean.plain[metric].value == pytest.approx(oracle(states, logits, average="macro"))
        assert mean.weighted[metric].value == pytest.approx(
            oracle(states, logits, average="weighted")
        )
    assert mean.plain["auroc"].n == N


def test_chance_is_a_half_and_the_share_of_cases_with_the_finding() -> None:
    states = np.zeros((N, 3), int)
    states[:30] = 1
    found, _, _ = scored(states)
    chance = next(r for r in found if (r.model, r.source) == ("chance", "all"))
    assert chance.figures["auroc"].estimate().low == 0.5
    assert chance.figures["average_precision"].value == pytest.approx(30 / N)


def test_a_finding_that_is_never_absent_or_too_rare_is_not_scored() -> None:
    states = np.zeros((N, 3), int)
    states[:, 0] = 1
    states[:19, 1] = 1
    states[:20, 2] = 1
    found, _, _ = scored(states)
    mine = {r.finding: r for r in found if (r.model, r.source) == ("model", "all")}
    assert Finding.EDEMA not in mine
    assert not mine[Finding.PNEUMONIA].enough
    assert mine[Finding.FRACTURE].enough


def test_a_column_of_logits_belongs_to_its_finding_whatever_their_order() -> None:
    states = (np.random.default_rng(7).random((N, 3)) < 0.5).astype(int)
    rows = rows_with(states)
    logits = states[:, [2, 0, 1]].astype(np.float32)
    swapped = (FINDINGS[2], FINDINGS[0], FINDINGS[1])
    model = ClipScores("model", np.ones((N, 2), np.float32), None, logits, swapped)
    found = classification_rows([model], cases_of(rows), Draws(rows, draws=10))
    told = [r.figures["auroc"].value for r in found if (r.model, r.source) == ("model", "all")]
    assert told == [1, 1, 1]
