import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from numpy.typing import NDArray
from pydicom.dataset import Dataset
from pydicom.pixels.processing import apply_modality_lut, apply_voi_lut, apply_windowing

from daug.loading.gray_levels import (
    LookupTable,
    Window,
    WindowFunction,
    inverted,
    rescaled,
    shown_from_8_bits,
    stretched_by_percentile,
)

VALUES = np.arange(-200, 4200, dtype=np.float32)
LEVELS = st.floats(-5000, 5000, width=32)


def floats(*values: float) -> NDArray[np.float32]:
    return np.array(values, dtype=np.float32)


@st.composite
def windows(draw: st.DrawFn) -> Window:
    return Window(draw(LEVELS), draw(st.floats(1, 5000)), draw(st.sampled_from(WindowFunction)))


@given(windows(), LEVELS, LEVELS)
def test_a_window_never_turns_darker_into_brighter(window: Window, a: float, b: float) -> None:
    darker, brighter = window.apply(np.array([min(a, b), max(a, b)], dtype=np.float32))
    assert darker <= brighter


@given(windows(), LEVELS)
def test_a_window_stays_between_black_and_white(window: Window, value: float) -> None:
    assert -1 <= window.apply(np.array([value], dtype=np.float32))[0] <= 1


@pytest.mark.parametrize(
    ("window", "value", "shown"),
    [
        # PS3.3 C.11.2.1.2.1: black at and below c - 0.5 - (w - 1) / 2, white above c - 0.5 + ...
        (Window(2048, 4096), 0, -1),
        (Window(2048, 4096), 4095, 1),
        (Window(2048, 4096), 2047.5, 0),
        (Window(2048, 1), 2047, -1),  # the standard's own example of a threshold
        (Window(2048, 1), 2047.5, -1),
        (Window(2048, 1), 2048, 1),
        (Window(0, 100), -50, -1),
        (Window(0, 100), 49, 1),
        (Window(0, 100), 48, 1 - 2 / 99),
        # C.11.2.1.3.2: from c - w / 2 to c + w / 2
        (Window(0, 100, WindowFunction.LINEAR_EXACT), -50, -1),
        (Window(0, 100, WindowFunction.LINEAR_EXACT), 50, 1),
        (Window(0, 100, WindowFunction.LINEAR_EXACT), 25, 0.5),
        (Window(0, 0.5, WindowFunction.LINEAR_EXACT), 0.25, 1),
        # C.11.2.1.3.1: half way at the center, 1 / (1 + exp(-2)) at half a width from it
        (Window(70, 100, WindowFunction.SIGMOID), 70, 0),
        (Window(70, 100, WindowFunction.SIGMOID), 120, 2 / (1 + np.exp(-2)) - 1),
    ],
)
def test_windows_have_the_edges_of_the_standard(window: Window, value: float, shown: float) -> None:
    assert window.apply(np.array([value], dtype=np.float32))[0] == pytest.approx(shown, abs=1e-6)


@pytest.mark.parametrize("function", WindowFunction)
@pytest.mark.parametrize(("center", "width"), [(2048, 4096), (1000, 350.5), (40, 2), (-100, 1)])
def test_windows_agree_with_pydicom(function: WindowFunction, center: float, width: float) -> None:
    header = Dataset()
    header.PhotometricInterpretation = "MONOCHROME2"
    header.BitsStored, header.PixelRepresentation = 12, 0
    header.WindowCenter, header.WindowWidth = center, width
    header.VOILUTFunction = str(function)
    expected = apply_windowing(VALUES.astype(np.float64), header) / 4095 * 2 - 1
    np.testing.assert_allclose(
        Window(center, width, function).apply(VALUES), expected, rtol=0, atol=1e-5
    )


@given(windows(), LEVELS)
def test_a_window_is_the_formula_of_the_standard(window: Window, x: float) -> None:
    """PS3.3 C.11.2.1.2.1, C.11.2.1.3.1 and C.11.2.1.3.2, with y from -1 to 1, word by word."""
    c, w, y_min, y_max = window.center, window.width, -1.0, 1.0
    if window.function is WindowFunction.SIGMOID:
        expected = (y_max - y_min) / (1 + np.exp(np.clip(-4 * (x - c) / w, -700, 700))) + y_min
    elif window.function is WindowFunction.LINEAR_EXACT:
        if x <= c - w / 2:
            expected = y_min
        elif x > c + w / 2:
            expected = y_max
        else:
            expected = ((x - c) / w + 0.5) * (y_max - y_min) + y_min
    elif x <= c - 0.5 - (w - 1) / 2:
        expected = y_min
    elif x > c - 0.5 + (w - 1) / 2:
        expected = y_max
    else:
        expected = ((x - (c - 0.5)) / (w - 1) + 0.5) * (y_max - y_min) + y_min
    # at the edge of a window hardly wider than one, float32 may fall on either side
    steep = 1 if window.function is not WindowFunction.LINEAR else w / max(w - 1, 1e-9)
    tolerance = 1e-5 + 4e-3 * steep / w
    assert window.apply(floats(x))[0] == pytest.approx(expected, abs=min(tolerance, 2))


