"""Pictures that the input check should stop: some made of held-out radiographs, some drawn.

Turned, mirrored and inverted ones are made on the model's square, so they are as many as there are
radiographs. Drawn legs and noise need no data. Pictures of other kinds lie in a folder, one
sub-folder for each kind.
"""

from collections.abc import Iterator, Mapping
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from daug.errors import ManifestError, RadiographError
from daug.input_check import Sign
from daug.loading import load_radiograph
from daug.radiograph import Radiograph
from trainers.calibration.drawn_leg import draw_leg

DRAWN = 100  # pictures of each drawn kind
LEG, GRAIN, CLOUDS = "drawn leg", "grain", "clouds of noise"
CLOUD_SIZE = 12  # pixels, of 128
PICTURES = (".bmp", ".jpeg", ".jpg", ".png", ".tif", ".tiff")
Pictures = NDArray[np.float32]  # (N, S, S) in [-1, 1]
Bytes = NDArray[np.uint8]  # (N, S, S)


def misplaced(pixels: Bytes) -> dict[Sign, Bytes]:
    """Return radiographs with grey levels inverted, turned, or mirrored, by what was done."""
    return {
        Sign.INVERTED: _inverted(pixels),
        Sign.UPSIDE_DOWN: np.rot90(pixels, 2, axes=(1, 2)),
        Sign.TURNED_LEFT: np.rot90(pixels, 1, axes=(1, 2)),
        Sign.TURNED_RIGHT: np.rot90(pixels, -1, axes=(1, 2)),
        Sign.MIRRORED: pixels[:, :, ::-1],
    }


def _inverted(pixels: Bytes) -> Bytes:
    """Invert radiographs but not the air around them, which was added after they were read."""
    inside = pixels.any(axis=2, keepdims=True) & pixels.any(axis=1, keepdims=True)
    return np.where(inside, 255 - pixels, pixels)


def drawn_kinds(size: int) -> dict[str, Pictures]:
    """Return pictures that need no data, by kind."""
    return {
        LEG: np.stack([_on_square(draw_leg(seed), size) for seed in range(DRAWN)]),
        GRAIN: np.stack([_noise(seed, size, 0) for seed in range(DRAWN)]),
        CLOUDS: np.stack([_noise(seed, size, CLOUD_SIZE * size / 128) for seed in range(DRAWN)]),
    }


def pictures_of(folder: Path, size: int) -> dict[str, Pictures]:
    """Return the pictures in each sub-folder, by its name; a picture cannot be a DICOM file.

    Raises:
        ManifestError: If there is no sub-folder with pictures, or one cannot be read.
    """
    kinds: Mapping[str, list[Pictures]] = {
        kind.name: list(_read(kind, size)) for kind in sorted(folder.iterdir()) if kind.is_dir()
    }
    found = {kind: np.stack(pictures) for kind, pictures in kinds.items() if pictures}
    if not found:
        raise ManifestError(
            f"{folder} has no sub-folders with pictures. Make one for each kind of picture, named "
            "after it."
        )
    return found


def _read(folder: Path, size: int) -> Iterator[Pictures]:
    for path in sorted(folder.iterdir()):
        if path.suffix.lower() not in PICTURES:
            continue
        try:
            yield load_radiograph(path).model_input(size).pixels
        except RadiographError as error:
            raise ManifestError(f"{path}: {error} Remove it from the folder.") from error


def _on_square(pixels: NDArray[np.float32], size: int) -> Pictures:
    return Radiograph(pixels, source_name="drawn").model_input(size).pixels


def _noise(seed: int, size: int, blur: float) -> Pictures:
    """Return white noise over the whole range, blurred and stretched again if asked for."""
    noise = np.random.default_rng(seed).uniform(-1, 1, (size, size)).astype(np.float32)
    if not blur:
        return noise
    smooth = np.asarray(cv2.GaussianBlur(noise, (0, 0), blur))
    low, high = smooth.min(), smooth.max()
    return np.asarray(2 * (smooth - low) / (high - low) - 1, dtype=np.float32)
