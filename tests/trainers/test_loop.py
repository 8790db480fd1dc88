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
from trainers import processes
from trainers.checkpoints import find_damage
from trainers.loop import Training
from trainers.pace import learning_rate_share, share_done
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
    """The loss of each step; every step stands in the log once, and in order."""
    lines = [json.loads(line) for line in (folder / "log.jsonl").read_text("utf-8").splitlines()]
    found = {line["step"]: line["loss"] for line in lines}
    assert [line["step"] for line in lines] == sorted(found)
    return found


class PulledPlugError(Exception):
    pass


class Interrupted(Toy):
    """A training whose machine is switched off in the middle of a step."""

    def __init__(self, after: int) -> None:
        super().__init__()
        self.after = after

    def loss(self, model: nn.Module, batch: tuple[torch.Tensor, ...]) -> torch.Tensor:
        if self.losses >= self.after:
            raise PulledPlugError
        return super().loss(model, batch)


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


def test_dropout_is_new_in_every_step_and_hangs_on_seed_and_step_alone(tmp_path: Path) -> None:
    class Watched(Toy):
        def loss(self, model: nn.Module, batch: tuple[torch.Tensor, ...]) -> torch.Tensor:
            seen.append(float(torch.get_rng_state().float().mean()))
            return super().loss(model, batch)

    found = []
    for name, others_dice in (("one", 1), ("two", 2)):
        seen: list[float] = []
        problem = Watched()
        torch.manual_seed(others_dice)
        train(tmp_path / name, problem)
        found.append(seen[1:])  # without the FLOP count
    assert found[0] == found[1]
    assert len(set(found[0])) == 12


def test_time_of_the_parts_adds_up(tmp_path: Path) -> None:
    interrupt(tmp_path, 4)
    training = Training(Toy(), settings(), tmp_path)
    training.checkpoints.restore()
    so_far = training.progress.elapsed
    assert so_far > 0
    again = Training(Toy(), settings(), tmp_path)
    again.run(resume=True)
    assert again.progress.elapsed > so_far


CHECKPOINT_FILES = ("model.safetensors", "optimizer.bin", "training.pt", "random_states_0.pkl")


@pytest.mark.parametrize("broken", [*CHECKPOINT_FILES, "digests.json"])
@pytest.mark.parametrize("how", ["cut short", "overwritten", "empty", "gone", "one bit flipped"])
def test_a_damaged_last_checkpoint_is_skipped_for_the_one_before_and_this_is_said(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, broken: str, how: str
) -> None:
    interrupt(tmp_path, 6)
    last, before = sorted((tmp_path / "checkpoints").iterdir(), reverse=True)
    spoil(last / broken, how)
    training = Training(Toy(), settings(), tmp_path)
    training.checkpoints.restore()
    assert training.progress.step == int(before.name.removeprefix("step-")) == 5
    assert "checkpoint of step 6 is damaged" in caplog.text


def test_a_checkpoint_is_made_of_the_files_whose_damage_is_tried(tmp_path: Path) -> None:
    interrupt(tmp_path, 3)
    last = max((tmp_path / "checkpoints").iterdir())
    assert {path.name for path in last.iterdir()} == {*CHECKPOINT_FILES, "digests.json"}


def test_a_run_goes_on_to_the_same_end_from_the_checkpoint_before_a_damaged_one(
    tmp_path: Path,
) -> None:
    """And the damaged one, met again on the way, is written anew."""
    whole = train(tmp_path / "whole")
    interrupt(tmp_path / "parted", 11)
    last = max((tmp_path / "parted/checkpoints").iterdir())
    assert last.name == "step-00000011"
    spoil(last / "optimizer.bin", "one bit flipped")
    parted = train(tmp_path / "parted", resume=True, checkpoint_minutes=0.0)
    for one, other in zip(whole.model.parameters(), parted.model.parameters(), strict=True):
        assert (one == other).all()
    assert losses(tmp_path / "parted") == losses(tmp_path / "whole")
    assert find_damage(last) is None


def test_when_no_checkpoint_can_be_read_that_is_said(tmp_path: Path) -> None:
    interrupt(tmp_path, 6)
    for folder in (tmp_path / "checkpoints").iterdir():
        spoil(folder / "model.safetensors", "overwritten")
    with pytest.raises(TrainingError, match="no checkpoint that can be read"):
        train(tmp_path, resume=True)


def test_a_run_of_another_network_is_not_resumed(tmp_path: Path) -> None:
    interrupt(tmp_path, 6)
    wider = Toy()
    wider.model = nn.Sequential(nn.Dropout(0.5), nn.Linear(4, 5))
    with pytest.raises(TrainingError, match=r"the training of another network .*preset"):
        train(tmp_path, wider, resume=True)


def spoil(path: Path, how: str) -> None:
    content = path.read_bytes()
    if how == "gone":
        path.unlink()
        return
    middle = len(content) // 2
    flipped = content[:middle] + bytes([content[middle] ^ 1]) + content[middle + 1 :]
    new = {"cut short": content[:middle], "overwritten": b"x" * 500, "empty": b""}
    path.write_bytes(new.get(how, flipped))


