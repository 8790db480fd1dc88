"""A radiograph in gray, and a heatmap in color over it, on one fixed scale.

    level   0 where nothing is drawn (heat below the bundle's mark), else 1..255 up to full color

A level is a function of the heat and of nothing else, so the same heat has the same color in
every picture of a bundle. Nothing here writes a file or knows a screen.
"""

from dataclasses import replace
from enum import StrEnum

import cv2
import numpy as np
from numpy.typing import NDArray

from daug.bundle import HeatScale
from daug.radiograph import ModelInput, Radiograph
from ui.color_ramps import heat_ramp, signed_ramps
from ui.look import USUAL, Look

Gray = NDArray[np.uint8]  # (H, W)
Picture = NDArray[np.uint8]  # (H, W, 3), red green blue

RAMP_LEVELS = 40  # over which color fades in above the mark, so that the mark draws no false edge


class Ink(StrEnum):
    """What the color shows."""

    HEAT = "amount of change"  # its absolute value
    SIGNED = "density added or removed"  # warm where the picture became whiter, else cold


def gray(pixels: NDArray[np.float32]) -> Gray:
    """Return pixels in [-1, 1] as gray levels, over the whole range and never stretched."""
    return np.asarray(cv2.convertScaleAbs(pixels + 1, alpha=127.5), dtype=np.uint8)


def levels(heat: NDArray[np.float32], scale: HeatScale) -> NDArray[np.uint8]:
    """Return heat, in pixel intensity, as levels on the bundle's scale."""
    share = (heat - scale.mark) / (scale.full_at - scale.mark)
    above = 1 + np.round(share.clip(0, 1) * 254)
    return np.where(heat < scale.mark, 0, above).astype(np.uint8)


def overlay(
    background: Gray,
    change: NDArray[np.float32],
    scale: HeatScale,
    *,
    look: Look = USUAL,
    ink: Ink = Ink.HEAT,
) -> Picture:
    """Return a heatmap over a radiograph.

    Args:
        background: The radiograph, (H, W).
        change: The signed map, or its heat, on the same grid, (H, W), in pixel intensity.
        scale: The bundle's own scale.
        look: Opacity, colors, and the heat that is hidden.
        ink: What the color shows.
    """
    heat = np.abs(change)
    level = levels(heat, scale)
    level[heat < look.hidden_below(scale)] = 0
    if ink is Ink.SIGNED:
        added, removed = signed_ramps(look.colors)
        color = np.where((change >= 0)[..., None], added[level], removed[level])
    else:
        color = heat_ramp(look.colors)[level]
    weight = _weights(look.opacity)[level][..., None]
    base = background[..., None].astype(np.float32)
    mixed = base + weight * (color.astype(np.float32) - base)
    return np.asarray(np.round(mixed), dtype=np.uint8)


def heat_over(
    radiograph: Radiograph,
    seen: ModelInput,
    change: NDArray[np.float32],
    scale: HeatScale,
    *,
    shape: tuple[int, int] | None = None,
    look: Look = USUAL,
    ink: Ink = Ink.HEAT,
) -> Picture:
    """Return a map from the model's square over its radiograph.

    Args:
        seen: What the model saw of the radiograph, which knows where its square lies.
        change: The signed map, or its heat, on the model's square, (S, S).
        shape: Rows and columns of the picture; None for the radiograph's own.
    """
    background = below_heat(radiograph, seen, shape, look)
    size = (background.shape[0], background.shape[1])
    aligned = seen.to_radiograph(change, size, smooth=look.smooth)
    return overlay(background, aligned, scale, look=look, ink=ink)


def below_heat(
    radiograph: Radiograph, seen: ModelInput, shape: tuple[int, int] | None, look: Look
) -> Gray:
    """Return the radiograph in gray: as it is, or on the model's own grid as the model sees it."""
    if look.smooth:
        return shown(radiograph, shape)
    size = shape or (radiograph.pixels.shape[0], radiograph.pixels.shape[1])
    return gray(seen.to_radiograph(seen.pixels, size, smooth=False))


def shown(radiograph: Radiograph, shape: tuple[int, int] | None = None) -> Gray:
    """Return the whole radiograph in gray, at a size if one is given."""
    whole = gray(radiograph.pixels)
    if shape is None or shape == whole.shape:
        return whole
    how = cv2.INTER_AREA if shape[0] < whole.shape[0] else cv2.INTER_LINEAR
    return np.asarray(cv2.resize(whole, shape[::-1], interpolation=how), dtype=np.uint8)


def fitted(shape: tuple[int, int], box: tuple[int, int]) -> tuple[int, int]:
    """Return rows and columns of the largest picture of a shape's proportions inside a box."""
    share = min(box[0] / shape[0], box[1] / shape[1])
    return max(1, round(shape[0] * share)), max(1, round(shape[1] * share))


def color_bar(
    rows: int,
    columns: int,
    scale: HeatScale,
    *,
    look: Look = USUAL,
    ink: Ink = Ink.HEAT,
) -> Picture:
    """Return the scale's colors from full color to the mark, along the longer side.

    An upright bar has full color at its top, a lying one at its right. The colors are those of a
    map over middle gray, which shows bare where heat is hidden. A signed bar runs on through
    nothing to full color of the other sign.
    """
    length = max(rows, columns)
    least = scale.mark if ink is Ink.HEAT else -scale.full_at
    change = np.linspace(scale.full_at, least, length, dtype=np.float32)
    change[-1] = max(change[-1], least)  # the mark itself is not lost to rounding
    line = np.repeat(change[:, None], min(rows, columns), axis=1)
    opaque = replace(look, opacity=1)
    upright = overlay(np.full(line.shape, 96, np.uint8), line, scale, look=opaque, ink=ink)
    if rows >= columns:
        return upright
    return np.ascontiguousarray(upright[::-1].transpose(1, 0, 2))


def _weights(opacity: float) -> NDArray[np.float32]:
    """How much of the color each level gets, (256,); none at level 0."""
    ramp = np.minimum(np.arange(256) / RAMP_LEVELS, 1)
    return np.asarray(opacity * ramp, dtype=np.float32)
