"""The classifier's scores as Markdown for people, CSV for spreadsheets and JSON for programs."""

import csv
import json
import math
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from daug.bundle import MIN_TEST_POSITIVES, Estimate
from trainers.evaluation.classifier_scores import ScoreRow
from trainers.made_labels import TEXT_COLUMN
from trainers.text_labels import told_scored

STEM = "classifier"
# Average precision of the paper's noisy-image classifier, Table 4 of arXiv:2412.04828.
PAPER_AVERAGE_PRECISION = {
    "No Finding": 0.631,
    "Enlarged Cardiomediastinum / Cardiomegaly": 0.885,
    "Lung Lesion": 0.407,
    "Consolidation / Edema / Pneumonia": 0.857,
    "Atelectasis": 0.778,
    "Pleural": 0.746,
    "Support Device": 0.633,
}
PAPER_NOTE = (
    "The paper's average precision (Jin et al. 2024, arXiv:2412.04828, Table 4) is on MIMIC-CXR. "
    "It is not comparable: other radiographs, other labels, another prevalence."
)
FORMULA_MARKS = ("=", "+", "-", "@", "\t", "\r", "\n")  # what a spreadsheet would compute
ESTIMATES = ("average_precision", "auroc", "prevalence")


@dataclass(frozen=True)
class ClassifierEvaluation:
    """What was scored, on what, and how it came out."""

    bundle: Mapping[str, str]  # name, version, digest
    manifest: Mapping[str, str]  # file, digest
    split: str
    images: Mapping[str, int]  # scored radiographs of each source
    patients: int
    thumbnails: int  # left out, since they are blurred at any model size
    offered: tuple[str, ...]  # super-classes with enough examples in training
    seed: int
    draws: int  # of the bootstrap
    rows: tuple[ScoreRow, ...]  # within-source rows first
    text_derived: Mapping[str, int] = field(default_factory=dict)  # labels from reports, by finding


def write_tables(evaluation: ClassifierEvaluation, folder: Path) -> dict[str, Path]:
    """Write `classifier.md`, `.csv` and `.json` into a folder, and return their paths by suffix."""
    folder.mkdir(parents=True, exist_ok=True)
    paths = {suffix: folder / f"{STEM}.{suffix}" for suffix in ("md", "csv", "json")}
    paths["md"].write_text(markdown(evaluation), encoding="utf-8")
    text = json.dumps(document(evaluation), indent=2, ensure_ascii=False, allow_nan=False)
    paths["json"].write_text(text + "\n", encoding="utf-8")
    with paths["csv"].open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, list(flat_row(evaluation.rows[0])))
        writer.writeheader()
        writer.writerows(flat_row(row) for row in evaluation.rows)
    return paths


def document(evaluation: ClassifierEvaluation) -> dict[str, Any]:
    """Return the evaluation as JSON values; a figure or bound that is undefined is null."""
    rows = [_json_row(row) for row in evaluation.rows]
    return {**asdict(evaluation), "paper": PAPER_NOTE, "rows": rows}


def measured_classifier(evaluation: ClassifierEvaluation) -> dict[str, Any]:
    """Return what a bundle keeps of an evaluation, as JSON values: the figures within sources.

    Figures over all sources together measure the sources' looks as well, and stay out.
    """
    rows = [
        {
            "super_class": row.super_class,
            "source": row.source,
            "t": row.t,
            "n": row.positives + row.negatives,
            "positives": row.positives,
            "enough": row.enough,
            **{name: _json_row(row)[name] for name in ("auroc", "average_precision")},
        }
        for row in evaluation.rows
        if not row.measures_source_look
    ]
    kept = ["manifest", "split", "images", "patients", "thumbnails", "seed", "draws"]
    kept += [TEXT_COLUMN] if evaluation.text_derived else []
    return {**{name: getattr(evaluation, name) for name in kept}, "rows": rows}


