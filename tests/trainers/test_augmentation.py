import dataclasses

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

from daug.radiograph import AIR
from trainers.augmentation import AugmentationRange, apply, draw

NONE = AugmentationRange(degrees=0, zoom=0, shift=0, gain=0, offset=0, gamma=0)
SIZE = 32


def images(batch: int = 4) -> Tensor:
    return torch.rand(batch, 1, SIZE, SIZE, generator=torch.Generator().manual_seed(1)) * 2 - 1


def augmented(limits: AugmentationRange, x: Tensor, seed: int = 0) -> Tensor:
    return apply(draw(limits, len(x), torch.Generator().manual_seed(seed)), x)


def test_a_range_of_zero_changes_nothing() -> None:
    torch.testing.assert_close(augmented(NONE, images()), images(), atol=1e-5, rtol=0)


@given(
    st.integers(0, 10_000),
    st.builds(
        AugmentationRange,
        degrees=st.floats(0, 45),
        zoom=st.floats(0, 0.5),
        shift=st.floats(0, 0.5),
        gain=st.floats(0, 0.9),
        offset=st.floats(0, 0.5),
        gamma=st.floats(0, 2),
    ),
)
def test_results_stay_in_range_and_keep_their_shape(seed: int, limits: AugmentationRange) -> None:
    found = augmented(limits, images(2), seed)
    assert found.shape == (2, 1, SIZE, SIZE)
    assert torch.isfinite(found).all()
    assert found.min() >= -1
    assert found.max() <= 1


def test_the_same_generator_gives_the_same_images_and_another_gives_others() -> None:
    limits = AugmentationRange()
    assert (augmented(limits, images(), 5) == augmented(limits, images(), 5)).all()
    assert not torch.allclose(augmented(limits, images(), 5), augmented(limits, images(), 6))


def test_every_image_of_a_batch_is_moved_its_own_way() -> None:
    same = images(1).repeat(4, 1, 1, 1)
    found = augmented(AugmentationRange(), same)
    assert not torch.allclose(found[0], found[1])


@pytest.mark.parametrize("field", [f.name for f in dataclasses.fields(AugmentationRange)])
def test_each_property_alone_has_an_effect(field: str) -> None:
    limits = dataclasses.replace(NONE, **{field: 0.3 if field != "degrees" else 10.0})
    assert not torch.allclose(augmented(limits, images()), images(), atol=1e-3)


def test_left_and_right_are_never_exchanged() -> None:
    """A marker on the right stays right of the middle, whatever is drawn."""
    marked = torch.full((1, 1, SIZE, SIZE), AIR)
    marked[..., 12:20, 24:28] = 1
    for seed in range(200):
        found = augmented(AugmentationRange(), marked, seed)[0, 0] + 1
        columns = torch.arange(SIZE, dtype=torch.float32)
        assert float((found.sum(dim=0) * columns).sum() / found.sum()) > SIZE / 2


def test_what_comes_in_from_outside_is_air_even_when_it_is_made_brighter() -> None:
    white = torch.ones(8, 1, SIZE, SIZE)
    limits = dataclasses.replace(NONE, shift=0.5, offset=0.3)
    drawn = draw(limits, 8, torch.Generator().manual_seed(0))
    found = apply(drawn, white)
    for image, matrix in zip(found, drawn.matrix, strict=True):
        across = float(matrix[0, 2]) / 2  # share of the side; above 0 the right side comes in
        gone = int(abs(across) * SIZE)
        if gone:
            strip = image[0, :, -gone:] if across > 0 else image[0, :, :gone]
            assert (strip == AIR).all()


def test_a_shift_is_a_share_of_the_side() -> None:
    dot = torch.full((1, 1, SIZE, SIZE), AIR)
    dot[..., 16, 16] = 1
    limits = dataclasses.replace(NONE, shift=0.25)
    moved = draw(limits, 1, torch.Generator().manual_seed(0))
    across, down = (float(v) / 2 * SIZE for v in moved.matrix[0, :, 2])
    assert max(abs(across), abs(down)) <= 0.25 * SIZE
    found = apply(moved, dot)[0, 0].numpy() + 1
    rows, columns = np.mgrid[0:SIZE, 0:SIZE]
    assert (found * columns).sum() / found.sum() == pytest.approx(16 - across, abs=0.1)
    assert (found * rows).sum() / found.sum() == pytest.approx(16 - down, abs=0.1)


def test_grey_levels_change_as_gamma_then_gain_then_offset() -> None:
    """A pixel at level g in [0, 1] becomes 2 g^gamma gain - 1 + offset."""
    limits = AugmentationRange(degrees=0, zoom=0, shift=0)
    drawn = draw(limits, 3, torch.Generator().manual_seed(0))
    level = 0.5
    found = apply(drawn, torch.full((3, 1, SIZE, SIZE), 2 * level - 1))[..., 5:6, 5:6]
    expected = 2 * level**drawn.gamma * drawn.gain - 1 + drawn.offset
    torch.testing.assert_close(found, expected, atol=1e-5, rtol=0)
