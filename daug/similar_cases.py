"""Similar cases: what may be asked for, and what is said beside the hits.

Only cases in which somebody said that a finding is present or absent count, above and below the
line: an uncertain or unmentioned finding is in no denominator.
"""

from dataclasses import dataclass
from enum import StrEnum

from daug.case import SearchHit
from daug.findings import Finding


class SearchKind(StrEnum):
    """Which cases may answer, beside what the filter asks."""

    SIMILAR = "similar"  # all
    LOOK_ALIKES = "look-alikes"  # the query's findings are said to be absent, another is present
    NEAREST_NORMAL = "nearest normal"  # No Finding is said to be present


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


@dataclass(frozen=True)
class Comparison:
    """What a hit and the query have in common; findings unknown in either are in neither."""

    shared: frozenset[Finding]  # present in both
    differing: frozenset[Finding]  # present in one, said to be absent in the other


@dataclass(frozen=True)
class SimilarityFloor:
    """The similarity below which a nearest neighbour is none."""

    similarity: float
    percentile: float
    n: int  # cases that it was measured on
    cases: int  # in the index when it was measured
    model_digest: str

    def is_unlike(self, nearest: float | None) -> bool:
        """Return whether a library is unlike a query, given the highest similarity (None: none)."""
        return nearest is None or nearest < self.similarity


@dataclass(frozen=True)
class SearchAnswer:
    """The hits, and how to read them."""

    hits: tuple[SearchHit, ...]
    comparisons: tuple[Comparison, ...]  # one for each hit
    base_rates: tuple[BaseRate, ...]
    patient_excluded: bool
    floor: SimilarityFloor | None  # None: not calibrated, or not applicable
    unlike_anything: bool | None  # None where there is no floor
    allowed: int  # cases that could have been hits
    model_digest: str = ""  # in whose space was searched
    image_weight: float | None = None  # what the radiograph counted, where a text was asked too
    text_weight: float | None = None  # the rest of 1


def _percent(count: Count) -> str:
    if count.share is None:
        return "has no labels for it"
    percent = 100 * count.share
    if 0 < percent < 1:
        return "under 1 % of those labelled"
    if 99 < percent < 100:
        return "over 99 % of those labelled"
    return f"{percent:.0f} % of those labelled"
