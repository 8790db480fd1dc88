"""How hot the maps of normal radiographs are, so that a map can be told from one of these.

A normal radiograph has heat, too: the model imagines it a little more normal still. Heat is
therefore counted in units of the *normal floor*, which 19 of 20 normal radiographs of the same
group pass on less than one per cent of their area: the 95th percentile, over radiographs, of the
99th percentile of heat within each. It was measured on held-out radiographs with an explicit No
Finding, for each group, super-class, direction and activation, with the bundle's own recipe, and
says nothing about maps of any other recipe. (The median would be no unit: half of the maps of some
classes show next to nothing, so that a tail far from notable would count as fifteen floors.)

Only maps that ask "what looks abnormal here?" have a floor: + No Finding, − any finding.
"""

import hashlib
import json
from bisect import bisect_left
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from pathlib import Path
from typing import Any

import numpy as np

from daug.bundle import Bundle, HeatScale
from daug.cardiothoracic import CHILD_BELOW
from daug.errors import BundleError, RecipeError
from daug.findings import Activation, Direction, Finding
from daug.heatmap import Recipe
from daug.view import View

FLOOR_FILE = "normal_floor.json"  # of a bundle
MIN_NORMALS = 50  # below this there is no normal range
FLOOR_PERCENTILE = 95.0  # of normal radiographs, in one kind of map
FULL_AT = 2.0  # floors
NOTABLE_PERCENTILE = 99.0  # of normal radiographs, by the hottest of all their offered maps
FOLDS = 5


class NormalGroup(StrEnum):
    """Whom a radiograph is compared with."""

    ADULT_PA = "adult PA"
    ADULT_AP = "adult AP"
    CHILD = "child"


def group_of(view: View, age: float | None) -> NormalGroup | None:
    """Return the group of a radiograph, or None if view or age do not tell.

    A child's radiographs are one group: most are taken AP.
    """
    if age is None or view is View.LATERAL:
        return None
    if age < CHILD_BELOW:
        return NormalGroup.CHILD
    return {View.PA: NormalGroup.ADULT_PA, View.AP: NormalGroup.ADULT_AP}.get(view)


def asks_what_is_abnormal(recipe: Recipe) -> bool:
    """Return whether a map asks what looks abnormal, rather than where a finding would appear."""
    normal = recipe.super_class == Finding.NO_FINDING.value
    return normal == (recipe.direction is Direction.MORE)


@dataclass(frozen=True)
class FloorMap:
    """One kind of map that normals were drawn with."""

    super_class: str
    direction: Direction
    activation: Activation

    @classmethod
    def of(cls, recipe: Recipe) -> "FloorMap":
        """Return what a recipe asks."""
        return cls(recipe.super_class, recipe.direction, recipe.activation)


@dataclass(frozen=True)
class NormalRadiograph:
    """The heat of one held-out radiograph with an explicit No Finding."""

    group: NormalGroup
    source: str  # data set
    fold: int  # of the patient, in 0..FOLDS - 1; decides who is compared with whom
    heat: tuple[float, ...]  # 99th percentile within the radiograph, of each kind of map


@dataclass(frozen=True)
class NormalRange:
    """The heat of normal radiographs of one group in one kind of map."""

    group: NormalGroup
    heat: tuple[float, ...]  # rising

    @property
    def n(self) -> int:
        """How many radiographs it is made of."""
        return len(self.heat)

    @property
    def unit(self) -> float:
        """The normal floor, in pixel intensity (full range 2)."""
        return float(np.percentile(self.heat, FLOOR_PERCENTILE))

    def percentile(self, p99: float) -> float:
        """Return the share of normals, in percent, that are less hot than a map.

        Args:
            p99: The map's 99th percentile of heat within the radiograph.
        """
        return 100 * bisect_left(self.heat, p99) / self.n


@dataclass(frozen=True)
class NotableMark:
    """Above this, in units of the floor, the hottest of a radiograph's maps is notable."""

    group: NormalGroup
    mark: float
    n: int


@dataclass(frozen=True)
class NormalPercentile:
    """Where a map lies among those of normal radiographs, or why that is not known."""

    value: float | None  # percent of normals that are less hot
    n: int
    group: NormalGroup | None
    reason: str = ""

    @property
    def in_words(self) -> str:
        """One line for a screen."""
        if self.value is None:
            return f"no normal range: {self.reason}"
        of_hundred = int(self.value)
        return f"hotter than {of_hundred} of 100 {self.group} normals, n = {self.n}"

    def to_dict(self) -> dict[str, Any]:
        """Return plain values for JSON."""
        return {
            "value": self.value,
            "n": self.n,
            "group": None if self.group is None else self.group.value,
            "reason": self.reason or None,
        }


