import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from daug.errors import TrainingError
from daug.schedule import TIMESTEPS, linear_alpha_bar
from daug.unet import Denoiser, PredictionType, UNetConfig, load_unet, save_unet
from tests.trainers.rows import row
from trainers.diffusion import MIN_NOISE_VARIANCE, DiffusionProblem, DiffusionSettings
from trainers.loop import Training
from trainers.problem import LoopSettings

SIZE = 16
SHAPE = UNetConfig(SIZE, patch=2, channels=(32, 32), attention_from=0)
SOURCES = ("one", "two")


def problem(shape: UNetConfig = SHAPE, **changes: Any) -> DiffusionProblem:
    rows = [row(f"{s}{i}", source=s) for s, count in (("one", 6), ("two", 2)) for i in range(count)]
    torch.manual_seed(0)
    return DiffusionProblem(
        rows, images(8), images(3, seed=1), shape, DiffusionSettings(SOURCES, **changes)
    )


def images(count: int, seed: int = 0) -> NDArray[np.uint8]:
    return np.random.default_rng(seed).integers(0, 256, (count, SIZE, SIZE), dtype=np.uint8)


class Known(nn.Module):
    """A network that is off by a known amount everywhere."""

    def __init__(self, shape: UNetConfig, truth: Tensor, error: float) -> None:
        super().__init__()
        self.config = shape
        self.answer = truth + error

    def forward(self, x_t: Tensor, t: Tensor) -> Tensor:
        return self.answer


def loss_of(prediction: PredictionType, t: int, error: float) -> float:
    shape = UNetConfig(SIZE, 2, (32, 32), attention_from=0, prediction_type=prediction)
    trained = problem(shape)
    x_0, eps = torch.rand(1, 1, SIZE, SIZE) * 2 - 1, torch.randn(1, 1, SIZE, SIZE)
    known = Known(shape, eps if prediction is PredictionType.EPSILON else x_0, error)
    trained.model = known
    return float(trained.loss(known, (x_0, eps, torch.tensor([t]))))


@pytest.mark.parametrize("t", [100, 300, 500, 999])
def test_the_loss_of_x_0_is_the_squared_error_of_v(t: int) -> None:
    """v = sqrt(alpha_bar) eps - sqrt(1 - alpha_bar) x_0 (Salimans & Ho 2022), both from x_t."""
    alpha_bar = float(linear_alpha_bar()[t])
    error = 0.1

    def v(x_0: float, x_t: float) -> float:
        eps = (x_t - alpha_bar**0.5 * x_0) / (1 - alpha_bar) ** 0.5
        return float(alpha_bar**0.5 * eps - (1 - alpha_bar) ** 0.5 * x_0)

    expected = (v(0.3 + error, x_t=0.7) - v(0.3, x_t=0.7)) ** 2
    assert loss_of(PredictionType.SAMPLE, t, error) == pytest.approx(expected, rel=1e-3)


def test_the_weight_of_almost_clean_images_is_capped() -> None:
    assert float(linear_alpha_bar()[0]) > 1 - MIN_NOISE_VARIANCE
    found = loss_of(PredictionType.SAMPLE, 0, 0.1)
    assert found == pytest.approx(0.1**2 / MIN_NOISE_VARIANCE, rel=1e-3)


@pytest.mark.parametrize("t", [0, 300, 999])
def test_the_loss_of_eps_is_the_plain_squared_error(t: int) -> None:
    assert loss_of(PredictionType.EPSILON, t, 0.1) == pytest.approx(0.1**2, rel=1e-3)


def test_the_network_is_shown_x_t_of_each_images_own_timestep() -> None:
    trained = problem()
    shown: list[Tensor] = []

    class Watching(Known):
        def forward(self, x_t: Tensor, t: Tensor) -> Tensor:
            shown.append(x_t)
            return super().forward(x_t, t)

    x_0, eps, t = trained.draw_batch(5, torch.Generator().manual_seed(0))
    watching = Watching(SHAPE, x_0, 0.0)
    trained.model = watching
    trained.loss(watching, (x_0, eps, t))
    for i in range(5):
        alpha_bar = linear_alpha_bar()[t[i]].float()
        expected = alpha_bar.sqrt() * x_0[i] + (1 - alpha_bar).sqrt() * eps[i]
        torch.testing.assert_close(shown[0][i], expected)


def test_a_batch_hangs_on_nothing_but_the_generator() -> None:
    first, second = (problem().draw_batch(4, torch.Generator().manual_seed(5)) for _ in range(2))
    torch.rand(1)  # someone else's dice
    for one, other in zip(first, second, strict=True):
        assert (one == other).all()


def test_a_batch_holds_images_in_range_white_noise_and_timesteps() -> None:
    x_0, eps, t = problem().draw_batch(64, torch.Generator().manual_seed(0))
    assert x_0.shape == eps.shape == (64, 1, SIZE, SIZE)
    assert x_0.min() >= -1
    assert x_0.max() <= 1
    assert float(eps.mean()) == pytest.approx(0, abs=0.05)
    assert float(eps.std()) == pytest.approx(1, abs=0.05)
    assert t.shape == (64,)
    assert t.dtype == torch.long


def test_late_timesteps_have_their_share_and_the_rest_is_even() -> None:
    trained = problem(late_from=600, late_share=0.2)
    t = trained._draw_t(50_000, torch.Generator().manual_seed(0))
    assert (int(t.min()), int(t.max())) == (0, TIMESTEPS - 1)
    assert float((t >= 600).float().mean()) == pytest.approx(0.2, abs=0.01)
    assert float((t < 300).float().mean()) == pytest.approx(0.4, abs=0.01)
    assert float((t >= 800).float().mean()) == pytest.approx(0.1, abs=0.01)


def test_a_tiny_denoiser_trains_reports_and_is_saved(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for steps in ("SAMPLE_STEPS", "RECONSTRUCTION_STEPS"):
        monkeypatch.setattr(f"trainers.pictures.{steps}", 2)
    trained = problem()
    Training(trained, LoopSettings(batch_size=2, steps=2, log_seconds=0.0), tmp_path).run()
    assert (tmp_path / "pictures/step-00000002.png").is_file()
    saved = load_unet(tmp_path / "weights/unet")
    assert saved.config == SHAPE
    lines = (tmp_path / "log.jsonl").read_text("utf-8").splitlines()
    assert [json.loads(line)["step"] for line in lines] == [1, 2]


def test_training_can_start_from_earlier_weights_of_the_same_shape(tmp_path: Path) -> None:
    torch.manual_seed(9)
    earlier = Denoiser(SHAPE)
    save_unet(earlier, tmp_path / "unet")
    trained = problem()
    trained.start_from(tmp_path / "unet")
    for name, value in trained.model.state_dict().items():
        assert (value == earlier.state_dict()[name]).all(), name


def test_weights_of_another_shape_are_refused(tmp_path: Path) -> None:
    save_unet(Denoiser(UNetConfig(SIZE, 4, (32, 32), attention_from=0)), tmp_path / "unet")
    with pytest.raises(TrainingError, match="another shape"):
        problem().start_from(tmp_path / "unet")
