"""Which findings occur together, and how strongly: correlated labels for training data.

    A, B    indicators of the two findings of a pair, 1 or 0
    p       prevalence of each finding, P(A) = P(B) = p
    rho     correlation of A and B

With equal prevalences every rho from 0 to 1 is possible, and

    P(A and B) = p^2 + rho p (1 - p)
    P(B | A)   = p + rho (1 - p)          P(B | not A) = p (1 - rho)

At rho = 0 the two are independent, at 1 they always come together. Findings of different pairs,
and findings that are in none, are independent of each other at every rho.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from daug.errors import ManifestError
from daug.findings import Finding

PAIRS = (
    (Finding.CARDIOMEGALY, Finding.PLEURAL_EFFUSION),  # both of heart failure
    (Finding.CONSOLIDATION, Finding.ATELECTASIS),  # pneumonia and the collapse around it
)
ALONE = (Finding.LUNG_LESION, Finding.SUPPORT_DEVICES)  # they go with nothing
PREVALENCE = 0.3


@dataclass(frozen=True)
class CoOccurrence:
    """How often each finding occurs, and how strongly the pairs hold together."""

    rho: float  # correlation within each pair
    prevalence: float = PREVALENCE
    pairs: tuple[tuple[Finding, Finding], ...] = PAIRS
    alone: tuple[Finding, ...] = ALONE

    def __post_init__(self) -> None:
        named = [*(finding for pair in self.pairs for finding in pair), *self.alone]
        if not (0 <= self.rho <= 1 and 0 < self.prevalence < 1):
            raise ManifestError(
                f"rho must be in 0..1 and the prevalence between 0 and 1, got {self.rho} and "
                f"{self.prevalence}."
            )
        if len(set(named)) != len(named):
            raise ManifestError("A finding can be in one pair or in none. Name each of them once.")

    @property
    def given_partner(self) -> float:
        """P(B | A), the chance of a finding where its partner is present."""
        return self.prevalence + self.rho * (1 - self.prevalence)

    @property
    def given_none(self) -> float:
        """P(B | not A), its chance where the partner is absent."""
        return self.prevalence * (1 - self.rho)

    @property
    def joint(self) -> Mapping[tuple[bool, bool], float]:
        """Return the chance of each state of a pair (A, B)."""
        p = self.prevalence
        return {
            (True, True): p * self.given_partner,
            (True, False): p * (1 - self.given_partner),
            (False, True): (1 - p) * self.given_none,
            (False, False): (1 - p) * (1 - self.given_none),
        }

    def draw(self, generator: np.random.Generator) -> frozenset[Finding]:
        """Return the findings of one patient."""
        apart = generator.random(len(self.alone))
        found = {f for f, u in zip(self.alone, apart, strict=True) if u < self.prevalence}
        for one, other in self.pairs:
            first, second = generator.random(2)
            has_one = first < self.prevalence
            if has_one:
                found.add(one)
            if second < (self.given_partner if has_one else self.given_none):
                found.add(other)
        return frozenset(found)
