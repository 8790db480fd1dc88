"""A bundle of two networks that were trained on phantoms, scored on phantoms of other seeds."""

import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from daug.bundle import (
    Bundle,
    ClassCard,
    DataSource,
    RecipeDefaults,
    TrainingCounts,
    write_bundle,
)
from daug.bundled_models import load_models
from daug.findings import SUPER_CLASSES
from daug.heatmap import Encoder
from daug.noisy_classifier import NoisyClassifier, load_classifier
from daug.phantom import CoOccurrence
from trainers.bundle_build import FIRST_SCALE, copy_models
from trainers.evaluation.class_metrics import class_metrics, operating_points
from trainers.evaluation.classifier_scores import logits_at, score_rows
from trainers.phantom_data import LICENCE, SOURCE, draw_set

# Found on validation phantoms of rho = 0.8: several seeds, since a map of one is as hot beside its
# findings as in them, and little guidance, since more of it changes what nobody asked about.
RECIPE = RecipeDefaults(
    noise_level=400,
    scale=15.0,
    num_steps=8,
    encoder=Encoder.GAUSSIAN,
    seeds=(0, 1, 2, 3),
)
ATTRIBUTION = "Procedural phantoms drawn by daug.phantom; they show no patient."


@dataclass(frozen=True, eq=False)
class PhantomRuns:
    """What two finished trainings leave behind."""

    unet: Path  # the denoiser's folder of weights
    classifier: Path
    counts: Sequence[TrainingCounts]  # of each super-class
    phantoms: int  # that trained either
    training: Mapping[str, Any]  # how


def bundle_name(rho: float) -> str:
    """Return the folder of the bundle of a co-occurrence: rho-0.80."""
    return f"rho-{rho:.2f}"


def write_phantom_bundle(
    runs: PhantomRuns, rates: CoOccurrence, output: Path, scored: int
) -> Bundle:
    """Write the bundle of one co-occurrence, with scores on held-out phantoms of the same.

    Args:
        runs: The trained networks.
        rates: How often findings went together in their phantoms.
        output: Folder of the bundle; it appears once it is whole.
        scored: Phantoms of each held-out split.

    Raises:
        BundleError: If the networks do not fit together.
    """
    partial = output.with_name(f"{output.name}.partial")
    shutil.rmtree(partial, ignore_errors=True)
    partial.mkdir(parents=True)
    copy_models(runs.unet, runs.classifier, partial)
    classifier = load_classifier(partial / "classifier").eval()
    bundle = Bundle(
        folder=partial,
        name=f"phantom-{bundle_name(rates.rho)}",
        version="1",
        image_size=classifier.config.image_size,
        classes=_cards(classifier, runs.counts, rates, scored),
        recipe=RECIPE,
        heat_scale=FIRST_SCALE,
        data=(
            DataSource(
                SOURCE,
                licence=LICENCE,
                attribution=ATTRIBUTION,
                images={"unet": runs.phantoms, "classifier": runs.phantoms},
            ),
        ),
        measured={},
        training=runs.training,
    )
    files = [str(path.relative_to(partial)) for path in partial.rglob("*") if path.is_file()]
    whole = write_bundle(bundle, files)
    load_models(whole)
    partial.rename(output)
    return replace(whole, folder=output)


def _cards(
    classifier: NoisyClassifier, counts: Sequence[TrainingCounts], rates: CoOccurrence, scored: int
) -> tuple[ClassCard, ...]:
    size = classifier.config.image_size
    validation, test = (draw_set(split, scored, rates, size) for split in ("val", "test"))
    clean = logits_at(classifier, validation.pixels, (0,), seed=0)[0]
    points = operating_points(clean, validation.rows, SUPER_CLASSES)
    logits = logits_at(classifier, test.pixels, (0,), seed=0)
    scores = score_rows(logits, test.rows, SUPER_CLASSES, (0,), np.random.default_rng(0))
    metrics = class_metrics(scores)
    return tuple(
        ClassCard(
            super_class.name,
            super_class.findings,
            taught,
            points.get(super_class.name),
            metrics.get(super_class.name, ()),
        )
        for super_class, taught in zip(SUPER_CLASSES, counts, strict=True)
    )
