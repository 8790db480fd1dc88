import json
import math
from pathlib import Path
from typing import Any

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn

from daug.errors import TrainingError
from tests.trainers.toy import Toy
from trainers import loop as module
from trainers.loop import Due, Training, learning_rate_share, share_done
from trainers.problem import LoopSettings, Progress


@pytest.fixture(autouse=True)
def _machine_of_known_speed(monkeypatch: pytest.MonkeyPatch) -> None:
    """Measuring the real one takes most of a second, and is tested elsewhere."""
    monkeypatch.setattr("trainers.throughput.convolution_peak", lambda device: 1e12)


def settings(**changes: Any) -> LoopSettings:
    values = {"batch_size": 4, "learning_rate": 0.02, "warmup_steps": 2, "log_seconds": 0.0}
    return LoopSettings(**{"steps": 12, "ema_decay": 0.9, **values, **changes})


def train(folder: Path, problem: Toy | None = None, *, resume: bool = False, **changes: Any) -> Toy:
    problem = problem or Toy()
    Training(problem, settings(**changes), folder).run(resume=resume)
    return problem


def losses(folder: Path) -> dict[int, float]:
    lines = (folder / "log.jsonl").read_text("utf-8").splitlines()
    return {line["step"]: line["loss"] for line in map(json.loads, lines)}


class PulledPlugError(Exception):
    pass


class Interrupted(Toy):
    """A training whose machine is switched off while a batch is drawn."""

    def __init__(self, after: int) -> None:
        super().__init__()
        self.after = after

    def draw_batch(self, size: int, generator: torch.Generator) -> tuple[torch.Tensor, ...]:
        if self.batches > self.after:  # one batch more, since the FLOP count takes one
            raise PulledPlugError
        return super().draw_batch(size, generator)


def interrupt(folder: Path, after: int, **changes: Any) -> None:
    with pytest.raises(PulledPlugError):
        train(folder, Interrupted(after), checkpoint_minutes=0.0, **changes)


def test_training_lowers_the_loss_and_stops_at_its_steps(tmp_path: Path) -> None:
    problem = train(tmp_path, Toy(dropout=0.0), steps=200, learning_rate=0.05)
    found = losses(tmp_path)
    assert list(found) == list(range(1, 201))
    assert found[200] < 0.2 * found[1]
    assert problem.reports == [200]


def test_training_stops_at_its_budget_of_time(tmp_path: Path) -> None:
    training = Training(Toy(), settings(steps=None, budget_minutes=0.3 / 60), tmp_path)
    training.run()
    assert 0.3 <= training.progress.elapsed < 3
    assert training.progress.step > 1


def test_a_training_without_an_end_is_refused() -> None:
    with pytest.raises(TrainingError, match="an end"):
        LoopSettings()


def test_every_image_is_counted(tmp_path: Path) -> None:
    training = Training(Toy(), settings(steps=5, accumulate=3), tmp_path)
    training.run()
    assert training.progress.images == 5 * 3 * 4


def test_a_folder_that_holds_a_run_is_left_alone(tmp_path: Path) -> None:
    train(tmp_path)
    before = (tmp_path / "log.jsonl").read_bytes()
    with pytest.raises(TrainingError, match=r"already holds a run\. Add --resume"):
        train(tmp_path)
    assert (tmp_path / "log.jsonl").read_bytes() == before


def test_a_folder_without_a_run_cannot_be_resumed(tmp_path: Path) -> None:
    with pytest.raises(TrainingError, match="no checkpoint"):
        train(tmp_path, resume=True)


@pytest.mark.parametrize("after", [1, 5, 11])
def test_a_resumed_run_has_exactly_the_losses_of_an_uninterrupted_one(
    tmp_path: Path, after: int
) -> None:
    """Batches, dropout, optimiser, averaged weights and learning rate all go on where they were."""
    whole = train(tmp_path / "whole")
    interrupt(tmp_path / "parted", after)
    parted = train(tmp_path / "parted", resume=True)
    assert losses(tmp_path / "parted") == losses(tmp_path / "whole")
    for one, other in zip(whole.model.parameters(), parted.model.parameters(), strict=True):
        assert (one == other).all()
    saved = [torch.load(tmp_path / name / "weights/toy.pt") for name in ("whole", "parted")]
    assert all((saved[0][key] == saved[1][key]).all() for key in saved[0])


