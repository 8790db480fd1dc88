from pathlib import Path
from typing import Any

import highdicom
import numpy as np
import pytest
from numpy.typing import NDArray
from pydicom.dataset import Dataset
from pydicom.pixels.processing import apply_modality_lut, apply_voi_lut
from pydicom.uid import ExplicitVRBigEndian

from daug.errors import RadiographError
from daug.loading import load_radiograph
from daug.view import View
from tests.daug.loading.dicom_files import COLUMNS, ROWS, dataset_of, drawn, saved, write_dicom

FULL_WINDOW: dict[str, Any] = {"WindowCenter": 2048, "WindowWidth": 4096}
RAMP = np.linspace(-1, 1, COLUMNS)


def table(entries: NDArray[Any], first: int, bits: int, vr: str = "US") -> list[Dataset]:
    item = Dataset()
    item.LUTDescriptor = [len(entries) % 2**16, first, bits]
    item.LUTData = entries.astype("<u2").tobytes() if vr == "OW" else entries.tolist()
    item["LUTData"].VR = vr
    item["LUTDescriptor"].VR = "US"
    return [item]


@pytest.mark.parametrize(
    ("photometric", "shape", "bright_right", "contradiction"),
    [
        ("MONOCHROME2", None, True, False),
        ("MONOCHROME2", "IDENTITY", True, False),
        ("MONOCHROME1", None, False, False),
        ("MONOCHROME1", "INVERSE", False, False),  # once, not twice
        ("MONOCHROME1", "IDENTITY", True, True),
        ("MONOCHROME2", "INVERSE", False, True),
    ],
)
def test_bone_comes_out_bright_however_it_is_stored(
    tmp_path: Path, photometric: str, shape: str | None, bright_right: bool, contradiction: bool
) -> None:
    path = write_dicom(
        tmp_path, PhotometricInterpretation=photometric, PresentationLUTShape=shape, **FULL_WINDOW
    )
    radiograph = load_radiograph(path)
    np.testing.assert_allclose(
        radiograph.pixels[1], RAMP if bright_right else -RAMP, rtol=0, atol=3e-4
    )
    assert any("contradicts" in warning for warning in radiograph.warnings) == contradiction
    as_highdicom_shows_it = highdicom.imread(path).get_frame(1, apply_voi_transform=None)
    np.testing.assert_allclose(
        (radiograph.pixels + 1) / 2, as_highdicom_shows_it, rtol=0, atol=1e-5
    )


