from pathlib import Path
from typing import Any

import numpy as np
import pytest
from pydicom.dataset import Dataset

from daug.loading import load_radiograph
from daug.radiograph import PixelSpacing, SideMarking, SpacingPlane
from daug.view import View
from tests.daug.loading.dicom_files import write_dicom

PATIENT, DETECTOR = SpacingPlane.PATIENT, SpacingPlane.DETECTOR
CODED_SIDE = {
    SideMarking.RIGHT_ON_LEFT: "L",
    SideMarking.RIGHT_ON_RIGHT: "R",
    SideMarking.UNKNOWN: "?",
}


@pytest.mark.parametrize(
    ("stated", "view"),
    [
        ("PA", View.PA),
        ("AP", View.AP),
        ("pa ", View.PA),
        ("LL", View.LATERAL),
        ("RL", View.LATERAL),
        ("LATERAL", View.LATERAL),
        ("LLD", View.UNKNOWN),  # lying on the left side, seen from the front
        ("", View.UNKNOWN),
        (None, View.UNKNOWN),
        ("SPECIAL", View.UNKNOWN),
    ],
)
def test_the_view_is_what_the_file_says(tmp_path: Path, stated: str | None, view: View) -> None:
    radiograph = load_radiograph(write_dicom(tmp_path, ViewPosition=stated))
    assert radiograph.view is view
    assert any("lateral" in warning for warning in radiograph.warnings) == (view is View.LATERAL)


@pytest.mark.parametrize(
    ("code", "scheme", "view"),
    [
        ("272479007", "SCT", View.PA),
        ("R-10206", "SRT", View.AP),
        ("399173006", "SCT", View.LATERAL),
        ("399260004", "SCT", View.UNKNOWN),
    ],
)
def test_a_coded_view_counts_where_no_word_does(
    tmp_path: Path, code: str, scheme: str, view: View
) -> None:
    item = Dataset()
    item.CodeValue, item.CodingSchemeDesignator = code, scheme
    assert load_radiograph(write_dicom(tmp_path, ViewCodeSequence=[item])).view is view


@pytest.mark.parametrize(
    ("orientation", "side", "turn", "warned"),
    [
        (["L", "F"], "L", lambda stored: stored, False),
        (["LH", "FL"], "L", lambda stored: stored, False),  # slightly oblique
        (["R", "F"], "R", lambda stored: stored, False),  # shown as it is, never mirrored
        (["L", "H"], "L", np.flipud, True),
        (["R", "H"], "L", lambda stored: stored[::-1, ::-1], True),
        (["F", "L"], "R", lambda stored: np.rot90(stored, -1), True),
        (["F", "R"], "L", lambda stored: np.rot90(stored, -1), True),
        (["H", "L"], "L", np.rot90, True),
        (["H", "R"], "R", np.rot90, True),
        (["A", "F"], "?", lambda stored: stored, False),
        (["L"], "L", lambda stored: stored, False),
        (None, "?", lambda stored: stored, False),
        ("", "?", lambda stored: stored, False),
    ],
)
def test_the_head_is_up_and_the_side_is_the_files(
    tmp_path: Path, orientation: Any, side: str, turn: Any, warned: bool
) -> None:
    stored = np.arange(80 * 100, dtype=np.uint16).reshape(80, 100) % 4096
    window: dict[str, Any] = {"WindowCenter": 2048, "WindowWidth": 4096}
    plain = load_radiograph(write_dicom(tmp_path, stored, **window))
    placed = load_radiograph(
        write_dicom(tmp_path, stored, PatientOrientation=orientation, **window)
    )
    assert CODED_SIDE[placed.side] == side
    np.testing.assert_array_equal(placed.pixels, turn(plain.pixels))
    assert any("upright" in warning for warning in placed.warnings) == warned


