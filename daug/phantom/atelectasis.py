"""Atelectasis: a part of a lung without air, and what its loss of volume pulls towards it."""

from dataclasses import dataclass, replace
from enum import StrEnum

import cv2
import numpy as np

from daug.phantom.body import Body, Side
from daug.phantom.canvas import Layer, blurred
from daug.phantom.landmarks import Landmarks

BEHIND_HEART = 0.4  # how much of a collapsed lower lobe shows there
EDGE = 0.035  # over which a collapsed lobe reaches its full density, of the lung's height


class Collapse(StrEnum):
    """What has lost its air."""

    PLATES = "plates"  # thin horizontal bands above a raised diaphragm
    UPPER_LOBE = "upper lobe"
    LOWER_LOBE = "lower lobe"


@dataclass(frozen=True)
class Plate:
    """One band."""

    out: float  # its middle, of the way from the midline to the chest wall
    down: float  # of the way from apex to base
    length: float  # share of the thorax's width
    width: float
    slope: float


@dataclass(frozen=True)
class Atelectasis:
    """A collapse with its extent."""

    collapse: Collapse
    side: Side
    loss: float  # of volume, 0 to 1
    density: float
    plates: tuple[Plate, ...]  # of a plate-like atelectasis


def draw_atelectasis(generator: np.random.Generator) -> Atelectasis:
    """Roll the dice for an atelectasis."""
    u = generator.uniform
    collapse = list(Collapse)[int(generator.choice(3, p=(0.4, 0.3, 0.3)))]
    plates = tuple(
        Plate(u(0.5, 0.68), u(0.66, 0.84), u(0.12, 0.24), u(0.014, 0.026), u(-0.3, 0.15))
        for _ in range(1 + int(generator.integers(3)))
    )
    side = Side.RIGHT if u() < 0.5 else Side.LEFT
    return Atelectasis(collapse, side, u(0.4, 1.0), u(0.5, 0.95), plates)


def pulled(body: Body, found: Atelectasis) -> Body:
    """Return the body with everything moved that the loss of volume draws towards it."""
    half, loss, towards = body.of(found.side), found.loss, int(found.side)
    if found.collapse is Collapse.PLATES:
        return body.with_half(replace(half.raised(0.02 + 0.05 * loss), hilum=half.hilum + 0.01))
    shift = towards * (0.012 + 0.028 * loss)
    if found.collapse is Collapse.UPPER_LOBE:
        moved = replace(half.raised(0.02 + 0.03 * loss), hilum=half.hilum - 0.03 - 0.04 * loss)
        rise, tilt = 0.05 + 0.09 * loss, 0.05 * loss
    else:
        moved = replace(half.raised(0.03 + 0.06 * loss), hilum=half.hilum + 0.03 + 0.05 * loss)
        rise, tilt = -0.03 - 0.05 * loss, 0.0
    if found.side is Side.LEFT:  # the left lung has no minor fissure
        rise = tilt = 0.0
    return replace(
        body.with_half(moved),
        midline=body.midline + shift,
        fissure=body.fissure - rise,
        fissure_slope=body.fissure_slope + tilt,
    )


def atelectasis_density(found: Atelectasis, landmarks: Landmarks) -> Layer:
    """Return the density of what has no air, on a body that was pulled already."""
    shape = {
        Collapse.PLATES: _bands,
        Collapse.UPPER_LOBE: _upper_lobe,
        Collapse.LOWER_LOBE: _lower_lobe,
    }[found.collapse]
    return np.float32(found.density) * shape(found, landmarks)


def _bands(found: Atelectasis, landmarks: Landmarks) -> Layer:
    layer = np.zeros(landmarks.shape, dtype=np.uint8)
    box, unit = landmarks.box(found.side), landmarks.unit
    wall = box.left if found.side is Side.RIGHT else box.right - 1
    for plate in found.plates:
        x = landmarks.midline + plate.out * (wall - landmarks.midline)
        y = box.top + plate.down * (box.bottom - 1 - box.top)
        half = plate.length * unit / 2
        rise = found.side * plate.slope * half
        inner, outer = (round(x - half), round(y - rise)), (round(x + half), round(y + rise))
        cv2.line(layer, inner, outer, 255, max(1, round(plate.width * unit)), cv2.LINE_AA)
    soft = blurred(layer.astype(np.float32) / np.float32(255), 0.004 * unit)
    return soft * landmarks.soft_lung(found.side)


def _upper_lobe(found: Atelectasis, landmarks: Landmarks) -> Layer:
    """Return what lies above a fissure that rises towards the chest wall."""
    out = landmarks.outwards(found.side).clip(0, 1)
    edge = 0.4 - 0.06 * found.loss - (0.1 + 0.2 * found.loss) * out**0.8
    inside = ((edge - landmarks.downwards(found.side)) / EDGE).clip(0, 1)
    return inside * landmarks.soft_lung(found.side)


def _lower_lobe(found: Atelectasis, landmarks: Landmarks) -> Layer:
    """Return a triangle from the hilum to the diaphragm, seen through the heart as well."""
    out, down = landmarks.outwards(found.side), landmarks.downwards(found.side)
    reach = (0.9 - 0.3 * found.loss) * ((down - 0.48) / 0.52).clip(0, None)
    inside = ((reach - out) / EDGE).clip(0, 1) * (out / (4 * EDGE)).clip(0, 1)
    heart = np.float32(BEHIND_HEART) * landmarks.organs.heart
    lobe: Layer = inside * np.maximum(landmarks.soft_lung(found.side), heart)
    return lobe
