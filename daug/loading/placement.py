"""How the patient stands in a picture: view, side, the right way up, and how large pixels are."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from daug.loading.header import Header
from daug.radiograph import PixelSpacing, SideMarking, SpacingPlane
from daug.view import View

VIEWS = {
    "PA": View.PA,
    "AP": View.AP,
    "LL": View.LATERAL,
    "RL": View.LATERAL,
    "LATERAL": View.LATERAL,
    "LAT": View.LATERAL,
    "LLAT": View.LATERAL,
    "RLAT": View.LATERAL,
}
VIEW_CODES = {  # PS3.16 CID 4010, in SNOMED CT and in the SNOMED RT that older files have
    "272479007": View.PA,
    "R-10214": View.PA,
    "399348003": View.AP,
    "R-10206": View.AP,
    "399067008": View.LATERAL,
    "R-102CD": View.LATERAL,
    "399173006": View.LATERAL,
    "R-10236": View.LATERAL,
    "399198007": View.LATERAL,
    "R-10232": View.LATERAL,
}
LATERAL_WARNING = "This is a lateral radiograph; the heatmaps are made for frontal ones."

SPACING_TOLERANCE = 1e-3  # relative; decimal strings round the same spacing differently
# What a chest radiograph may measure along a side, in mm: a newborn's chest is about 90, the
# largest detectors about 430, film scans and stitched images somewhat more. Outside, the
# spacing is a slip of units or a filler value.
SMALLEST_FIELD_MM, LARGEST_FIELD_MM = 50, 1500
# Source-to-detector over source-to-patient distance. 1 is a filler: no patient is that thin.
LARGEST_MAGNIFICATION = 2


@dataclass(frozen=True, eq=False)
class Placed:
    """Pixels with the patient's head up."""

    shown: NDArray[np.float32]  # (H, W)
    side: SideMarking
    spacing: PixelSpacing | None
    warnings: tuple[str, ...]


def view_of(header: Header) -> View:
    """Return the view as View Position (0018,5101) says, else as its code says."""
    stated = header.text("ViewPosition")
    if stated in VIEWS:
        return VIEWS[stated]
    return VIEW_CODES.get(header.view_code, View.UNKNOWN)


def placed(shown: NDArray[np.float32], spacing: PixelSpacing | None, header: Header) -> Placed:
    """Bring the patient's head up and say where his right is.

    A picture that is upright stays as it is, also with the patient's right on its right. One
    that lies on its side or stands on its head is turned; only where turning would bring the
    patient's right to the right of an upside-down picture are its rows reversed instead.

    Args:
        shown: The picture as stored, (H, W).
        spacing: Its pixel spacing as stored.
        header: Patient Orientation (0020,0020) is read: where a row leads to, from left to
            right, and where a column leads to, from top to bottom. PS3.3 C.7.6.1.1.1.
    """
    row, column = (header.text("PatientOrientation", i)[:1] for i in (0, 1))
    turned: tuple[str, ...] = ()
    if column == "H":
        how = "turned upright" if row == "R" else "mirrored top to bottom, so that it is upright"
        turned = (f"The file says that it shows the patient upside down; it was {how}.",)
        shown, row = (shown[::-1, ::-1], "L") if row == "R" else (shown[::-1], row)
    elif row in {"F", "H"} and column in {"L", "R"}:
        turned = ("The file says that it shows the patient lying down; it was turned upright.",)
        to_the_right = row == "F"
        shown = np.rot90(shown, -1 if to_the_right else 1)
        row = {"L": "R", "R": "L"}[column] if to_the_right else column
        if spacing is not None:
            spacing = PixelSpacing(spacing.column_mm, spacing.row_mm, spacing.plane)
    side = {"L": SideMarking.RIGHT_ON_LEFT, "R": SideMarking.RIGHT_ON_RIGHT}.get(row)
    return Placed(np.ascontiguousarray(shown), side or SideMarking.UNKNOWN, spacing, turned)


def spacing_of(header: Header) -> tuple[PixelSpacing | None, tuple[str, ...]]:
    """Return the pixel spacing, where it was measured, and what is odd about it.

    Pixel Spacing is in the patient where its calibration type is stated or where it differs
    from Imager (or Nominal Scanned) Pixel Spacing; where neither is there, "it cannot be
    determined", and the detector plane is assumed. A spacing in the detector plane is divided
    by the Estimated Radiographic Magnification Factor where that is stated.

    Source: PS3.3 10.7.1.1 (2024d); the factor is (0018,1114), source-to-detector distance over
    source-to-patient distance.
    """
    stated = ("PixelSpacing", "ImagerPixelSpacing", "NominalScannedPixelSpacing")
    corrected, imager, scanned = (_plausible(header.numbers(word), header.shape) for word in stated)
    uncorrected = imager or scanned
    if corrected and (
        header.states("PixelSpacingCalibrationType")
        or (uncorrected and not _alike(corrected, uncorrected))
    ):
        return PixelSpacing(*corrected, SpacingPlane.PATIENT), _if_oblong(corrected)
    known = uncorrected or corrected
    if known is None:
        if any(map(header.states, stated)):
            return None, ("The file's pixel spacing makes no sense; millimeters are not known.",)
        return None, ()
    magnification = header.numbers("EstimatedRadiographicMagnificationFactor")[:1]
    if uncorrected and magnification and 1 < magnification[0] <= LARGEST_MAGNIFICATION:
        row_mm, column_mm = (mm / magnification[0] for mm in uncorrected)
        note = f"Millimeters rest on the magnification the file estimates, {magnification[0]:.3g}."
        return PixelSpacing(row_mm, column_mm, SpacingPlane.PATIENT), (note, *_if_oblong(known))
    return PixelSpacing(*known, SpacingPlane.DETECTOR), _if_oblong(known)


def _plausible(numbers: tuple[float, ...], shape: tuple[int, int]) -> tuple[float, float] | None:
    """Return the pair (down a column, along a row) if a chest could measure that much."""
    if len(numbers) != 2:
        return None
    fields = [mm * count for mm, count in zip(numbers, shape, strict=True)]
    if not all(SMALLEST_FIELD_MM <= field <= LARGEST_FIELD_MM for field in fields):
        return None
    return numbers[0], numbers[1]


def _alike(a: tuple[float, float], b: tuple[float, float]) -> bool:
    return bool(np.allclose(a, b, rtol=SPACING_TOLERANCE, atol=0))


def _if_oblong(spacing: tuple[float, float]) -> tuple[str, ...]:
    if _alike(spacing, spacing[::-1]):
        return ()
    return ("The pixels are not square, so the picture looks stretched.",)
