"""Labels and views by data set and split."""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from daug.findings import Finding
from trainers.manifest_check.entries import Entry

STATES = {1: "present", 0: "absent", -1: "uncertain", None: "blank"}
NOT_STATED = "not stated"


@dataclass
class Counts:
    """Over the radiographs of one data set in one split."""

    rows: int = 0
    patients: set[str] = field(default_factory=set)
    labels: Counter[tuple[Finding, int | None]] = field(default_factory=Counter)
    views: Counter[str] = field(default_factory=Counter)

    def add(self, entry: Entry) -> None:
        """Count one radiograph."""
        self.rows += 1
        self.patients.add(entry.patient)
        self.labels.update((finding, entry.labels.get(finding)) for finding in Finding)
        self.views[entry.view or NOT_STATED] += 1

    def of(self, finding: Finding) -> dict[str, int]:
        """Return how many radiographs have a finding, have it not, and so on."""
        return {word: self.labels[finding, value] for value, word in STATES.items()}


def count(rows: Iterable[Entry]) -> Mapping[tuple[str, str], Counts]:
    """Return the counts by data set and split, in alphabetical order."""
    counts: dict[tuple[str, str], Counts] = {}
    for row in rows:
        counts.setdefault((row.dataset, row.split), Counts()).add(row)
    return dict(sorted(counts.items()))
