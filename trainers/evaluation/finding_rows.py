"""What was measured of each finding, and the two means over the findings.

    plain mean       every finding counts as much
    weighted mean    every finding counts by its support, the number of cases with it in the
                     scored split, as in scikit-learn's average="weighted"; the support is part of
                     the definition and the same in every draw of the bootstrap

Both are over the findings with enough cases, the same for every model of a table.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray

from daug.bundle import MIN_TEST_POSITIVES
from daug.findings import Finding, SuperClass
from trainers.evaluation.bootstrap import Floats
from trainers.evaluation.classifier_scores import ALL_SOURCES, known_labels, telling_sources
from trainers.evaluation.figures import Figure, mean_figure
from trainers.manifest import Row

CHANCE = "chance"


class Task(StrEnum):
    """What a model is asked to do."""

    REPORT_TO_IMAGE = "report_to_image"
    IMAGE_TO_IMAGE = "image_to_image"
    CLASSIFICATION = "classification"


@dataclass(frozen=True, eq=False)
class FindingRow:
    """How well one model does one task for one finding in one source."""

    task: Task
    model: str
    source: str  # or ALL_SOURCES
    finding: Finding
    counts: Mapping[str, int]  # that decide whether there is enough to say anything
    support: int  # cases with the finding
    members: NDArray[np.intp]  # places of the cases that the figures are of
    figures: Mapping[str, Figure]  # by metric; none where n is too small

    @property
    def enough(self) -> bool:
        """Whether there were enough cases for a figure."""
        return bool(self.figures)


@dataclass(frozen=True, eq=False)
class MeanRow:
    """The means over the findings of one task, model and source."""

    task: Task
    model: str
    source: str
    findings: tuple[Finding, ...]
    plain: Mapping[str, Figure]  # by metric
    weighted: Mapping[str, Figure]


@dataclass(frozen=True, eq=False)
class Scope:
    """The cases in which a finding is known, of one source or of all."""

    finding: Finding
    source: str
    known: NDArray[np.intp]  # places of the cases
    present: NDArray[np.bool_]  # of these

    @property
    def enough(self) -> bool:
        """Whether at least 20 cases have the finding, and at least 20 lack it."""
        with_it = int(self.present.sum())
        return min(with_it, len(self.present) - with_it) >= MIN_TEST_POSITIVES


def find_scopes(rows: Sequence[Row]) -> list[Scope]:
    """Return each finding over all sources, then in each source that labels it both ways.

    Uncertain and unmentioned findings are not known. A finding that nobody labels both ways has
    no scope.
    """
    sources = np.array([row.source for row in rows])
    scopes: list[Scope] = []
    for finding in Finding:
        labels = known_labels(rows, SuperClass(finding.value, (finding,)))
        known = ~np.isnan(labels)
        for source in (ALL_SOURCES, *telling_sources(labels, sources)):
            places = np.flatnonzero(known & ((sources == source) | (source == ALL_SOURCES)))
            present = labels[places] == 1
            if present.any() and not present.all():
                scopes.append(Scope(finding, source, places, present))
    return sorted(scopes, key=lambda scope: scope.source != ALL_SOURCES)


def find_means(rows: Iterable[FindingRow]) -> list[MeanRow]:
    """Return both means of every task, model and source that has a finding with enough cases."""
    groups: dict[tuple[Task, str, str], list[FindingRow]] = {}
    for row in rows:
        if row.enough:
            groups.setdefault((row.task, row.model, row.source), []).append(row)
    return [_mean(*key, group) for key, group in groups.items()]


def combine(
    rows: Sequence[Sequence[FindingRow]],
    model: str,
    act: Callable[[Sequence[Figure]], Figure],
) -> list[FindingRow]:
    """Return the rows of several models as one, figure by figure.

    Args:
        rows: Of each model; the same tasks, sources and findings, in the same order.
        model: What the result is called.
        act: Makes one figure of one from each model.
    """
    combined = []
    for same in zip(*rows, strict=True):
        first = same[0]
        keys = {(row.task, row.source, row.finding) for row in same}
        assert len(keys) == 1  # scopes hang on the cases alone
        figures = {name: act([row.figures[name] for row in same]) for name in first.figures}
        combined.append(replace(first, model=model, figures=figures))
    return combined


def _mean(task: Task, model: str, source: str, rows: Sequence[FindingRow]) -> MeanRow:
    n = len(np.unique(np.concatenate([row.members for row in rows])))
    support = [float(row.support) for row in rows]

    def mean(shares: Sequence[float]) -> dict[str, Figure]:
        return {
            name: mean_figure([row.figures[name] for row in rows], shares, n)
            for name in rows[0].figures
        }

    findings = tuple(row.finding for row in rows)
    return MeanRow(task, model, source, findings, mean([1.0] * len(rows)), mean(support))


def labels_of(scope: Scope) -> Floats:
    """Return 1 for the cases with the finding and 0 for those without."""
    return scope.present.astype(np.float64)