class Spoilt(Toy):
    """A problem in which a number becomes none at some step."""

    def __init__(self, what: str, step: int, value: float) -> None:
        super().__init__()
        self.what, self.at, self.value = what, step, value

    def loss(self, model: nn.Module, batch: tuple[torch.Tensor, ...]) -> torch.Tensor:
        step = self.losses
        loss = super().loss(model, batch)
        if step != self.at:
            return loss
        if self.what == "loss":
            return loss * self.value
        if self.what == "norm of the gradient":
            loss.register_hook(lambda gradient: gradient * self.value)
        return loss


@pytest.mark.parametrize("value", [math.nan, math.inf])
@pytest.mark.parametrize("what", ["loss", "norm of the gradient"])
@pytest.mark.parametrize("step", [0, 4, 11])
def test_a_value_that_is_no_number_ends_the_training_and_all_that_was_learnt_before_is_kept(
    tmp_path: Path, what: str, step: int, value: float
) -> None:
    """Though the last checkpoint is long ago."""
    whole = train(tmp_path / "whole")
    sentence = f"toy: the {what} is (nan|inf) at step {step}, .*--resume and another --seed"
    with pytest.raises(TrainingError, match=sentence):
        train(tmp_path / "run", Spoilt(what, step, value), checkpoint_minutes=60.0)
    if step:
        assert list(losses(tmp_path / "run")) == list(range(1, step + 1))
    saved = torch.load(tmp_path / "run/weights/toy.pt")
    assert all(value.isfinite().all() for value in saved.values())
    resumed = train(tmp_path / "run", resume=True)
    assert losses(tmp_path / "run") == losses(tmp_path / "whole")
    for one, other in zip(whole.model.parameters(), resumed.model.parameters(), strict=True):
        assert (one == other).all()


def test_another_seed_goes_on_with_other_samples(tmp_path: Path) -> None:
    train(tmp_path / "one", steps=8)
    for seed in (0, 1):
        with pytest.raises(TrainingError, match="another --seed"):
            train(tmp_path / str(seed), Spoilt("loss", 4, math.nan), steps=8)
        train(tmp_path / str(seed), resume=True, steps=8, seed=seed)
    same, other, one = (losses(tmp_path / name) for name in ("0", "1", "one"))
    assert same == one
    assert [other[step] == one[step] for step in range(1, 9)] == [True] * 4 + [False] * 4


def test_weights_that_are_no_numbers_end_the_training_and_are_never_saved(tmp_path: Path) -> None:
    """A step so long that the weights overflow: what is in memory is lost, what is on disk not."""
    overflow = 1e30
    with pytest.raises(TrainingError, match=r"norm of the weights is (inf|nan) at step"):
        train(tmp_path, checkpoint_minutes=0.0, learning_rate=overflow, warmup_steps=0)
    assert not list(tmp_path.glob("checkpoints/step-*"))
    assert not (tmp_path / "weights").exists()


def test_broken_weights_to_start_from_are_not_taken_for_good_ones(tmp_path: Path) -> None:
    problem = Toy()
    torch.nn.init.constant_(next(iter(problem.model.parameters())), math.nan)
    with pytest.raises(TrainingError, match="toy: the loss is nan at step 0"):
        train(tmp_path, problem)
    assert not list(tmp_path.glob("checkpoints/step-*"))


def test_a_full_disk_is_told_in_a_sentence_and_the_last_checkpoint_stays(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    training = Training(Toy(), settings(checkpoint_minutes=0.0), tmp_path)
    write, full_after = training.accelerator.save_state, 3

    def fill(folder: str) -> None:
        write(folder)
        if training.progress.step > full_after:
            raise OSError(28, "No space left on device")

    monkeypatch.setattr(training.accelerator, "save_state", fill)
    with pytest.raises(TrainingError, match=r"checkpoint of step 4 .*No space left.*--resume"):
        training.run()
    assert training.checkpoints.steps() == [2, 3]
    train(tmp_path, resume=True)
    assert list(losses(tmp_path)) == list(range(1, 13))


def test_weights_are_replaced_whole(tmp_path: Path) -> None:
    """Whoever reads the weights while a training saves them finds a file that can be read."""

    class CutOff(Toy):
        def save(self, folder: Path) -> None:
            super().save(folder)
            if (tmp_path / "weights").exists():
                (folder / "toy.pt").write_bytes(b"half")
                raise PulledPlugError

    with pytest.raises(PulledPlugError):
        train(tmp_path, CutOff(), checkpoint_minutes=0.0)
    assert torch.load(tmp_path / "weights/toy.pt")
    train(tmp_path, resume=True)
    assert not (tmp_path / "weights.partial").exists()


def test_half_a_line_of_a_killed_runs_log_is_dropped(tmp_path: Path) -> None:
    interrupt(tmp_path, 6)
    with (tmp_path / "log.jsonl").open("a") as log:
        log.write('{"step": 7, "lo')
    train(tmp_path, resume=True)
    assert list(losses(tmp_path)) == list(range(1, 13))


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
    monkeypatch.setattr(processes, "has_fast_bf16", lambda device: False)
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


def test_settings_are_written_beside_the_run(tmp_path: Path) -> None:
    train(tmp_path, steps=1)
    values = json.loads((tmp_path / "settings.json").read_text("utf-8"))
    assert LoopSettings(**values) == settings(steps=1)
