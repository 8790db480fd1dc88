"""How well a CLIP model tells each finding: the body of `daug evaluate classification`.

A radiograph counts where the finding is known, present or absent. AUROC and average precision are
those of `ranking`, which agree with scikit-learn's; the intervals are over patients. Chance is an
AUROC of 0.5, and an average precision of the share of cases with the finding.
"""

from collections.abc import Sequence

import numpy as np

from trainers.evaluation.clip_scores import ClipScores, ScoredCases
from trainers.evaluation.figures import Draws, Figure, mean_of_cases
from trainers.evaluation.finding_rows import CHANCE, FindingRow, Scope, Task, find_scopes, labels_of
from trainers.evaluation.ranking import rank

METRICS = ("auroc", "average_precision")


def classification_rows(
    models: Sequence[ClipScores], cases: ScoredCases, draws: Draws
) -> list[FindingRow]:
    """Return chance and every model that has logits, scope by scope."""
    scopes = find_scopes(cases.rows)
    found = [_row(CHANCE, scope, _chance(scope, draws)) for scope in scopes]
    for model in models:
        if model.logits is not None:
            found += [_row(model.name, scope, _scores(model, scope, draws)) for scope in scopes]
    return found


def _row(model: str, scope: Scope, figures: dict[str, Figure]) -> FindingRow:
    with_it = int(scope.present.sum())
    counts = {"positives": with_it, "negatives": len(scope.known) - with_it}
    return FindingRow(
        Task.CLASSIFICATION,
        model,
        scope.source,
        scope.finding,
        counts,
        with_it,
        scope.known,
        figures if scope.enough else {},
    )


def _scores(model: ClipScores, scope: Scope, draws: Draws) -> dict[str, Figure]:
    if not scope.enough or model.logits is None:
        return {}
    column = model.findings.index(scope.finding)
    ranking = rank(labels_of(scope), model.logits[scope.known, column].astype(np.float64))
    return {
        "auroc": draws.figure(ranking.auroc, scope.known),
        "average_precision": draws.figure(ranking.average_precision, scope.known),
    }


def _chance(scope: Scope, draws: Draws) -> dict[str, Figure]:
    return {
        "auroc": draws.constant(0.5, len(scope.known)),
        "average_precision": draws.figure(mean_of_cases(labels_of(scope)), scope.known),
    }
