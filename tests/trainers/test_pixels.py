from pathlib import Path

import numpy as np
import pytest
import torch

from daug.errors import ManifestError
from daug.loading import load_radiograph
from tests.trainers.rows import noise_image, write_image, write_manifest
from trainers.manifest import Row, read_manifest
from trainers.pixels import large_enough, pixel_array, to_model_range


@pytest.fixture
def rows(tmp_path: Path) -> list[Row]:
    """Upright, square and wide."""
    for i, shape in enumerate([(160, 120), (120, 120), (110, 150)]):
        write_image(tmp_path / f"{i}.png", noise_image(i, *shape))
    lines = [{"id": str(i), "Edema": "1"} for i in range(3)]
    return read_manifest(write_manifest(tmp_path / "manifest.csv", lines))


def test_the_array_holds_what_a_model_sees_to_half_a_grey_level(
    rows: list[Row], tmp_path: Path
) -> None:
    array = pixel_array(rows, 32, tmp_path / "cache")
    assert array.shape == (3, 32, 32)
    assert array.dtype == np.uint8
    for found, row in zip(to_model_range(array), rows, strict=True):
        expected = load_radiograph(row.image).model_input(32).pixels
        np.testing.assert_allclose(found[0], expected, atol=0.5 / 127.5 + 1e-6)


def test_eight_bits_survive_the_way_to_the_models_range_and_back() -> None:
    levels = np.arange(256, dtype=np.uint8).reshape(1, 16, 16)
    images = to_model_range(levels)
    assert images.shape == (1, 1, 16, 16)
    assert images.dtype == torch.float32
    assert (float(images.min()), float(images.max())) == (-1, 1)
    np.testing.assert_array_equal(((images + 1) * 127.5).round().numpy()[:, 0], levels)


def test_the_second_time_the_array_comes_from_the_cache(rows: list[Row], tmp_path: Path) -> None:
    first = np.array(pixel_array(rows, 32, tmp_path / "cache"))
    for row in rows:
        row.image.unlink()
    np.testing.assert_array_equal(pixel_array(rows, 32, tmp_path / "cache"), first)


def test_other_rows_or_another_size_have_an_array_of_their_own(
    rows: list[Row], tmp_path: Path
) -> None:
    cache = tmp_path / "cache"
    whole = pixel_array(rows, 32, cache)
    np.testing.assert_array_equal(pixel_array(rows[::-1], 32, cache), whole[::-1])
    assert pixel_array(rows[:1], 32, cache).shape == (1, 32, 32)
    assert pixel_array(rows, 16, cache).shape == (3, 16, 16)


def test_unreadable_images_are_counted_and_named_and_leave_no_array(
    rows: list[Row], tmp_path: Path
) -> None:
    rows[0].image.write_bytes(b"no picture")
    rows[2].image.unlink()
    cache = tmp_path / "cache"
    with pytest.raises(ManifestError, match=r"2 of 3 images cannot be read: 0\.png.*2\.png"):
        pixel_array(rows, 32, cache)
    assert list(cache.iterdir()) == []


def test_thumbnails_are_left_out_by_their_shorter_side(rows: list[Row]) -> None:
    assert large_enough(rows) == rows
    assert large_enough(rows, min_side=111) == rows[:2]


def test_a_missing_image_is_no_thumbnail(rows: list[Row]) -> None:
    rows[1].image.unlink()
    with pytest.raises(ManifestError, match=r"1 of 3 images cannot be read: 1\.png"):
        large_enough(rows)
