"""Retrieval and classification in the layout of the paper's Tables 1 to 3.

The findings are the columns, in CheXbert's order; then the plain and the weighted mean. The paper's
printed rows stand below ours.
"""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from daug.bundle import Estimate
from daug.findings import Finding
from trainers.evaluation.classifier_scores import ALL_SOURCES
from trainers.evaluation.finding_rows import FindingRow, MeanRow, Task
from trainers.evaluation.paper_figures import PAPER_ROWS, PAPER_SOURCE
from trainers.evaluation.retrieval import METRIC

TOO_SMALL, NEVER = "n too small", "–"
POOLED = "all sources (measures their look too)"
MEANS = ("plain mean", "weighted mean")
TITLES: Mapping[tuple[Task, str], str] = {
    (Task.REPORT_TO_IMAGE, METRIC): "Table 1. Report → image, mAP@5",
    (Task.IMAGE_TO_IMAGE, METRIC): "Table 2. Image → image, mAP@5",
    (Task.CLASSIFICATION, "auroc"): "Table 3. Classification, AUROC",
    (Task.CLASSIFICATION, "average_precision"): "Classification, average precision",
}
PRINTED = {  # by the paper
    Task.REPORT_TO_IMAGE: METRIC,
    Task.IMAGE_TO_IMAGE: METRIC,
    Task.CLASSIFICATION: "auroc",
}
PRINTED_MARK = "[paper, not comparable]"
COUNTS = {
    Task.REPORT_TO_IMAGE: ("queries", "query_patients", "relevant", "gallery"),
    Task.IMAGE_TO_IMAGE: ("queries", "query_patients", "relevant", "gallery"),
    Task.CLASSIFICATION: ("positives", "negatives"),
}
NUMBERS = {
    Task.REPORT_TO_IMAGE: "n: queries / their patients / relevant images / gallery",
    Task.IMAGE_TO_IMAGE: "n: queries / their patients / relevant images / gallery",
    Task.CLASSIFICATION: "n: with / without",
}


@dataclass(frozen=True, eq=False)
class Block:
    """Figures of several models, or of the differences between them."""

    rows: Sequence[FindingRow]
    means: Sequence[MeanRow]
    signed: bool = False  # differences, which the paper's rows do not stand beside


def tables(block: Block) -> str:
    """Return one Markdown table for each task and metric."""
    parts = []
    for (task, metric), title in TITLES.items():
        rows = [row for row in block.rows if row.task is task]
        if rows:
            means = [mean for mean in block.means if mean.task is task]
            heading = f"{'###' if block.signed else '##'} {title}"
            parts += [heading, _table(task, metric, rows, means, block.signed)]
            parts += _left_out(rows)
    return "\n\n".join(parts)


def figure_text(found: Estimate, *, signed: bool = False) -> str:
    """Return a figure and its interval as a cell; differences bear their sign."""

    def number(value: float) -> str:
        return f"{value:+.3f}".replace("-", "−") if signed else f"{value:.2f}"

    if math.isnan(found.low):
        return f"{number(found.value)} (no interval)"
    return f"{number(found.value)} ({number(found.low)} to {number(found.high)})"


def markdown_table(head: Sequence[str], lines: Iterable[Sequence[str]]) -> str:
    """Return a Markdown table."""
    rule = f"|{'---|' * len(head)}"
    return "\n".join(
        [f"| {' | '.join(head)} |", rule, *(f"| {' | '.join(map(cell, line))} |" for line in lines)]
    )


def cell(text: str) -> str:
    """Return text that cannot break out of a cell."""
    return " ".join(text.replace("\\", "\\\\").replace("|", "\\|").split())


def source_name(source: str) -> str:
    """Return how a source is called in a table."""
    return POOLED if source == ALL_SOURCES else source


def tasks_of(block: Block) -> list[Task]:
    """Return the tasks of a block, each once."""
    return list(dict.fromkeys(row.task for row in block.rows))


def metrics_of(task: Task) -> list[str]:
    """Return the metrics of a task, the paper's first."""
    return [metric for of_task, metric in TITLES if of_task is task]


def _table(
    task: Task, metric: str, rows: Sequence[FindingRow], means: Sequence[MeanRow], signed: bool
) -> str:
    lines: list[Sequence[str]] = []
    for source in dict.fromkeys(row.source for row in rows):
        of_source = [row for row in rows if row.source == source]
        if not any(row.enough for row in of_source):
            continue
        models = dict.fromkeys(row.model for row in of_source)
        counted = {row.finding: row for row in of_source}  # the same for every model
        name = source_name(source)
        numbers = [_numbers(counted.get(finding)) for finding in Finding]
        lines.append((NUMBERS[task], name, *numbers, "", ""))
        for model in models:
            by_finding = {row.finding: row for row in of_source if row.model == model}
            cells = [_cell_of(by_finding.get(finding), metric, signed) for finding in Finding]
            mean = next(m for m in means if (m.model, m.source) == (model, source))
            both = [
                figure_text(figures[metric].estimate(), signed=signed)
                for figures in (mean.plain, mean.weighted)
            ]
            lines.append((model, name, *cells, *both))
    if metric == PRINTED[task] and not signed:
        lines += _paper_lines(task)
    return markdown_table(("model", "cases", *(f.value for f in Finding), *MEANS), lines)


def _left_out(rows: Sequence[FindingRow]) -> list[str]:
    """Return a sentence on the sources in which no finding has enough cases."""
    every = dict.fromkeys(row.source for row in rows)
    told = {row.source for row in rows if row.enough}
    silent = [source_name(source) for source in every if source not in told]
    return [f"Not shown, since {TOO_SMALL} for every finding: {', '.join(silent)}."] * bool(silent)


def _paper_lines(task: Task) -> list[Sequence[str]]:
    return [
        (
            f"{row.model} {PRINTED_MARK}",
            PAPER_SOURCE,
            *(f"{value:.2f}" for value in row.figures),
            f"{row.plain:.3f}",
            NEVER if row.weighted is None else f"{row.weighted:.3f}",
        )
        for row in PAPER_ROWS[task]
    ]


def _numbers(row: FindingRow | None) -> str:
    if row is None:
        return NEVER
    return " / ".join(str(row.counts[name]) for name in COUNTS[row.task])


def _cell_of(row: FindingRow | None, metric: str, signed: bool) -> str:
    if row is None:
        return NEVER
    if not row.enough:
        return TOO_SMALL
    return figure_text(row.figures[metric].estimate(), signed=signed)
