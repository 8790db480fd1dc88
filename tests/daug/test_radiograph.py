import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from daug.errors import RadiographError
from daug.radiograph import AIR, ModelInput, PixelSpacing, Radiograph, SpacingPlane, pixel_digest
from daug.view import View

SIDES = st.integers(64, 400)
SIZES = st.sampled_from([32, 128, 256])


def drawn(rows: int, columns: int, **more: object) -> Radiograph:
    pixels = np.linspace(-1, 1, rows * columns, dtype=np.float32).reshape(rows, columns)
    return Radiograph(pixels, source_name="drawn", **more)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("pixels", "complaint"),
    [
        (np.zeros((64, 63), np.float32), "at least 64 x 64 pixels"),
        (np.zeros((64, 64, 3), np.float32), "64 x 64 x 3"),
        (np.zeros((64, 64), np.float32), "every pixel has the same value"),
        (np.full((64, 64), np.nan, np.float32), "must be finite"),
        (np.linspace(0, 2, 4096, dtype=np.float32).reshape(64, 64), r"within \[-1, 1\]"),
    ],
)
def test_what_is_no_radiograph_never_becomes_one(
    pixels: np.ndarray[tuple[int, ...], np.dtype[np.float32]], complaint: str
) -> None:
    with pytest.raises(RadiographError, match=complaint):
        Radiograph(pixels, source_name="bad")


@given(rows=st.integers(64, 400), columns=st.integers(64, 400), size=st.sampled_from([32, 128]))
def test_the_model_sees_the_whole_radiograph_in_the_middle_of_a_square(
    rows: int, columns: int, size: int
) -> None:
    seen = drawn(rows, columns).model_input(size)
    assert seen.pixels.shape == (size, size)
    assert max(seen.height, seen.width) == size
    for side, whole in ((seen.height, rows), (seen.width, columns)):
        assert abs(side - size * whole / max(rows, columns)) <= 0.5  # to the nearest pixel
    assert abs((size - seen.height - seen.top) - seen.top) <= 1
    assert abs((size - seen.width - seen.left) - seen.left) <= 1
    around = np.ones((size, size), bool)
    around[seen.top : seen.top + seen.height, seen.left : seen.left + seen.width] = False
    assert (seen.pixels[around] == AIR).all()


def test_a_hot_model_pixel_comes_back_to_the_place_it_stands_for() -> None:
    """A mark drawn into the radiograph and found in the model's square returns to itself."""
    pixels = np.full((300, 500), -0.5, np.float32)
    pixels[100:112, 380:392] = 1
    radiograph = Radiograph(pixels, source_name="marked")
    seen = radiograph.model_input(128)
    for smooth in (True, False):
        back = seen.to_radiograph(seen.pixels, radiograph.pixels.shape, smooth=smooth)
        assert back.shape == (300, 500)
        row, column = np.unravel_index(cv2.blur(back, (9, 9)).argmax(), back.shape)
        assert abs(int(row) - 105.5) < 4
        assert abs(int(column) - 385.5) < 4


@given(rows=SIDES, columns=SIDES, size=SIZES)
def test_nothing_is_cropped(rows: int, columns: int, size: int) -> None:
    """A frame around the radiograph's very edge is still around what the model sees."""
    pixels = np.full((rows, columns), -1, np.float32)
    pixels[0], pixels[-1], pixels[:, 0], pixels[:, -1] = 1, 1, 1, 1
    seen = Radiograph(pixels, source_name="framed").model_input(size)
    shown = seen.pixels[seen.top : seen.top + seen.height, seen.left : seen.left + seen.width]
    thinnest = -1 + 2 * min(1, size / max(rows, columns)) * 0.4  # what a line one wide leaves
    for edge in (shown[0], shown[-1], shown[:, 0], shown[:, -1]):
        assert edge.min() > thinnest


@given(rows=SIDES, columns=SIDES, size=SIZES, level=st.floats(-1, 1, width=32))
def test_resizing_what_is_all_one_level_leaves_that_level(
    rows: int, columns: int, size: int, level: float
) -> None:
    pixels = np.full((rows, columns), level, np.float32)
    pixels[0, 0] = -1 if level > 0 else 1  # since a constant is no radiograph
    seen = Radiograph(pixels, source_name="flat").model_input(size)
    shown = seen.pixels[seen.top : seen.top + seen.height, seen.left : seen.left + seen.width]
    far = size // 4  # beyond the reach of the odd pixel
    np.testing.assert_allclose(shown[far:, far:], level, rtol=0, atol=1e-6)
    flat = np.full((size, size), level, np.float32)
    back = seen.to_radiograph(flat, (rows, columns))
    np.testing.assert_allclose(back, level, rtol=0, atol=1e-6)


