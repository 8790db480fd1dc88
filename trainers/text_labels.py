"""Labels that a program read from reports teach nothing unless somebody asks for it.

A reader of reports is wrong now and then (docs/labeller.md), and a network learns its mistakes as
truth.
"""

import logging
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from daug.findings import Finding
from trainers.made_labels import TEXT_COLUMN
from trainers.manifest import Row

logger = logging.getLogger(__name__)


def taught_by(rows: Sequence[Row], *, text_labels: bool) -> list[Row]:
    """Return rows with the labels that may teach: those read from reports only if asked for."""
    if text_labels:
        return list(rows)
    left_out = sum(len(row.text_derived & row.labels.keys()) for row in rows)
    if left_out:
        logger.info(
            "%d labels that were read from reports are left out; --text-labels takes them", left_out
        )
    return [_without_text_labels(row) if row.text_derived else row for row in rows]


def _without_text_labels(row: Row) -> Row:
    own = {f: label for f, label in row.labels.items() if f not in row.text_derived}
    return replace(row, labels=own, text_derived=frozenset())


def count_text_labels(rows: Iterable[Row]) -> dict[str, int]:
    """Return how many labels of each finding were read from reports, where there are any."""
    counts: Counter[Finding] = Counter()
    for row in rows:
        counts.update(row.text_derived & row.labels.keys())
    return {finding.value: counts[finding] for finding in Finding if counts[finding]}


def told_scored(counts: Mapping[str, int]) -> str:
    """Return a sentence about labels that are scored against, or nothing if reports gave none.

    Args:
        counts: How many were read from reports, by finding.
    """
    if not counts:
        return ""
    named = ", ".join(f"{finding} {count:,}" for finding, count in counts.items())
    return (
        f"{sum(counts.values()):,} of the labels that are scored against were read from reports by "
        f"a program, which errs now and then: {named}."
    )


def told_text_labels(training: Mapping[str, Any]) -> str:
    """Return a sentence about what taught the models of a bundle, or nothing if no report did.

    Args:
        training: What `run.json` says of each model, by the model's name.
    """
    used = {
        model: sum(run[TEXT_COLUMN].values())
        for model, run in training.items()
        if run and run.get(TEXT_COLUMN)
    }
    if not used:
        return ""
    counts = ", ".join(f"{model} {count:,}" for model, count in used.items())
    return f"Labels that a program read from reports are among those that taught ({counts})."