def flat_row(row: ScoreRow) -> dict[str, Any]:
    """Return one line of the CSV; an undefined figure is blank, and no cell is a formula."""
    cells: dict[str, Any] = {
        "super_class": spreadsheet_text(row.super_class),
        "source": spreadsheet_text(row.source),
        "t": row.t,
        "positives": row.positives,
        "negatives": row.negatives,
    }
    for name in ESTIMATES:
        figure = getattr(row, name)
        for part in ("value", "low", "high"):
            cells[f"{name}_{part}"] = _or_else(getattr(figure, part), "")
    cells["enough"] = int(row.enough)
    cells["measures_source_look"] = int(row.measures_source_look)
    cells["paper_average_precision"] = PAPER_AVERAGE_PRECISION.get(row.super_class, "")
    return cells


def spreadsheet_text(text: str) -> str:
    """Return text that no spreadsheet takes for a formula: such a beginning gets an apostrophe.

    Source: OWASP, "CSV Injection".
    """
    return f"'{text}" if text.startswith(FORMULA_MARKS) else text


def markdown(evaluation: ClassifierEvaluation) -> str:
    """Return the report that a person reads: within sources at t = 0, then noise, then pooled."""
    within = [row for row in evaluation.rows if not row.measures_source_look]
    across = [row for row in evaluation.rows if row.measures_source_look]
    images = ", ".join(f"{_cell(name)} {count}" for name, count in evaluation.images.items())
    left_out = sorted({r.super_class for r in evaluation.rows} - set(evaluation.offered))
    parts = [
        f"# Classifier of {_cell(evaluation.bundle['name'])} {_cell(evaluation.bundle['version'])}",
        f"Bundle {evaluation.bundle['digest'][:12]}, {_cell(evaluation.manifest['file'])} "
        f"{evaluation.manifest['digest'][:12]}, split {_cell(evaluation.split)}: "
        f"{sum(evaluation.images.values())} radiographs of {evaluation.patients} patients "
        f"({images}); {evaluation.thumbnails} thumbnails left out.",
        f"95 % percentile intervals over patients, {evaluation.draws} draws. A radiograph counts "
        "where the class is known; uncertain and unmentioned are left out. Fewer than "
        f"{MIN_TEST_POSITIVES} with the class or without: n too small.",
        "## Within each source, without noise",
        _table(row for row in within if row.t == 0),
        PAPER_NOTE,
        "## Within each source, noised by t steps",
        _table(row for row in within if row.t),
        "## Over all sources together",
        "Sources differ in look and in labels, so knowing where a radiograph is from helps here: "
        "these figures measure source look too.",
        _table(across),
    ]
    if told := told_scored(evaluation.text_derived):
        parts.insert(3, told)
    if left_out:
        parts.insert(3, f"Not offered, too few training examples: {', '.join(left_out)}.")
    return "\n\n".join(parts) + "\n"


def _table(rows: Iterable[ScoreRow]) -> str:
    lines = [
        "| super-class | source | t | with / without | prevalence | average precision | AUROC "
        "| paper's AP, not comparable | |",
        "|---|---|---|---|---|---|---|---|---|",
    ]
    for row in rows:
        paper = PAPER_AVERAGE_PRECISION.get(row.super_class)
        cells = (
            row.super_class,
            row.source,
            str(row.t),
            f"{row.positives} / {row.negatives}",
            _figure(row.prevalence),
            _figure(row.average_precision),
            _figure(row.auroc),
            "" if paper is None else f"{paper:.3f}",
            "" if row.enough else "n too small",
        )
        lines.append(f"| {' | '.join(_cell(cell) for cell in cells)} |")
    return "\n".join(lines)


def _figure(figure: Estimate) -> str:
    if math.isnan(figure.low):
        return f"{figure.value:.3f} (no interval)"
    return f"{figure.value:.3f} ({figure.low:.3f} to {figure.high:.3f})"


def _cell(text: str) -> str:
    return " ".join(text.replace("\\", "\\\\").replace("|", "\\|").split())


def _json_row(row: ScoreRow) -> dict[str, Any]:
    values = asdict(row)
    for name in ESTIMATES:
        values[name] = {key: _or_else(value, None) for key, value in values[name].items()}
    values["enough"] = row.enough
    values["measures_source_look"] = row.measures_source_look
    values["paper_average_precision"] = PAPER_AVERAGE_PRECISION.get(row.super_class)
    return values


def _or_else(value: float, missing: str | None) -> float | str | None:
    return missing if math.isnan(value) else value
