"""Do held-out normal radiographs stay below the mark? Their heat, and the share that does not.

A radiograph counts as notable if any of its maps of "what looks abnormal here?" (+ No Finding and
− each offered finding, under either activation) is hotter than the mark at its 99th percentile.
Maps of + findings are imagined, have no floor and so are not asked.

The floor is made of normals, too, so each radiograph is judged by the floor of the other patients'
folds alone: cross-fitting, by patient.
"""

import hashlib
import json
import logging
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from daug.bundle import Bundle, Estimate
from daug.engine import Engine
from daug.findings import Activation, Direction, Finding
from daug.heatmap import Recipe
from daug.loading import load_radiograph
from daug.normal_floor import FOLDS, NormalFloor, NormalGroup, fold_of
from daug.normal_floor import group_of as floor_group
from daug.radiograph import Radiograph
from daug.stated_age import years
from daug.view import View
from daug.workstation import finish
from trainers.evaluation.bootstrap import DRAWS
from trainers.evaluation.evaluation_document import json_estimate
from trainers.evaluation.localisation.kept import kept
from trainers.evaluation.localisation.means import mean_estimate
from trainers.evaluation.localisation.scorable import part_of
from trainers.evaluation.movement import pick
from trainers.manifest import Row
from trainers.pixels import large_enough

logger = logging.getLogger(__name__)

ALL = "all"
NO_GROUP = "group not known"
CHILDREN = ("kermany",)  # data sets of children aged 1 to 5 that state no ages
CHILD_AGE = 3.0
USUAL_NORMALS = 64
QUANTILES = (0.5, 0.95)  # of the normals' heat, told beside the share above the mark
NO_FLOOR = "no normal floor in this bundle"
NO_NORMALS = "no held-out radiograph without a finding in a group with enough others"


@dataclass(frozen=True)
class NormalHeat:
    """The heat of one normal radiograph."""

    patient: str
    source: str
    group: str  # of `group_of`
    by_map: Mapping[str, float]  # 99th percentile of each of its maps, in the unit of the mark

    @property
    def p99(self) -> float:
        """The largest of them."""
        return max(self.by_map.values())


@dataclass(frozen=True)
class NotableRow:
    """How many normal radiographs of some kind have a notable map."""

    by: str  # "all", "source" or "group"
    name: str
    notable: Estimate  # share of the radiographs


def judged(normals: Sequence[NormalHeat], floor: NormalFloor) -> list[tuple[NormalHeat, bool]]:
    """Return which normals have a notable map, by the floor without their own fold.

    Radiographs whose group has too few other normals are left out.
    """
    names = [f"{one.super_class} {one.direction} {one.activation}" for one in floor.maps]
    without = [floor.without(fold) for fold in range(FOLDS)]
    found = []
    for normal in normals:
        others = without[fold_of(normal.patient)]
        group = next((group for group in NormalGroup if group == normal.group), None)
        mark = others.notable_mark(group)
        if group is not None and mark is not None:
            heat = [normal.by_map[name] for name in names]
            found.append((normal, others.hottest(group, heat) > mark.mark))
    return found


def share_notable(
    found: Sequence[tuple[NormalHeat, bool]], *, draws: int = DRAWS, seed: int = 0
) -> list[NotableRow]:
    """Return the share of normals with a notable map: of all, of each source, of each group.

    Args:
        found: As `judged` returns them.
        draws: Of the bootstrap over patients.
        seed: Of the bootstrap.
    """
    parts = [(ALL, ALL, list(found))]
    for by in ("source", "group"):
        for name in sorted({getattr(one, by) for one, _ in found}):
            parts.append((by, name, [pair for pair in found if getattr(pair[0], by) == name]))
    return [NotableRow(by, name, _share(some, draws, seed)) for by, name, some in parts if some]


