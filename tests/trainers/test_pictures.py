from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
from torch import Tensor

from daug.schedule import linear_alpha_bar
from daug.unet import Denoiser, UNetConfig
from trainers.pictures import (
    RECONSTRUCTION_LEVELS,
    SAMPLES,
    noised,
    rebuild,
    reconstruction_error,
    save_diffusion_pictures,
)

SIZE = 16
SHAPE = UNetConfig(SIZE, patch=2, channels=(32, 32), attention_from=0)


class AlwaysGrey(Denoiser):
    """Knows but one radiograph: the same grey everywhere."""

    grey = 0.25

    def forward(self, x_t: Tensor, t: Tensor) -> Tensor:
        return torch.full_like(x_t, self.grey)


def test_a_perfect_denoiser_of_one_image_rebuilds_it_from_any_level() -> None:
    start = torch.randn(2, 1, SIZE, SIZE)
    for level in (100, 500):
        found = rebuild(AlwaysGrey(SHAPE), start, level, 10)
        torch.testing.assert_close(found, torch.full_like(found, 0.25), atol=1e-3, rtol=0)


def test_the_reconstruction_error_is_the_mean_absolute_difference() -> None:
    """Images of level 64 (of 255) lie at -0.498, so grey 0.25 is 0.748 off."""
    held_out = np.full((3, SIZE, SIZE), 64, dtype=np.uint8)
    errors = reconstruction_error(AlwaysGrey(SHAPE), held_out)
    assert list(errors) == [str(level) for level in RECONSTRUCTION_LEVELS]
    for error in errors.values():
        assert error == pytest.approx(0.25 - (64 / 127.5 - 1), abs=2e-3)


def test_held_out_images_are_noised_alike_each_time_and_by_equation_4() -> None:
    held_out = np.full((50, SIZE, SIZE), 255, dtype=np.uint8)
    first, second = (noised(held_out, 300, torch.device("cpu")) for _ in range(2))
    assert (first == second).all()
    alpha_bar = float(linear_alpha_bar()[299])
    assert float(first.mean()) == pytest.approx(alpha_bar**0.5, abs=0.02)
    assert float(first.var()) == pytest.approx(1 - alpha_bar, abs=0.02)


def test_the_picture_has_samples_held_out_images_and_a_row_for_each_level(tmp_path: Path) -> None:
    held_out = np.full((SAMPLES, SIZE, SIZE), 200, dtype=np.uint8)
    save_diffusion_pictures(AlwaysGrey(SHAPE), held_out, tmp_path / "pictures", 7)
    picture = cv2.imread(str(tmp_path / "pictures/step-00000007.png"), cv2.IMREAD_GRAYSCALE)
    assert picture is not None
    assert picture.shape == ((2 + len(RECONSTRUCTION_LEVELS)) * SIZE, SAMPLES * SIZE)
    assert (picture[SIZE : 2 * SIZE] == 200).all()
    assert abs(int(picture[0, 0]) - 1.25 * 127.5) <= 1


def test_fewer_held_out_images_than_samples_still_make_a_picture(tmp_path: Path) -> None:
    held_out = np.full((3, SIZE, SIZE), 200, dtype=np.uint8)
    save_diffusion_pictures(AlwaysGrey(SHAPE), held_out, tmp_path, 1)
    assert (tmp_path / "step-00000001.png").is_file()
