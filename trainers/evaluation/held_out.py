"""Training data never scores: the one place that says so."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from daug.bundle import Bundle
from daug.errors import ManifestError
from trainers.manifest import Row

USUAL_TRAINING_SPLIT = "train"  # where a bundle does not say which split it was trained on


def refuse_training_radiographs(bundle: Bundle, rows: Iterable[Row], models: Sequence[str]) -> None:
    """Refuse to score the radiographs that a bundle's models learnt from.

    Args:
        bundle: Says which split and sources each model was trained on.
        rows: What is to be scored.
        models: The models that the score is of, "unet" or "classifier".

    Raises:
        ManifestError: If any of the rows trained any of the models.
    """
    rows = list(rows)
    for model in models:
        split = bundle.training.get(model, {}).get("split", USUAL_TRAINING_SPLIT)
        learnt_from = {source.name for source in bundle.data if source.images.get(model)}
        _refuse(bundle.name, split, learnt_from, rows)


def refuse_radiographs_of_run(name: str, run: Mapping[str, Any], rows: Iterable[Row]) -> None:
    """Refuse to score the radiographs that a training learnt from.

    A training on a part of a split speaks for the whole split: nothing else was held out from it.

    Args:
        name: Of the training.
        run: Its `run.json`, which says split and sources.
        rows: What is to be scored.

    Raises:
        ManifestError: If any of the rows may have trained it.
    """
    split = run.get("split", USUAL_TRAINING_SPLIT)
    _refuse(name, split, set(run.get("radiographs", {})), rows)


def _refuse(name: str, split: str, learnt_from: set[str], rows: Iterable[Row]) -> None:
    seen = sorted({row.source for row in rows if row.split == split} & learnt_from)
    if seen:
        raise ManifestError(
            f"{name} was trained on split {split} of {', '.join(seen)}, and "
            "training data never scores. Choose another split, or sources it never saw."
        )
