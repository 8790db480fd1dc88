"""How maps are shown, which changes nothing of what they say: opacity, colors, hiding, smoothing.

A look is the same for every map of a screen or an export. It never depends on the maps, so two
of them can always be compared.
"""

from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any

from daug.bundle import HeatScale
from daug.errors import RecipeError

OPACITY = 0.7  # of the color, unless somebody asks for something else


class ColorMap(StrEnum):
    """Colors that grow lighter evenly as heat grows, and are never gray.

    Van der Walt & Smith 2015, "A Better Default Colormap for Matplotlib"; a rainbow would draw
    edges where there are none.
    """

    INFERNO = "inferno"
    PLASMA = "plasma"
    VIRIDIS = "viridis"


class Show(StrEnum):
    """What large maps show."""

    HEAT = "change"
    SIGNED = "added / removed"
    IMAGINED = "imagined"
    NOTHING = "no map"


class Layer(StrEnum):
    """What stands in the places of the two large maps."""

    MAP = "Map"
    CONTROL = "Control"
    STABILITY = "Stability"
    DISAGREEMENT = "Disagreement"


@dataclass(frozen=True)
class Look:
    """How maps are shown."""

    opacity: float = OPACITY  # weight of the color where it is drawn, in [0, 1]
    colors: ColorMap = ColorMap.INFERNO
    hide_below: float = 0.0  # share of the scale's full color; a map's own mark always hides
    smooth: bool = True  # interpolate between the model's pixels; else each is the block it is

    def __post_init__(self) -> None:
        if not 0 <= self.opacity <= 1:
            raise RecipeError(f"Opacity must be from 0 to 100 %, got {self.opacity:.0%}.")
        if not 0 <= self.hide_below <= 1:
            raise RecipeError(
                f"Heat can be hidden below 0 to 100 % of the scale, got {self.hide_below:.0%}."
            )

    def hidden_below(self, scale: HeatScale) -> float:
        """Return the heat, in pixel intensity, below which nothing is drawn."""
        return max(scale.mark, self.hide_below * scale.full_at)

    def so_far(self, share: float) -> "Look":
        """Return how an unfinished map is shown: the paler, the less of it is done."""
        return replace(self, opacity=self.opacity * share)

    def in_words(self, scale: HeatScale) -> str:
        """Return what an export says of it."""
        grid = "smoothed" if self.smooth else "on the model's own grid"
        return (
            f"{self.colors}, opacity {self.opacity:.0%}, "
            f"nothing is drawn below {self.hidden_below(scale):.2g}, {grid}"
        )

    def to_dict(self, scale: HeatScale) -> dict[str, Any]:
        """Return plain values for JSON."""
        return {
            "opacity": self.opacity,
            "color_map": self.colors.value,
            "hidden_below": self.hidden_below(scale),
            "smooth": self.smooth,
        }


USUAL = Look()