PIPELINES: list[dict[str, Any]] = [
    FULL_WINDOW,
    {"WindowCenter": [1000, 2048], "WindowWidth": [500, 4096]},  # the first of several
    {"RescaleSlope": 2, "RescaleIntercept": -1024, "WindowCenter": 500, "WindowWidth": 3000},
    FULL_WINDOW | {"VOILUTFunction": "SIGMOID"},
    FULL_WINDOW | {"VOILUTFunction": "LINEAR_EXACT"},
    {"VOILUTSequence": table(np.arange(4096) ** 2 // 4096, 0, 12)},
    {"VOILUTSequence": table(np.arange(4096) ** 2 // 4096, 0, 12, "OW")},
    {"VOILUTSequence": table(np.arange(1000) * 4, 2000, 12), **FULL_WINDOW},  # table first
    {
        "ModalityLUTSequence": table(65535 - np.arange(4096) * 16, 0, 16),
        "WindowCenter": 30000,
        "WindowWidth": 50000,
    },
    {
        "ModalityLUTSequence": table(np.arange(4096) * 16, 0, 16, "OW"),
        "VOILUTSequence": table(np.arange(65536)[::-1], 0, 16),
    },
]


@pytest.mark.parametrize("elements", PIPELINES)
@pytest.mark.parametrize("photometric", ["MONOCHROME1", "MONOCHROME2"])
def test_modality_then_voi_then_inversion_as_pydicom_and_highdicom_have_them(
    tmp_path: Path, elements: dict[str, Any], photometric: str
) -> None:
    path = write_dicom(tmp_path, PhotometricInterpretation=photometric, **elements)
    header = dataset_of(drawn(), **elements)
    voi = apply_voi_lut(apply_modality_lut(drawn(), header), header).astype(np.float64)
    ends = (0, 4095)  # pydicom's output range is that of the stored bits or of the table
    if "RescaleSlope" in elements:
        ends = (-1024, 2 * 4095 - 1024)
    elif "ModalityLUTSequence" in elements:
        ends = (0, 65535)
    expected = (voi - ends[0]) / (ends[1] - ends[0]) * 2 - 1
    shown = load_radiograph(path).pixels
    np.testing.assert_allclose(
        shown, -expected if photometric == "MONOCHROME1" else expected, rtol=0, atol=1e-4
    )
    if "VOILUTSequence" in elements:
        return  # highdicom 0.28 knows tables of 8 and 16 bits only
    highdicom_shows = highdicom.imread(path).get_frame(1, apply_voi_transform=None)
    # loose: highdicom folds slope and window into one, and so takes off 1 / slope for 1
    np.testing.assert_allclose((shown + 1) / 2, highdicom_shows, rtol=0, atol=5e-4)


@pytest.mark.parametrize(
    "elements",
    [
        {"WindowCenter": 2048, "WindowWidth": 0},
        {"WindowCenter": 2048, "WindowWidth": -10},
        {"WindowCenter": 2048},
        {"WindowCenter": "1e300", "WindowWidth": "1e300"},
        {"WindowCenter": 2048, "WindowWidth": 4096, "VOILUTFunction": "CURVED"},
        {"WindowCenter": 60000, "WindowWidth": 10},  # all of the image is below
    ],
)
def test_a_window_that_shows_nothing_is_replaced_and_told(
    tmp_path: Path, elements: dict[str, Any]
) -> None:
    radiograph = load_radiograph(write_dicom(tmp_path, **elements))
    assert any("window" in warning for warning in radiograph.warnings)
    np.testing.assert_array_equal(radiograph.pixels, load_radiograph(write_dicom(tmp_path)).pixels)


def test_without_a_window_all_bits_are_kept_and_the_ends_are_filled(tmp_path: Path) -> None:
    stored = np.arange(ROWS * COLUMNS, dtype=np.uint16).reshape(ROWS, COLUMNS) + 7000
    radiograph = load_radiograph(write_dicom(tmp_path, stored, BitsStored=15, HighBit=14))
    assert radiograph.pixels.min() == -1
    assert radiograph.pixels.max() == 1
    assert len(np.unique(radiograph.pixels)) > 0.98 * stored.size  # 8 bits would leave 256
    assert radiograph.warnings == ()


def test_8_bits_are_shown_as_the_same_picture_in_a_png_is(tmp_path: Path) -> None:
    stored = drawn(10, 200).astype(np.uint8)
    radiograph = load_radiograph(write_dicom(tmp_path, stored))
    np.testing.assert_array_equal(radiograph.pixels, stored.astype(np.float32) / 127.5 - 1)


def test_8_bits_that_are_rescaled_are_not_shown_as_stored(tmp_path: Path) -> None:
    stored = drawn(10, 200).astype(np.uint8)
    path = write_dicom(tmp_path, stored, RescaleSlope=-1, RescaleIntercept=255)
    assert load_radiograph(path).pixels[5, 0] == 1


def test_byte_order_and_sign_do_not_show(tmp_path: Path) -> None:
    plain = load_radiograph(write_dicom(tmp_path))
    dataset = dataset_of(drawn())
    dataset.file_meta.TransferSyntaxUID = ExplicitVRBigEndian
    dataset.PixelData = drawn().astype(">u2").tobytes()
    swapped = load_radiograph(saved(dataset, tmp_path / "swapped.dcm"))
    signed = load_radiograph(
        write_dicom(tmp_path, (drawn().astype(np.int16) - 2048), BitsStored=16, HighBit=15)
    )
    assert plain.digest == swapped.digest == signed.digest
    assert swapped.pixels.dtype.isnative


def test_bits_above_the_stored_ones_are_not_image(tmp_path: Path) -> None:
    overlaid = drawn() | np.uint16(0x8000)  # how old files carry an overlay
    assert (
        load_radiograph(write_dicom(tmp_path, overlaid)).digest
        == load_radiograph(write_dicom(tmp_path)).digest
    )


@pytest.mark.parametrize("photometric", ["MONOCHROME1", "MONOCHROME2"])
@pytest.mark.parametrize(
    ("value", "padding"),
    [
        (4095, {"PixelPaddingValue": 4095}),
        (4000, {"PixelPaddingValue": 3990, "PixelPaddingRangeLimit": 4010}),
    ],
)
def test_padding_is_dark_and_does_not_dim_the_rest(
    tmp_path: Path, photometric: str, value: int, padding: dict[str, Any]
) -> None:
    stored = drawn(100, 900)
    padded = stored.copy()
    padded[:40] = value
    kind: dict[str, Any] = {"PhotometricInterpretation": photometric}
    image = load_radiograph(write_dicom(tmp_path, stored[40:].repeat(2, axis=0), **kind)).pixels
    shown = load_radiograph(write_dicom(tmp_path, padded, **padding, **kind)).pixels
    assert (shown[:40] == -1).all()
    np.testing.assert_allclose(shown[40:], image[::2], atol=1e-6)


def test_padding_written_without_its_sign_is_still_padding(tmp_path: Path) -> None:
    stored = drawn(100, 900).astype(np.int16)
    stored[:40] = -2000
    dataset = dataset_of(stored, BitsStored=16, HighBit=15)
    dataset.add_new("PixelPaddingValue", "US", 2**16 - 2000)
    shown = load_radiograph(saved(dataset, tmp_path / "film.dcm")).pixels
    assert (shown[:40] == -1).all()
    assert shown[41].mean() == pytest.approx(0, abs=0.05)


def test_a_table_for_negative_values_may_state_its_start_without_the_sign(
    tmp_path: Path,
) -> None:
    signed = drawn().astype(np.int16) - 2048
    bent = table(np.arange(4096) ** 2 // 4095, 2**16 - 2048, 12)  # the first is for -2048
    path = write_dicom(tmp_path, signed, BitsStored=16, HighBit=15, VOILUTSequence=bent)
    expected = (drawn()[1] / 4095) ** 2 * 2 - 1
    np.testing.assert_allclose(load_radiograph(path).pixels[1], expected, rtol=0, atol=1e-3)


@pytest.mark.parametrize(
    ("elements", "told"),
    [
        ({}, None),
        ({"BurnedInAnnotation": "NO", "ConversionType": "WSD"}, None),
        ({"BurnedInAnnotation": "YES"}, "burned"),
        ({"ConversionType": "DF"}, "burned"),
        ({"SOPClassUID": "1.2.840.10008.5.1.4.1.1.7"}, "burned"),
        ({"Modality": "OT"}, "burned"),
        ({"BodyPartExamined": "CHEST"}, None),
        ({"BodyPartExamined": "THORAX"}, None),
        ({"BodyPartExamined": "PORT CHEST"}, None),
        ({"BodyPartExamined": "FOOT"}, "another part"),
        ({"Modality": None}, "does not say that it is a radiograph"),
    ],
)
def test_what_is_odd_about_a_file_is_told(
    tmp_path: Path, elements: dict[str, Any], told: str | None
) -> None:
    warnings = load_radiograph(write_dicom(tmp_path, **elements)).warnings
    assert warnings == () if told is None else any(told in warning for warning in warnings)


@pytest.mark.parametrize("modality", ["CR", "DX", "DR", "RG", "OT", "SC"])
def test_radiographs_load(tmp_path: Path, modality: str) -> None:
    assert load_radiograph(write_dicom(tmp_path, Modality=modality)).view is View.UNKNOWN


@pytest.mark.parametrize(
    ("modality", "kind"),
    [("CT", "a CT image"), ("US", "ultrasound"), ("XC", "photograph"), ("ZZ", "another kind")],
)
def test_other_kinds_of_images_are_refused_by_name(
    tmp_path: Path, modality: str, kind: str
) -> None:
    with pytest.raises(RadiographError, match=f"film.dcm: this is .*{kind}.* is needed.*Choose"):
        load_radiograph(write_dicom(tmp_path, Modality=modality))


def test_several_frames_want_a_choice(tmp_path: Path) -> None:
    frames = np.stack([drawn(0, 1000), drawn(0, 4000), drawn(0, 2000)])
    path = write_dicom(tmp_path, frames, NumberOfFrames=3, **FULL_WINDOW)
    with pytest.raises(RadiographError, match=r"3 images.*Choose a frame from 1 to 3"):
        load_radiograph(path)
    brightest = [load_radiograph(path, frame=frame).pixels.max() for frame in (1, 2, 3)]
    assert brightest == pytest.approx([1000 / 2047.5 - 1, 4000 / 2047.5 - 1, 2000 / 2047.5 - 1])
    for beyond in (0, 4):
        with pytest.raises(RadiographError, match=f"no frame {beyond}"):
            load_radiograph(path, frame=beyond)


def test_a_file_of_one_image_has_a_first_frame_and_no_second(tmp_path: Path) -> None:
    path = write_dicom(tmp_path)
    assert load_radiograph(path, frame=1).digest == load_radiograph(path).digest
    with pytest.raises(RadiographError, match="no frame 2"):
        load_radiograph(path, frame=2)


def test_gray_stored_in_colors_is_gray_and_color_is_refused(tmp_path: Path) -> None:
    gray = drawn(10, 200).astype(np.uint8)
    colors: dict[str, Any] = {
        "SamplesPerPixel": 3,
        "PhotometricInterpretation": "RGB",
        "PlanarConfiguration": 0,
    }
    size: dict[str, Any] = {"Rows": ROWS, "Columns": COLUMNS}
    path = write_dicom(tmp_path, np.dstack([gray] * 3), **colors, **size)
    np.testing.assert_array_equal(load_radiograph(path).pixels, gray.astype(np.float32) / 127.5 - 1)
    path = write_dicom(tmp_path, np.dstack([gray, gray[:, ::-1], gray]), **colors, **size)
    with pytest.raises(RadiographError, match="color"):
        load_radiograph(path)


def test_dicom_is_known_by_its_content_not_its_name(tmp_path: Path) -> None:
    path = write_dicom(tmp_path).rename(tmp_path / "IM0001.png")
    assert load_radiograph(path).source_name == "IM0001"


@pytest.mark.parametrize(
    ("stated", "years"),
    [("058Y", 58.0), ("018M", 1.5), ("090Y", 90.0), ("101Y", 90.0), (None, None)],
)
def test_an_age_comes_along_in_years_and_never_above_ninety(
    tmp_path: Path, stated: str | None, years: float | None
) -> None:
    radiograph = load_radiograph(write_dicom(tmp_path, PatientAge=stated, **FULL_WINDOW))
    assert radiograph.age == years
