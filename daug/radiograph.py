"""A chest radiograph, free of its patient's identity, and what a model sees of it.

Nothing here knows about files, networks or screens.
"""

import hashlib
from dataclasses import dataclass, field
from enum import StrEnum

import cv2
import numpy as np
from numpy.typing import NDArray

from daug.errors import RadiographError
from daug.view import View

AIR = -1.0  # the darkest value; what a model sees around a radiograph that is not square
MIN_SIDE = 64  # pixels; below this no model here can say anything
OLDEST_AGE = 90.0  # years; the very old are few enough to be recognised by their age
PIXEL_LEVELS = 65535  # steps between -1 and 1 in the pixel digest


class SideMarking(StrEnum):
    """Which side of the picture is the patient's right; pictures without DICOM do not say."""

    RIGHT_ON_LEFT = "patient's right on the left of the picture"
    RIGHT_ON_RIGHT = "patient's right on the right of the picture"
    UNKNOWN = "side not known"


class SpacingPlane(StrEnum):
    """Where a pixel spacing was measured."""

    PATIENT = "calibrated"
    DETECTOR = "detector plane"  # larger than in the patient, by an unknown magnification


@dataclass(frozen=True)
class PixelSpacing:
    """Distance between pixel centres in mm, (down a column, along a row) as in DICOM."""

    row_mm: float
    column_mm: float
    plane: SpacingPlane

    def __post_init__(self) -> None:
        if not (0 < self.row_mm < 100 and 0 < self.column_mm < 100):
            raise RadiographError(
                f"Pixel spacing must be between 0 and 100 mm, got {self.row_mm} x {self.column_mm}."
            )


@dataclass(frozen=True)
class Pseudonym:
    """Who and which visit, as keyed hashes: the same patient is recognised, never named."""

    patient: str | None = None
    study: str | None = None
    study_order: str | None = None  # sorts the studies of one patient; shifted per patient


@dataclass(frozen=True, eq=False)
class ModelInput:
    """What a model sees of a radiograph: a padded square at the model's own size."""

    pixels: NDArray[np.float32]  # (S, S) in [-1, 1]
    top: int  # first row that shows the radiograph
    left: int  # first column that shows it
    height: int  # rows that show it
    width: int  # columns that show it
    mm_per_pixel: float | None  # None without a known spacing

    def to_radiograph(
        self, values: NDArray[np.float32], shape: tuple[int, int], *, smooth: bool = True
    ) -> NDArray[np.float32]:
        """Bring a map from the model's square back onto the radiograph's own pixels.

        Args:
            values: A map on the model's square, (S, S).
            shape: Rows and columns of the radiograph.
            smooth: Interpolate between model pixels; otherwise each shows as the block it is.
        """
        inside = values[self.top : self.top + self.height, self.left : self.left + self.width]
        how = cv2.INTER_LINEAR if smooth else cv2.INTER_NEAREST
        resized = cv2.resize(np.ascontiguousarray(inside), shape[::-1], interpolation=how)
        return np.asarray(resized, dtype=np.float32)


@dataclass(frozen=True, eq=False)
class Radiograph:
    """One frontal chest radiograph at full resolution, air dark and bone bright."""

    pixels: NDArray[np.float32]  # (H, W) in [-1, 1]
    source_name: str  # what a person calls it: a file's stem or a case's alias, never a name
    view: View = View.UNKNOWN
    side: SideMarking = SideMarking.UNKNOWN
    spacing: PixelSpacing | None = None
    pseudonym: Pseudonym = Pseudonym()
    age: float | None = None  # of the patient in years, OLDEST_AGE at most; None if not stated
    warnings: tuple[str, ...] = ()
    digest: str = field(init=False)  # of the pixels alone, SHA-256 in hexadecimal

    def __post_init__(self) -> None:
        pixels = np.ascontiguousarray(self.pixels, dtype=np.float32)
        if pixels.ndim != 2 or min(pixels.shape) < MIN_SIDE:
            raise RadiographError(
                f"{self.source_name}: the image measures {' x '.join(map(str, pixels.shape))}, "
                f"but at least {MIN_SIDE} x {MIN_SIDE} pixels are needed. Use the original image."
            )
        if not np.isfinite(pixels).all() or pixels.min() < -1 or pixels.max() > 1:
            raise RadiographError(
                f"{self.source_name}: pixel values must be finite and within [-1, 1]."
            )
        if pixels.min() == pixels.max():
            raise RadiographError(
                f"{self.source_name}: every pixel has the same value, so there is nothing to see. "
                "Check that the export from its source was complete."
            )
        if self.age is not None and not 0 <= self.age <= OLDEST_AGE:
            raise RadiographError(
                f"{self.source_name}: an age must be from 0 to {OLDEST_AGE:.0f} years, "
                f"got {self.age}."
            )
        pixels.flags.writeable = False
        object.__setattr__(self, "pixels", pixels)
        object.__setattr__(self, "digest", pixel_digest(pixels))

    def model_input(self, size: int) -> ModelInput:
        """Pad to a square (never crop) and resize, the one place where this is done.

        Args:
            size: Side of the model's square, in pixels.
        """
        rows, columns = self.pixels.shape
        top, left, height, width = square_place(rows, columns, size)
        square = onto_square(self.pixels, size, outside=AIR).clip(-1, 1)
        mm = None if self.spacing is None else self.spacing.row_mm * rows / height
        return ModelInput(square, top, left, height, width, mm)


def square_place(rows: int, columns: int, size: int) -> tuple[int, int, int, int]:
    """Return top, left, height and width of a picture on the model's padded square."""
    longest = max(rows, columns)
    height, width = (max(1, round(size * side / longest)) for side in (rows, columns))
    return (size - height) // 2, (size - width) // 2, height, width


def onto_square(values: NDArray[np.float32], size: int, *, outside: float) -> NDArray[np.float32]:
    """Return a picture, (H, W), on the model's padded square, (size, size)."""
    rows, columns = values.shape
    top, left, height, width = square_place(rows, columns, size)
    how = cv2.INTER_AREA if max(rows, columns) > size else cv2.INTER_LINEAR
    square = np.full((size, size), outside, dtype=np.float32)
    square[top : top + height, left : left + width] = cv2.resize(
        values, (width, height), interpolation=how
    )
    return square


def pixel_digest(pixels: NDArray[np.float32]) -> str:
    """SHA-256 of shape and pixels, rounded to 16 bits so that it does not hang on float noise."""
    levels = np.round((pixels + 1) * (PIXEL_LEVELS / 2)).astype("<u2")
    shape = np.array(levels.shape, dtype="<u4")
    return hashlib.sha256(shape.tobytes() + levels.tobytes()).hexdigest()
