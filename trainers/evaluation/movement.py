"""Do counterfactuals do what was asked, and do they keep the patient?

A map is only worth looking at if the score that it was asked to raise or lower really moved that
way, and if what was not asked about stayed.
"""

import json
import logging
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torchmetrics.functional.image import structural_similarity_index_measure

from daug.bundle import Bundle, Estimate, read_bundle, write_bundle
from daug.bundled_models import load_models
from daug.engine import Engine
from daug.findings import Activation, Direction
from daug.heatmap import Heatmap, Recipe
from daug.loading import load_radiograph
from daug.workstation import finish
from trainers.evaluation.bootstrap import DRAWS, draw_patients, estimate
from trainers.evaluation.held_out import refuse_training_radiographs
from trainers.manifest import Row, read_manifest, select
from trainers.pixels import large_enough

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Move:
    """What one map did to one radiograph."""

    patient: str
    recipe: Recipe
    score_change: float  # of the sigmoid score, in the direction asked for
    wanted_change: float  # of what the guidance raises: p or 1 - p under its own activation
    ssim_input: float  # structural similarity of counterfactual and radiograph, up to 1
    ssim_reference: float  # of counterfactual and unguided control: what guidance alone changed
    heat_p99: float  # in pixel intensity, full range 2

    @property
    def right_way(self) -> bool:
        """Whether the wanted score moved the right way, by the class alone and as guided."""
        return self.score_change > 0 and self.wanted_change > 0


def every_map(bundle: Bundle, **changes: Any) -> list[Recipe]:
    """Return the bundle's recipe for every offered super-class, direction and activation."""
    return [
        bundle.recipe_for(card.name, direction, activation, **changes)
        for card in bundle.offered
        for direction in Direction
        for activation in Activation
    ]


def move_of(patient: str, heatmap: Heatmap) -> Move:
    """Return what a heatmap did."""
    recipe = heatmap.recipe
    name, sign = recipe.super_class, 1 if recipe.direction is Direction.MORE else -1
    before, after = heatmap.scores_before, heatmap.scores_after
    return Move(
        patient,
        recipe,
        # Logits, since a probability near 0 or 1 can move by less than it can show.
        score_change=sign * _logit_change(heatmap, name),
        wanted_change=after.wanted(recipe) - before.wanted(recipe),
        ssim_input=ssim(heatmap.counterfactual, heatmap.model_input.pixels),
        ssim_reference=ssim(heatmap.counterfactual, heatmap.reference),
        heat_p99=heatmap.statistics.p99,
    )


def ssim(one: np.ndarray[Any, Any], other: np.ndarray[Any, Any]) -> float:
    """Return the structural similarity of two images (S, S) in [-1, 1] (Wang et al. 2004)."""
    first, second = (
        torch.from_numpy(np.ascontiguousarray(image))[None, None] for image in (one, other)
    )
    value = structural_similarity_index_measure(first, second, data_range=2.0)
    assert isinstance(value, torch.Tensor)
    return float(value)


def pick(rows: Sequence[Row], images: int, seed: int = 0) -> list[Row]:
    """Return radiographs of different patients, taken from the sources in turn."""
    order = np.random.default_rng(seed).permutation(len(rows))
    by_source: dict[str, list[Row]] = {}
    patients: set[str] = set()
    for row in (rows[i] for i in order):
        if row.patient not in patients:
            patients.add(row.patient)
            by_source.setdefault(row.source, []).append(row)
    queues = [by_source[source] for source in sorted(by_source)]
    longest = max(map(len, queues))
    return [queue[i] for i in range(longest) for queue in queues if i < len(queue)][:images]


def moves(engine: Engine, rows: Iterable[Row], recipes: Sequence[Recipe]) -> list[Move]:
    """Draw every recipe on every radiograph and return what each map did."""
    found: list[Move] = []
    for number, row in enumerate(rows, start=1):
        heatmaps = finish(engine.draw_heatmaps(load_radiograph(row.image), recipes))
        found.extend(move_of(row.patient, heatmap) for heatmap in heatmaps)
        logger.info("%d radiographs, %d maps", number, len(found))
    return found


def summarise(found: Sequence[Move], draws: int = DRAWS) -> list[dict[str, Any]]:
    """Return, for each super-class, direction and activation, the share that moved rightly."""
    rows = []
    keys = dict.fromkeys(
        (m.recipe.super_class, m.recipe.direction, m.recipe.activation) for m in found
    )
    for key in keys:
        own = [
            m
            for m in found
            if (m.recipe.super_class, m.recipe.direction, m.recipe.activation) == key
        ]
        row = {
            "super_class": key[0],
            "direction": key[1].value,
            "activation": key[2].value,
            "right_way": asdict(_mean(own, [m.right_way for m in own], draws)),
            "score_right_way": asdict(_mean(own, [m.score_change > 0 for m in own], draws)),
            "guided_right_way": asdict(_mean(own, [m.wanted_change > 0 for m in own], draws)),
            "ssim_input": asdict(_mean(own, [m.ssim_input for m in own], draws)),
            "ssim_control": asdict(_mean(own, [m.ssim_reference for m in own], draws)),
            "heat_p99": asdict(_mean(own, [m.heat_p99 for m in own], draws)),
        }
        rows.append(row)
    return rows


def measure_bundle(folder: Path, manifest: Path, images: int, split: str) -> dict[str, Any]:
    """Measure a bundle's own recipe on held-out radiographs and write it into `bundle.json`.

    Raises:
        BundleError: If the bundle cannot be loaded.
        ManifestError: If the split holds nothing of the bundle's sources, or trained a model.
    """
    bundle = read_bundle(folder)
    engine = Engine(load_models(bundle), find_device())
    sources = [source.name for source in bundle.data]
    chosen = select(read_manifest(manifest), splits=[split], sources=sources)
    refuse_training_radiographs(bundle, chosen, ["unet", "classifier"])
    rows = pick(large_enough(chosen), images)
    found = moves(engine, rows, every_map(bundle))
    measured = {
        "split": split,
        "n": len(rows),
        "sources": {s: sum(row.source == s for row in rows) for s in sources},
        "recipe": asdict(bundle.recipe),
        "rows": summarise(found),
    }
    write_bundle(replace(bundle, measured={**bundle.measured, "movement": measured}), bundle.files)
    logger.info("%s", json.dumps(measured))
    return measured


def find_device() -> torch.device:
    """Return the accelerator if there is one, else the CPU."""
    return torch.device("cuda" if torch.cuda.is_available() else "cpu")


def _logit_change(heatmap: Heatmap, name: str) -> float:
    index = heatmap.scores_after.names.index(name)
    return float(heatmap.scores_after.logits[index] - heatmap.scores_before.logits[index])


def _mean(found: Sequence[Move], values: Sequence[float], draws: int) -> Estimate:
    weights = draw_patients([m.patient for m in found], np.random.default_rng(0), draws)
    numbers = np.asarray(values, dtype=np.float64)
    return estimate(lambda drawn: np.asarray(drawn @ numbers / drawn.sum(axis=-1)), weights)
