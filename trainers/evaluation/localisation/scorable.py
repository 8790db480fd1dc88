"""Which radiographs a bundle may be scored on, and which of them only help to choose.

A source that trained a model of the bundle gives its other splits: validation to choose with, the
rest for the figure. A source that no model ever saw is held out whole: one half of its patients is
to choose with, the other is for the figure.
"""

import hashlib
from enum import StrEnum

from daug.bundle import Bundle
from trainers.evaluation.held_out import USUAL_TRAINING_SPLIT
from trainers.manifest import Row

DRAWING_MODELS = ("unet", "classifier")  # what draws a map
VALIDATION_SPLIT = "val"


class Part(StrEnum):
    """What a held-out radiograph is for."""

    TUNING = "tuning"  # thresholds and recipes are chosen with it
    FIGURE = "figure"  # the tables are made of it, and nothing is chosen with it


def part_of(row: Row, bundle: Bundle) -> Part | None:
    """Return what a radiograph is for, or None if a model of the bundle may have learnt from it."""
    splits = training_splits(bundle, row.source, DRAWING_MODELS)
    if not splits:
        return half_of(row.patient)
    if row.split in splits:
        return None
    return Part.TUNING if row.split == VALIDATION_SPLIT else Part.FIGURE


def training_splits(bundle: Bundle, source: str, models: tuple[str, ...]) -> set[str]:
    """Return the splits of a source that trained any of some models; none if they never saw it."""
    learnt = [
        model
        for data in bundle.data
        if data.name == source
        for model in models
        if data.images.get(model)
    ]
    return {bundle.training.get(model, {}).get("split", USUAL_TRAINING_SPLIT) for model in learnt}


def half_of(patient: str) -> Part:
    """Return the half that a patient is in: always the same one, on every machine."""
    first_byte = hashlib.sha256(patient.encode()).digest()[0]
    return Part.TUNING if first_byte % 2 else Part.FIGURE
