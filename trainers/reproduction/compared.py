"""Our rows of Tables 1 to 4 beside the paper's, and what lies between them."""

from collections.abc import Mapping, Sequence
from typing import Any

from daug.findings import Finding
from trainers.evaluation.ablation_runs import DAUG_CLIP, DAUG_HYBRID, PLAIN_CLIP
from trainers.evaluation.classifier_scores import ALL_SOURCES
from trainers.evaluation.finding_rows import CHANCE, Task
from trainers.evaluation.paper_figures import ABLATED, FULL, PAPER_ROWS, PaperRow
from trainers.evaluation.paper_tables import MEANS, NEVER, POOLED, PRINTED, TITLES, TOO_SMALL
from trainers.reproduction.page import Section, Table

PLAIN = "CLIP without augmentation"
OURS = {FULL: DAUG_HYBRID.name, ABLATED: DAUG_CLIP.name, PLAIN: PLAIN_CLIP.name}  # by the paper's
Document = Mapping[str, Any]


def compared_section(task: Task, document: Document) -> Section:
    """Return one of Tables 1 to 3: our rows, the paper's, and ours minus the paper's."""
    source = source_of(document)
    rows = [r for r in document["rows"] if (r["task"], r["source"]) == (task.value, source)]
    means = [m for m in document["means"] if (m["task"], m["source"]) == (task.value, source)]
    metric = PRINTED[task]
    lines: list[Sequence[str]] = []
    for model in dict.fromkeys(row["model"] for row in rows):
        lines.append(_our_line(model, rows, means, metric))
    support = {row["finding"]: _support(row) for row in rows if row["model"] == CHANCE}
    lines.append(("n with it / without", *(support.get(f.value, NEVER) for f in Finding), "", ""))
    lines += [_paper_line(row) for row in PAPER_ROWS[task]]
    ours = {(row["model"], row["finding"]): _value(row, metric) for row in rows}
    for paper in PAPER_ROWS[task]:
        if paper.model in OURS:
            lines.append(_difference_line(paper, OURS[paper.model], ours))
    sentences = [
        "Plain mean: of the findings that have enough cases here; weighted mean: by the cases with "
        "each. A difference of means is over the findings that have enough cases here. "
        f"{TOO_SMALL}: see the full tables in ablation/ablation.md, which have intervals for "
        "every figure."
    ]
    if source == ALL_SOURCES:
        sentences.append(f"Cases of {POOLED}.")
    names = ("finding", *(finding.value for finding in Finding), *MEANS)
    head, *by_finding = zip(names, *lines, strict=True)  # down the page: across it is too wide
    return Section(TITLES[task, metric], sentences, [Table(head, by_finding)])


def table_4_section(document: Document) -> Section:
    """Return Table 4: average precision of the classifier of noised radiographs, without noise."""
    source = source_of(document)
    lines = []
    for row in document["rows"]:
        if row["t"] == 0 and row["source"] == source:
            ours, paper = row["average_precision"], row["paper_average_precision"]
            told = row["enough"] and ours["value"] is not None
            lines.append(
                (
                    row["super_class"],
                    f"{row['positives']} / {row['negatives']}",
                    _number(row["prevalence"]["value"]),
                    _with_interval(ours) if told else TOO_SMALL,
                    NEVER if paper is None else f"{paper:.3f}",
                    _signed(ours["value"] - paper) if told and paper is not None else NEVER,
                )
            )
    head = (
        "super-class",
        "with / without",
        "prevalence",
        "average precision",
        "paper",
        "ours − paper",
    )
    return Section(
        "Table 4. Classifier of noised radiographs, average precision", (), [Table(head, lines)]
    )


def source_of(document: Document) -> str:
    """Return the only source of a document, or the word for all of them together."""
    sources = list(document["images"])
    return sources[0] if len(sources) == 1 else ALL_SOURCES


def _our_line(
    model: str, rows: Sequence[Document], means: Sequence[Document], metric: str
) -> Sequence[str]:
    own = {row["finding"]: row for row in rows if row["model"] == model}
    cells = [_cell(own.get(finding.value), metric) for finding in Finding]
    mean = next((m for m in means if (m["model"], m["metric"]) == (model, metric)), None)
    both = [NEVER if mean is None else _with_interval(mean[kind]) for kind in ("plain", "weighted")]
    return (model, *cells, *both)


def _paper_line(row: PaperRow) -> Sequence[str]:
    figures = [f"{figure:.2f}" for figure in row.figures]
    weighted = NEVER if row.weighted is None else f"{row.weighted:.3f}"
    return (f"{row.model} [paper]", *figures, f"{row.plain:.3f}", weighted)


def _difference_line(
    paper: PaperRow, model: str, ours: Mapping[tuple[str, str], float | None]
) -> Sequence[str]:
    gaps: list[float] = []
    cells = []
    for finding, printed in paper.by_finding.items():
        value = ours.get((model, finding.value))
        if value is None:
            cells.append(NEVER)
        else:
            gaps.append(value - printed)
            cells.append(_signed(gaps[-1]))
    mean = _signed(sum(gaps) / len(gaps)) if gaps else NEVER
    return (f"{model} minus {paper.model} [paper]", *cells, mean, NEVER)


def _cell(row: Document | None, metric: str) -> str:
    if row is None:
        return NEVER
    value = _value(row, metric)
    return TOO_SMALL if value is None else _number(value)


def _value(row: Document, metric: str) -> float | None:
    value: float | None = row[metric]["value"] if row["enough"] else None
    return value


def _support(row: Document) -> str:
    if "positives" in row:
        return f"{row['positives']} / {row['negatives']}"
    return f"{row['relevant']} / {row['gallery'] - row['relevant']}"


def _with_interval(found: Document) -> str:
    if found["value"] is None:
        return NEVER
    if found["low"] is None:
        return f"{found['value']:.3f} (no interval)"
    return f"{found['value']:.3f} ({found['low']:.3f} to {found['high']:.3f})"


def _number(value: float | None) -> str:
    return NEVER if value is None else f"{value:.2f}"


def _signed(value: float) -> str:
    return f"{value:+.2f}".replace("-", "−")
