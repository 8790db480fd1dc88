"""The colors of heat, level by level: lighter as there is more of it, and never gray."""

from functools import cache

import cv2
import numpy as np
from numpy.typing import NDArray

from ui.look import ColorMap

Ramp = NDArray[np.uint8]  # (256, 3), red green blue, by level
Color = tuple[int, int, int]

# OpenCV's number for each map, and the first of its 256 colors that is used: the darker ones
# vanish in a dark radiograph.
HEAT: dict[ColorMap, tuple[int, int]] = {
    ColorMap.INFERNO: (cv2.COLORMAP_INFERNO, 72),
    ColorMap.PLASMA: (cv2.COLORMAP_PLASMA, 48),
    ColorMap.VIRIDIS: (cv2.COLORMAP_VIRIDIS, 64),
}
# The least and the most of added density, then of removed: pairs that whoever sees no red or no
# green tells apart, and of about the same lightness at the same level.
SIGNED: dict[ColorMap, tuple[tuple[Color, Color], tuple[Color, Color]]] = {
    ColorMap.INFERNO: (((215, 95, 0), (255, 235, 150)), ((40, 110, 225), (165, 235, 255))),
    ColorMap.PLASMA: (((200, 40, 140), (255, 205, 240)), ((30, 130, 60), (190, 255, 190))),
    ColorMap.VIRIDIS: (((150, 120, 0), (255, 250, 150)), ((130, 90, 220), (225, 210, 255))),
}


@cache
def heat_ramp(colors: ColorMap) -> Ramp:
    """Return the color of each level of heat."""
    number, first = HEAT[colors]
    row = np.linspace(first, 255, 256).round().astype(np.uint8)[None]
    return np.ascontiguousarray(cv2.applyColorMap(row, number)[0, :, ::-1], dtype=np.uint8)


@cache
def signed_ramps(colors: ColorMap) -> tuple[Ramp, Ramp]:
    """Return the color of each level of added density, and of removed density."""
    added, removed = SIGNED[colors]
    return _between(*added), _between(*removed)


def _between(least: Color, most: Color) -> Ramp:
    share = np.linspace(0, 1, 256)[:, None]
    low, high = np.array(least, dtype=float), np.array(most, dtype=float)
    return np.asarray(np.round(low + share * (high - low)), dtype=np.uint8)
