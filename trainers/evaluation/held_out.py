"""Training data never scores: the one place that says so."""

from collections.abc import Iterable, Sequence

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
        seen = sorted({row.source for row in rows if row.split == split} & learnt_from)
        if seen:
            raise ManifestError(
                f"{bundle.name} was trained on split {split} of {', '.join(seen)}, and "
                "training data never scores. Choose another split, or sources it never saw."
            )