def test_time_of_the_parts_adds_up(tmp_path: Path) -> None:
    interrupt(tmp_path, 4)
    training = Training(Toy(), settings(), tmp_path)
    training.checkpoints.restore()
    so_far = training.progress.elapsed
    assert so_far > 0
    again = Training(Toy(), settings(), tmp_path)
    again.run(resume=True)
    assert again.progress.elapsed > so_far


@pytest.mark.parametrize(
    "broken",
    ["model.safetensors", "optimizer.bin", "custom_checkpoint_0.pkl", "custom_checkpoint_1.pkl"],
)
@pytest.mark.parametrize("how", ["cut short", "overwritten", "empty", "gone"])
def test_a_broken_last_checkpoint_is_skipped_for_the_one_before(
    tmp_path: Path, broken: str, how: str
) -> None:
    interrupt(tmp_path, 6)
    last, before = sorted((tmp_path / "checkpoints").iterdir(), reverse=True)
    spoil(last / broken, how)
    training = Training(Toy(), settings(), tmp_path)
    training.checkpoints.restore()
    assert training.progress.step == int(before.name.removeprefix("step-"))


def test_a_run_goes_on_to_the_same_end_from_the_checkpoint_before_a_broken_one(
    tmp_path: Path,
) -> None:
    whole = train(tmp_path / "whole")
    interrupt(tmp_path / "parted", 6)
    last = max((tmp_path / "parted/checkpoints").iterdir())
    spoil(last / "optimizer.bin", "cut short")
    parted = train(tmp_path / "parted", resume=True)
    for one, other in zip(whole.model.parameters(), parted.model.parameters(), strict=True):
        assert (one == other).all()


def test_when_no_checkpoint_can_be_read_that_is_said(tmp_path: Path) -> None:
    interrupt(tmp_path, 6)
    for folder in (tmp_path / "checkpoints").iterdir():
        spoil(folder / "model.safetensors", "overwritten")
    with pytest.raises(TrainingError, match="no checkpoint that can be read"):
        train(tmp_path, resume=True)


