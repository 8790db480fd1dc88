"""What goes with a source and says nothing of the body: grey levels, blur, text, wires, borders."""

import string

import cv2
import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

Floats = NDArray[np.float32]


def change_levels(image: Floats, dice: Generator) -> Floats:
    """Return an image in [0, 1] with another exposure, contrast and shading."""
    level = image.astype(np.float64)
    if dice.random() < 0.5:  # a window, which may clip
        low, high = np.quantile(level, [dice.uniform(0, 0.1), dice.uniform(0.9, 1)])
        level = (level - low) / max(high - low, 0.05)
    level = level.clip(0, 1) ** 2 ** dice.uniform(-1, 1)
    if dice.random() < 0.2:  # local contrast equalisation, as some archives show it
        clip = cv2.createCLAHE(dice.uniform(1, 4), (int(dice.integers(3, 9)),) * 2)
        level = np.asarray(clip.apply(_eight_bits(level)), dtype=np.float64) / 255
    if dice.random() < 0.5:
        level = level + _shading(image.shape[0], dice)
    contrast = dice.uniform(0.35, 1) if dice.random() < 0.5 else 1.0
    level = dice.uniform(0, 1 - contrast) + contrast * level.clip(0, 1)
    if dice.random() < 0.03:
        level = 1 - level
    return level.astype(np.float32)


def degrade(image: Floats, dice: Generator) -> Floats:
    """Return an image with blur, noise and coarse compression."""
    size, coarse = image.shape[0], image
    if dice.random() < 0.35:
        coarse = _floats(cv2.GaussianBlur(coarse, (0, 0), dice.uniform(0.3, 1.3)))
    if dice.random() < 0.1:  # from a thumbnail
        small = cv2.resize(coarse, (size // 2, size // 2), interpolation=cv2.INTER_AREA)
        coarse = _floats(cv2.resize(small, (size, size), interpolation=cv2.INTER_LINEAR))
    if dice.random() < 0.4:
        grain = dice.uniform(0, 0.06) * dice.standard_normal(image.shape)
        coarse = coarse + grain.astype(np.float32)
    if dice.random() < 0.25:
        quality = [cv2.IMWRITE_JPEG_QUALITY, int(dice.integers(15, 70))]
        _, coded = cv2.imencode(".jpg", _eight_bits(coarse), quality)
        coarse = _floats(cv2.imdecode(coded, cv2.IMREAD_GRAYSCALE)) / np.float32(255)
    return coarse


def add_objects(image: Floats, dice: Generator) -> None:
    """Draw letters, arrows, wires and devices into an image, in place."""
    size = image.shape[0]
    if dice.random() < 0.45:
        for _ in range(int(dice.integers(1, 5))):
            _write(image, dice)
    if dice.random() < 0.3:  # tubes, lines, wires of an ECG
        for _ in range(int(dice.integers(1, 5))):
            ends = dice.uniform(-0.1, 1.1, (2, 2)) * size
            bend = ends.mean(axis=0) + dice.normal(0, 0.15 * size, 2)
            _curve(image, np.vstack([ends[:1], bend, ends[1:]]), dice)
    if dice.random() < 0.15:  # pads, a pacemaker's can
        centre = tuple(int(v) for v in dice.uniform(0.1, 0.9, 2) * size)
        axes = tuple(int(v) for v in dice.uniform(0.015, 0.07, 2) * size)
        cv2.ellipse(image, centre, axes, dice.uniform(0, 180), 0, 360, dice.uniform(0.7, 1), -1)


def add_borders(image: Floats, masks: Floats, dice: Generator) -> None:
    """Lay a frame over image and masks, in place: padding, a shutter's edge, a scanner's lid."""
    size = image.shape[0]
    if dice.random() < 0.35:  # as ModelInput pads a picture that is not square
        width, level, upright = dice.uniform(0.02, 0.16), 0.0, dice.random() < 0.5
        widths = (width, width, 0, 0) if upright else (0, 0, width, width)
    elif dice.random() < 0.3:
        widths, level = tuple(dice.uniform(0, 0.12, 4)), dice.choice([0.0, 0.02, 0.5, 1.0])
    else:
        return
    top, bottom, left, right = (round(size * width) for width in widths)
    inside = np.zeros(image.shape, dtype=bool)
    inside[top : size - bottom, left : size - right] = True
    image[~inside] = level
    masks[:, ~inside] = 0


def _floats(values: object) -> Floats:
    return np.asarray(values, dtype=np.float32)


def _eight_bits(level: NDArray[np.floating]) -> NDArray[np.uint8]:
    return np.round(255 * level.clip(0, 1)).astype(np.uint8)


def _shading(size: int, dice: Generator) -> Floats:
    ramp = np.linspace(-0.5, 0.5, size, dtype=np.float32)
    across, down = dice.normal(0, 0.15, 2)
    return np.asarray(across * ramp[None] + down * ramp[:, None], dtype=np.float32)


def _write(image: Floats, dice: Generator) -> None:
    size = image.shape[0]
    letters = string.ascii_uppercase + string.digits
    text = "".join(dice.choice(list(letters), int(dice.integers(1, 7))))
    x, y = (int(v) for v in dice.uniform(0, 0.9, 2) * size)
    scale, level = dice.uniform(0.2, 0.6), 1.0 if dice.random() < 0.8 else 0.0
    drawn = np.zeros(image.shape, dtype=np.uint8)  # OpenCV writes on 8 bits only
    if dice.random() < 0.2:  # on a plate
        end = (x + int(60 * scale), y - int(25 * scale))
        cv2.rectangle(image, (x, y + 2), end, 1 - level, -1)
    if dice.random() < 0.2:
        tip = (x + int(dice.normal(0, 12)), y + int(dice.normal(0, 12)))
        cv2.arrowedLine(drawn, (x, y), tip, 255, 1, tipLength=0.4)
    else:
        cv2.putText(drawn, text, (x, y), cv2.FONT_HERSHEY_SIMPLEX, scale, 255, 1, cv2.LINE_AA)
    _lay_over(image, drawn, level, 1.0)


def _curve(image: Floats, points: NDArray[np.float64], dice: Generator) -> None:
    """Draw a bright curve with two ends and a bend between them."""
    t = np.linspace(0, 1, 20)[:, None]
    path = (1 - t) ** 2 * points[0] + 2 * t * (1 - t) * points[1] + t**2 * points[2]
    drawn = np.zeros(image.shape, dtype=np.uint8)
    thickness = int(dice.integers(1, 3))
    cv2.polylines(drawn, [np.round(path).astype(np.int32)], False, 255, thickness, cv2.LINE_AA)
    _lay_over(image, drawn, 1.0, dice.uniform(0.1, 0.6))


def _lay_over(image: Floats, drawn: NDArray[np.uint8], level: float, opacity: float) -> None:
    image += np.float32(opacity / 255) * drawn * (np.float32(level) - image)
