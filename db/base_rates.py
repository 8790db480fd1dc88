"""How often a finding occurs among similar cases, beside how often it occurs in the library.

Only cases in which somebody said that the finding is present or absent count, above and below the
line: an uncertain or unmentioned finding is in no denominator.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from daug.case import Case, FindingState
from daug.findings import Finding


@dataclass(frozen=True)
class Count:
    """In how many cases a finding is present, of those in which it is present or absent."""

    present: int
    labelled: int

    @property
    def share(self) -> float | None:
        """The share of present ones; None where no case is labelled."""
        return self.present / self.labelled if self.labelled else None


@dataclass(frozen=True)
class BaseRate:
    """One finding among similar cases and in the whole library."""

    finding: Finding
    hits: Count
    library: Count
    shown: int  # similar cases, labelled or not

    @property
    def sentence(self) -> str:
        """What the panel says, for instance "7 of 10 similar cases; library 12 % of ..."."""
        cases = "similar cases"
        if self.hits.labelled < self.shown:
            cases = f"similar cases labelled for it ({self.shown} shown)"
        found = f"{self.hits.present} of {self.hits.labelled} {cases}"
        if not self.hits.labelled:
            found = f"not labelled in any of {self.shown} similar cases"
        return f"{found}; library {_percent(self.library)}; not this patient's risk"


def base_rates(hits: Sequence[Case], library: Mapping[Finding, Count]) -> list[BaseRate]:
    """Return the rate of every finding that is labelled in some hit, the most frequent first."""
    rates = [
        BaseRate(finding, count_states(hits, finding), library.get(finding, Count(0, 0)), len(hits))
        for finding in Finding
    ]
    labelled = [rate for rate in rates if rate.hits.labelled]
    return sorted(labelled, key=lambda rate: -(rate.hits.share or 0.0))


def count_states(cases: Sequence[Case], finding: Finding) -> Count:
    """Count a finding over cases in hand."""
    states = [case.state(finding) for case in cases]
    present = states.count(FindingState.PRESENT)
    return Count(present, present + states.count(FindingState.ABSENT))


@dataclass(frozen=True)
class Comparison:
    """What a hit and the query have in common; findings unknown in either are in neither."""

    shared: frozenset[Finding]  # present in both
    differing: frozenset[Finding]  # present in one, said to be absent in the other


def compare(
    hit: Case, present: frozenset[Finding], absent: frozenset[Finding] = frozenset()
) -> Comparison:
    """Compare a hit with what is known of the query."""
    return Comparison(present & hit.present, (present & hit.absent) | (absent & hit.present))


def _percent(count: Count) -> str:
    if count.share is None:
        return "has no labels for it"
    percent = 100 * count.share
    if 0 < percent < 1:
        return "under 1 % of those labelled"
    if 99 < percent < 100:
        return "over 99 % of those labelled"
    return f"{percent:.0f} % of those labelled"
