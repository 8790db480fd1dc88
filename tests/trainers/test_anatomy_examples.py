"""What the anatomy model is shown: masks stay on their organs, whatever becomes of the picture."""

from collections.abc import Callable

import cv2
import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from daug.anatomy_network import AnatomyConfig
from daug.organs import mask_box
from tests.daug.drawn_chest import DrawnChest
from tests.trainers.chests import LEVELS, drawn_radiograph
from trainers.anatomy.disturbances import add_borders, add_objects, change_levels, degrade
from trainers.anatomy.opacities import paint_fluid, paint_opacities
from trainers.anatomy.problem import AnatomyProblem, AnatomySettings, Examples, disturb
from trainers.anatomy.warping import WarpRange, draw_warp, warp

SIZE = 64
seeds = st.integers(0, 2**32 - 1)
CHEST = DrawnChest(side=2 * SIZE, heart=(0.44, 0.62)).organs()
MASKS = np.stack([m.astype(np.uint8) * 255 for m in CHEST.by_name.values()])


def small() -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Image in [0, 1] and masks, at the model's size."""
    organs = DrawnChest(side=SIZE, heart=(0.44, 0.62)).organs()
    masks = np.stack([m.astype(np.float32) for m in organs.by_name.values()])
    return (drawn_radiograph(organs) / 255).astype(np.float32), masks


@given(seed=seeds, goes_on=st.booleans())
def test_a_picture_and_its_mask_are_moved_alike(seed: int, goes_on: bool) -> None:
    places = draw_warp(WarpRange(), MASKS[2], SIZE, np.random.default_rng(seed))
    lung = warp(MASKS[0], places)
    seen = warp(255 - MASKS[0], places, goes_on=True)  # black where the lung is
    assert np.abs(255 - lung.astype(int) - seen).max() <= 1


def test_a_warp_of_nothing_is_a_mere_shrinking() -> None:
    still = WarpRange((0, 0), 0, 0, 0, 0, (0, 0))
    places = draw_warp(still, MASKS[2], SIZE, np.random.default_rng(0))
    for mask in MASKS:
        wanted = cv2.resize(mask, (SIZE, SIZE), interpolation=cv2.INTER_AREA)
        assert np.abs((warp(mask, places) > 127).astype(int) - (wanted > 127)).mean() < 0.01


@pytest.mark.parametrize("gain", [-0.2, 0.2, 0.4])
def test_a_heart_is_made_larger_or_smaller_and_the_ribs_stay(gain: float) -> None:
    only_heart = WarpRange((0, 0), 0, 0, 0, 0, (gain, gain))
    still = WarpRange((0, 0), 0, 0, 0, 0, (0, 0))

    def width(limits: WarpRange, mask: NDArray[np.uint8]) -> int:
        places = draw_warp(limits, MASKS[2], 2 * SIZE, np.random.default_rng(0))
        box = mask_box(warp(mask, places) > 127)
        assert box is not None
        return box.right - box.left

    grown = width(only_heart, MASKS[2]) / width(still, MASKS[2])
    assert grown == pytest.approx(1 + gain, abs=0.5 * abs(gain))
    thorax = width(only_heart, MASKS[0] | MASKS[1]) / width(still, MASKS[0] | MASKS[1])
    assert thorax == pytest.approx(1, abs=0.06)


@given(seed=seeds)
def test_an_opacity_brightens_the_lungs_and_leaves_masks_and_the_rest_alone(seed: int) -> None:
    image, masks = small()
    before, drawn = image.copy(), masks.copy()

    paint_opacities(image, masks, np.random.default_rng(seed))

    assert (masks == drawn).all()
    far = cv2.dilate(masks[:2].max(axis=0), np.ones((19, 19))) == 0
    assert (image[far] == before[far]).all()
    changed = (np.abs(image - before) > 0.2) & (masks[:2].max(axis=0) > masks[2])
    assert (image[changed] > before[changed]).all()


@given(seed=seeds)
def test_fluid_takes_the_lowest_part_of_a_lung_and_nothing_above_it(seed: int) -> None:
    image, masks = small()
    drawn = masks.copy()

    paint_fluid(image, masks, np.random.default_rng(seed))

    assert (masks <= drawn).all()
    assert (masks[2] == drawn[2]).all()
    for lung, before in zip(masks[:2], drawn[:2], strict=True):
        rows = np.flatnonzero(before.any(axis=1))
        kept_down_to = rows[0] + 0.6 * (rows[-1] - rows[0])
        above = np.arange(SIZE) < kept_down_to
        assert (lung[above] == before[above]).all()
        lost = before > lung
        if lost.any():  # in every column what lies below the surface is gone
            columns = lost.any(axis=0)
            surface = lost.argmax(axis=0)
            below = np.arange(SIZE)[:, None] > surface[None]
            assert not lung[below & columns[None]].any()


