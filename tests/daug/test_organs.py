"""Masks of organs are of one shape, and the largest of what a segmenter sees."""

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from daug.errors import RadiographError
from daug.organs import MaskBox, OrganMasks, mask_box
from daug.radiograph import Radiograph
from daug.seen_organs import SeenOrgans, clean_mask


def test_masks_of_two_shapes_or_of_numbers_are_refused() -> None:
    mask = np.zeros((4, 4), dtype=np.bool_)
    with pytest.raises(RadiographError, match="one height and width"):
        OrganMasks(mask, mask, mask[:2])
    with pytest.raises(RadiographError, match="true or false"):
        OrganMasks(mask, mask, mask.astype(np.uint8))


def test_the_box_of_the_thorax_holds_lungs_and_heart_and_nothing_more() -> None:
    masks = np.zeros((3, 20, 30), dtype=np.bool_)
    assert OrganMasks(*masks).thorax_box is None
    assert OrganMasks(*masks).missing == ("left_lung", "right_lung", "heart")
    masks[0, 3, 20], masks[1, 5:9, 4:7], masks[2, 15, 10] = True, True, True
    organs = OrganMasks(*masks)
    assert organs.thorax_box == MaskBox(top=3, left=4, bottom=16, right=21)
    assert organs.missing == ()
    assert mask_box(organs.thorax_box.mask(organs.shape)) == organs.thorax_box


def test_of_a_mask_the_largest_part_is_kept_and_its_holes_are_filled() -> None:
    mask = np.zeros((60, 60), dtype=np.bool_)
    mask[10:40, 10:40] = True
    wanted = mask.copy()
    mask[20:25, 20:25] = False
    mask[50:55, 50:55] = True
    assert (clean_mask(mask) == wanted).all()


def test_a_speck_is_no_organ() -> None:
    mask = np.zeros((60, 60), dtype=np.bool_)
    mask[3:5, 3:5] = True
    assert not clean_mask(mask).any()


def soft_disc(side: int, radius: float) -> NDArray[np.float32]:
    rows, columns = np.mgrid[0:side, 0:side] - (side - 1) / 2
    away = np.hypot(rows, columns)
    return np.asarray(np.clip(0.5 + radius - away, 0, 1), dtype=np.float32)


def test_confidence_is_one_for_certain_pixels_and_falls_with_doubt_and_stray_parts() -> None:
    sure = (soft_disc(64, 20) > 0.5).astype(np.float32)
    stray = sure.copy()
    stray[:8, :8] = 0.9
    seen = SeenOrgans(np.stack([sure, 0.7 * sure, stray]))
    confidence = seen.confidence
    assert confidence["left_lung"] == pytest.approx(1)
    assert confidence["right_lung"] == pytest.approx(2 * 0.7 / 1.7)
    area = sure.sum()
    assert confidence["heart"] == pytest.approx(2 * area / (2 * area + 0.9 * 64), rel=1e-5)
    assert SeenOrgans(np.zeros((3, 64, 64), np.float32)).confidence["heart"] == 0


@pytest.mark.parametrize("radius", [17.2, 18.5, 19.8])
def test_finer_masks_find_a_border_between_two_pixels_of_the_model(radius: float) -> None:
    disc = soft_disc(64, radius)
    organs = SeenOrgans(np.stack([disc] * 3)).finer(8)
    box = mask_box(organs.heart)
    assert box is not None
    assert (box.right - box.left) / 8 == pytest.approx(2 * radius, abs=0.3)


def test_masks_come_back_to_where_they_lie_on_a_radiograph_that_is_not_square() -> None:
    shape = (400, 300)
    truth = np.zeros((3, *shape), dtype=np.float32)
    cv2.ellipse(truth[0], (220, 180), (50, 120), 0, 0, 360, 1, -1)
    cv2.ellipse(truth[1], (90, 180), (55, 130), 0, 0, 360, 1, -1)
    cv2.ellipse(truth[2], (170, 280), (60, 50), 0, 0, 360, 1, -1)
    inputs = [Radiograph(2 * t - 1, "drawn").model_input(128) for t in truth]
    seen = SeenOrgans(np.stack([(i.pixels + 1) / 2 for i in inputs]))

    organs = seen.on_radiograph(inputs[0], shape)

    for mask, drawn in zip(organs.by_name.values(), truth > 0, strict=True):
        assert 2 * (mask & drawn).sum() / (mask.sum() + drawn.sum()) > 0.985