def held_out_normals(rows: Iterable[Row], bundle: Bundle, images: int | None) -> list[Row]:
    """Return radiographs with No Finding that trained no map, of different patients.

    Args:
        rows: Of a manifest.
        bundle: Says what trained its models.
        images: How many at most; None for all.
    """
    normal = [
        row
        for row in rows
        if row.labels.get(Finding.NO_FINDING) == 1 and part_of(row, bundle) is not None
    ]
    if not normal:
        return []
    # Thumbnails are rare among them, so a few more are looked at than are wanted.
    some = pick(normal, len(normal) if images is None else 2 * images)
    return large_enough(some)[:images]


def asked(bundle: Bundle) -> list[Recipe]:
    """Return the bundle's recipes for "what looks abnormal here?"."""
    normal = Finding.NO_FINDING.value
    return [
        bundle.recipe_for(
            card.name, Direction.MORE if card.name == normal else Direction.LESS, activation
        )
        for card in bundle.offered
        for activation in Activation
    ]


def measure_heat(engine: Engine, rows: Sequence[Row], folder: Path) -> list[NormalHeat]:
    """Return the heat of radiographs; what was drawn before is read from a folder.

    Raises:
        RadiographError: If one cannot be read.
    """
    recipes = asked(engine.models.bundle)
    parts = ["by map", engine.models.bundle.digest, *(recipe.to_dict() for recipe in recipes)]
    key = hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()[:16]
    found = []
    for number, row in enumerate(rows, start=1):
        radiograph = load_radiograph(row.image)
        path = folder / f"{radiograph.digest}-{key}.json"
        by_map = kept(path, partial(_heat_by_map, engine, radiograph, recipes))
        found.append(NormalHeat(row.patient, row.source, group_of(row), by_map))
        logger.info("normals: %d of %d radiographs", number, len(rows))
    return found


def summarise_normals(normals: Sequence[NormalHeat], floor: NormalFloor | None) -> dict[str, Any]:
    """Return `normals` of the JSON document.

    Args:
        normals: Held-out radiographs without a finding.
        floor: Of the bundle; None if it has none.
    """
    heat = [one.p99 for one in normals]
    values = {
        "n": len(normals),
        "by_group": dict(sorted(Counter(one.group for one in normals).items())),
        "by_source": dict(sorted(Counter(one.source for one in normals).items())),
        "heat_p99": {f"{q:g}": float(np.quantile(heat, q)) for q in QUANTILES} if heat else None,
    }
    if floor is None:
        return {**values, "marks": [], "notable": None, "rows": [], "reason": NO_FLOOR}
    marks = [floor.notable_mark(group) for group in NormalGroup]
    values["marks"] = [dict(mark.__dict__) for mark in marks if mark is not None]
    found = judged(normals, floor)
    if not found:
        return {**values, "notable": None, "rows": [], "reason": NO_NORMALS}
    rows = [
        {"by": row.by, "name": row.name, "notable": json_estimate(row.notable)}
        for row in share_notable(found)
    ]
    return {**values, "notable": rows[0]["notable"], "rows": rows}


def map_name(recipe: Recipe) -> str:
    """Return how a map is called among the heat of a radiograph."""
    return f"{recipe.super_class} {recipe.direction} {recipe.activation}"


def group_of(row: Row) -> str:
    """Return a group of daug.normal_floor, or "group not known"."""
    age = CHILD_AGE if row.source in CHILDREN else years(row.age)
    view = row.view.upper()
    shown = View.PA if view.startswith("PA") else View.AP if view.startswith("AP") else View.UNKNOWN
    group = floor_group(shown, age)
    return NO_GROUP if group is None else group.value


def _heat_by_map(
    engine: Engine, radiograph: Radiograph, recipes: Sequence[Recipe]
) -> dict[str, float]:
    heatmaps = finish(engine.draw_heatmaps(radiograph, recipes))
    return {map_name(heatmap.recipe): heatmap.statistics.p99 for heatmap in heatmaps}


def _share(found: Sequence[tuple[NormalHeat, bool]], draws: int, seed: int) -> Estimate:
    above = [float(notable) for _, notable in found]
    return mean_estimate(above, [one.patient for one, _ in found], draws, seed)
