"""A stated part of a training split: every case with a report, then the sources in turn.

Real reports are few, and the sources of very unequal size; a subset that took cases at random
would hold hardly a report and little but the largest source.
"""

import csv
import hashlib
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from daug.errors import ManifestError
from trainers.manifest import Row
from trainers.report_text import TextOrigin, real_text

SUBSET_SIZE = 2500
LEFT_OUT_SOURCES = ("tbx11k",)  # its labels are of tuberculosis, which no finding names
COLUMNS = ("id", "dataset", "split", "chosen_for")
REPORT, TURN = "report", "source"


@dataclass(frozen=True)
class Subset:
    """The radiographs of a manifest that are learnt from."""

    reported: tuple[Row, ...]  # with a real report
    others: tuple[Row, ...]

    @property
    def rows(self) -> tuple[Row, ...]:
        """All of them."""
        return self.reported + self.others

    @property
    def ids(self) -> frozenset[str]:
        """Of all of them."""
        return frozenset(row.id for row in self.rows)

    @property
    def by_source(self) -> dict[str, dict[str, int]]:
        """How many are from each source, by name: all, and those with a real report."""
        every = Counter(row.source for row in self.rows)
        reported = Counter(row.source for row in self.reported)
        return {
            name: {"radiographs": count, "with_report": reported[name]}
            for name, count in sorted(every.items())
        }


def choose_subset(rows: Sequence[Row], size: int = SUBSET_SIZE) -> Subset:
    """Return all cases with a real report, and of the others one of each source in turn.

    Within a source the order is that of a digest of the id: as good as chance, and the same on
    every machine, whatever the order of the manifest.

    Args:
        rows: Of the training split.
        size: How many radiographs, if there are so many.

    Raises:
        ManifestError: If there are more reports than that.
    """
    reported = [row for row in rows if real_text(row.report).origin is TextOrigin.REAL]
    if len(reported) > size:
        raise ManifestError(
            f"{len(reported)} cases have a report, more than the {size} radiographs asked for. "
            "Ask for a larger subset."
        )
    names = {row.id for row in reported}
    turns = _in_turn([row for row in rows if row.id not in names])
    others = [row for row, _ in zip(turns, range(size - len(reported)), strict=False)]
    return Subset(tuple(reported), tuple(others))


def write_subset(subset: Subset, path: Path) -> None:
    """Write which radiographs were chosen, and why, as a table with one line each."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(COLUMNS)
        for chosen, reason in ((subset.reported, REPORT), (subset.others, TURN)):
            writer.writerows((row.id, row.source, row.split, reason) for row in chosen)


def _in_turn(rows: Sequence[Row]) -> Iterator[Row]:
    """Yield one row of each source after the other, until the last source is used up."""
    queues: Mapping[str, list[Row]] = {
        name: sorted((row for row in rows if row.source == name), key=_shuffled, reverse=True)
        for name in sorted({row.source for row in rows})
    }
    while any(queues.values()):
        for queue in queues.values():
            if queue:
                yield queue.pop()


def _shuffled(row: Row) -> str:
    return hashlib.sha256(row.id.encode()).hexdigest()
