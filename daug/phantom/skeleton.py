"""Bones as curves: ribs behind and before the lungs, clavicles, shoulder blades and spine."""

import numpy as np

from daug.phantom.body import Body, Hemithorax
from daug.phantom.canvas import Canvas, Floats, Layer, Lines
from daug.phantom.outlines import lateral_wall

POSTERIOR_RIBS = 10
ANTERIOR_RIBS = 6
STEPS = 10
VERTEBRAE = 19
S = np.linspace(0, 1, STEPS)  # along each bone


def bones(body: Body, canvas: Canvas) -> Layer:
    """Return the density of ribs, clavicles and shoulder blades."""
    behind = canvas.lines([_posterior_ribs(body, half) for half in body.sides], 0.0015)
    before = canvas.lines([_anterior_ribs(body, half) for half in body.sides], 0.003)
    others = canvas.lines([_shoulder_blades(body), _clavicles(body)], 0.0015)
    ribs = np.float32(body.rib_density) * (behind + np.float32(0.55) * before)
    return ribs + np.float32(body.bone_density) * others


def spine(body: Body, canvas: Canvas) -> Layer:
    """Return the density of the vertebral column, vertebra by vertebra."""
    y = np.linspace(-0.05, 1.05, VERTEBRAE)
    half_width = 0.026 + 0.012 * y
    ends = np.stack([np.stack([x, y], axis=1) for x in (-half_width, half_width)], axis=1)
    column = canvas.lines([Lines(ends, np.full(VERTEBRAE, 0.042), 1.0)], 0.004)
    return np.float32(0.6 * body.bone_density) * column


def _posterior_ribs(body: Body, half: Hemithorax) -> Lines:
    """From the spine outwards and down to the chest wall, the upper ones tightly bent."""
    height = half.base - body.apex
    number = np.arange(POSTERIOR_RIBS, dtype=np.float64)[:, None]
    v = (number + 0.15) / (POSTERIOR_RIBS - 0.7)  # at the spine
    end = np.minimum(v + (0.1 + 0.1 * v) * body.rib_slope, 1.08)  # at the wall
    wall = lateral_wall(body, np.maximum(end, 0.06)) + 0.004
    x = 0.045 + (wall - 0.045) * np.sin(S * np.pi / 2) ** 0.9
    bulge = -0.028 * np.sin(np.pi * S) * (1 - 0.4 * v)
    y = body.apex + height * (v + (end - v) * S**2.2) + bulge
    return _lines(half.side * x, y, 0.021)


def _anterior_ribs(body: Body, half: Hemithorax) -> Lines:
    """From the chest wall inwards and further down, ending where cartilage begins."""
    height = half.base - body.apex
    number = np.arange(ANTERIOR_RIBS, dtype=np.float64)[:, None]
    v = (number + 1.3) / (ANTERIOR_RIBS + 2.4)
    wall = lateral_wall(body, v)
    x = wall - (wall - 0.13 - 0.012 * number) * S
    y = body.apex + height * (v + 0.17 * body.rib_slope * S**0.8)
    return _lines(half.side * x, y, 0.023)


def _clavicles(body: Body) -> Lines:
    side = np.array([[-1.0], [1.0]])
    inner = 0.035 + side * body.turn * 1.6  # turning moves one end to the midline
    x = inner + (0.42 - inner) * S
    y = body.apex + 0.075 - (0.05 + body.clavicle) * S - 0.018 * np.sin(2 * np.pi * S)
    return _lines(side * x, np.broadcast_to(y, x.shape), 0.027)


def _shoulder_blades(body: Body) -> Lines:
    """Their inner borders, outside the lungs as in a radiograph with the arms brought forward."""
    side = np.array([[-1.0], [1.0]])
    x = side * (body.half_width + 0.075 - 0.075 * np.sin(np.pi * S * 0.8))
    y = body.apex + 0.05 + 0.3 * S
    return _lines(x, np.broadcast_to(y, x.shape), 0.05, density=0.35)


def _lines(x: Floats, y: Floats, width: float, density: float = 1.0) -> Lines:
    """Return curves (K, N) of one width."""
    return Lines(np.stack([x, y], axis=2), np.full(len(x), width), density)
