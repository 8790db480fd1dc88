"""An evaluation as Markdown for people, CSV for spreadsheets and JSON for programs."""

import csv
import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from daug.bundle import MIN_TEST_POSITIVES, Estimate
from trainers.evaluation.classifier_scores import ALL_SOURCES
from trainers.evaluation.classifier_table import spreadsheet_text
from trainers.evaluation.figures import Figure
from trainers.evaluation.finding_rows import FindingRow, MeanRow, Task
from trainers.evaluation.paper_figures import PAPER_NOTE, PAPER_ROWS, PAPER_SOURCE
from trainers.evaluation.paper_tables import (
    COUNTS,
    MEANS,
    NEVER,
    PRINTED,
    PRINTED_MARK,
    TOO_SMALL,
    Block,
    cell,
    metrics_of,
    tables,
    tasks_of,
)
from trainers.evaluation.retrieval import MIN_QUERY_PATIENTS

RETRIEVAL_FOOT = (
    "AP@5 of a query = sum over ranks r = 1..5 of precision@r × rel(r), divided by min(5, number "
    "of relevant images in the gallery); mAP@5 is its mean over the queries. A finding's gallery "
    "is the test radiographs for which it is known, present or absent; uncertain and unmentioned "
    "ones are left out, and images of the query's own patient never count. Queries are cases with "
    "the finding; a report asks only if it is a real one, never one composed from labels. The "
    "intervals are over the patients of the queries, drawn again; the gallery stays as it is. "
    f"{TOO_SMALL}: fewer than {MIN_TEST_POSITIVES} images with the finding or without, or fewer "
    f"than {MIN_QUERY_PATIENTS} patients who ask. Chance is the exact mean of all random orders."
)
CLASSIFICATION_FOOT = (
    "A radiograph counts where the finding is known; uncertain and unmentioned ones are left out. "
    f"{TOO_SMALL}: fewer than {MIN_TEST_POSITIVES} with the finding or without. Chance is an AUROC "
    "of 0.5 and an average precision of the share with the finding."
)
MEANS_FOOT = (
    "Plain mean: every finding with enough cases counts as much. Weighted mean: each counts by its "
    "support, the number of scored cases with it. Both are over the same findings for every model "
    f"of a block, and only those. {NEVER}: never labelled both ways there. Intervals: 95 % "
    "percentile bootstrap, patients drawn within their source. Over all sources a model can score "
    "by knowing where a radiograph is from: those rows measure the sources' look as well."
)


@dataclass(frozen=True, eq=False)
class Evaluation:
    """What was scored, on what, and how it came out."""

    stem: str  # of the files
    title: str
    about: Mapping[str, Any]
    block: Block
    notes: Sequence[str] = ()  # sentences for the head
    more: Mapping[str, Any] = field(default_factory=dict)  # for the JSON document
    sections: Sequence[str] = ()  # Markdown behind the tables


def write_evaluation(evaluation: Evaluation, folder: Path) -> dict[str, Any]:
    """Write `<stem>.md`, `.csv` and `.json` into a folder, and return the JSON document."""
    folder.mkdir(parents=True, exist_ok=True)
    values = document(evaluation)
    text = json.dumps(values, indent=2, ensure_ascii=False, allow_nan=False)
    (folder / f"{evaluation.stem}.json").write_text(text + "\n", encoding="utf-8")
    (folder / f"{evaluation.stem}.md").write_text(markdown(evaluation), encoding="utf-8")
    write_csv(evaluation.block, folder / f"{evaluation.stem}.csv")
    return values


def document(evaluation: Evaluation) -> dict[str, Any]:
    """Return the evaluation as JSON values; a figure or bound that is undefined is null."""
    return {
        **evaluation.about,
        "notes": list(evaluation.notes),
        "paper": PAPER_NOTE,
        **json_block(evaluation.block),
        "printed": [entry for task in tasks_of(evaluation.block) for entry in _json_printed(task)],
        **evaluation.more,
    }


def json_block(block: Block) -> dict[str, Any]:
    """Return rows and means as JSON values."""
    return {
        "rows": [_json_row(row) for row in block.rows],
        "means": [entry for mean in block.means for entry in _json_means(mean)],
    }