@dataclass(frozen=True)
class NormalFloor:
    """All that was measured on a bundle's normal radiographs."""

    bundle_digest: str  # whose maps they are
    recipe: Mapping[str, Any]  # of these maps, without what is asked
    maps: tuple[FloorMap, ...]
    radiographs: tuple[NormalRadiograph, ...]

    def __post_init__(self) -> None:
        for one in self.radiographs:
            if len(one.heat) != len(self.maps) or not all(0 < heat <= 2 for heat in one.heat):
                raise BundleError(
                    "A normal radiograph needs its heat, above 0 and at most 2, in each of "
                    f"{len(self.maps)} maps; got {one.heat}."
                )

    def range_of(self, recipe: Recipe, group: NormalGroup | None) -> NormalRange:
        """Return what a map is to be compared with.

        Raises:
            RecipeError: If there is nothing; the message is the reason in a few words.
        """
        if not asks_what_is_abnormal(recipe):
            raise RecipeError("imagined; says nothing about presence")
        if group is None:
            raise RecipeError("view or age not known")
        if how_drawn(recipe) != dict(self.recipe):
            raise RecipeError("not the recipe that normals were drawn with")
        if FloorMap.of(recipe) not in self.maps:
            raise RecipeError("no normals were drawn with this map")
        place = self.maps.index(FloorMap.of(recipe))
        heat = sorted(one.heat[place] for one in self._of(group))
        if len(heat) < MIN_NORMALS:
            raise RecipeError(f"only {len(heat)} {group} normals, {MIN_NORMALS} are needed")
        return NormalRange(group, tuple(heat))

    def percentile(self, recipe: Recipe, group: NormalGroup | None, p99: float) -> NormalPercentile:
        """Return where a map lies among those of normals."""
        try:
            found = self.range_of(recipe, group)
        except RecipeError as error:
            return NormalPercentile(None, 0, group, str(error))
        return NormalPercentile(found.percentile(p99), found.n, group)

    def hottest(self, group: NormalGroup, heat: Sequence[float]) -> float:
        """Return the heat of a radiograph's hottest map, in units of each map's floor.

        Args:
            group: Whom it is compared with; it must have normals.
            heat: 99th percentile of each of its maps, in the order of `maps`.
        """
        units = np.percentile([one.heat for one in self._of(group)], FLOOR_PERCENTILE, axis=0)
        return float((np.asarray(heat) / units).max())

    def notable_mark(self, group: NormalGroup | None) -> NotableMark | None:
        """Return the mark of a group; None without enough normals."""
        normals = [] if group is None else self._of(group)
        if group is None or len(normals) < MIN_NORMALS:
            return None
        hottest = [self.hottest(group, one.heat) for one in normals]
        return NotableMark(group, float(np.percentile(hottest, NOTABLE_PERCENTILE)), len(normals))

    def scale(self, recipe: Recipe, group: NormalGroup | None) -> HeatScale | None:
        """Return the scale of a map that asks what is abnormal; None where there is no range.

        Nothing is drawn below the floor; full colour is at twice the floor.
        """
        try:
            floor = self.range_of(recipe, group).unit
        except RecipeError:
            return None
        return HeatScale(floor, min(2.0, FULL_AT * floor)) if floor < 1 else None

    def without(self, fold: int) -> "NormalFloor":
        """Return the floor of all patients but those of one fold, to judge these by."""
        return replace(self, radiographs=tuple(r for r in self.radiographs if r.fold != fold))

    def to_dict(self) -> dict[str, Any]:
        """Return plain values for JSON."""
        return {
            "bundle_digest": self.bundle_digest,
            "recipe": dict(self.recipe),
            "maps": [dict(one.__dict__) for one in self.maps],
            "radiographs": [dict(one.__dict__) for one in self.radiographs],
        }

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> "NormalFloor":
        """Return the floor that `to_dict` wrote.

        Raises:
            BundleError: If something is missing or makes no sense.
        """
        try:
            return cls(
                bundle_digest=str(values["bundle_digest"]),
                recipe=dict(values["recipe"]),
                maps=tuple(_map(one) for one in values["maps"]),
                radiographs=tuple(_radiograph(one) for one in values["radiographs"]),
            )
        except (AttributeError, KeyError, TypeError, ValueError) as error:
            raise BundleError(f"The normal floor cannot be read ({error!r}).") from error

    def _of(self, group: NormalGroup) -> list[NormalRadiograph]:
        return [one for one in self.radiographs if one.group is group]


def read_floor(bundle: Bundle) -> NormalFloor | None:
    """Return a bundle's normal floor, or None if nobody measured it.

    Raises:
        BundleError: If it cannot be read, or belongs to other networks.
    """
    if FLOOR_FILE not in bundle.files:
        return None
    path = bundle.folder / FLOOR_FILE
    try:
        values = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise BundleError(
            f"{bundle.name}: {FLOOR_FILE} cannot be read ({error}). Copy the whole bundle again."
        ) from error
    floor = NormalFloor.from_dict(values)
    if floor.bundle_digest != bundle.digest:
        raise BundleError(
            f"{bundle.name}: {FLOOR_FILE} was measured on other networks. Measure it again with "
            "`daug bundle measure-normals`."
        )
    return floor


def write_floor(floor: NormalFloor, folder: Path) -> None:
    """Write a floor into a bundle's folder."""
    text = json.dumps(floor.to_dict(), allow_nan=False)
    (folder / FLOOR_FILE).write_text(text + "\n", encoding="utf-8")


def how_drawn(recipe: Recipe) -> dict[str, Any]:
    """Return a recipe without what it asks: noise level, scale, steps, encoder and so on."""
    asked = ("super_class", "direction", "activation")
    return {name: value for name, value in recipe.to_dict().items() if name not in asked}


def fold_of(patient: str) -> int:
    """Return a patient's fold, the same one on every machine; it does not tell who it is."""
    return hashlib.sha256(f"fold {patient}".encode()).digest()[0] % FOLDS


def _map(values: Mapping[str, Any]) -> FloorMap:
    return FloorMap(
        str(values["super_class"]),
        Direction(values["direction"]),
        Activation(values["activation"]),
    )


def _radiograph(values: Mapping[str, Any]) -> NormalRadiograph:
    return NormalRadiograph(
        NormalGroup(values["group"]),
        str(values["source"]),
        int(values["fold"]),
        tuple(float(heat) for heat in values["heat"]),
    )
