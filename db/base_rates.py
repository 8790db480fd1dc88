"""How often a finding occurs among similar cases, beside how often it occurs in the library.

Only cases in which somebody said that the finding is present or absent count, above and below the
line: an uncertain or unmentioned finding is in no denominator.
"""

from collections.abc import Mapping, Sequence

from daug.case import Case, FindingState
from daug.findings import Finding
from daug.similar_cases import BaseRate, Comparison, Count


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


def compare(
    hit: Case, present: frozenset[Finding], absent: frozenset[Finding] = frozenset()
) -> Comparison:
    """Compare a hit with what is known of the query."""
    return Comparison(present & hit.present, (present & hit.absent) | (absent & hit.present))