@given(rows=SIDES, columns=SIDES, size=SIZES)
def test_a_place_keeps_its_coordinates_there_and_back(rows: int, columns: int, size: int) -> None:
    """Two ramps, which hold each pixel's own place, return from the model to their places.

    Off by at most half a pixel of the coarser grid, and one at the edges, where a ramp ends.
    """
    height, width = np.mgrid[0:rows, 0:columns].astype(np.float32)
    for place, side in ((height, rows), (width, columns)):
        ramp = place / (side - 1) * 2 - 1
        seen = Radiograph(ramp, source_name="ramp").model_input(size)
        back = (seen.to_radiograph(seen.pixels, (rows, columns)) + 1) / 2 * (side - 1)
        coarser = max(1, max(rows, columns) / size)
        inner = np.abs(back - place)[2:-2, 2:-2]
        assert inner.max() <= coarser
        assert np.abs(back - place).mean() <= coarser / 2


@given(rows=SIDES, columns=SIDES, size=SIZES, mm=st.floats(0.05, 1))
def test_the_millimetres_of_a_model_pixel_measure_the_whole_radiograph(
    rows: int, columns: int, size: int, mm: float
) -> None:
    seen = drawn(rows, columns, spacing=PixelSpacing(mm, mm, SpacingPlane.DETECTOR)).model_input(
        size
    )
    assert seen.mm_per_pixel is not None
    assert seen.mm_per_pixel * seen.height == pytest.approx(mm * rows)
    # across, the aspect is kept up to the rounding of the side to whole model pixels
    assert seen.mm_per_pixel * seen.width == pytest.approx(
        mm * columns, abs=seen.mm_per_pixel * (1 + seen.width / seen.height)
    )


def test_blocks_come_back_as_blocks() -> None:
    """Without smoothing no value appears that the map does not hold."""
    values = np.random.default_rng(0).normal(size=(32, 32)).astype(np.float32)
    seen = ModelInput(values, top=4, left=0, height=24, width=32, mm_per_pixel=None)
    back = seen.to_radiograph(values, (240, 320), smooth=False)
    np.testing.assert_array_equal(back, np.kron(values[4:28], np.ones((10, 10), np.float32)))


def test_resizing_keeps_the_mean_grey_level() -> None:
    radiograph = drawn(300, 300)
    assert radiograph.model_input(128).pixels.mean() == pytest.approx(0, abs=1e-3)


def test_the_size_of_a_model_pixel_follows_from_the_spacing() -> None:
    spacing = PixelSpacing(0.2, 0.2, SpacingPlane.DETECTOR)
    assert drawn(1000, 800, spacing=spacing).model_input(128).mm_per_pixel == pytest.approx(
        0.2 * 1000 / 128
    )
    assert drawn(100, 80).model_input(128).mm_per_pixel is None


@pytest.mark.parametrize("spacing", [0.0, -0.1, 1000.0, float("nan")])
def test_a_pixel_spacing_that_cannot_be_is_refused(spacing: float) -> None:
    with pytest.raises(RadiographError, match="between 0 and 100 mm"):
        PixelSpacing(spacing, 0.1, SpacingPlane.PATIENT)


def test_the_digest_is_of_the_pixels_and_their_shape_alone() -> None:
    one, other = drawn(64, 128), drawn(64, 128, warnings=("lateral",))
    assert one.digest == other.digest == pixel_digest(one.pixels)
    assert drawn(128, 64).digest != one.digest
    changed = one.pixels.copy()
    changed[3, 5] += 0.001
    assert Radiograph(changed, source_name="drawn").digest != one.digest


def test_nobody_changes_the_pixels_of_a_radiograph() -> None:
    with pytest.raises(ValueError, match="read-only"):
        drawn(64, 64).pixels[0, 0] = 0


@pytest.mark.parametrize(
    ("word", "view"),
    [
        ("AP Supine", View.AP),
        ("AP_horizontal", View.AP),
        ("antero-posterior", View.AP),
        (" pa ", View.PA),
        ("posteroanterior", View.PA),
        ("L", View.LATERAL),
        ("LL", View.LATERAL),
        ("left lateral", View.LATERAL),
        ("oblique", View.UNKNOWN),
        ("?", View.UNKNOWN),
        ("", View.UNKNOWN),
    ],
)
def test_the_words_that_data_sets_have_for_a_view_are_known(word: str, view: View) -> None:
    assert View.stated(word) is view