@pytest.mark.parametrize(
    ("width", "function"),
    [
        (0, WindowFunction.LINEAR),
        (0.5, WindowFunction.LINEAR),
        (-5, WindowFunction.LINEAR),
        (0, WindowFunction.LINEAR_EXACT),
        (0, WindowFunction.SIGMOID),
    ],
)
def test_a_window_too_narrow_for_its_function_cannot_exist(
    width: float, function: WindowFunction
) -> None:
    with pytest.raises(ValueError, match="wider"):
        Window(100, width, function)


@given(st.lists(st.floats(-1, 1, width=32), min_size=1))
def test_inverting_twice_changes_nothing(levels: list[float]) -> None:
    shown = np.array(levels, dtype=np.float32)
    np.testing.assert_array_equal(inverted(inverted(shown)), shown)


@given(st.floats(-1, 1, width=32))
def test_inverting_makes_dark_bright(level: float) -> None:
    assume(level != 0)
    assert (inverted(np.array([level], dtype=np.float32))[0] > 0) == (level < 0)


@pytest.mark.parametrize(("slope", "intercept"), [(1, 0), (2.5, -1024), (-1, 4095), (1e-3, 0)])
def test_rescaling_agrees_with_pydicom(slope: float, intercept: float) -> None:
    stored = np.arange(0, 4096, dtype=np.uint16)
    header = Dataset()
    header.RescaleSlope, header.RescaleIntercept = slope, intercept
    np.testing.assert_allclose(
        rescaled(stored, slope, intercept), apply_modality_lut(stored, header), rtol=1e-6, atol=1e-3
    )


@pytest.mark.parametrize(("first", "bits", "count"), [(0, 12, 4096), (500, 8, 256), (100, 16, 9)])
def test_tables_agree_with_pydicom_and_hold_their_ends(first: int, bits: int, count: int) -> None:
    entries = np.linspace(0, 2**bits - 1, count).round()[::-1].astype(np.uint16)
    item = Dataset()
    item.LUTDescriptor, item.LUTData = [count, first, bits], entries.tolist()
    item["LUTData"].VR = "US"
    header = Dataset()
    stored = np.arange(0, 4096, dtype=np.uint16)
    if bits == 8:  # pydicom 3.0.2 looks up VOI tables of 8 bits modulo 256
        header.ModalityLUTSequence = [item]
        looked_up = apply_modality_lut(stored, header)
    else:
        header.VOILUTSequence = [item]
        looked_up = apply_voi_lut(stored, header)
    table = LookupTable(entries, first, bits)
    np.testing.assert_array_equal(table.look_up(stored.astype(np.float32)), looked_up)
    np.testing.assert_allclose(
        table.apply(stored.astype(np.float32)),
        looked_up.astype(np.float64) / (2**bits - 1) * 2 - 1,
        atol=1e-6,
    )
    assert table.look_up(floats(-1e6))[0] == entries[0]
    assert table.look_up(floats(1e6))[0] == entries[-1]


def test_a_table_that_overflows_its_stated_bits_still_ends_at_white() -> None:
    table = LookupTable(np.array([0, 1000, 4095], dtype=np.uint16), 0, bits=8)
    middle = 1000 / 4095 * 2 - 1
    np.testing.assert_allclose(table.apply(floats(0, 1, 2)), [-1, middle, 1], atol=1e-6)


def test_without_a_window_half_a_percent_is_clipped_at_either_end() -> None:
    shown = stretched_by_percentile(np.arange(100_001, dtype=np.float32))
    assert (shown == -1).sum() == pytest.approx(500, abs=2)
    assert (shown == 1).sum() == pytest.approx(500, abs=2)
    assert shown[50_000] == pytest.approx(0, abs=1e-6)


def test_padding_does_not_move_the_percentiles() -> None:
    image = np.arange(10_000, dtype=np.float32)
    padded = np.concatenate([image, np.full(90_000, 65535, np.float32)])
    shown = stretched_by_percentile(padded, ignored=padded == 65535)
    np.testing.assert_array_equal(shown[:10_000], stretched_by_percentile(image))


def test_a_few_odd_pixels_in_a_flat_image_are_still_told_apart() -> None:
    values = np.zeros(10_000, dtype=np.float32)
    values[0] = 7
    shown = stretched_by_percentile(values)
    assert shown[0] == 1
    assert (shown[1:] == -1).all()


def test_8_bits_run_from_black_to_white() -> None:
    levels = np.arange(256, dtype=np.uint8)
    np.testing.assert_array_equal(shown_from_8_bits(levels), levels.astype(np.float32) / 127.5 - 1)
