"""Put finished trainings together into a bundle that can be shipped."""

import logging
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from diffusers.schedulers.scheduling_ddim import DDIMScheduler
from numpy.typing import NDArray

from daug.bundle import (
    Bundle,
    ClassCard,
    DataSource,
    HeatScale,
    RecipeDefaults,
    TrainingCounts,
    write_bundle,
)
from daug.bundled_models import load_models
from daug.errors import BundleError, ManifestError
from daug.findings import SUPER_CLASSES
from daug.noisy_classifier import NoisyClassifier, load_classifier, save_classifier
from daug.schedule import BETA_END, BETA_START, TIMESTEPS
from daug.unet import load_unet, save_unet
from trainers.evaluation.class_metrics import operating_points
from trainers.evaluation.classifier import score_own_sources, with_scores
from trainers.evaluation.classifier_scores import logits_at
from trainers.manifest import Row, read_manifest, select
from trainers.pixels import large_enough, pixel_array
from trainers.runs import HELD_OUT_SPLIT, read_run
from trainers.sources import SOURCES
from trainers.text_labels import taught_by

logger = logging.getLogger(__name__)

# Until it is tuned; maps of 15 steps find what those of 25 do (docs/heatmaps.md).
FIRST_RECIPE = RecipeDefaults(noise_level=500, scale=100.0, num_steps=15)
FIRST_SCALE = HeatScale(mark=0.1, full_at=0.6)  # until it is measured


def build_bundle(
    diffusion_run: Path,
    classifier_run: Path,
    manifest: Path,
    output: Path,
    name: str,
    version: str,
    split: str,
) -> Bundle:
    """Write a bundle from two run folders, with the classifier's scores on a held-out split.

    Weights are kept in 16 bits: the networks compute in fewer anyway where they are fast.

    Raises:
        BundleError: If the output is there already, or the models do not fit together.
        TrainingError: If a run folder holds no finished training.
        ManifestError: If the manifest lacks the splits that are scored, or the split is the one
            that was trained on.
    """
    if output.exists():
        raise BundleError(f"{output} is there already. Name another folder, or remove it first.")
    diffusion, classifier = (
        read_run(diffusion_run, "diffusion"),
        read_run(classifier_run, "classifier"),
    )
    if split == classifier["split"]:
        raise ManifestError(
            f"The classifier was trained on split {split}, and training data never scores. "
            "Choose another split."
        )
    partial = output.with_name(f"{output.name}.partial")
    shutil.rmtree(partial, ignore_errors=True)
    partial.mkdir(parents=True)
    try:
        copy_models(diffusion_run / "weights", classifier_run / "weights", partial)
        scored = load_classifier(partial / "classifier").eval()
        bundle = Bundle(
            folder=partial,
            name=name,
            version=version,
            image_size=scored.config.image_size,
            classes=_cards(scored, classifier, manifest, classifier_run / "cache"),
            recipe=FIRST_RECIPE,
            heat_scale=FIRST_SCALE,
            data=_data(diffusion, classifier),
            measured={},
            training={"unet": diffusion, "classifier": classifier},
        )
        files = [str(path.relative_to(partial)) for path in partial.rglob("*") if path.is_file()]
        whole = write_bundle(bundle, files)
        load_models(whole)
        scores = score_own_sources(whole, manifest, split, cache=classifier_run / "cache")
        whole = write_bundle(with_scores(whole, scores), files)
        partial.rename(output)
    finally:
        shutil.rmtree(partial, ignore_errors=True)
    return replace(whole, folder=output)


def copy_models(diffusion: Path, classifier: Path, output: Path) -> None:
    """Write the networks of two `weights` folders and their schedule, in 16 bits, as a bundle."""
    denoiser = load_unet(diffusion / "unet")
    denoiser.unet.half()
    save_unet(denoiser, output / "unet")
    save_classifier(load_classifier(classifier / "classifier").half(), output / "classifier")
    DDIMScheduler(
        num_train_timesteps=TIMESTEPS,
        beta_start=BETA_START,
        beta_end=BETA_END,
        prediction_type=denoiser.config.prediction_type.value,
        timestep_spacing="trailing",
        clip_sample=False,
    ).save_pretrained(output / "scheduler")


def _cards(
    classifier: NoisyClassifier, run: Mapping[str, Any], manifest: Path, cache: Path
) -> tuple[ClassCard, ...]:
    """Return the super-classes with what taught them; how well they are known is not said yet."""
    text_labels = run.get("text_labels", False)
    rows = taught_by(read_manifest(manifest), text_labels=text_labels)
    sources = tuple(run["radiographs"])
    validation = large_enough(select(rows, splits=[HELD_OUT_SPLIT], sources=sources))
    points = operating_points(
        _clean_logits(classifier, validation, cache), validation, SUPER_CLASSES
    )
    return tuple(
        ClassCard(
            super_class.name,
            super_class.findings,
            TrainingCounts(**counts),
            points.get(super_class.name),
        )
        for super_class, counts in zip(SUPER_CLASSES, run["counts"], strict=True)
    )


def _clean_logits(
    classifier: NoisyClassifier, rows: Sequence[Row], cache: Path
) -> NDArray[np.float32]:
    pixels = pixel_array(rows, classifier.config.image_size, cache)
    logits: NDArray[np.float32] = logits_at(classifier, pixels, (0,), seed=0)[0]
    return logits


def _data(diffusion: Mapping[str, Any], classifier: Mapping[str, Any]) -> tuple[DataSource, ...]:
    counts = {"unet": diffusion["radiographs"], "classifier": classifier["radiographs"]}
    names = sorted({name for used in counts.values() for name in used})
    unknown = "not known to DAug; ask its owner"
    return tuple(
        DataSource(
            name,
            licence=SOURCES[name].licence if name in SOURCES else unknown,
            attribution=SOURCES[name].attribution if name in SOURCES else unknown,
            images={model: used.get(name, 0) for model, used in counts.items()},
        )
        for name in names
    )
