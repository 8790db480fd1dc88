"""Precision, recall and F1 of labels, with 95 % intervals over reports."""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from daug.bundle import Estimate
from daug.findings import Finding
from trainers.evaluation.bootstrap import Floats, draw_patients, estimate

Truths = Sequence[Mapping[Finding, bool]]  # of each report; what is left open is left out
Bools = NDArray[np.bool_]

MIN_POSITIVES = 30  # a finding with fewer is told, and is not part of the mean
SEED = 0


@dataclass(frozen=True)
class FindingScore:
    """How well one finding is read, or the mean of several."""

    name: str
    positives: int
    negatives: int
    precision: Estimate
    recall: Estimate
    f1: Estimate
    enough: bool  # positives for a figure that says something; else it is no part of the mean


@dataclass(frozen=True)
class _Counted:
    """What is true and what was told of one finding, (N,) each; unscored reports are in neither."""

    scored: Bools
    truth: Bools
    told: Bools

    @property
    def positives(self) -> int:
        return int((self.scored & self.truth).sum())

    def counts(self, weights: Floats) -> Floats:
        """Return in each draw the hits, what was told and what is there, (3, D)."""
        kinds = (self.truth & self.told, self.told, self.truth)
        return np.array([weights @ (self.scored & kind) for kind in kinds])


def score_findings(
    truths: Truths, told: Sequence[frozenset[Finding]], min_positives: int = MIN_POSITIVES
) -> tuple[FindingScore, ...]:
    """Return a score for each finding, and their means over findings last.

    The mean is over the findings with enough positives, and is left out if there is none.

    Args:
        truths: What is so.
        told: The findings that the labeller named in each report.
        min_positives: Below which a finding is no part of the mean.
    """
    weights = _draws(len(truths))
    counted = {finding: _counted(truths, told, finding) for finding in Finding}
    enough = [of for of in counted.values() if of.positives >= min_positives]
    scores = [
        _mean(finding.value, (of,), weights, enough=of.positives >= min_positives)
        for finding, of in counted.items()
    ]
    mean = (_mean(f"mean of {len(enough)}", enough, weights, enough=True),) if enough else ()
    return (*scores, *mean)


def score_pooled(name: str, truths: Truths, told: Sequence[frozenset[Finding]]) -> FindingScore:
    """Return the score over all findings of all reports taken together (micro average)."""
    weights = _draws(len(truths))
    counted = [_counted(truths, told, finding) for finding in Finding]

    def rates(drawn: Floats) -> Floats:
        return _rates(np.array([of.counts(drawn) for of in counted]).sum(axis=0))

    return _score(name, counted, rates, weights, enough=True)


def _draws(reports: int) -> Floats:
    """Each report is of a patient of its own."""
    names = [str(number) for number in range(reports)]
    return draw_patients(names, np.random.default_rng(SEED))


def _counted(truths: Truths, told: Sequence[frozenset[Finding]], finding: Finding) -> _Counted:
    return _Counted(
        np.array([finding in truth for truth in truths]),
        np.array([truth.get(finding, False) for truth in truths]),
        np.array([finding in names for names in told]),
    )


def _mean(name: str, counted: Sequence[_Counted], weights: Floats, *, enough: bool) -> FindingScore:
    def rates(drawn: Floats) -> Floats:
        return _mean_of_defined(np.array([_rates(of.counts(drawn)) for of in counted]))

    return _score(name, counted, rates, weights, enough=enough)


def _score(
    name: str,
    counted: Sequence[_Counted],
    rates: Callable[[Floats], Floats],
    weights: Floats,
    *,
    enough: bool,
) -> FindingScore:
    there = sum(of.positives for of in counted)
    scored = sum(int(of.scored.sum()) for of in counted)
    precision, recall, f1 = (
        estimate(lambda drawn, which=which: rates(drawn)[which], weights)  # type: ignore[misc]
        for which in range(3)
    )
    return FindingScore(name, there, scored - there, precision, recall, f1, enough)


def _mean_of_defined(rates: Floats) -> Floats:
    """Return the mean over findings, (F, 3, D) -> (3, D), of those that a draw has."""
    defined = ~np.isnan(rates)
    return _ratio(np.where(defined, rates, 0).sum(axis=0), defined.sum(axis=0))


def _rates(counts: Floats) -> Floats:
    """Return precision, recall and F1 of each draw, (3, D), NaN where they are undefined."""
    hits, told, there = counts
    return np.array([_ratio(hits, told), _ratio(hits, there), _ratio(2 * hits, told + there)])


def _ratio(part: Floats, whole: Floats) -> Floats:
    ratio: Floats = np.full(whole.shape, math.nan)
    return np.divide(part, whole, out=ratio, where=whole > 0)
