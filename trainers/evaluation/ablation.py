"""What channels and loss are worth: the body of `daug evaluate ablation`.

Three ways to train, several seeds each, on the same radiographs and for the same number of steps.
A way's figure is the mean over its seeds; a difference is taken in every draw of the patients, so
that its interval is its own. The spread over the seeds is printed beside, since patients are not
the only chance.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from daug.bundle import read_bundle
from trainers.clip_run import ids_digest
from trainers.evaluation.ablation_runs import (
    ABLATION_ROWS,
    DAUG_CLIP,
    DAUG_HYBRID,
    PLAIN_CLIP,
    AblationRequest,
    AblationRow,
    train_all,
)
from trainers.evaluation.classification import classification_rows
from trainers.evaluation.clip_evaluation import (
    TEST_SPLIT,
    ClipEvaluationRequest,
    Scored,
    refuse_nothing,
    score_models,
)
from trainers.evaluation.clip_models import ClipModel, run_model
from trainers.evaluation.clip_scores import ClipScores
from trainers.evaluation.evaluation_document import Evaluation, json_block, write_evaluation
from trainers.evaluation.figures import Figure, mean_figure
from trainers.evaluation.finding_rows import FindingRow, MeanRow, combine, find_means
from trainers.evaluation.paper_tables import Block, cell, markdown_table, source_name, tables
from trainers.evaluation.retrieval import retrieval_rows
from trainers.evaluation.subset import Subset
from trainers.text_labels import told_text_labels

# What is added, and to what.
DIFFERENCES: Sequence[tuple[str, AblationRow, AblationRow]] = (
    ("hybrid + DAug minus plain + CLIP", DAUG_HYBRID, PLAIN_CLIP),
    ("DAug channels minus plain channels, CLIP loss", DAUG_CLIP, PLAIN_CLIP),
    ("hybrid loss minus CLIP loss, DAug channels", DAUG_HYBRID, DAUG_CLIP),
)


def evaluate_ablation(request: AblationRequest) -> dict[str, Any]:
    """Train what is not trained yet, score all of it, write the tables, return the JSON document.

    Raises:
        TrainingError: If the folder holds other runs than those asked for, or another process is
            still training one of them.
        BundleError: If the maps are not of the bundle.
        ManifestError: If the manifest cannot be trained on or scored.
    """
    subset = train_all(request)
    models = {
        row: [
            run_model(f"{row.name}, seed {seed}", request.run_folder(row, seed))
            for seed in request.seeds
        ]
        for row in ABLATION_ROWS
    }
    scoring = ClipEvaluationRequest(
        manifest=request.manifest,
        output=request.folder,
        bundle=request.bundle,
        maps=request.maps,
        split=TEST_SPLIT,
        sources=tuple(subset.by_source),
        draws=request.draws,
        cache=request.kept_in,
    )
    every = [model for of_row in models.values() for model in of_row]
    scored = score_models(scoring, every, read_bundle(request.bundle))
    by_row = _measure(models, scored)
    baselines = _rows(scored.models[:1], scored)
    refuse_nothing(baselines, scoring)
    rows = baselines + [found for row in ABLATION_ROWS for found in _mean_of(row, by_row[row])]
    compared = [
        found
        for name, of, minus in DIFFERENCES
        for found in combine(
            [_mean_of(of, by_row[of]), _mean_of(minus, by_row[minus])], name, _minus
        )
    ]
    differences = Block(compared, find_means(compared), signed=True)
    spread = [entry for row in ABLATION_ROWS for entry in _spread(row, request.seeds, by_row[row])]
    evaluation = Evaluation(
        stem="ablation",
        title="Ablation: channels and loss",
        about=scored.about,
        block=Block(rows, find_means(rows)),
        notes=[*scored.notes, *_notes(request, subset, models)],
        more={
            "seeds": list(request.seeds),
            "subset": {
                "radiographs": len(subset.rows),
                "sha256": ids_digest(subset.ids),
                "by_source": subset.by_source,
            },
            "differences": json_block(differences),
            "spread": spread,
        },
        sections=[
            "## Differences",
            "Each is the difference of two means over the seeds, in the same draws of the "
            "patients; above 0 the first is better.",
            tables(differences),
            "## Spread over the seeds",
            "Means over the findings of each training by itself; SD is of the seeds.",
            _spread_table(spread, request.seeds),
        ],
    )
    return write_evaluation(evaluation, request.folder)


def _measure(
    models: Mapping[AblationRow, Sequence[ClipModel]], scored: Scored
) -> dict[AblationRow, list[list[FindingRow]]]:
    """Return the rows of every training, by way and seed, without the baselines."""
    by_name = {scores.name: scores for scores in scored.models}
    return {
        row: [
            [found for found in _rows([by_name[model.name]], scored) if found.model == model.name]
            for model in of_row
        ]
        for row, of_row in models.items()
    }


def _rows(models: Sequence[ClipScores], scored: Scored) -> list[FindingRow]:
    """Return all tasks of chance and some models."""
    return [
        *retrieval_rows(models, scored.cases, scored.draws),
        *classification_rows(models, scored.cases, scored.draws),
    ]


def _mean_of(row: AblationRow, seeds: Sequence[Sequence[FindingRow]]) -> list[FindingRow]:
    def mean(figures: Sequence[Figure]) -> Figure:
        return mean_figure(figures, [1.0] * len(figures), figures[0].n)

    return combine(seeds, row.name, mean)


def _minus(figures: Sequence[Figure]) -> Figure:
    first, second = figures
    return first - second


def _spread(
    row: AblationRow, seeds: Sequence[int], rows: Sequence[Sequence[FindingRow]]
) -> list[dict[str, Any]]:
    """Return both means of each training by itself, task by task and source by source."""
    found = []
    for same in zip(*(find_means(of_seed) for of_seed in rows), strict=True):
        first: MeanRow = same[0]
        for metric in first.plain:
            plain = [mean.plain[metric].value for mean in same]
            weighted = [mean.weighted[metric].value for mean in same]
            found.append(
                {
                    "task": first.task.value,
                    "model": row.name,
                    "source": first.source,
                    "metric": metric,
                    "plain": dict(zip(map(str, seeds), plain, strict=True)),
                    "weighted": dict(zip(map(str, seeds), weighted, strict=True)),
                    "plain_sd": _sd(plain),
                    "weighted_sd": _sd(weighted),
                }
            )
    return found


def _sd(values: Sequence[float]) -> float | None:
    return float(np.std(values, ddof=1)) if len(values) > 1 else None


def _spread_table(spread: Sequence[Mapping[str, Any]], seeds: Sequence[int]) -> str:
    head = ("task", "metric", "cases", "model", *(f"plain mean, seed {s}" for s in seeds), "SD")
    lines = [
        (
            entry["task"].replace("_", " "),
            entry["metric"].replace("_", " "),
            source_name(entry["source"]),
            entry["model"],
            *(f"{entry['plain'][str(seed)]:.3f}" for seed in seeds),
            "" if entry["plain_sd"] is None else f"{entry['plain_sd']:.3f}",
        )
        for entry in sorted(spread, key=lambda entry: (entry["task"], entry["metric"]))
    ]
    return markdown_table(head, lines)


def _notes(
    request: AblationRequest, subset: Subset, models: Mapping[AblationRow, Sequence[ClipModel]]
) -> list[str]:
    first = models[PLAIN_CLIP][0].run
    sources = "; ".join(
        f"{cell(name)} {count['radiographs']} ({count['with_report']} with a report)"
        for name, count in subset.by_source.items()
    )
    texts = (
        "Cases without a report were given a sentence composed from their labels, in every row: "
        "so the CLIP loss sees the labels too, and the hybrid loss adds less than it would to "
        "reports that say more."
        if request.templates
        else "Cases without a report were learnt from by their labels alone, so rows with the "
        "CLIP loss learnt from few cases."
    )
    taught = told_text_labels({"every row": first})
    return [
        *([taught] if taught else []),
        f"Every row was trained {len(request.seeds)} times (seeds "
        f"{', '.join(map(str, request.seeds))}), preset {cell(request.preset)}, {first['steps']} "
        f"steps of {first['loop']['batch_size']} radiographs each, on the same "
        f"{len(subset.rows)} radiographs of the training split: all cases with a real report, "
        f"then one of each source in turn: {sources}. `subset.csv` lists them. {texts}",
        "The maps are drawn by networks that learnt from the whole training split of their "
        "sources, not from these radiographs alone: what the DAug channels gain includes what "
        "those networks know.",
        "These are models for verification: some of the sources may not train weights that are "
        "passed on.",
    ]
