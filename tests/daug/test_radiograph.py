import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from daug.errors import RadiographError
from daug.radiograph import AIR, PixelSpacing, Radiograph, SpacingPlane, pixel_digest


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
