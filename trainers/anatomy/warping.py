"""Where each pixel of a training example comes from: other bodies, other ways of taking them.

A hundred and fifty upright adults have to stand for children, for patients in bed and for pictures
that were squashed to a square, so bodies are zoomed, stretched, turned, bent, and their hearts
blown up or shrunk. Radiograph and masks go through the same map.
"""

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

Floats = NDArray[np.float32]


@dataclass(frozen=True)
class WarpRange:
    """How far a body may be changed."""

    zoom: tuple[float, float] = (-0.4, 0.45)  # log2 of how much more than the picture is shown
    stretch: float = 0.45  # log2 of width over height, either way
    degrees: float = 15.0  # standard deviation is half of it
    shift: float = 0.12  # share of the side
    bend: float = 0.06  # amplitude of the smooth displacement, share of the side
    heart: tuple[float, float] = (-0.2, 0.4)  # share of its radius that the heart gains


def draw_warp(limits: WarpRange, heart: NDArray[np.uint8], size: int, dice: Generator) -> Floats:
    """Return for each pixel of a (size, size) example its x and y in the original, (size, size, 2).

    Args:
        limits: How far to go.
        heart: Mask of the heart in the original, (S, S); everything is in its pixels.
        size: Side of the example.
        dice: Source of all chance.
    """
    side = heart.shape[0]
    rows, columns = np.mgrid[0:size, 0:size].astype(np.float32)
    out = (np.stack([columns, rows], axis=-1) + 0.5) / size - 0.5  # (size, size, 2), within +-0.5
    zoom, stretch = dice.uniform(*limits.zoom), dice.uniform(-limits.stretch, limits.stretch)
    angle = np.deg2rad(np.clip(dice.normal(0, limits.degrees / 2), -limits.degrees, limits.degrees))
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    scale = np.diag([2 ** (zoom + stretch / 2), 2 ** (zoom - stretch / 2)])
    shift = dice.uniform(-limits.shift, limits.shift, 2)
    places = out @ (turn @ scale).T.astype(np.float32) + shift.astype(np.float32)
    places += limits.bend * dice.uniform() * _smooth_field(size, dice)
    return _around_heart((places + 0.5) * side - 0.5, heart, dice.uniform(*limits.heart))


def warp(picture: NDArray[np.uint8], places: Floats, *, goes_on: bool = False) -> NDArray[np.uint8]:
    """Return a picture as seen through a map of places, (size, size).

    Args:
        picture: The original, (S, S).
        places: See `draw_warp`.
        goes_on: The picture's edge goes on beyond it, as a body does; otherwise black is there.
    """
    size, side = places.shape[0], picture.shape[0]
    spread = np.abs(np.diff(places[..., 0], axis=1)).mean() / 2  # pixels skipped, from 1 on
    if spread > 0.5:  # what is skipped would flicker
        blurred = cv2.GaussianBlur(picture, (0, 0), 0.7 * float(spread))
        picture = np.asarray(blurred, dtype=np.uint8)
    assert size <= side
    warped = cv2.remap(
        picture,
        np.ascontiguousarray(places[..., 0]),
        np.ascontiguousarray(places[..., 1]),
        cv2.INTER_LINEAR,
        borderMode=cv2.BORDER_REPLICATE if goes_on else cv2.BORDER_CONSTANT,
    )
    return np.asarray(warped, dtype=np.uint8)


def _smooth_field(size: int, dice: Generator) -> Floats:
    coarse = dice.uniform(-1, 1, (5, 5, 2)).astype(np.float32)
    return np.asarray(cv2.resize(coarse, (size, size), interpolation=cv2.INTER_CUBIC))


def _around_heart(places: NDArray[np.floating], heart: NDArray[np.uint8], gain: float) -> Floats:
    """Look nearer to the heart's middle, so that the heart becomes larger by a share of itself."""
    moments = cv2.moments(heart, binaryImage=True)
    if moments["m00"] > 0:
        centre = np.array([moments["m10"], moments["m01"]]) / moments["m00"]
        radius = np.sqrt(moments["m00"] / np.pi)
        away = places - centre
        near = np.exp(-0.5 * (away**2).sum(axis=-1, keepdims=True) / (1.3 * radius) ** 2)
        places = centre + away * (1 - gain / (1 + gain) * near)
    return places.astype(np.float32)