def spoil(path: Path, how: str) -> None:
    content = path.read_bytes()
    if how == "gone":
        path.unlink()
    else:
        half = content[: len(content) // 2]
        path.write_bytes({"cut short": half, "overwritten": b"x" * 500, "empty": b""}[how])


def test_a_loss_that_is_no_number_stops_the_training_and_keeps_the_last_checkpoint(
    tmp_path: Path,
) -> None:
    problem = Toy()
    problem.spoilt_from = 5
    with pytest.raises(TrainingError, match="toy: the loss is nan at step 4"):
        train(tmp_path, problem, checkpoint_minutes=0.0)
    resumed = Training(Toy(), settings(), tmp_path)
    resumed.checkpoints.restore()
    assert resumed.progress.step == 4
    assert all(torch.isfinite(p).all() for p in resumed.problem.model.parameters())


def test_saved_weights_are_averaged_ones_and_training_goes_on_with_its_own(tmp_path: Path) -> None:
    problem = train(tmp_path, learning_rate=0.1, ema_decay=0.99)
    saved = torch.load(tmp_path / "weights/toy.pt")
    own = problem.model.state_dict()
    distance = {k: float((saved[k] - own[k]).abs().max()) for k in own}
    assert max(distance.values()) > 0.01
    assert problem.model.training


def test_averaged_weights_are_those_of_the_closed_form(tmp_path: Path) -> None:
    """average <- d average + (1 - d) weights, with d = 1 - (1 + n)^-3/4 but never above decay."""

    class Watched(Toy):
        def __init__(self) -> None:
            super().__init__()
            self.history: list[torch.Tensor] = []

        def loss(self, model: nn.Module, batch: tuple[torch.Tensor, ...]) -> torch.Tensor:
            self.history.append(next(iter(self.model.parameters())).detach().clone())
            return super().loss(model, batch)

    problem = Watched()
    Training(problem, settings(steps=6, ema_decay=0.7), tmp_path).run()
    # The first two are from before training: the FLOP count's, and the first step's.
    states = [*problem.history[2:], next(iter(problem.model.parameters())).detach()]
    expected = states[0]
    for n, state in enumerate(states[1:], start=1):
        decay = min(0.7, 1 - (1 + n) ** -0.75)
        expected = decay * expected + (1 - decay) * state
    saved = torch.load(tmp_path / "weights/toy.pt")
    torch.testing.assert_close(saved["1.weight"], expected)


def test_accumulating_batches_is_one_large_batch(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Same images, same mean: four batches of 4 give the step of one batch of 16."""
    monkeypatch.setattr(module, "has_fast_bf16", lambda device: False)
    small = train(tmp_path / "small", Toy(dropout=0.0), steps=3, accumulate=4)
    large = train(tmp_path / "large", Toy(dropout=0.0), steps=3, batch_size=16)
    for one, other in zip(small.model.parameters(), large.model.parameters(), strict=True):
        torch.testing.assert_close(one, other, atol=1e-5, rtol=0)
    # Adam's step does not hang on the gradient's size, so the loss has to tell a sum from a mean.
    assert losses(tmp_path / "small") == pytest.approx(losses(tmp_path / "large"))


@given(st.floats(0, 1), st.integers(0, 10_000), st.integers(0, 1000))
def test_the_learning_rate_is_a_line_up_then_half_a_cosine(
    done: float, step: int, warmup: int
) -> None:
    share = learning_rate_share(done, step, warmup)
    line = 1.0 if step + 1 >= warmup else (step + 1) / warmup
    assert share == pytest.approx(line * math.cos(math.pi * done / 2) ** 2, abs=1e-12)


@pytest.mark.parametrize(
    ("done", "step", "share"), [(0, 0, 0.01), (0, 49, 0.5), (0, 99, 1), (0.5, 500, 0.5), (1, 9, 0)]
)
def test_the_learning_rate_at_a_few_points(done: float, step: int, share: float) -> None:
    assert learning_rate_share(done, step, warmup_steps=100) == pytest.approx(share)


def test_a_training_is_over_by_steps_or_by_time_whichever_is_further() -> None:
    both = LoopSettings(steps=100, budget_minutes=10)
    assert share_done(both, Progress(step=30, elapsed=120)) == pytest.approx(0.3)
    assert share_done(both, Progress(step=30, elapsed=480)) == pytest.approx(0.8)
    assert share_done(LoopSettings(steps=100), Progress(step=30, elapsed=1e9)) == 0.3
    assert share_done(LoopSettings(budget_minutes=1), Progress(step=10**9, elapsed=30)) == 0.5


def test_each_thing_is_due_at_its_own_interval(monkeypatch: pytest.MonkeyPatch) -> None:
    now = [0.0]
    monkeypatch.setattr("trainers.loop.time.monotonic", lambda: now[0])
    due = Due(log=10.0, checkpoint=25.0)
    seen = []
    for second in range(1, 61):
        now[0] = second
        seen += [(second, what) for what in ("log", "checkpoint") if due(what)]
    assert [s for s, what in seen if what == "log"] == [10, 20, 30, 40, 50, 60]
    assert [s for s, what in seen if what == "checkpoint"] == [25, 50]


def test_settings_are_written_beside_the_run(tmp_path: Path) -> None:
    train(tmp_path, steps=1)
    values = json.loads((tmp_path / "settings.json").read_text("utf-8"))
    assert LoopSettings(**values) == settings(steps=1)
