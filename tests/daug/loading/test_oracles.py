"""What DAug shows of a file is what pydicom and highdicom show of it, up to the scale of gray.

Both are run on the same file, from its bytes to its gray levels. They end in different ranges, so
each is laid over ours by the straight line that fits best; then nothing may be left.
"""

import warnings
from pathlib import Path

import cv2
import highdicom
import numpy as np
import pytest
from numpy.typing import NDArray
from pydicom import dcmread
from pydicom.dataset import Dataset
from pydicom.pixels.processing import apply_color_lut, apply_modality_lut, apply_voi_lut
from pydicom.pixels.utils import pixel_array

from daug.loading import load_radiograph
from tests.daug.loading.dicom_files import bundled_as_radiograph

# All of pydicom's bundled files that hold a gray image of 64 x 64 pixels or more; slices and
# the rest are said to be computed radiographs.
GRAY = (
    "693_J2KI.dcm",
    "CT_small.dcm",
    "J2K_pixelrep_mismatch.dcm",
    "JPEG2000.dcm",
    "MR_small.dcm",
    "MR_small_RLE.dcm",
    "MR_small_bigendian.dcm",
    "MR_small_expb.dcm",
    "MR_small_implicit.dcm",
    "MR_small_jp2klossless.dcm",
    "MR_small_jpeg_ls_lossless.dcm",
    "MR_small_padded.dcm",
    "examples_overlay.dcm",
    "image_dfl.dcm",
)
NO_HIGHDICOM = {"MR_small_bigendian.dcm", "MR_small_expb.dcm"}  # it reads little endian alone
COLOR = (
    "SC_jpeg_no_color_transform.dcm",
    "SC_jpeg_no_color_transform_2.dcm",
    "SC_rgb_jpeg_app14_dcmd.dcm",
    "SC_rgb_jpeg_dcmd.dcm",
    "examples_jpeg2k.dcm",
    "examples_palette.dcm",
    "examples_rgb_color.dcm",
)


def by_pydicom(dataset: Dataset) -> NDArray[np.float64]:
    """The grayscale pipeline as pydicom has it, air dark; values, where there is no window."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        values = apply_modality_lut(pixel_array(dataset, index=0), dataset)
        shown = np.asarray(apply_voi_lut(values, dataset, index=0), dtype=np.float64)
    return -shown if dataset.PhotometricInterpretation == "MONOCHROME1" else shown


def by_highdicom(path: Path) -> NDArray[np.float64]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        image = highdicom.imread(path)
        frame = image.get_frame(1, apply_voi_transform=None, apply_presentation_lut=True)
    return np.asarray(frame, dtype=np.float64)


def assert_alike(ours: NDArray[np.float32], theirs: NDArray[np.float64], atol: float) -> None:
    """Compare where ours is not clipped, after the best straight line; no line may fall."""
    assert ours.shape == theirs.shape
    inside = (ours > -1) & (ours < 1)
    assert inside.mean() > 0.01
    slope, intercept = np.polyfit(theirs[inside], ours[inside].astype(np.float64), 1)
    assert slope > 0
    # clipped by a window in both, or by us alone where the file states none
    np.testing.assert_allclose(ours, np.clip(slope * theirs + intercept, -1, 1), rtol=0, atol=atol)


@pytest.mark.parametrize("name", GRAY)
def test_bundled_images_look_as_pydicom_and_highdicom_show_them(tmp_path: Path, name: str) -> None:
    path = tmp_path / "a.dcm"
    dataset = bundled_as_radiograph(name, path)
    ours = load_radiograph(path).pixels
    assert_alike(ours, by_pydicom(dataset), 1e-3)
    if name not in NO_HIGHDICOM:
        assert_alike(ours, by_highdicom(path), 1e-3)


@pytest.mark.parametrize("name", COLOR)
def test_bundled_colors_come_out_as_the_luminance_of_pydicoms(tmp_path: Path, name: str) -> None:
    path = tmp_path / "a.dcm"
    dataset = bundled_as_radiograph(name, path)
    rgb = pixel_array(dataset, index=0)
    if dataset.PhotometricInterpretation == "PALETTE COLOR":
        rgb = (apply_color_lut(rgb, dataset) >> 8).astype(np.uint8)
    luminance = cv2.cvtColor(np.ascontiguousarray(rgb), cv2.COLOR_RGB2GRAY)
    np.testing.assert_array_equal(
        load_radiograph(path).pixels, luminance.astype(np.float32) / 127.5 - 1
    )


@pytest.mark.shared
def test_radiographs_of_people_look_as_pydicom_and_highdicom_show_them(shared: Path) -> None:
    paths = sorted((shared / "dicom").glob("*.dcm"))
    assert paths
    for path in paths:
        ours = load_radiograph(path).pixels
        assert_alike(ours, by_pydicom(dcmread(path)), 1e-3)
        assert_alike(ours, by_highdicom(path), 1e-3)
