"""A radiograph of a leg, drawn: what a chest model meets when a file was mixed up.

Soft tissue in air, and in it one or two shafts with a dense cortex, a lighter marrow cavity and
wider ends, as a femur or a tibia with its fibula. No patient's picture is needed for it.
"""

import cv2
import numpy as np
from numpy.typing import NDArray

SIDE = 256
SOFT, CORTEX, MARROW = 0.45, 0.95, 0.65  # grey levels in [0, 1], air 0


def draw_leg(seed: int, side: int = SIDE) -> NDArray[np.float32]:
    """Return a drawn radiograph of a leg, (side, side) in [-1, 1].

    Args:
        seed: Of all that varies: bones, widths, tilt, sharpness, grain.
        side: Of the picture, in pixels.
    """
    generator = np.random.default_rng(seed)
    rows, columns = np.mgrid[0:side, 0:side] / side
    tilt, middle = generator.uniform(-0.25, 0.25), generator.uniform(0.42, 0.58)
    across = columns - middle - tilt * (rows - 0.5)  # distance from the leg's axis
    half_width = generator.uniform(0.2, 0.3) * (1 - generator.uniform(0, 0.4) * rows)
    soft = np.sqrt(np.clip(1 - (across / half_width) ** 2, 0, None))  # a round leg
    picture = SOFT * generator.uniform(0.8, 1.2) * soft
    for centre, width in _bones(generator):
        picture = _add_shaft(picture, across - centre, rows, width, generator.uniform(0, 1))
    blurred = cv2.GaussianBlur(picture, (0, 0), generator.uniform(0.5, 1.5) * side / SIDE)
    grain = generator.normal(0, 0.015, picture.shape)
    return np.asarray(np.clip(2 * (blurred + grain) - 1, -1, 1), dtype=np.float32)


def _bones(generator: np.random.Generator) -> list[tuple[float, float]]:
    """Return where each bone lies beside the leg's axis, and half its width."""
    if generator.random() < 0.5:
        return [(0.0, generator.uniform(0.05, 0.08))]  # a femur
    return [(-0.03, generator.uniform(0.05, 0.07)), (0.1, generator.uniform(0.015, 0.025))]


def _add_shaft(
    picture: NDArray[np.float64],
    across: NDArray[np.float64],
    rows: NDArray[np.float64],
    width: float,
    end: float,
) -> NDArray[np.float64]:
    """Lay one bone over the soft tissue; it widens towards the joint at its end."""
    outer = width * (1 + 1.2 * np.exp(-(((rows - round(end)) / 0.12) ** 2)))
    bone, marrow = np.abs(across) < outer, np.abs(across) < 0.6 * outer
    return np.where(marrow, np.maximum(picture, MARROW), np.where(bone, CORTEX, picture))
