"""How well a model finds cases with the same finding: the body of `daug evaluate retrieval`.

    query      a case with the finding: its real report, or its radiograph
    gallery    the radiographs for which the finding is known, present or absent; uncertain and
               unmentioned ones are left out, and so are all of the query's own patient
    relevant   the images of the gallery that have the finding

mAP@5 of a finding is the mean of AP@5 (see `retrieval_metrics`) over its queries. The intervals
say how it varies with the patients who ask: the patients of the queries are drawn again, while the
gallery stays as it is. Reports composed from labels never ask, since they would only repeat them.
"""

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from trainers.evaluation.bootstrap import Floats
from trainers.evaluation.clip_scores import ClipScores, ScoredCases
from trainers.evaluation.figures import Draws, mean_of_cases
from trainers.evaluation.finding_rows import CHANCE, FindingRow, Scope, Task, find_scopes
from trainers.evaluation.retrieval_metrics import average_precision_of_queries, chance_at_5

METRIC = "map_at_5"
MIN_QUERY_PATIENTS = 10  # fewer do not tell how much it hangs on who asks
# Places of the queries, whether each image of the gallery is the query's own, and the scope.
Scorer = Callable[[NDArray[np.intp], NDArray[np.bool_], Scope], Floats]


def retrieval_rows(
    models: Sequence[ClipScores], cases: ScoredCases, draws: Draws
) -> list[FindingRow]:
    """Return both tasks of chance and of every model, within a task scope by scope.

    A model without text vectors has no rows of the first task.
    """
    scopes = find_scopes(cases.rows)
    found = []
    for task in (Task.REPORT_TO_IMAGE, Task.IMAGE_TO_IMAGE):
        found += _rows(task, CHANCE, _chance, scopes, cases, draws)
        for model in models:
            vectors = model.texts if task is Task.REPORT_TO_IMAGE else model.images
            if vectors is not None:
                found += _rows(task, model.name, _of(vectors, model.images), scopes, cases, draws)
    return found


def _rows(
    task: Task,
    model: str,
    scorer: Scorer,
    scopes: Sequence[Scope],
    cases: ScoredCases,
    draws: Draws,
) -> list[FindingRow]:
    patients = np.array([row.patient for row in cases.rows])
    reported = np.array([bool(text) for text in cases.texts])
    found = []
    for scope in scopes:
        asks = scope.present & (reported[scope.known] | (task is Task.IMAGE_TO_IMAGE))
        own = patients[scope.known[asks]][:, None] == patients[scope.known][None]  # (Q, G)
        answerable = (scope.present & ~own).any(axis=1)
        queries, own = scope.known[asks][answerable], own[answerable]
        with_it = int(scope.present.sum())
        counts = {
            "queries": len(queries),
            "query_patients": len(np.unique(patients[queries])),
            "relevant": with_it,
            "gallery": len(scope.known),
        }
        figures = {}
        if scope.enough and counts["query_patients"] >= MIN_QUERY_PATIENTS:
            values = scorer(queries, own, scope)
            figures[METRIC] = draws.figure(mean_of_cases(values), queries)
        found.append(
            FindingRow(
                *(task, model, scope.source, scope.finding, counts, with_it, queries, figures)
            )
        )
    return found


def _of(queries: NDArray[np.float32], images: NDArray[np.float32]) -> Scorer:
    def score(asking: NDArray[np.intp], own: NDArray[np.bool_], scope: Scope) -> Floats:
        return average_precision_of_queries(
            queries[asking], images[scope.known], scope.present, own
        )

    return score


def _chance(asking: NDArray[np.intp], own: NDArray[np.bool_], scope: Scope) -> Floats:
    others = ~own
    return chance_at_5((scope.present & others).sum(axis=1), others.sum(axis=1))