@pytest.mark.parametrize("change", [change_levels, degrade])
@given(seed=seeds)
def test_grey_levels_change_and_stay_numbers(
    change: Callable[[NDArray[np.float32], np.random.Generator], NDArray[np.float32]], seed: int
) -> None:
    image, _ = small()
    before = image.copy()
    changed = change(image, np.random.default_rng(seed))
    assert changed.shape == image.shape
    assert changed.dtype == np.float32
    assert np.isfinite(changed).all()
    assert (image == before).all()


@given(seed=seeds)
def test_a_frame_hides_organs_from_image_and_masks_alike(seed: int) -> None:
    image, masks = small()
    before, drawn = image.copy(), masks.copy()
    add_borders(image, masks, np.random.default_rng(seed))
    hidden = (drawn != masks).any(axis=0)
    assert (masks[:, hidden] == 0).all()
    assert len(np.unique(image[hidden])) <= 1
    untouched = image == before
    assert (masks[:, untouched] == drawn[:, untouched])[:, hidden[untouched] == 0].all()


@given(seed=seeds)
def test_letters_and_wires_leave_most_of_the_picture_alone(seed: int) -> None:
    image, _ = small()
    before = image.copy()
    add_objects(image, np.random.default_rng(seed))
    assert (image != before).mean() < 0.6
    assert image.max() <= 1.001


def problem(plain_share: float = 0.1) -> AnatomyProblem:
    examples = Examples(drawn_radiograph(CHEST)[None], MASKS[None])
    config = AnatomyConfig(SIZE, patch=4, channels=(8, 16))
    return AnatomyProblem(
        examples, examples, config, AnatomySettings(("drawn",), plain_share=plain_share)
    )


@hypothesis_settings(max_examples=30)
@given(seed=seeds)
def test_a_sample_hangs_on_its_generator_alone_and_is_in_range(seed: int) -> None:
    first, again = (problem().draw_batch(2, torch.Generator().manual_seed(seed)) for _ in range(2))
    for one, other in zip(first, again, strict=True):
        assert torch.equal(one, other)
    images, masks = first
    assert images.shape == (2, 1, SIZE, SIZE)
    assert masks.shape == (2, 3, SIZE, SIZE)
    assert images.dtype == masks.dtype == torch.float32
    assert images.abs().max() <= 1
    assert 0 <= masks.min() <= masks.max() <= 1


@given(seed=seeds)
def test_the_masks_of_a_sample_lie_where_its_picture_shows_the_organ(seed: int) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("trainers.anatomy.problem.disturb", lambda image, masks, dice: image)
        asked = problem()
        asked.examples = Examples(MASKS[:1], MASKS[None])  # the picture is its left lung
        images, masks = asked.draw_batch(1, torch.Generator().manual_seed(seed))
    assert ((images[0, 0] + 1) / 2 - masks[0, 0]).abs().max() < 0.01


def test_some_samples_are_shown_as_they_are() -> None:
    images, masks = problem(plain_share=1.0).draw_batch(1, torch.Generator().manual_seed(0))
    wanted = cv2.resize(MASKS[0], (SIZE, SIZE), interpolation=cv2.INTER_AREA) / 255
    assert np.abs(masks[0, 0].numpy() - wanted).mean() < 0.01
    inside = images[0, 0][masks[0, 0] == 1]
    assert inside.median() == pytest.approx(LEVELS["left_lung"] / 127.5 - 1, abs=0.01)


def test_the_loss_is_least_for_the_right_answer() -> None:
    asked = problem()
    batch = asked.draw_batch(4, torch.Generator().manual_seed(1))
    hard = ((batch[1] > 0.5).float(),)

    def loss(logits: torch.Tensor) -> float:
        answer = torch.nn.Module()
        answer.forward = lambda _: logits
        return float(asked.loss(answer, (batch[0], *hard)))

    right = 20 * (2 * hard[0] - 1)
    assert loss(right) == pytest.approx(0, abs=0.01)
    assert loss(torch.zeros_like(right)) > 0.5
    assert loss(-right) > loss(torch.zeros_like(right))


def test_disturbing_keeps_the_image_and_its_masks_of_one_shape() -> None:
    image, masks = small()
    assert disturb(image, masks, np.random.default_rng(0)).shape == masks.shape[1:]
