"""Calibrate the input check of a bundle: `daug bundle calibrate-input`.

The reference comes from training radiographs, the marks from held-out ones of the same sources
(split `val`), and how often the check is wrong or right from others again (split `test`). Sources
that the models never saw are held out whole, and reported apart.
"""

import logging
import shutil
import tempfile
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from daug.bundle import Bundle, file_digest, read_bundle, write_bundle
from daug.bundled_models import Models, load_models
from daug.errors import ManifestError
from daug.input_check import INPUT_CHECK_FOLDER, InputLimits, Sign
from daug.input_checker import open_input_checker
from daug.input_signs import InputReference
from trainers.calibration.input_marks import set_marks
from trainers.calibration.input_rates import detection_rates, false_alarms, scores_of
from trainers.calibration.input_reference import fit_reference
from trainers.calibration.wrong_inputs import drawn_kinds, pictures_of
from trainers.evaluation.held_out import USUAL_TRAINING_SPLIT, refuse_training_radiographs
from trainers.manifest import Row, read_manifest
from trainers.pixels import Images, load_images

logger = logging.getLogger(__name__)

DRAWING_MODELS = ("unet", "classifier")  # whose answers the check is about
ASKED_RATE = 0.02  # of held-out radiographs that may be flagged


@dataclass(frozen=True)
class InputRequest:
    """What somebody asks to be calibrated."""

    bundle: Path
    manifest: Path
    rate: float = ASKED_RATE
    marks_split: str = "val"
    measured_split: str = "test"
    at_most: int = 400  # radiographs of each source and split, drawn by chance
    other_pictures: Path | None = None  # folder with a sub-folder for each kind of picture

    def __post_init__(self) -> None:
        if not 0 <= self.rate < 1 or self.at_most < 1:
            raise ManifestError(
                f"The rate must be in [0, 1) and at least one radiograph taken of each source, "
                f"got {self.rate} and {self.at_most}."
            )
        if self.marks_split == self.measured_split:
            raise ManifestError(
                f"Marks that are set on split {self.marks_split} cannot be measured on it. Choose "
                "another split for one of the two."
            )


def calibrate_input(request: InputRequest) -> dict[str, Any]:
    """Write reference, marks and measured rates into a bundle, in place of earlier ones.

    Returns:
        What was measured, as in `bundle.json`.

    Raises:
        BundleError: If the bundle cannot be loaded or written.
        ManifestError: If there are too few radiographs, or pictures cannot be read.
    """
    bundle = read_bundle(request.bundle)
    models = load_models(bundle)
    with tempfile.TemporaryDirectory() as folder:
        chosen = _choose(bundle, request, Path(folder))
        reference = _kept_reference(fit_reference(models, chosen.reference.pixels), Path(folder))
        logger.info("learnt from %d training radiographs", len(chosen.reference.rows))
        limits = _limits(models, reference, chosen.marks, request.rate)
        logger.info("marks set on %d held-out radiographs", limits.n)
        measured = _measure(models, reference, limits, chosen, request)
    _write(bundle, reference, limits, measured)
    return measured


@dataclass(frozen=True, eq=False)
class _Chosen:
    reference: Images
    marks: Images
    measured: Images
    unseen: Images | None  # of sources that no model saw; None if there are none


def _choose(bundle: Bundle, request: InputRequest, cache: Path) -> _Chosen:
    """Load the radiographs of each purpose."""
    rows = read_manifest(request.manifest)
    seen = {s.name for s in bundle.data if any(s.images.get(name) for name in DRAWING_MODELS)}
    training = bundle.training.get("unet", {}).get("split", USUAL_TRAINING_SPLIT)

    def load(kept: Sequence[Row]) -> Images:
        if not kept:
            raise ManifestError(
                f"{request.manifest.name} has too few radiographs of {', '.join(sorted(seen))} in "
                f"splits {training}, {request.marks_split} and {request.measured_split}. The "
                "check is learnt, set and measured on one each."
            )
        return _at_most(load_images(kept, bundle.image_size, cache), request.at_most)

    def split(name: str) -> list[Row]:
        return [row for row in rows if row.source in seen and row.split == name]

    held_out = [split(request.marks_split), split(request.measured_split)]
    refuse_training_radiographs(bundle, [row for part in held_out for row in part], DRAWING_MODELS)
    unseen = [row for row in rows if row.source not in seen]
    return _Chosen(
        reference=load(split(training)),
        marks=load(held_out[0]),
        measured=load(held_out[1]),
        unseen=load(unseen) if unseen else None,
    )


