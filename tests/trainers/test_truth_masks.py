"""What experts drew lies on the model's square where the radiograph shows it."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from daug.errors import ManifestError
from daug.radiograph import Radiograph
from tests.trainers.rows import write_image
from trainers.manifest import Box
from trainers.truth_masks import boxes_on_square, mask_on_square, shrink_mask

sides = st.integers(64, 300)


@given(rows=sides, columns=sides, size=st.sampled_from([32, 64, 128]), seed=st.integers(0, 999))
def test_a_mask_covers_the_pixels_of_the_model_that_the_radiograph_shows_it_in(
    rows: int, columns: int, size: int, seed: int
) -> None:
    dice = np.random.default_rng(seed)
    (y0, y1), (x0, x1) = (sorted(dice.choice(side + 1, 2, False)) for side in (rows, columns))
    mask = np.zeros((rows, columns), dtype=np.bool_)
    mask[y0:y1, x0:x1] = True
    if mask.all():
        return
    seen = Radiograph(np.where(mask, 1, -1).astype(np.float32), "drawn").model_input(size).pixels

    found = shrink_mask(mask, size)

    if (seen > -0.001).any():
        clear = np.abs(seen) > 0.001  # not exactly half of a pixel
        assert (found == (seen > 0))[clear].all()
    else:  # too thin for any pixel: where it shows most
        assert found.any()
        assert seen[found].min() == pytest.approx(seen.max(), abs=0.001)


def test_a_mask_of_a_wide_picture_leaves_the_padding_free(tmp_path: Path) -> None:
    path = write_image(tmp_path / "all.png", np.full((100, 200), 255, dtype=np.uint8))
    found = mask_on_square(path, 64)
    wanted = np.zeros((64, 64), dtype=np.bool_)
    wanted[16:48] = True
    assert (found == wanted).all()


def test_an_empty_mask_stays_empty(tmp_path: Path) -> None:
    path = write_image(tmp_path / "none.png", np.zeros((100, 200), dtype=np.uint8))
    assert not mask_on_square(path, 64).any()


def test_what_is_smaller_than_a_pixel_of_the_model_is_kept() -> None:
    mask = np.zeros((512, 512), dtype=np.bool_)
    mask[200, 300] = True
    assert np.argwhere(shrink_mask(mask, 64)).tolist() == [[25, 37]]


def test_a_missing_or_broken_mask_is_named(tmp_path: Path) -> None:
    with pytest.raises(ManifestError, match=r"a/heart\.png"):
        mask_on_square(tmp_path / "a" / "heart.png", 64)
    (tmp_path / "heart.png").write_text("no picture")
    with pytest.raises(ManifestError, match="cannot be read"):
        mask_on_square(tmp_path / "heart.png", 64)


def test_a_box_lies_where_the_same_rectangle_drawn_as_a_mask_lies() -> None:
    height, width, size = 200, 400, 128
    box = Box("nodule", 0.25, 0.5, 0.375, 0.75)
    mask = np.zeros((height, width), dtype=np.bool_)
    mask[100:150, 100:150] = True
    found = boxes_on_square([box], height, width, size)
    assert (found == shrink_mask(mask, size)).all()
    assert np.argwhere(found).min(axis=0).tolist() == [32 + 32, 32]


shares = st.floats(0, 1)


@given(box=st.tuples(shares, shares, shares, shares), height=sides, width=sides)
def test_every_box_keeps_a_pixel_and_its_area_to_a_pixel_on_each_side(
    box: tuple[float, float, float, float], height: int, width: int
) -> None:
    (x0, x1), (y0, y1) = sorted(box[:2]), sorted(box[2:])
    if x0 == x1 or y0 == y1:
        return
    size = 64
    found = boxes_on_square([Box("a", x0, y0, x1, y1)], height, width, size)
    assert found.any()
    scale = size / max(height, width)
    for axis, share, side in ((1, y1 - y0, height), (0, x1 - x0, width)):
        assert abs(found.any(axis=axis).sum() - share * side * scale) <= 1.51


def test_several_boxes_are_one_mask_and_none_is_empty() -> None:
    boxes = [Box("a", 0, 0, 0.25, 0.25), Box("b", 0.5, 0.5, 1, 1)]
    found = boxes_on_square(boxes, 100, 100, 64)
    assert found.sum() == 16 * 16 + 32 * 32
    assert not boxes_on_square([], 100, 100, 64).any()
