"""Score CLIP models on held-out radiographs: what `retrieval` and `classification` have in common.

Every model is scored on the same cases with the same draws, beside chance and, where images look
for images, the nearest neighbours of the pixels themselves.
"""

import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from daug.bundle import Bundle, file_digest
from daug.errors import ManifestError
from trainers.evaluation.bootstrap import DRAWS
from trainers.evaluation.classification import classification_rows
from trainers.evaluation.clip_models import ClipModel, models_to_score, refuse_what_it_learnt
from trainers.evaluation.clip_scores import (
    ClipScores,
    ScoredCases,
    find_cases,
    score_clip,
    score_pixels,
)
from trainers.evaluation.evaluation_document import Evaluation, write_evaluation
from trainers.evaluation.figures import Draws
from trainers.evaluation.finding_rows import FindingRow, find_means
from trainers.evaluation.paper_tables import Block, cell
from trainers.evaluation.retrieval import retrieval_rows
from trainers.made_labels import TEXT_COLUMN
from trainers.text_labels import count_text_labels, told_scored

TEST_SPLIT = "test"


@dataclass(frozen=True)
class ClipEvaluationRequest:
    """What somebody asks to be scored."""

    manifest: Path
    output: Path
    bundle: Path
    runs: tuple[tuple[str, Path], ...] = ()  # name and folder of finished trainings
    maps: Path | None = None  # the folder that `daug augment` filled
    split: str = TEST_SPLIT
    sources: tuple[str, ...] = ()  # empty: all of the split
    draws: int = DRAWS
    seed: int = 0  # of the bootstrap
    cache: Path | None = None  # keeps pixels and heat for the next time; thrown away if none


@dataclass(frozen=True, eq=False)
class Scored:
    """The cases, and what each model made of them."""

    cases: ScoredCases
    models: Sequence[ClipScores]
    draws: Draws
    about: dict[str, Any]

    @property
    def notes(self) -> list[str]:
        """Sentences on what was scored."""
        return notes_on(self.cases, self.about, self.models)


def evaluate_retrieval(request: ClipEvaluationRequest) -> dict[str, Any]:
    """Score the search for similar cases, write the tables and return the JSON document.

    Raises:
        BundleError: If there is no model to score, or one cannot be loaded.
        ManifestError: If the manifest has no such radiographs, some cannot be read, a model was
            trained on them, or no finding is known both ways.
        TrainingError: If a run has not ended.
    """
    return _evaluate(request, "retrieval", "Search for similar cases", retrieval_rows)


def evaluate_classification(request: ClipEvaluationRequest) -> dict[str, Any]:
    """Score the classification of the findings, write the tables and return the JSON document.

    Raises:
        BundleError: As in `evaluate_retrieval`.
        ManifestError: As in `evaluate_retrieval`.
        TrainingError: As in `evaluate_retrieval`.
    """
    return _evaluate(
        request, "classification", "Classification of the findings", classification_rows
    )


def score_models(
    request: ClipEvaluationRequest, models: Sequence[ClipModel], bundle: Bundle
) -> Scored:
    """Return what every model makes of the cases, the pixels' own vectors first.

    Raises:
        BundleError: As in `evaluate_retrieval`.
        ManifestError: As in `evaluate_retrieval`.
    """
    cases = find_cases(request.manifest, request.split, request.sources)
    for model in models:
        refuse_what_it_learnt(model, bundle, cases.rows)
    if request.cache is not None:
        found = _score_in(request.cache, request.maps, models, cases, bundle)
    else:
        with tempfile.TemporaryDirectory() as folder:
            maps = request.maps or request.output / "maps"  # they take long, so they are kept
            found = _score_in(Path(folder), maps, models, cases, bundle)
    draws = Draws(cases.rows, request.seed, request.draws)
    about = {
        "bundle": {"name": bundle.name, "version": bundle.version, "digest": bundle.digest},
        "manifest": {"file": request.manifest.name, "digest": file_digest(request.manifest)},
        "split": cases.split,
        "images": cases.by_source,
        "patients": len({row.patient for row in cases.rows}),
        "reports": sum(bool(text) for text in cases.texts),
        "thumbnails": cases.thumbnails,
        TEXT_COLUMN: count_text_labels(cases.rows),
        "seed": request.seed,
        "draws": request.draws,
        "models": [_about(model, scores) for model, scores in zip(models, found[1:], strict=True)],
    }
    return Scored(cases, found, draws, about)


def refuse_nothing(rows: Sequence[FindingRow], request: ClipEvaluationRequest) -> None:
    """Refuse an evaluation in which no finding could be scored.

    Raises:
        ManifestError: If that is so.
    """
    if not any(row.enough for row in rows):
        raise ManifestError(
            f"{request.manifest.name}: no finding is present in 20 radiographs of split "
            f"{request.split} and absent in 20 others, so nothing can be scored. Choose a larger "
            "split."
        )


def notes_on(cases: ScoredCases, about: dict[str, Any], models: Sequence[ClipScores]) -> list[str]:
    """Return the sentences that stand above the tables."""
    images = ", ".join(f"{cell(name)} {count}" for name, count in cases.by_source.items())
    notes = [
        f"{cell(about['manifest']['file'])} {about['manifest']['digest'][:12]}, split "
        f"{cell(cases.split)}: {len(cases.rows)} radiographs of {about['patients']} patients "
        f"({images}), {about['reports']} with a real report; {cases.thumbnails} thumbnails left "
        f"out. {about['draws']} draws of the patients."
    ]
    if told := told_scored(about[TEXT_COLUMN]):
        notes.append(told)
    drawn = [f"{model.maps_drawn} for {cell(model.name)}" for model in models if model.maps_drawn]
    if drawn:
        notes.append(f"Maps that were not in the cache were drawn now: {', '.join(drawn)}.")
    return notes


def _evaluate(
    request: ClipEvaluationRequest,
    stem: str,
    title: str,
    measure: Callable[[Sequence[ClipScores], ScoredCases, Draws], list[FindingRow]],
) -> dict[str, Any]:
    bundle, models = models_to_score(request.bundle, request.runs)
    scored = score_models(request, models, bundle)
    rows = measure(scored.models, scored.cases, scored.draws)
    refuse_nothing(rows, request)
    block = Block(rows, find_means(rows))
    evaluation = Evaluation(stem, title, scored.about, block, scored.notes)
    return write_evaluation(evaluation, request.output)


def _score_in(
    cache: Path,
    maps: Path | None,
    models: Sequence[ClipModel],
    cases: ScoredCases,
    bundle: Bundle,
) -> list[ClipScores]:
    return [
        score_pixels(cases, cache),
        *(score_clip(model, cases, bundle, maps, cache) for model in models),
    ]


def _about(model: ClipModel, scores: ClipScores) -> dict[str, Any]:
    settings = model.run.get("settings", {})
    return {
        "name": model.name,
        "digest": scores.digest,
        "channels": scores.plan.to_dict(),
        "maps_drawn": scores.maps_drawn,
        "report_weight": settings.get("weight"),
        "templates": settings.get("templates"),
        "steps": model.run.get("steps"),
        "radiographs": model.run.get("radiographs"),
    }
