"""Which fixed scale a map is drawn on, and what its legend says.

A map that asks "what looks abnormal here?" is drawn on the normal floor of the radiograph's group,
where that was measured; any other on the bundle's scale of intensity change. Neither is ever
stretched to the map at hand.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

from daug.bundle import Bundle, HeatScale
from daug.heatmap import Recipe
from daug.normal_floor import asks_what_is_abnormal, group_of
from daug.radiograph import Radiograph
from daug.workstation import Workstation
from ui import wording

ScaleOf = Callable[[Recipe], HeatScale]


@dataclass(frozen=True)
class Legend:
    """The words at both ends of a scale's colors, and below them."""

    low: str
    high: str
    unit: str
    counts_heat: bool = True  # else nothing is said of the heat below which nothing is drawn


def map_scale(workstation: Workstation, radiograph: Radiograph, recipe: Recipe) -> HeatScale:
    """Return the fixed scale of a map of a radiograph, in pixel intensity (full range 2)."""
    if workstation.measurer is None:
        return workstation.bundle.heat_scale
    return workstation.measurer.scale(radiograph, recipe)


def scales_of(workstation: Workstation, radiograph: Radiograph) -> ScaleOf:
    """Return `map_scale` of one radiograph, as pictures of several maps take it."""
    return partial(map_scale, workstation, radiograph)


def on_normal_floor(bundle: Bundle, recipe: Recipe, scale: HeatScale) -> bool:
    """Return whether a map's scale is that of the normal floor."""
    return asks_what_is_abnormal(recipe) and scale != bundle.heat_scale


def floor_name(radiograph: Radiograph) -> str:
    """Return whose normal floor a radiograph's maps are drawn on."""
    return f"normal floor of {group_of(radiograph.view, radiograph.age)}"


def legend_of(bundle: Bundle, radiograph: Radiograph, recipe: Recipe, scale: HeatScale) -> Legend:
    """Return what stands beside the colors of a map."""
    if not on_normal_floor(bundle, recipe, scale):
        return Legend(f"{scale.mark:g}", f"≥ {scale.full_at:g}", wording.HEAT_UNIT)
    return Legend(
        f"{scale.mark:.2g}",
        f"≥ {scale.full_at:.2g}",
        f"{floor_name(radiograph)}; {wording.HEAT_UNIT}",
    )