def markdown(evaluation: Evaluation) -> str:
    """Return what a person reads."""
    tasks = set(tasks_of(evaluation.block))
    feet = [CLASSIFICATION_FOOT] if Task.CLASSIFICATION in tasks else []
    if tasks - {Task.CLASSIFICATION}:
        feet.insert(0, RETRIEVAL_FOOT)
    parts = [
        f"# {cell(evaluation.title)}",
        *evaluation.notes,
        tables(evaluation.block),
        *evaluation.sections,
        "## Definitions",
        *feet,
        MEANS_FOOT,
        PAPER_NOTE,
    ]
    return "\n\n".join(parts) + "\n"


def write_csv(block: Block, path: Path) -> None:
    """Write one line for each figure; undefined ones are blank, and no cell is a formula."""
    counts = tuple(dict.fromkeys(name for names in COUNTS.values() for name in names))
    columns = ("task", "model", "source", "finding", "metric", "value", "low", "high", "n")
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, (*columns, "enough", *counts), restval="")
        writer.writeheader()
        for row in block.rows:
            for metric in metrics_of(row.task):
                found = _estimate(row.figures.get(metric), len(row.members))
                enough = {"enough": int(row.enough), **row.counts}
                writer.writerow({**_line(row, row.finding, metric, found), **enough})
        for mean in block.means:
            for name, figures in zip(MEANS, (mean.plain, mean.weighted), strict=True):
                for metric, figure in figures.items():
                    writer.writerow({**_line(mean, name, metric, figure.estimate()), "enough": 1})
        for task in tasks_of(block):
            writer.writerows(_printed_lines(task))


def json_estimate(found: Estimate) -> dict[str, Any]:
    """Return an estimate as JSON values; null where it is undefined."""
    return {
        key: None if isinstance(value, float) and math.isnan(value) else value
        for key, value in asdict(found).items()
    }


def _line(row: FindingRow | MeanRow, finding: str, metric: str, found: Estimate) -> dict[str, Any]:
    figures = {k: "" if v is None else v for k, v in json_estimate(found).items()}
    return {
        "task": row.task.value,
        "model": spreadsheet_text(row.model),
        "source": spreadsheet_text(row.source),
        "finding": finding,
        "metric": metric,
        **figures,
    }


def _printed_lines(task: Task) -> list[dict[str, Any]]:
    """Return the paper's figures as lines of the CSV."""
    return [
        {
            "task": task.value,
            "model": f"{row.model} {PRINTED_MARK}",
            "source": PAPER_SOURCE,
            "finding": finding,
            "metric": PRINTED[task],
            "value": value,
        }
        for row in PAPER_ROWS[task]
        for finding, value in [
            *((finding.value, figure) for finding, figure in row.by_finding.items()),
            *zip(MEANS, (round(row.plain, 3), row.weighted), strict=True),
        ]
        if value is not None
    ]


def _json_printed(task: Task) -> list[dict[str, Any]]:
    return [
        {
            "task": task.value,
            "model": row.model,
            "source": PAPER_SOURCE,
            "metric": PRINTED[task],
            "figures": {finding.value: figure for finding, figure in row.by_finding.items()},
            "plain": round(row.plain, 3),
            "weighted": row.weighted,
        }
        for row in PAPER_ROWS[task]
    ]


def _json_row(row: FindingRow) -> dict[str, Any]:
    estimates = {
        metric: json_estimate(_estimate(row.figures.get(metric), len(row.members)))
        for metric in metrics_of(row.task)
    }
    return {
        "task": row.task.value,
        "model": row.model,
        "source": row.source,
        "finding": row.finding.value,
        **estimates,
        **row.counts,
        "enough": row.enough,
        "measures_source_look": row.source == ALL_SOURCES,
    }


def _json_means(mean: MeanRow) -> list[dict[str, Any]]:
    return [
        {
            "task": mean.task.value,
            "model": mean.model,
            "source": mean.source,
            "metric": metric,
            "findings": [finding.value for finding in mean.findings],
            "plain": json_estimate(mean.plain[metric].estimate()),
            "weighted": json_estimate(mean.weighted[metric].estimate()),
            "measures_source_look": mean.source == ALL_SOURCES,
        }
        for metric in mean.plain
    ]


def _estimate(figure: Figure | None, n: int) -> Estimate:
    return Estimate(math.nan, math.nan, math.nan, n) if figure is None else figure.estimate()
