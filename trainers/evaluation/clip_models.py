"""Which CLIP models are scored, and what each learnt from, so that it is never scored on."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch

from daug.bundle import Bundle, read_bundle
from daug.clip_files import load_clip
from daug.embedder import CLIP_FOLDER, open_embedder
from daug.errors import BundleError
from trainers.evaluation.held_out import refuse_radiographs_of_run, refuse_training_radiographs
from trainers.loop import WEIGHTS
from trainers.manifest import Row
from trainers.runs import read_run

MAP_MODELS = ("unet", "classifier")  # of a bundle, that draw the maps


@dataclass(frozen=True, eq=False)
class ClipModel:
    """A CLIP model to be scored."""

    name: str
    folder: Path  # of its files
    run: Mapping[str, Any] = field(default_factory=dict)  # `run.json`: what it learnt from, and how
    bundle: Bundle | None = None  # if it is a bundle's own


def bundle_model(bundle: Bundle) -> ClipModel:
    """Return a bundle's own CLIP model.

    Raises:
        BundleError: If it has none, or one that does not belong to it.
    """
    open_embedder(bundle, torch.device("cpu"))
    name = f"{bundle.name} {bundle.version}"
    return ClipModel(name, bundle.folder / CLIP_FOLDER, bundle.training.get("clip", {}), bundle)


def run_model(name: str, folder: Path) -> ClipModel:
    """Return the model of a finished `daug train clip`.

    Raises:
        TrainingError: If the folder holds no such training, or one that has not ended.
    """
    return ClipModel(name, folder / WEIGHTS / CLIP_FOLDER, read_run(folder, "clip"))


def refuse_what_it_learnt(model: ClipModel, bundle: Bundle, rows: Iterable[Row]) -> None:
    """Refuse radiographs that a model, or the networks that draw its maps, were trained on.

    Args:
        model: The model.
        bundle: Draws its maps, if it looks at any.
        rows: What is to be scored.

    Raises:
        BundleError: If the model cannot be loaded.
        ManifestError: If any of the rows trained any of them.
    """
    rows = list(rows)
    if model.bundle is not None:
        refuse_training_radiographs(model.bundle, rows, [CLIP_FOLDER])
    else:
        refuse_radiographs_of_run(model.name, model.run, rows)
    if load_clip(model.folder)[0].config.plan.maps:
        refuse_training_radiographs(bundle, rows, MAP_MODELS)


def models_to_score(
    bundle: Path, runs: Sequence[tuple[str, Path]]
) -> tuple[Bundle, list[ClipModel]]:
    """Return the bundle, and the models: its own first, if it has one, then the runs.

    Args:
        bundle: Its folder.
        runs: Name and folder of each; without any, the bundle must have a model.

    Raises:
        BundleError: If there is no model at all, one cannot be used, or two bear one name.
        TrainingError: If a run has not ended.
    """
    described = read_bundle(bundle)
    models = [run_model(name, folder) for name, folder in runs]
    if not runs or (bundle / CLIP_FOLDER).is_dir():
        models.insert(0, bundle_model(described))
    names = [model.name for model in models]
    if len(set(names)) < len(names):
        raise BundleError(f"Give every model its own name; got {', '.join(names)}.")
    return described, models
