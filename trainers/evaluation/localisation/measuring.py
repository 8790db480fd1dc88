"""Every kind of map of every case, drawn and measured one after the other."""

import logging
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from daug.bundle import ANATOMY_FOLDER, Bundle
from daug.heatmap import Region
from trainers.evaluation.localisation.co_occurring import OffTarget, off_target
from trainers.evaluation.localisation.kinds import LUNGS, Kind, daug_kinds, other_kinds
from trainers.evaluation.localisation.mapped import MapMaker
from trainers.evaluation.localisation.scorable import Part, training_splits
from trainers.evaluation.localisation.scored import MeasuredCase, measure_case
from trainers.evaluation.localisation.truths import Case

logger = logging.getLogger(__name__)

LOG_SECONDS = 20.0


@dataclass(frozen=True, eq=False)
class Measurements:
    """Every map on every truth."""

    measured: Sequence[MeasuredCase]
    percentiles: Mapping[Kind, Sequence[float]]  # 99th of every scored map's heat
    off_target: Sequence[OffTarget]


def measure_all(cases: Sequence[Case], maker: MapMaker) -> Measurements:
    """Draw every kind of map of every case and measure it."""
    measured: list[MeasuredCase] = []
    percentiles: dict[Kind, list[float]] = {}
    beside: list[OffTarget] = []
    began = logged = time.monotonic()
    for number, case in enumerate(cases, start=1):
        maps = maker.maps(case.radiograph, kinds_of(case, maker.bundle))
        measured += measure_case(case, maps)
        if case.part is Part.FIGURE:
            beside += off_target(case, maps)
            for kind, stack in maps.items():
                heat = stack[0][case.area]
                percentiles.setdefault(kind, []).append(float(np.percentile(heat, 99)))
        now = time.monotonic()
        if now - logged > LOG_SECONDS or number == len(cases):
            logged = now
            left = (now - began) / number * (len(cases) - number)
            logger.info("%d of %d cases, %.0f min left", number, len(cases), left / 60)
    return Measurements(measured, percentiles, beside)


def kinds_of(case: Case, bundle: Bundle) -> list[Kind]:
    """Return every kind of map that a case is asked.

    The lungs are left out of a radiograph that taught the segmenter where they are.
    """
    name = case.truth.super_class
    taught = case.row.split in training_splits(bundle, case.row.source, (ANATOMY_FOLDER,))
    others = other_kinds(name, confined=bundle.recipe.within is not Region.PICTURE)
    shown = [kind for kind in others if not (taught and kind.method == LUNGS)]
    return [*daug_kinds(bundle, name), *shown]
