"""The outlines of a body: lungs, heart, mediastinum, diaphragm and skin as closed curves."""

import numpy as np
from numpy.typing import NDArray

from daug.phantom.body import Body, Hemithorax, Side
from daug.phantom.canvas import Points, closed_spline

Floats = NDArray[np.float64]
STEPS = 28  # points of each border of a lung
WIDEST_AT = 0.66  # of a lung's height from its apex
APEX_AT = 0.45  # of the half width: where the apex lies between midline and wall
DOME_AT = 0.42  # of the way from the midline to the wall: where the diaphragm is highest
BELOW = 1.3  # y well below the picture


def lateral_wall(body: Body, v: Floats) -> Floats:
    """Return |x| of the inner chest wall at shares v of a lung's height."""
    rising = np.sqrt(1 - (1 - np.minimum(v / WIDEST_AT, 1)) ** 2)
    narrowing = 1 - 0.04 * np.maximum(0, (v - WIDEST_AT) / (1 - WIDEST_AT)) ** 2
    wall: Floats = body.half_width * (APEX_AT + (1 - APEX_AT) * rising) * narrowing
    return wall


def medial_border(body: Body, half: Hemithorax, v: Floats) -> Floats:
    """Return |x| of a lung's border to the mediastinum at shares v of its height."""
    top = APEX_AT * body.half_width
    falling = np.sqrt(1 - (1 - np.minimum(v / 0.3, 1)) ** 2)
    border: Floats = top + (body.mediastinum - top) * falling
    if half.side is Side.LEFT:
        border = border + body.aortic_knob * np.exp(-(((v - 0.32) / 0.055) ** 2))
    return border + half.side * (body.turn + body.midline)


def diaphragm(body: Body, half: Hemithorax, u: Floats) -> Floats:
    """Return y of the diaphragm at shares u of the way from the midline to the chest wall."""
    lateral = np.abs((u - DOME_AT) / (1 - DOME_AT)) ** 2.4
    medial = 0.5 * np.abs((DOME_AT - u) / DOME_AT) ** 2
    return half.base - half.dome * (1 - np.where(u > DOME_AT, lateral, medial))


def lung(body: Body, half: Hemithorax) -> Points:
    """Return the outline of a lung as if no heart lay before it."""
    v = np.linspace(0, 1, STEPS) ** 1.5  # denser at the apex, where it bends most
    y = body.apex + v * (half.base - body.apex)
    wall = lateral_wall(body, v)
    u = np.linspace(1, 0, STEPS)[1:]
    inner = medial_border(body, half, v)
    floor_x = inner[-1] + u * (wall[-1] - inner[-1])
    floor_y = diaphragm(body, half, u)
    up = y < floor_y[-1]  # the border to the mediastinum ends on the diaphragm
    x = np.concatenate([wall, floor_x, inner[up][::-1]])
    return np.stack([half.side * x, np.concatenate([y, floor_y, y[up][::-1]])], axis=1)


def heart(body: Body) -> Points:
    """Return the outline of the heart; its width is exactly ratio x inner thorax."""
    width = body.heart_ratio * 2 * body.half_width
    bottom = (body.right.base + body.left.base) / 2 - 0.35 * body.left.dome
    height = 0.31 + 0.28 * (width - 0.3) - 0.03 * body.apex_height
    lift = 0.06 * body.apex_height
    corners = np.array(
        [
            (-0.34, 0.06), (-0.92, 0.42), (-1.0, 0.68), (-0.7, 0.93), (-0.2, 1.0),
            (0.35, 1.04), (0.78, 1.03 - lift), (1.0, 0.86 - lift), (0.95, 0.66 - lift),
            (0.66, 0.36), (0.42, 0.14), (0.3, 0.0), (0.0, -0.04),
        ]
    )  # fmt: skip
    curve = closed_spline(corners)
    right, left = -curve[:, 0].min(), curve[:, 0].max()
    share = np.where(curve[:, 0] < 0, (1 - body.heart_left) / right, body.heart_left / left)
    x = curve[:, 0] * share * width + body.turn + body.midline
    return np.stack([x, bottom + height * (curve[:, 1] - 1)], axis=1)


def mediastinum(body: Body) -> Points:
    """Return the outline of what lies between the lungs above the heart, with the neck."""
    shift = body.turn + body.midline
    right, left = -body.mediastinum + shift, body.mediastinum + shift
    knob = body.apex + 0.32 * (body.left.base - body.apex)
    bottom = body.left.base - body.left.dome
    return np.array(
        [
            (-0.085, -0.2), (-0.075, body.apex - 0.02), (right, body.apex + 0.12), (right, bottom),
            (left, bottom), (left, knob + 0.05), (left + body.aortic_knob, knob),
            (left, knob - 0.06), (left, body.apex + 0.1), (0.075, body.apex - 0.02), (0.085, -0.2),
        ]
    )  # fmt: skip


def abdomen(body: Body) -> Points:
    """Return everything below the diaphragm, from wall to wall."""
    u = np.linspace(0, 1, STEPS)
    lines = []
    for half in body.sides:
        outer = lateral_wall(body, np.ones(1))[0] + 0.004
        inner = half.side * (body.turn + body.midline)
        x = half.side * (inner + u * (outer - inner))
        lines.append(np.stack([x, diaphragm(body, half, u)], axis=1))
    right, left = lines
    ends = np.array([(left[-1, 0], BELOW), (right[-1, 0], BELOW)])
    return np.concatenate([right[::-1], left, ends])


def skin(body: Body) -> Points:
    """Return the outline of the body: neck, shoulders, sides; arms stand off."""
    side = body.half_width + body.wall
    right = np.array(
        [
            (0.12, -0.3), (0.125, body.apex - 0.08), (0.2, body.apex - 0.03),
            (0.36, body.apex + 0.005), (0.48, body.apex + 0.06), (0.56, body.apex + 0.16),
            (0.58, body.apex + 0.3), (side + 0.03, body.apex + 0.33), (side, body.apex + 0.42),
            (side + 0.005, 0.75), (side - 0.005, 1.0), (side, BELOW),
        ]
    )  # fmt: skip
    return np.concatenate([right * (-1, 1), right[::-1]])
