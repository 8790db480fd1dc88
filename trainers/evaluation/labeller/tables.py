"""`daug evaluate labeller`: the figures of a labeller as a document and as tables."""

import json
import math
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from daug.bundle import Estimate
from daug.errors import ManifestError
from daug.findings import Finding
from trainers.adapters.openi_headings import coded_truth
from trainers.evaluation.labeller.openi import read_coded_reports
from trainers.evaluation.labeller.scores import FindingScore, score_findings, score_pooled
from trainers.evaluation.labeller.sentences import COLUMNS, ReadSentence, read_sentences
from trainers.labeller.labeller import Labeller, Labels
from trainers.labeller.rules import PRESENT, UNCERTAIN

HEADER = "| | with | without | precision | recall | F1 |\n|---|--:|--:|---|---|---|\n"
DOCUMENT, TABLES = "labeller.json", "labeller.md"
MIN_SENTENCES = 1  # of a finding, so that the mean is over all that are in the sentences


def evaluate(
    labeller: Labeller, reports: Path, sentences: Path | None, output: Path
) -> dict[str, Any]:
    """Score a labeller against coders' headings and read sentences, and write the tables.

    Args:
        labeller: Any.
        reports: See `read_coded_reports`.
        sentences: See `read_sentences`; none to leave them out.
        output: A folder; gets `labeller.json` and `labeller.md`.

    Returns:
        The document that was written: tables by their titles, each a list of scores.

    Raises:
        ManifestError: If the reports or sentences cannot be read, or the tables not be written.
    """
    tables = coded_tables(labeller, reports)
    if sentences is not None:
        tables |= sentence_tables(labeller, read_sentences(sentences))
    document = {
        "labeller": labeller.name,
        "tables": {title: [_plain(row) for row in rows] for title, rows in tables.items()},
    }
    try:
        output.mkdir(parents=True, exist_ok=True)
        (output / DOCUMENT).write_text(json.dumps(document, indent=2) + "\n", encoding="utf-8")
        text = "\n".join(f"## {title}\n\n{markdown(rows)}" for title, rows in tables.items())
        (output / TABLES).write_text(text, encoding="utf-8")
    except OSError as error:
        raise ManifestError(f"The tables cannot be written into {output} ({error}).") from error
    return document


def coded_tables(labeller: Labeller, reports: Path) -> dict[str, tuple[FindingScore, ...]]:
    """Return the scores on Open-i's reports, whose coders also coded what is possible."""
    coded = read_coded_reports(reports)
    truths = [coded_truth(report.headings) for report in coded]
    read = labeller.label([report.text for report in coded])
    present = [named(labels, PRESENT) for labels in read]
    possible = [named(labels, PRESENT) | named(labels, UNCERTAIN) for labels in read]
    title = f"{len(coded)} reports of Open-i"
    return {
        f"{title}, present": score_findings(truths, present),
        f"{title}, present or uncertain": score_findings(truths, possible),
    }


def sentence_tables(
    labeller: Labeller, sentences: Sequence[ReadSentence]
) -> dict[str, tuple[FindingScore, ...]]:
    """Return the scores of read sentences: by half, by finding and by state."""
    read = labeller.label([sentence.text for sentence in sentences])
    tables = {}
    for half in dict.fromkeys(sentence.half for sentence in sentences):
        pairs = [
            (s.labels, labels) for s, labels in zip(sentences, read, strict=True) if s.half == half
        ]
        truths = [_truth(labels, PRESENT) for labels, _ in pairs]
        told = [named(labels, PRESENT) for _, labels in pairs]
        title = f"{len(pairs)} read sentences, {half} half"
        tables[f"{title}, present"] = score_findings(truths, told, min_positives=MIN_SENTENCES)
        tables[f"{title}, by state over all findings"] = tuple(
            score_pooled(
                word,
                [_truth(labels, state) for labels, _ in pairs],
                [named(labels, state) for _, labels in pairs],
            )
            for word, state in COLUMNS.items()
        )
    return tables


def named(labels: Labels, state: int) -> frozenset[Finding]:
    """Return the findings with a state."""
    return frozenset(finding for finding, label in labels.items() if label == state)


def markdown(rows: Sequence[FindingScore]) -> str:
    """Return a table; a finding with too few positives is marked."""
    return HEADER + "".join(
        f"| {row.name}{'' if row.enough else ' *'} | {row.positives} | {row.negatives} | "
        f"{_cell(row.precision)} | {_cell(row.recall)} | {_cell(row.f1)} |\n"
        for row in rows
    )


def _truth(labels: Labels, state: int) -> dict[Finding, bool]:
    return {finding: labels.get(finding) == state for finding in Finding}


def _cell(figure: Estimate) -> str:
    if math.isnan(figure.value):
        return "–"
    low_high = "" if math.isnan(figure.low) else f" [{figure.low:.2f}, {figure.high:.2f}]"
    return f"{figure.value:.2f}{low_high}"


def _plain(row: FindingScore) -> dict[str, Any]:
    """Return a row for JSON, which knows no NaN."""
    values = asdict(row)
    for name in ("precision", "recall", "f1"):
        values[name] = {
            key: None if isinstance(number, float) and math.isnan(number) else number
            for key, number in values[name].items()
        }
    return values
