"""Choose a bundle's own recipe: as strong as still keeps the patient, by cross-validation.

Tried on radiographs of the training split, since the validation split is too small: the patients
are dealt into folds, each fold is judged by the recipe that the other folds would have chosen,
and the recipe shipped is the choice of all folds together.
"""

import logging
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np

from daug.bundle import Bundle, HeatScale, RecipeDefaults, read_bundle, write_bundle
from daug.bundled_models import load_models
from daug.engine import Engine
from daug.heatmap import Encoder, Region
from trainers.evaluation.localisation.scorable import DRAWING_MODELS
from trainers.evaluation.movement import Move, every_map, find_device, moves, pick
from trainers.manifest import Row, read_manifest, select
from trainers.pixels import large_enough

logger = logging.getLogger(__name__)

NOISE_LEVELS = (300, 500)
ENCODERS = (Encoder.GAUSSIAN, Encoder.DDIM)
SCALES = (30.0, 100.0, 300.0)
SEARCH_STEPS = 12  # fewer than are shipped: the guidance adds up to the same over any number
FOLDS = 4
RIGHT_WAY_SHARE = 0.9  # of every super-class, direction and activation
KEPT_SSIM = 0.8  # mean likeness of counterfactual and control: the guidance alone keeps the patient
FULL_AT_QUANTILE = 0.9  # of maps whose 99th percentile of heat stays below full colour
MARK_SHARE = 0.25  # of full colour, below which nothing is drawn

Tried = Mapping[RecipeDefaults, Sequence[Move]]


@dataclass(frozen=True)
class SearchSpace:
    """What is tried, every combination of it."""

    noise_levels: tuple[int, ...] = NOISE_LEVELS
    encoders: tuple[Encoder, ...] = ENCODERS
    scales: tuple[float, ...] = SCALES
    num_steps: int = SEARCH_STEPS
    within: Region | None = None  # None: the super-class's site, if the bundle finds organs
    smoothing: float | None = None  # None: as the bundle has it

    def candidates(self, defaults: RecipeDefaults) -> list[RecipeDefaults]:
        """Return the recipes that are tried."""
        return [
            replace(
                defaults,
                noise_level=level,
                encoder=encoder,
                scale=scale,
                num_steps=self.num_steps,
                within=defaults.within if self.within is None else self.within,
                smoothing=defaults.smoothing if self.smoothing is None else self.smoothing,
            )
            for level, encoder, scale in product(self.noise_levels, self.encoders, self.scales)
        ]


def worst_share(found: Sequence[Move]) -> float:
    """Return the share moved rightly in the super-class, direction and activation with least."""
    by_kind: dict[tuple[str, ...], list[bool]] = {}
    for move in found:
        recipe = move.recipe
        kind = (recipe.super_class, recipe.direction, recipe.activation)
        by_kind.setdefault(kind, []).append(move.right_way)
    return min(float(np.mean(moved)) for moved in by_kind.values())


def choose(tried: Tried) -> RecipeDefaults:
    """Return the recipe that moves scores most among those that do it rightly and keep the patient.

    If none does both, the one whose worst class moves rightly most often.
    """
    good = [
        recipe
        for recipe, found in tried.items()
        if worst_share(found) >= RIGHT_WAY_SHARE and _likeness(found) >= KEPT_SSIM
    ]
    if not good:
        return max(tried, key=lambda recipe: (worst_share(tried[recipe]), _likeness(tried[recipe])))
    return max(good, key=lambda recipe: _effect(tried[recipe]))


def cross_validate(tried: Tried) -> list[dict[str, Any]]:
    """Return, for each fold of patients, the choice of the others and how it does on the fold."""
    patients = sorted({move.patient for found in tried.values() for move in found})
    fold_of = {patient: index % FOLDS for index, patient in enumerate(patients)}
    folds = []
    for fold in range(min(FOLDS, len(patients))):
        others = {r: [m for m in found if fold_of[m.patient] != fold] for r, found in tried.items()}
        chosen = choose(others)
        own = [m for m in tried[chosen] if fold_of[m.patient] == fold]
        folds.append({"chosen": asdict(chosen), **_summary(own)})
    return folds


def heat_scale(found: Sequence[Move]) -> HeatScale:
    """Return a scale on which most maps show and few are saturated, to two digits."""
    full_at = float(np.quantile([move.heat_p99 for move in found], FULL_AT_QUANTILE))
    full_at = min(2.0, max(0.02, float(f"{full_at:.1g}")))
    return HeatScale(mark=round(full_at * MARK_SHARE, 4), full_at=full_at)


def tune_bundle(folder: Path, manifest: Path, images: int, space: SearchSpace) -> dict[str, Any]:
    """Try every candidate, write the choice into `bundle.json`, and return what was found.

    Raises:
        BundleError: If the bundle cannot be loaded.
        ManifestError: If the training split holds nothing of the bundle's sources.
    """
    bundle = read_bundle(folder)
    if space.within is None:
        space = replace(space, within=Region.SITE if bundle.finds_organs else Region.PICTURE)
    engine = Engine(load_models(bundle), find_device())
    chosen_rows = pick(tuning_rows(bundle, read_manifest(manifest)), images)
    tried: dict[RecipeDefaults, list[Move]] = {}
    for recipe in space.candidates(bundle.recipe):
        tried[recipe] = moves(engine, chosen_rows, every_map(replace(bundle, recipe=recipe)))
        logger.info("%s: %s", recipe, _summary(tried[recipe]))
    chosen = choose(tried)
    found = {
        "n": len(chosen_rows),
        "steps": space.num_steps,
        "chosen": asdict(chosen),
        "folds": cross_validate(tried),
        "tried": [{**asdict(recipe), **_summary(moved)} for recipe, moved in tried.items()],
    }
    _write(bundle, chosen, heat_scale(tried[chosen]), found)
    return found


def tuning_rows(bundle: Bundle, rows: Iterable[Row]) -> list[Row]:
    """Return the training radiographs of the sources that taught what draws, as they were taken.

    Raises:
        ManifestError: If there are none.
    """
    taught = [s.name for s in bundle.data if any(s.images.get(m) for m in DRAWING_MODELS)]
    found = select(rows, splits=["train"], sources=taught)
    return large_enough([row for row in found if row.painted is None])


def _write(
    bundle: Bundle, chosen: RecipeDefaults, scale: HeatScale, found: Mapping[str, Any]
) -> None:
    shipped = replace(chosen, num_steps=bundle.recipe.num_steps)
    # A second search over a narrower space is told beside the first, not instead of it.
    searches = [*bundle.measured.get("recipe_searches", ()), found]
    measured = {**bundle.measured, "recipe_searches": searches}
    write_bundle(replace(bundle, recipe=shipped, heat_scale=scale, measured=measured), bundle.files)


def _summary(found: Sequence[Move]) -> dict[str, float]:
    return {
        "worst_share_right_way": round(worst_share(found), 3),
        "share_right_way": round(float(np.mean([move.right_way for move in found])), 3),
        "median_logit_change": round(_effect(found), 3),
        "mean_ssim_control": round(_likeness(found), 3),
        "mean_ssim_input": round(float(np.mean([move.ssim_input for move in found])), 3),
    }


def _likeness(found: Sequence[Move]) -> float:
    return float(np.mean([move.ssim_reference for move in found]))


def _effect(found: Sequence[Move]) -> float:
    return float(np.median([move.score_change for move in found]))
