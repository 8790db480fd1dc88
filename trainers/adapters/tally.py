"""What was written and what was left out, by reason: nothing goes without being counted."""

from collections import Counter
from dataclasses import dataclass, field
from typing import Any

from daug.findings import Finding
from trainers.adapters.record import LeftOut, Record

STATES = {1: "present", 0: "absent", -1: "uncertain"}
EXAMPLES = 3  # of what was left out for one reason


@dataclass
class Tally:
    """Counts over one collection."""

    rows: int = 0
    boxes: int = 0
    missing_kept: int = 0
    skipped: Counter[str] = field(default_factory=Counter)
    boxes_left_out: Counter[str] = field(default_factory=Counter)
    examples: dict[str, list[str]] = field(default_factory=dict)
    labels: Counter[tuple[Finding, int]] = field(default_factory=Counter)
    splits: Counter[str] = field(default_factory=Counter)
    views: Counter[str] = field(default_factory=Counter)
    licences: Counter[str] = field(default_factory=Counter)
    unknown_words: Counter[str] = field(default_factory=Counter)

    def leave_out(self, left: LeftOut) -> None:
        """Count what the manifest will not hold."""
        (self.boxes_left_out if left.a_box else self.skipped)[left.reason] += 1
        examples = self.examples.setdefault(left.reason, [])
        if len(examples) < EXAMPLES:
            examples.append(left.what[:200])

    def add(self, record: Record, split: str, licence: str) -> None:
        """Count a row."""
        self.rows += 1
        self.boxes += len(record.boxes)
        self.labels.update(record.labels.items())
        self.splits[split] += 1
        self.views[record.view or "not stated"] += 1
        self.licences[licence] += 1
        self.unknown_words.update(record.unknown_words)

    def document(self) -> dict[str, Any]:
        """Return the counts for a JSON document."""
        return {
            "rows": self.rows,
            "skipped": dict(self.skipped.most_common()),
            "skipped_examples": self.examples,
            "labels": {
                finding.value: {word: self.labels[finding, value] for value, word in STATES.items()}
                for finding in Finding
            },
            "splits": dict(sorted(self.splits.items())),
            "views": dict(self.views.most_common()),
            "licences": dict(self.licences.most_common()),
            "boxes": self.boxes,
            "boxes_left_out": dict(self.boxes_left_out.most_common()),
            "images_missing_but_kept": self.missing_kept,
            "unknown_words": dict(self.unknown_words.most_common()),
        }
