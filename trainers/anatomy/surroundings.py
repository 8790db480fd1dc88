"""What lies around the lungs and is easily taken for them: shoulders, arms, gas in the stomach.

Adults who stand upright with their arms out of the way show little of it; children and patients in
bed show much.
"""

import cv2
import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from daug.organs import MaskBox, mask_box

Floats = NDArray[np.float32]

SHOULDER_CHANCE = 0.4
GAS_CHANCE = 0.2


def add_surroundings(image: Floats, masks: Floats, dice: Generator) -> None:
    """Paint shoulders, arms and gas around the lungs into an image, in place.

    Args:
        image: (S, S) in [0, 1].
        masks: (3, S, S) in [0, 1]: left lung, right lung, heart.
        dice: Source of all chance.
    """
    free = 1 - masks.max(axis=0)
    for lung, outward in ((masks[0], 1), (masks[1], -1)):
        box = mask_box(lung > 0.5)
        if box is None:
            continue
        if dice.random() < SHOULDER_CHANCE:
            _shoulder(image, free, box, outward, dice)
        if outward > 0 and dice.random() < GAS_CHANCE:
            _gas(image, free, box, dice)


def _shoulder(image: Floats, free: Floats, box: MaskBox, outward: int, dice: Generator) -> None:
    """Lay bright bones and dark gaps beside and above the apex of a lung."""
    side = image.shape[0]
    edge = box.right if outward > 0 else box.left
    for _ in range(int(dice.integers(2, 6))):
        start = np.array([edge + outward * dice.uniform(-0.12, 0.1) * side, box.top])
        start[1] += dice.uniform(-0.1, 0.15) * side
        way = np.array([outward * dice.uniform(-0.3, 1), dice.uniform(-0.8, 1)])
        end = start + way * dice.uniform(0.1, 0.4) * side
        drawn = np.zeros_like(image)
        thick = max(1, round(dice.uniform(0.01, 0.07) * side))
        ends = [(int(x), int(y)) for x, y in (start, end)]
        cv2.line(drawn, ends[0], ends[1], 1.0, thick)
        _blend(image, drawn, free, dice)


def _gas(image: Floats, free: Floats, box: MaskBox, dice: Generator) -> None:
    """Leave a dark bubble under the left dome of the diaphragm."""
    side = image.shape[0]
    width, height = dice.uniform(0.04, 0.12) * side, dice.uniform(0.03, 0.1) * side
    x = dice.uniform(box.left, box.right)
    y = box.bottom + dice.uniform(-0.15, 0.1) * side
    drawn = np.zeros_like(image)
    cv2.ellipse(drawn, (int(x), int(y)), (int(width), int(height)), 0, 0, 360, 1.0, -1)
    soft = cv2.GaussianBlur(drawn, (0, 0), 1.0) * free
    dark = dice.uniform(0.4, 0.9) * soft
    image -= dark * (image - np.float32(image.min()))


def _blend(image: Floats, drawn: Floats, free: Floats, dice: Generator) -> None:
    """Brighten or darken a soft shape outside of the organs."""
    soft = cv2.GaussianBlur(drawn, (0, 0), dice.uniform(0.5, 1.5)) * free
    level = dice.uniform(0.6, 1.0) if dice.random() < 0.7 else dice.uniform(0, 0.3)
    image += dice.uniform(0.2, 0.8) * soft * (np.float32(level) - image)
