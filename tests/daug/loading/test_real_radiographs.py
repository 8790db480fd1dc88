"""Radiographs of people, from the optional shared folder; nothing of them is kept here."""

from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from daug.loading import load_radiograph
from daug.radiograph import SideMarking, SpacingPlane
from daug.view import View

pytestmark = pytest.mark.shared


def share(pixels: NDArray[np.float32], top: float, left: float) -> NDArray[np.float32]:
    """A twentieth of the picture's height and width, from this share of them on."""
    rows, columns = pixels.shape
    return pixels[
        int(top * rows) : int((top + 0.05) * rows),
        int(left * columns) : int((left + 0.05) * columns),
    ]


def test_a_computed_radiograph_stored_as_monochrome1_shows_bone_bright(shared: Path) -> None:
    radiograph = load_radiograph(shared / "dicom/chest_pa_mono1_15bit_j2k.dcm")
    pixels = radiograph.pixels
    air = np.median(share(pixels, 0.04, 0)), np.median(share(pixels, 0.04, 0.95))
    lung = np.median(share(pixels, 0.27, 0.30)), np.median(share(pixels, 0.22, 0.68))
    spine = np.median(share(pixels, 0.45, 0.47))
    assert max(air) < min(lung) < max(lung) < spine
    assert max(air) < -0.3
    assert spine > 0.5
    # heart and its apex on the right of the picture, liver high on the left
    assert np.median(share(pixels, 0.65, 0.62)) > np.median(share(pixels, 0.65, 0.34))
    assert radiograph.side is SideMarking.RIGHT_ON_LEFT
    assert radiograph.view is View.PA
    assert len(np.unique(pixels)) > 4096  # 15 bits, not 8
    assert radiograph.spacing is None  # the file says 0 x 0
    assert any("spacing" in warning for warning in radiograph.warnings)


def test_a_captured_radiograph_loads_with_its_detector_spacing(shared: Path) -> None:
    radiograph = load_radiograph(shared / "dicom/chest_pa_mono2_8bit_jpeg.dcm")
    assert np.median(share(radiograph.pixels, 0, 0)) < -0.9
    assert np.median(share(radiograph.pixels, 0.6, 0.47)) > 0.3
    assert radiograph.spacing is not None
    assert radiograph.spacing.plane is SpacingPlane.DETECTOR
    assert radiograph.view is View.PA
    assert any("burned" in warning for warning in radiograph.warnings)


def test_8_bit_pictures_are_what_the_trainers_were_trained_on(shared: Path) -> None:
    paths = [
        *sorted((shared / "cxr/fullres").glob("*.png"))[:3],
        *(sorted(folder.iterdir())[0] for folder in sorted((shared / "cxr/images").iterdir())),
    ]
    assert len(paths) > 5
    for path in paths:
        with Image.open(path) as picture:
            plain = np.asarray(picture.convert("L"), dtype=np.float32)
        np.testing.assert_array_equal(load_radiograph(path).pixels, plain / 127.5 - 1)
