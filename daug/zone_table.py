"""Where a map's heat lies: by lung zone and side, outside the lungs, at the border, on text.

Shares are of all the heat of the map. They add up to more than 1, since the places overlap.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from daug.errors import RadiographError
from daug.lung_zones import LEVELS, Zone, lung_zones
from daug.organs import Mask, MaskBox, OrganMasks
from daug.picture_marks import border_band

THORAX_MARGIN = 0.1  # of the box around lungs and heart: ribs and chest wall lie beyond it


@dataclass(frozen=True)
class ZoneHeat:
    """Heat in one zone."""

    mean: float | None  # in the map's own units; None where the lung was not found
    share: float | None  # of all heat; None in a map without heat
    area: float  # share of the lungs' area


@dataclass(frozen=True)
class ZoneTable:
    """Where a map's heat lies. Shares are None in a map without heat."""

    zones: Mapping[Zone, ZoneHeat]
    asymmetry: Mapping[str, float | None]  # by level: 1 all right, -1 all left, 0 even
    outside_lungs: float | None
    outside_chest: float | None  # neither lung nor heart
    outside_thorax: float | None  # outside the box around them, a tenth larger
    at_border: float | None  # of the picture, and in the padding around it
    on_text: float | None  # None also where nobody looked for text

    def to_dict(self) -> dict[str, Any]:
        """Return the table as JSON values."""
        zones = {zone.value: dict(heat.__dict__) for zone, heat in self.zones.items()}
        rest = {name: value for name, value in self.__dict__.items() if name != "zones"}
        return {"zones": zones, **rest, "asymmetry": dict(self.asymmetry)}


def zone_table(
    heat: NDArray[np.floating],
    organs: OrganMasks,
    *,
    picture: MaskBox | None = None,
    text: Mask | None = None,
) -> ZoneTable:
    """Return where the heat of a map lies.

    Args:
        heat: At least 0, of the masks' shape, (H, W).
        organs: Lungs and heart.
        picture: Where the radiograph lies on the model's square; everywhere if None.
        text: Where letters are burnt in, as `text_mask` finds them, (H, W).

    Raises:
        RadiographError: If shapes differ, or heat is negative or no number.
    """
    _check(heat, organs, text)
    total = float(heat.sum(dtype=np.float64))

    def share(mask: Mask) -> float | None:
        return float(heat[mask].sum(dtype=np.float64)) / total if total > 0 else None

    masks = lung_zones(organs)
    lung_area = max(1, sum(int(mask.sum()) for mask in masks.values()))
    zones = {
        zone: ZoneHeat(_mean(heat, mask), share(mask), int(mask.sum()) / lung_area)
        for zone, mask in masks.items()
    }
    return ZoneTable(
        zones=zones,
        asymmetry={level: _asymmetry(zones, level) for level in LEVELS},
        outside_lungs=share(~organs.lungs),
        outside_chest=share(~organs.chest),
        outside_thorax=share(~_thorax(organs)),
        at_border=share(border_band(organs.shape, picture)),
        on_text=None if text is None else share(text),
    )


def _check(heat: NDArray[np.floating], organs: OrganMasks, text: Mask | None) -> None:
    shapes = {heat.shape, organs.shape, *([] if text is None else [text.shape])}
    if len(shapes) > 1:
        raise RadiographError(f"Heat, organs and text must be of one shape, got {shapes}.")
    if not np.isfinite(heat).all() or heat.min(initial=0) < 0:
        raise RadiographError("Heat must be finite and at least 0; take the map's absolute value.")


def _mean(heat: NDArray[np.floating], mask: Mask) -> float | None:
    return float(heat[mask].mean(dtype=np.float64)) if mask.any() else None


def _asymmetry(zones: Mapping[Zone, ZoneHeat], level: str) -> float | None:
    """Return the difference of the two sides' means over their sum."""
    right, left = (zones[Zone.at(side, level)].mean for side in ("right", "left"))
    if right is None or left is None or right + left <= 0:
        return None
    return (right - left) / (right + left)


def _thorax(organs: OrganMasks) -> Mask:
    """Return the box around lungs and heart, a tenth larger; nothing if there is none."""
    box = organs.thorax_box
    if box is None:
        return np.zeros(organs.shape, dtype=np.bool_)
    down = round(THORAX_MARGIN / 2 * (box.bottom - box.top))
    across = round(THORAX_MARGIN / 2 * (box.right - box.left))
    top, left = max(0, box.top - down), max(0, box.left - across)
    return MaskBox(top, left, box.bottom + down, box.right + across).mask(organs.shape)