def _at_most(images: Images, count: int) -> Images:
    """Return at most so many radiographs of each source, drawn by chance, in their order."""
    generator = np.random.default_rng(0)
    sources = np.array([row.source for row in images.rows])
    drawn = [
        generator.permutation(np.flatnonzero(sources == s))[:count] for s in np.unique(sources)
    ]
    places = np.sort(np.concatenate(drawn))
    return replace(
        images, rows=[images.rows[place] for place in places], pixels=images.pixels[places]
    )


def _kept_reference(reference: InputReference, folder: Path) -> InputReference:
    """Return a reference as it will be read, so that marks are set on what will be used."""
    reference.save(folder)
    return InputReference.load(folder)


def _limits(models: Models, reference: InputReference, images: Images, rate: float) -> InputLimits:
    scores = scores_of(models, reference, images.pixels)
    marks, usual = set_marks(scores, rate), np.median(scores, axis=0)
    return InputLimits(
        bundle_digest=models.bundle.digest,
        marks=dict(zip(Sign, marks.tolist(), strict=True)),
        usual=dict(zip(Sign, usual.tolist(), strict=True)),
        asked_rate=rate,
        n=len(images.rows),
        images=_counts(images),
    )


def _measure(
    models: Models,
    reference: InputReference,
    limits: InputLimits,
    chosen: _Chosen,
    request: InputRequest,
) -> dict[str, Any]:
    size = models.bundle.image_size
    others = drawn_kinds(size)
    if request.other_pictures is not None:
        others |= pictures_of(request.other_pictures, size)
    judge = (models, reference, limits)
    unseen = [] if chosen.unseen is None else false_alarms(*judge, chosen.unseen)
    logger.info("measuring false alarms and detection")
    return {
        "manifest": {"file": request.manifest.name, "digest": file_digest(request.manifest)},
        "splits": {"marks": request.marks_split, "measured": request.measured_split},
        "asked_rate": request.rate,
        "images": {
            "reference": _counts(chosen.reference),
            "marks": _counts(chosen.marks),
            "measured": _counts(chosen.measured),
        },
        "false_alarms": false_alarms(*judge, chosen.measured),
        "false_alarms_unseen_sources": unseen,
        "detected": detection_rates(*judge, chosen.measured, others),
    }


def _counts(images: Images) -> dict[str, int]:
    return dict(sorted(Counter(row.source for row in images.rows).items()))


def _write(
    bundle: Bundle, reference: InputReference, limits: InputLimits, measured: dict[str, Any]
) -> None:
    """Write the folder and what was measured; others may have changed the rest meanwhile."""
    folder = bundle.folder / INPUT_CHECK_FOLDER
    partial = folder.with_suffix(".partial")
    shutil.rmtree(partial, ignore_errors=True)
    partial.mkdir()
    reference.save(partial)
    limits.write(partial)
    shutil.rmtree(folder, ignore_errors=True)
    partial.rename(folder)
    now = read_bundle(bundle.folder)
    kept = [name for name in now.files if not name.startswith(f"{INPUT_CHECK_FOLDER}/")]
    new = [f"{INPUT_CHECK_FOLDER}/{path.name}" for path in folder.iterdir()]
    all_measured = {**now.measured, INPUT_CHECK_FOLDER: measured}
    whole = write_bundle(replace(now, measured=all_measured), [*kept, *new])
    open_input_checker(load_models(whole))  # what does not run here is of no use elsewhere
