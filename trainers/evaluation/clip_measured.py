"""How well a bundle's own CLIP model does, written into the bundle: `daug bundle measure-clip`."""

from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from daug.bundle import Bundle, read_bundle, write_bundle
from daug.embedder import CLIP_FOLDER
from trainers.evaluation.bootstrap import DRAWS
from trainers.evaluation.classification import classification_rows
from trainers.evaluation.classifier_scores import ALL_SOURCES
from trainers.evaluation.clip_evaluation import (
    TEST_SPLIT,
    ClipEvaluationRequest,
    refuse_nothing,
    score_models,
)
from trainers.evaluation.clip_models import models_to_score
from trainers.evaluation.evaluation_document import json_block
from trainers.evaluation.finding_rows import find_means
from trainers.evaluation.paper_tables import Block
from trainers.evaluation.retrieval import retrieval_rows


def measure_clip(
    folder: Path,
    manifest: Path,
    split: str = TEST_SPLIT,
    maps: Path | None = None,
    draws: int = DRAWS,
) -> dict[str, Any]:
    """Score a bundle's CLIP model on held-out cases of the sources that taught it.

    Args:
        folder: Of the bundle, whose `bundle.json` is written anew.
        manifest: Table of radiographs.
        split: Any word that the manifest uses.
        maps: The folder that `daug augment` filled; maps that it lacks are drawn.
        draws: Of the bootstrap.

    Returns:
        What was written: retrieval and classification within each source, beside chance and the
        pixels' own neighbours.

    Raises:
        BundleError: If the bundle has no CLIP model that can be used.
        ManifestError: If nothing can be scored, or the model was trained on it.
    """
    bundle, models = models_to_score(folder, ())
    with TemporaryDirectory() as scratch:
        request = ClipEvaluationRequest(
            manifest=manifest,
            output=Path(scratch),
            bundle=folder,
            maps=maps,
            split=split,
            sources=_sources(bundle),
            draws=draws,
        )
        scored = score_models(request, models, bundle)
    rows = [
        row
        for measure in (retrieval_rows, classification_rows)
        for row in measure(scored.models, scored.cases, scored.draws)
        if row.enough and row.source != ALL_SOURCES
    ]
    refuse_nothing(rows, request)
    measured = {**scored.about, **json_block(Block(rows, find_means(rows)))}
    described = read_bundle(folder)
    write_bundle(
        replace(described, measured={**described.measured, CLIP_FOLDER: measured}),
        described.files,
    )
    return measured


def _sources(bundle: Bundle) -> tuple[str, ...]:
    return tuple(source.name for source in bundle.data if source.images.get(CLIP_FOLDER))
