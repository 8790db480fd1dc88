"""The counterfactual checks over many radiographs: kept as they are made, then summarised."""

import hashlib
import json
import logging
from collections.abc import Sequence
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import Any

from daug.bundle import ANATOMY_FOLDER, Estimate
from daug.engine import Engine
from daug.findings import Activation, Direction
from daug.loading import load_radiograph
from daug.radiograph import Radiograph
from trainers.evaluation.bootstrap import DRAWS
from trainers.evaluation.evaluation_document import json_estimate
from trainers.evaluation.localisation.counterfactual import (
    HEART,
    SCALES,
    Checked,
    CheckPlan,
    Look,
    check,
)
from trainers.evaluation.localisation.kept import kept
from trainers.evaluation.localisation.means import mean_estimate
from trainers.evaluation.localisation.scorable import Part, part_of
from trainers.evaluation.movement import pick
from trainers.manifest import Row
from trainers.pixels import large_enough

logger = logging.getLogger(__name__)

SOURCES = ("cohen", "nih", "kermany")
USUAL_IMAGES = 24
CHECKS = ("flipped", "monotone", "ssim_to_reference", "ssim_to_input", "density_rises")
NO_HEART = "the bundle offers no map of the heart class"
NO_ANATOMY = "the bundle has no anatomy model"


def choose(rows: Sequence[Row], engine: Engine, images: int) -> list[Row]:
    """Return held-out radiographs of different patients, from each source in turn."""
    bundle = engine.models.bundle
    held_out = [
        row for row in rows if row.source in SOURCES and part_of(row, bundle) is Part.FIGURE
    ]
    if not held_out:
        return []
    return large_enough(pick(held_out, 2 * images))[:images]  # some are thumbnails


def run_checks(
    engine: Engine, rows: Sequence[Row], plan: CheckPlan, look: Look | None, folder: Path
) -> list[tuple[str, Checked]]:
    """Return patient and check for every question of every radiograph; those kept are not redone.

    Args:
        engine: Draws the counterfactuals.
        rows: Radiographs.
        plan: The questions.
        look: Finds lungs and heart, if there is an anatomy model.
        folder: Where what was found is kept.
    """
    found: list[tuple[str, Checked]] = []
    for number, row in enumerate(rows, start=1):
        radiograph = load_radiograph(row.image)
        path = folder / f"{radiograph.digest}-{_key(engine, plan, look)}.json"
        values = kept(path, partial(_check, engine, radiograph, plan, look))
        found += [(row.patient, _read(one)) for one in values]
        logger.info("counterfactuals: %d of %d radiographs", number, len(rows))
    return found


def _check(
    engine: Engine, radiograph: Radiograph, plan: CheckPlan, look: Look | None
) -> list[dict[str, Any]]:
    return [asdict(one) for one in check(engine, radiograph, plan, look)]


def summarise(
    found: Sequence[tuple[str, Checked]], look: Look | None, plan: CheckPlan, draws: int = DRAWS
) -> dict[str, Any]:
    """Return `counterfactual` and `cardiothoracic` of the JSON document."""
    rows = []
    for key in dict.fromkeys((c.super_class, c.direction, c.activation) for _, c in found):
        own = [
            (patient, c)
            for patient, c in found
            if (c.super_class, c.direction, c.activation) == key
        ]
        figures = {name: json_estimate(_mean(own, name, draws)) for name in CHECKS}
        names = ("super_class", "direction", "activation")
        rows.append({**dict(zip(names, map(str, key), strict=True)), **figures})
    return {
        "counterfactual": {"rows": rows, "scales": [0.0, *SCALES]},
        "cardiothoracic": _cardiothoracic(found, look, plan, draws),
    }


def _cardiothoracic(
    found: Sequence[tuple[str, Checked]], look: Look | None, plan: CheckPlan, draws: int
) -> dict[str, Any]:
    names = {Direction.MORE: "plus_right_way", Direction.LESS: "minus_right_way"}
    lacking = NO_HEART if HEART not in plan.super_classes else NO_ANATOMY if look is None else ""
    if lacking:
        return {**dict.fromkeys(names.values()), "reason": lacking}
    hearts = [
        (patient, c)
        for patient, c in found
        if c.super_class == HEART and c.activation is Activation.SOFTMAX
    ]
    figures = {
        name: json_estimate(
            _mean([(p, c) for p, c in hearts if c.direction is way], "ratio_right_way", draws)
        )
        for way, name in names.items()
    }
    return {**figures, "learnt_from_the_ratio": plan.measured_hearts}


def _mean(own: Sequence[tuple[str, Checked]], name: str, draws: int) -> Estimate:
    known = [(patient, getattr(c, name)) for patient, c in own if getattr(c, name) is not None]
    return mean_estimate([float(v) for _, v in known], [patient for patient, _ in known], draws)


def _key(engine: Engine, plan: CheckPlan, look: Look | None) -> str:
    bundle = engine.models.bundle
    segmenter = {n: d for n, d in bundle.files.items() if n.startswith(f"{ANATOMY_FOLDER}/")}
    parts = [bundle.digest, asdict(bundle.recipe), asdict(plan), SCALES, look and segmenter]
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()[:16]


def _read(values: dict[str, Any]) -> Checked:
    return Checked(
        **{
            **values,
            "direction": Direction(values["direction"]),
            "activation": Activation(values["activation"]),
        }
    )
