"""A collection's words to findings, in one table with its source named."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from daug.findings import Finding

EXACT: Mapping[str, Finding] = {finding.value: finding for finding in Finding}
DISEASES = tuple(f for f in Finding if f not in (Finding.NO_FINDING, Finding.SUPPORT_DEVICES))


@dataclass(frozen=True)
class LabelWords:
    """What each word of a collection means; None if none of the fourteen findings is meant."""

    table: Mapping[str, Finding | None]
    source: str  # who says so

    def findings(self, words: Iterable[str]) -> set[Finding]:
        """Return the findings that known words mean."""
        return {found for word in words if (found := self.table.get(word)) is not None}

    def unknown(self, words: Iterable[str]) -> tuple[str, ...]:
        """Return the words that the table does not have."""
        return tuple(word for word in words if word not in self.table)


def closed_labels(present: set[Finding], asked: Iterable[Finding]) -> dict[Finding, int]:
    """Return labels where whatever was asked for and not named is absent.

    Args:
        present: The findings that are named.
        asked: The findings that the collection labels on every image.
    """
    return {finding: int(finding in present) for finding in Finding if finding in set(asked)}
