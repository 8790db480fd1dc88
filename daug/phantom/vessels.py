"""Hila and the vessels that branch from them, and the air in trachea and main bronchi."""

from collections.abc import Iterator

import numpy as np

from daug.phantom.body import Body, Hemithorax
from daug.phantom.canvas import Canvas, Floats, Layer, Lines

STEPS = 7  # points of a branch
HILUM_FROM_MEDIASTINUM = 0.025
DENSITY = 0.2


def vessels(body: Body, canvas: Canvas) -> Layer:
    """Return the density of hila and vessels; they are to be seen in the lungs alone."""
    curves = [curve for half in body.sides for curve in _tree(body, half)]
    return np.float32(DENSITY) * canvas.lines(curves, soft=0.002)


def airways(body: Body, canvas: Canvas) -> Layer:
    """Return how much of the mediastinum's density trachea and main bronchi take away."""
    shift = body.turn + body.midline
    carina = body.apex + 0.31 * (body.left.base - body.apex)
    trachea = np.array([[(body.turn, -0.1), (body.turn, body.apex), (shift, carina)]])
    bronchi = np.array([[(shift, carina), hilum_at(body, half)] for half in body.sides])
    tubes = [Lines(trachea, np.array([0.038]), 0.9), Lines(bronchi, np.array([0.024] * 2), 0.55)]
    return canvas.lines(tubes, soft=0.005)


def hilum_at(body: Body, half: Hemithorax) -> tuple[float, float]:
    """Return x and y of a hilum."""
    out = half.side * (body.mediastinum + HILUM_FROM_MEDIASTINUM)
    return out + body.turn + body.midline, half.hilum


def _tree(body: Body, half: Hemithorax) -> Iterator[Lines]:
    """Each branch bends as it goes, and sends a thinner one off halfway."""
    angle, bend, length, width = half.vessels.T
    start = np.tile(hilum_at(body, half), (len(angle), 1))
    trunk = _branches(start, half, angle, bend, length)
    yield Lines(trunk[:, :3], 1.7 * width, 1.0)
    yield Lines(trunk[:, 2:5], width, 0.8)
    yield Lines(trunk[:, 4:], 0.6 * width, 0.5)
    turned = angle + np.where(bend < 0, 0.45, -0.45)
    twigs = _branches(trunk[:, 2], half, turned, bend, 0.6 * length)
    yield Lines(twigs[:, :4], 0.7 * width, 0.55)
    yield Lines(twigs[:, 3:], 0.5 * width, 0.35)


def _branches(
    start: Floats, half: Hemithorax, angle: Floats, bend: Floats, length: Floats
) -> Floats:
    """Return the points of branches, (K, STEPS, 2).

    Args:
        start: Where each begins, (K, 2).
        half: Whose side they are on.
        angle: At the start, radians; 0 is outwards, positive down, (K,).
        bend: How much that changes to the end, (K,).
        length: In shares of the side, (K,).
    """
    heading = angle[:, None] + bend[:, None] * np.linspace(0, 1, STEPS)
    step = np.full((len(angle), STEPS), 1 / (STEPS - 1)) * length[:, None]
    step[:, 0] = 0
    x = start[:, :1] + half.side * np.cumsum(step * np.cos(heading), axis=1)
    y = start[:, 1:] + np.cumsum(step * np.sin(heading), axis=1)
    return np.stack([x, y], axis=2)