# the drawing has 80 x 100 pixels: at 3 mm, a field of 240 x 300 mm
CASES: list[tuple[dict[str, Any], PixelSpacing | None]] = [
    ({}, None),
    ({"PixelSpacing": [3, 3]}, PixelSpacing(3, 3, DETECTOR)),  # "cannot be determined"
    (
        {"PixelSpacing": [3, 3], "PixelSpacingCalibrationType": "GEOMETRY"},
        PixelSpacing(3, 3, PATIENT),
    ),
    (
        {
            "PixelSpacing": [3, 3],
            "ImagerPixelSpacing": [3, 3],
            "PixelSpacingCalibrationType": "FIDUCIAL",
        },
        PixelSpacing(3, 3, PATIENT),
    ),
    ({"ImagerPixelSpacing": [3, 3]}, PixelSpacing(3, 3, DETECTOR)),
    (
        {"PixelSpacing": [3, 3], "ImagerPixelSpacing": ["3.0001", "3.0001"]},
        PixelSpacing(3.0001, 3.0001, DETECTOR),
    ),
    ({"PixelSpacing": [2.8, 2.8], "ImagerPixelSpacing": [3, 3]}, PixelSpacing(2.8, 2.8, PATIENT)),
    (
        {"PixelSpacing": [2.8, 2.8], "NominalScannedPixelSpacing": [3, 3]},
        PixelSpacing(2.8, 2.8, PATIENT),
    ),
    (
        {"ImagerPixelSpacing": [3, 3], "EstimatedRadiographicMagnificationFactor": "1.2"},
        PixelSpacing(2.5, 2.5, PATIENT),
    ),
    (  # calibrated already: the factor is not applied on top
        {
            "PixelSpacing": [2.8, 2.8],
            "ImagerPixelSpacing": [3, 3],
            "EstimatedRadiographicMagnificationFactor": "1.2",
        },
        PixelSpacing(2.8, 2.8, PATIENT),
    ),
    (  # 1 is a filler, and so is 10
        {"ImagerPixelSpacing": [3, 3], "EstimatedRadiographicMagnificationFactor": "1"},
        PixelSpacing(3, 3, DETECTOR),
    ),
    (
        {"ImagerPixelSpacing": [3, 3], "EstimatedRadiographicMagnificationFactor": "10"},
        PixelSpacing(3, 3, DETECTOR),
    ),
    (
        {"PixelSpacing": [0, 0], "ImagerPixelSpacing": [3, 3]},
        PixelSpacing(3, 3, DETECTOR),
    ),
]


@pytest.mark.parametrize(("stated", "spacing"), CASES)
def test_millimeters_are_known_as_far_as_the_standard_lets_them(
    tmp_path: Path, stated: dict[str, Any], spacing: PixelSpacing | None
) -> None:
    found = load_radiograph(write_dicom(tmp_path, **stated)).spacing
    if spacing is None:
        assert found is None
    else:
        assert found is not None
        assert found.plane is spacing.plane
        assert (found.row_mm, found.column_mm) == pytest.approx((spacing.row_mm, spacing.column_mm))


@pytest.mark.parametrize(
    "stated",
    [
        {"PixelSpacing": [0, 0]},
        {"PixelSpacing": [-3, -3]},
        {"PixelSpacing": [3, 0]},
        {"PixelSpacing": [1e-4, 1e-4]},
        {"PixelSpacing": [300, 300]},  # micrometers
        {"PixelSpacing": ["1e300", "1e300"]},
        {"ImagerPixelSpacing": 3},
    ],
)
def test_absurd_spacing_is_no_spacing_and_says_so(tmp_path: Path, stated: dict[str, Any]) -> None:
    radiograph = load_radiograph(write_dicom(tmp_path, **stated))
    assert radiograph.spacing is None
    assert any("spacing" in warning for warning in radiograph.warnings)


def test_oblong_pixels_are_told(tmp_path: Path) -> None:
    radiograph = load_radiograph(write_dicom(tmp_path, ImagerPixelSpacing=[3, 4]))
    assert radiograph.spacing == PixelSpacing(3, 4, DETECTOR)
    assert any("square" in warning for warning in radiograph.warnings)


def test_spacing_turns_with_the_picture(tmp_path: Path) -> None:
    radiograph = load_radiograph(
        write_dicom(tmp_path, ImagerPixelSpacing=[3, 4], PatientOrientation=["F", "R"])
    )
    assert radiograph.pixels.shape == (100, 80)
    assert radiograph.spacing == PixelSpacing(4, 3, DETECTOR)
