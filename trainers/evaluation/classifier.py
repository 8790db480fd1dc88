"""Score a bundle's classifier on held-out radiographs: the body of `daug evaluate classifier`."""

import tempfile
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from daug.bundle import Bundle, file_digest, read_bundle, write_bundle
from daug.errors import BundleError, ManifestError
from daug.noisy_classifier import NoisyClassifier, load_classifier
from trainers.evaluation.bootstrap import DRAWS
from trainers.evaluation.class_metrics import class_metrics
from trainers.evaluation.classifier_scores import LEVELS, logits_at, score_rows
from trainers.evaluation.classifier_table import (
    ClassifierEvaluation,
    measured_classifier,
    write_tables,
)
from trainers.evaluation.curves import draw_noise_curves
from trainers.evaluation.held_out import refuse_training_radiographs
from trainers.manifest import Row, read_manifest, select
from trainers.pixels import large_enough, pixel_array
from trainers.text_labels import count_text_labels


def evaluate_classifier(
    bundle_folder: Path,
    manifest: Path,
    split: str,
    output: Path,
    *,
    sources: Sequence[str] = (),
    levels: Sequence[int] = LEVELS,
    draws: int = DRAWS,
    seed: int = 0,
    cache: Path | None = None,
) -> ClassifierEvaluation:
    """Score the classifier of a bundle, and write the tables and curves into a folder.

    Args:
        bundle_folder: Of the bundle.
        manifest: Table of radiographs.
        split: Any word that the manifest uses.
        output: Folder for the results; made if missing.
        sources: Data sets to score; all of the split if none is named.
        levels: Noise levels, in noising steps.
        draws: Of the bootstrap.
        seed: Of the noise and of the bootstrap.
        cache: Folder that keeps the model inputs for the next time; without it they are
            thrown away.

    Raises:
        BundleError: If the bundle has no classifier, or one of other classes than it says.
        ManifestError: If the manifest has no such radiographs, some cannot be read, the
            classifier was trained on them, or none of its classes is labelled both ways.
    """
    bundle = read_bundle(bundle_folder)
    chosen = select(read_manifest(manifest), splits=[split], sources=sources)
    evaluation = _score(bundle, manifest, chosen, split, levels, draws, seed, cache)
    _refuse_nothing(evaluation)
    write_tables(evaluation, output)
    draw_noise_curves(evaluation.rows, output / "noise_levels.png")
    return evaluation


def score_bundle(folder: Path, manifest: Path, split: str, draws: int = DRAWS) -> dict[str, Any]:
    """Score a bundle's own classifier on held-out radiographs and write it into `bundle.json`.

    Returns:
        What was written; see `measured_classifier`.

    Raises:
        BundleError: See `evaluate_classifier`.
        ManifestError: See `evaluate_classifier`.
    """
    bundle = read_bundle(folder)
    evaluation = score_own_sources(bundle, manifest, split, draws)
    _refuse_nothing(evaluation)
    scored = with_scores(bundle, evaluation)
    write_bundle(scored, bundle.files)
    measured: dict[str, Any] = scored.measured["classifier"]
    return measured


def score_own_sources(
    bundle: Bundle, manifest: Path, split: str, draws: int = DRAWS, cache: Path | None = None
) -> ClassifierEvaluation:
    """Score a bundle's classifier within the sources that taught it, noise level by noise level.

    Raises:
        BundleError: See `evaluate_classifier`.
        ManifestError: See `evaluate_classifier`; but there may be nothing that can be scored.
    """
    sources = [source.name for source in bundle.data if source.images.get("classifier")]
    chosen = select(read_manifest(manifest), splits=[split], sources=sources)
    return _score(bundle, manifest, chosen, split, LEVELS, draws, 0, cache)


def with_scores(bundle: Bundle, evaluation: ClassifierEvaluation) -> Bundle:
    """Return a bundle that says how its classifier was scored."""
    metrics = class_metrics(evaluation.rows)
    return replace(
        bundle,
        classes=tuple(replace(c, metrics=metrics.get(c.name, ())) for c in bundle.classes),
        measured={**bundle.measured, "classifier": measured_classifier(evaluation)},
    )


def _score(
    bundle: Bundle,
    manifest: Path,
    chosen: Sequence[Row],
    split: str,
    levels: Sequence[int],
    draws: int,
    seed: int,
    cache: Path | None,
) -> ClassifierEvaluation:
    bundle.verify_files()
    classifier = _classifier_of(bundle)
    refuse_training_radiographs(bundle, chosen, ["classifier"])
    rows = large_enough(chosen)
    if not rows:
        raise ManifestError(f"{manifest.name}: split {split} holds nothing but thumbnails.")
    pixels = _model_inputs(rows, bundle.image_size, cache)
    scores = score_rows(
        logits_at(classifier, pixels, levels, seed),
        rows,
        [card.super_class for card in bundle.classes],
        levels,
        np.random.default_rng(seed),
        draws,
    )
    return ClassifierEvaluation(
        bundle={"name": bundle.name, "version": bundle.version, "digest": bundle.digest},
        manifest={"file": manifest.name, "digest": file_digest(manifest)},
        split=split,
        images=dict(sorted(Counter(row.source for row in rows).items())),
        patients=len({row.patient for row in rows}),
        thumbnails=len(chosen) - len(rows),
        offered=tuple(card.name for card in bundle.offered),
        seed=seed,
        draws=draws,
        rows=tuple(scores),
        text_derived=count_text_labels(rows),
    )


def _refuse_nothing(evaluation: ClassifierEvaluation) -> None:
    if not evaluation.rows:
        raise ManifestError(
            f"{evaluation.manifest['file']}: no super-class is both present and absent among the "
            f"radiographs of split {evaluation.split}, so nothing can be scored."
        )


def _classifier_of(bundle: Bundle) -> NoisyClassifier:
    classifier = load_classifier(bundle.folder / "classifier")
    expected = tuple(card.name for card in bundle.classes)
    if classifier.config.classes != expected:
        raise BundleError(
            f"{bundle.name}: the classifier knows {', '.join(classifier.config.classes)}, but "
            f"the bundle says {', '.join(expected)}. Build the bundle again."
        )
    if classifier.config.image_size != bundle.image_size:
        raise BundleError(
            f"{bundle.name}: the classifier is made for {classifier.config.image_size} px, but "
            f"the bundle says {bundle.image_size} px. Build the bundle again."
        )
    return classifier


def _model_inputs(rows: Sequence[Row], size: int, cache: Path | None) -> NDArray[np.uint8]:
    if cache is not None:
        return pixel_array(rows, size, cache)
    with tempfile.TemporaryDirectory() as folder:
        return np.array(pixel_array(rows, size, Path(folder)))
