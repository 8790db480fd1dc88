"""Measures a bundle's normal floor: the heat of held-out radiographs with an explicit No Finding.

None of them trained a network that draws. All of them are drawn; the file in the bundle keeps the
heat of each, with a fold in place of its patient.
"""

import logging
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from daug.bundle import Bundle, read_bundle, write_bundle
from daug.bundled_models import load_models
from daug.engine import Engine
from daug.errors import ManifestError
from daug.normal_floor import (
    FLOOR_FILE,
    FloorMap,
    NormalFloor,
    NormalGroup,
    NormalRadiograph,
    fold_of,
    how_drawn,
    write_floor,
)
from trainers.evaluation.localisation.normals import (
    NO_GROUP,
    NormalHeat,
    asked,
    group_of,
    held_out_normals,
    map_name,
    measure_heat,
    summarise_normals,
)
from trainers.evaluation.movement import find_device
from trainers.manifest import Row, read_manifest

logger = logging.getLogger(__name__)

LEAST_HEAT = 1e-5  # a map that shows nothing at all still has a place among the normals


def measure_normals(folder: Path, manifest: Path, work: Path, per_source: int) -> dict[str, Any]:
    """Measure the normal floor, and write it and its check into the bundle.

    Args:
        folder: Of the bundle.
        manifest: Table of radiographs.
        work: Where the heat of each radiograph is kept, so that a repeat is quick.
        per_source: How many radiographs of a data set and group at most.

    Raises:
        BundleError: If the bundle cannot be loaded.
        ManifestError: If no radiograph without a finding is held out.
    """
    bundle = read_bundle(folder)
    engine = Engine(load_models(bundle), find_device())
    rows = held_out_normals(read_manifest(manifest), bundle, None)
    kept = _limited(rows, per_source)
    if not kept:
        raise ManifestError(
            f"{manifest.name}: holds no radiograph with No Finding, view and age that trained no "
            "model of the bundle. Name a manifest with held-out normals."
        )
    heat = measure_heat(engine, kept, work)
    floor = floor_of(bundle, heat)
    write_floor(floor, folder)
    checked = summarise_normals(heat, floor)
    measured = {**bundle.measured, "normals": checked}
    write_bundle(replace(bundle, measured=measured), {*bundle.files, FLOOR_FILE})
    return checked


def floor_of(bundle: Bundle, heat: Sequence[NormalHeat]) -> NormalFloor:
    """Return the floor that some normals make; those of no group are left out."""
    recipes = asked(bundle)
    names = [map_name(recipe) for recipe in recipes]
    return NormalFloor(
        bundle_digest=bundle.digest,
        recipe=how_drawn(recipes[0]),
        maps=tuple(FloorMap.of(recipe) for recipe in recipes),
        radiographs=tuple(
            NormalRadiograph(
                NormalGroup(one.group),
                one.source,
                fold_of(one.patient),
                tuple(max(LEAST_HEAT, round(one.by_map[name], 5)) for name in names),
            )
            for one in heat
            if one.group != NO_GROUP
        ),
    )


def _limited(rows: Sequence[Row], per_source: int) -> list[Row]:
    counted: Counter[tuple[str, str]] = Counter()
    kept = []
    for row in rows:
        kind = (row.source, group_of(row))
        counted[kind] += 1
        if kind[1] != NO_GROUP and counted[kind] <= per_source:
            kept.append(row)
    return kept
