"""Support devices: tubes, lines and a pacemaker, each along the course that it has in a patient."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum

import cv2
import numpy as np
from numpy.typing import NDArray

from daug.phantom.body import Side
from daug.phantom.canvas import SUBPIXEL_BITS, Layer
from daug.phantom.landmarks import Landmarks

MOST = 3


class Device(StrEnum):
    """What stands in or on the patient."""

    PACEMAKER = "pacemaker with leads"
    ENDOTRACHEAL_TUBE = "endotracheal tube"
    GASTRIC_TUBE = "gastric tube"
    CENTRAL_LINE = "central venous line"
    CHEST_TUBE = "chest tube"
    ELECTRODES = "electrodes with wires"


SHARES = (0.25, 0.15, 0.15, 0.2, 0.1, 0.15)  # of each, for the first of a patient's devices


@dataclass(frozen=True)
class PlacedDevice:
    """One device with what differs from patient to patient."""

    device: Device
    side: Side
    density: float
    sway: tuple[float, float, float]  # how its course differs, each in [-1, 1]


@dataclass(frozen=True, eq=False)
class Stroke:
    """A line of a device."""

    points: NDArray[np.float64]  # (N, 2): x, y in pixels
    width: float  # share of the thorax's width
    density: float  # share of the device's
    filled: bool = False  # the inside of the closed line, too


def draw_devices(generator: np.random.Generator) -> tuple[PlacedDevice, ...]:
    """Roll the dice for one to three devices."""
    u = generator.uniform
    count = 1 + int(generator.choice(MOST, p=(0.5, 0.3, 0.2)))
    chosen = generator.choice(len(SHARES), size=count, replace=False, p=SHARES)
    return tuple(
        PlacedDevice(
            list(Device)[int(index)],
            Side.LEFT if u() < 0.65 else Side.RIGHT,
            u(1.0, 1.8),
            (u(-1, 1), u(-1, 1), u(-1, 1)),
        )
        for index in chosen
    )


def device_density(devices: tuple[PlacedDevice, ...], landmarks: Landmarks) -> Layer:
    """Return the density of devices; they do not lie in the lungs alone."""
    density = np.zeros(landmarks.shape, dtype=np.float32)
    for placed in devices:
        for stroke in COURSES[placed.device](placed, landmarks):
            layer = _stroked(stroke, landmarks) * np.float32(placed.density * stroke.density)
            density = np.maximum(density, layer)
    return density


def _stroked(stroke: Stroke, landmarks: Landmarks) -> Layer:
    layer = np.zeros(landmarks.shape, dtype=np.uint8)
    points = [np.round(stroke.points * 2**SUBPIXEL_BITS).astype(np.int32)]
    thickness = max(1, round(stroke.width * landmarks.unit))
    if stroke.filled:
        cv2.fillPoly(layer, points, 255, cv2.LINE_AA, SUBPIXEL_BITS)
    else:
        cv2.polylines(layer, points, False, 255, thickness, cv2.LINE_AA, SUBPIXEL_BITS)
    return layer.astype(np.float32) / np.float32(255)


def _pacemaker(placed: PlacedDevice, at: Landmarks) -> list[Stroke]:
    """A generator below the clavicle, one lead to the right atrium, one to the apex."""
    box, unit = at.box(placed.side), at.unit
    wall = box.left if placed.side is Side.RIGHT else box.right
    x = wall - placed.side * (0.07 + 0.02 * placed.sway[0]) * unit
    y = box.top + (0.15 + 0.03 * placed.sway[1]) * unit
    angle = np.linspace(0, 2 * np.pi, 20)
    cos, sin = np.cos(angle), np.sin(angle)
    round_x, round_y = np.sign(cos) * np.abs(cos) ** 0.6, np.sign(sin) * np.abs(sin) ** 0.6
    case = np.stack([x + 0.058 * unit * round_x, y + 0.047 * unit * round_y], axis=1)
    entry = (at.midline + placed.side * 0.17 * unit, box.top + 0.09 * unit)
    cava = (at.midline - 0.055 * unit, at.carina)
    heart = at.heart
    atrium = (heart.left + 0.13 * (heart.right - heart.left), _in(heart.top, heart.bottom, 0.42))
    middle = (at.midline, _in(heart.top, heart.bottom, 0.88))
    apex = (_in(heart.left, heart.right, 0.8), _in(heart.top, heart.bottom, 0.84))
    low = (atrium[0] + 0.03 * unit, _in(heart.top, heart.bottom, 0.62))
    return [
        Stroke(case, 0.0, 1.0, filled=True),
        Stroke(_smooth((x, y), entry, cava, low, middle, apex), 0.008, 0.8),
        Stroke(_smooth((x, y), entry, cava, low, atrium), 0.008, 0.8),
    ]


def _endotracheal_tube(placed: PlacedDevice, at: Landmarks) -> list[Stroke]:
    """Two walls from the mouth down to a little above the carina."""
    top, tip = -2.0, at.carina - (0.06 + 0.03 * placed.sway[0]) * at.unit
    half = 0.014 * at.unit
    x = at.midline + 0.008 * placed.sway[1] * at.unit
    lines = [np.array([(x + s * half, top), (x + s * half, tip)]) for s in (-1, 1)]
    return [Stroke(line, 0.007, 0.7) for line in lines]


def _gastric_tube(placed: PlacedDevice, at: Landmarks) -> list[Stroke]:
    """Down the esophagus and to the left below the diaphragm."""
    bottom, unit = at.left.bottom, at.unit
    sway = 0.012 * unit
    points = _smooth(
        (at.midline + placed.sway[0] * sway, -2.0),
        (at.midline + placed.sway[1] * sway, at.carina),
        (at.midline + 0.03 * unit, bottom - 0.12 * unit),
        (at.midline + 0.12 * unit, bottom + 0.02 * unit),
        (at.midline + (0.22 + 0.04 * placed.sway[2]) * unit, bottom + 0.06 * unit),
    )
    return [Stroke(points, 0.009, 0.75)]


def _central_line(placed: PlacedDevice, at: Landmarks) -> list[Stroke]:
    """From the neck or below the clavicle to where the superior vena cava meets the heart."""
    unit, box = at.unit, at.right
    tip = (at.midline - 0.06 * unit, at.carina + (0.08 + 0.05 * placed.sway[0]) * unit)
    cava = (at.midline - 0.065 * unit, at.carina - 0.06 * unit)
    if placed.sway[1] < 0:  # jugular
        start, bend = (at.midline - 0.12 * unit, -2.0), (at.midline - 0.1 * unit, float(box.top))
    else:  # subclavian
        start = (box.left + 0.03 * unit, box.top + 0.06 * unit)
        bend = (at.midline - 0.17 * unit, box.top + 0.07 * unit)
    return [Stroke(_smooth(start, bend, cava, tip), 0.008, 0.75)]


def _chest_tube(placed: PlacedDevice, at: Landmarks) -> list[Stroke]:
    """Through the chest wall at mid height, then up towards the apex."""
    box, side = at.box(placed.side), placed.side
    wall = box.left if side is Side.RIGHT else box.right
    height = box.bottom - box.top
    points = _smooth(
        (wall + side * 0.1 * at.unit, box.top + (0.72 + 0.05 * placed.sway[0]) * height),
        (wall - side * 0.05 * at.unit, box.top + 0.6 * height),
        (wall - side * 0.09 * at.unit, box.top + 0.4 * height),
        (wall - side * (0.15 + 0.03 * placed.sway[1]) * at.unit, box.top + 0.17 * height),
    )
    return [Stroke(points, 0.022, 0.25), Stroke(points, 0.006, 0.7)]  # a tube with its stripe


def _electrodes(placed: PlacedDevice, at: Landmarks) -> list[Stroke]:
    """Discs on the skin, wires from them to below the picture's edge."""
    angle = np.linspace(0, 2 * np.pi, 12)
    disc = 0.016 * at.unit * np.stack([np.cos(angle), np.sin(angle)], axis=1)
    strokes = []
    for side, down, sway in zip(
        (Side.RIGHT, Side.LEFT, Side.LEFT), (0.16, 0.16, 0.8), placed.sway, strict=True
    ):
        box = at.box(side)
        x = at.midline + side * (0.3 + 0.06 * sway) * at.unit
        y = box.top + down * (box.bottom - box.top)
        strokes.append(Stroke(disc + np.array([x, y]), 0.0, 0.9, filled=True))
        end = (x + side * 0.1 * at.unit, at.shape[0] + 2.0)
        sag = (x + side * (0.12 + 0.05 * sway) * at.unit, (y + end[1]) / 2)
        strokes.append(Stroke(_smooth((x, y), sag, end), 0.006, 0.6))
    return strokes


COURSES: Mapping[Device, Callable[[PlacedDevice, Landmarks], list[Stroke]]] = {
    Device.PACEMAKER: _pacemaker,
    Device.ENDOTRACHEAL_TUBE: _endotracheal_tube,
    Device.GASTRIC_TUBE: _gastric_tube,
    Device.CENTRAL_LINE: _central_line,
    Device.CHEST_TUBE: _chest_tube,
    Device.ELECTRODES: _electrodes,
}


def _in(low: float, high: float, share: float) -> float:
    return low + share * (high - low)


def _smooth(*corners: tuple[float, float]) -> NDArray[np.float64]:
    """Return an open Catmull-Rom curve through corners, (N, 2)."""
    points = np.array([corners[0], *corners, corners[-1]])
    t = np.linspace(0, 1, 8)[:, None]
    pieces = [
        0.5
        * (
            2 * b
            + (c - a) * t
            + (2 * a - 5 * b + 4 * c - d) * t**2
            + (3 * b - a - 3 * c + d) * t**3
        )
        for a, b, c, d in zip(points, points[1:], points[2:], points[3:], strict=False)
    ]
    return np.concatenate(pieces)
