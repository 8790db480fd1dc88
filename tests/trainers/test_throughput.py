import json
from pathlib import Path

import pytest
import torch
from accelerate import Accelerator
from torch import Tensor, nn

from trainers import throughput as module
from trainers.problem import LoopSettings, Progress
from trainers.throughput import Throughput, convolution_peak, training_flop

IN, OUT = 24, 40
PEAK = 1e9  # FLOP/s of an imagined machine


class OneLayer:
    """A linear layer: 2 x IN x OUT FLOP forwards, and as many for the weights' gradient."""

    name = "one layer"

    def __init__(self) -> None:
        self.model: nn.Module = nn.Linear(IN, OUT, bias=False)

    def draw_batch(self, size: int, generator: torch.Generator) -> tuple[Tensor, ...]:
        return (torch.randn(size, IN, generator=generator),)

    def loss(self, model: nn.Module, batch: tuple[Tensor, ...]) -> Tensor:
        loss: Tensor = model(batch[0]).square().mean()
        return loss

    def terms(self, batch: tuple[Tensor, ...]) -> Tensor:
        return torch.tensor(len(batch[0]))

    def report(self, folder: Path, step: int) -> dict[str, float]:
        return {}

    def save(self, folder: Path) -> None:
        pass


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The time of day, for tests to turn."""
    now = [100.0]
    monkeypatch.setattr("trainers.throughput.time.monotonic", lambda: now[0])
    monkeypatch.setattr(module, "convolution_peak", lambda device: PEAK)
    return now


def test_flop_of_a_linear_layer_are_counted_forwards_and_backwards() -> None:
    problem = OneLayer()
    assert training_flop(problem, torch.device("cpu")) == 2 * (2 * IN * OUT)
    assert all(p.grad is None for p in problem.model.parameters())


def test_rate_and_share_of_peak_count_from_the_end_of_the_first_step(
    clock: list[float], tmp_path: Path
) -> None:
    problem = OneLayer()
    measured = Throughput(problem, LoopSettings(steps=1), Accelerator())
    progress = Progress()
    for loss in (4.0, 2.0, 3.0):
        clock[0] += 10 if loss == 4.0 else 2  # the first step warms up
        progress.step, progress.images = progress.step + 1, progress.images + 8
        measured.count(loss, progress)
    measured.log(tmp_path, progress, done=0.5)
    line = json.loads((tmp_path / "log.jsonl").read_text("utf-8"))
    assert (line["step"], line["images"], line["loss"]) == (3, 24, 3.0)
    assert line["images_per_second"] == pytest.approx(16 / 4)


def test_share_of_peak_is_flop_per_second_over_peak(
    clock: list[float], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "training_flop", lambda problem, device: 0.05 * PEAK)
    measured = Throughput(OneLayer(), LoopSettings(steps=1), Accelerator())
    progress = Progress(step=1, images=8)
    measured.count(1.0, progress)
    clock[0] += 2
    progress.images += 16
    measured.count(1.0, progress)
    measured.log(tmp_path, progress, done=0.5)
    line = json.loads((tmp_path / "log.jsonl").read_text("utf-8"))
    assert line["share_of_peak"] == pytest.approx(8 * 0.05)


def test_nothing_is_logged_where_no_step_was_taken(clock: list[float], tmp_path: Path) -> None:
    Throughput(OneLayer(), LoopSettings(steps=1), Accelerator()).log(tmp_path, Progress(), 0.0)
    assert not (tmp_path / "log.jsonl").exists()


def test_measuring_the_machine_throws_no_dice_of_the_training() -> None:
    problem = OneLayer()
    torch.manual_seed(7)
    expected = torch.rand(3)
    torch.manual_seed(7)
    Throughput(problem, LoopSettings(steps=1), Accelerator())
    assert (torch.rand(3) == expected).all()


def test_the_peak_is_that_of_a_machine() -> None:
    assert 1e8 < convolution_peak(torch.device("cpu")) < 1e15
