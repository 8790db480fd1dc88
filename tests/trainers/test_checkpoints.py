from pathlib import Path

import pytest
import torch
from accelerate import Accelerator
from torch import nn

from trainers.checkpoints import KEPT, Checkpoints


class FullDiskError(Exception):
    pass


@pytest.fixture
def checkpoints(tmp_path: Path) -> Checkpoints:
    accelerator = Accelerator()
    model = nn.Linear(2, 2)
    accelerator.prepare(model, torch.optim.SGD(model.parameters(), lr=0.1))
    return Checkpoints(tmp_path / "checkpoints", accelerator)


def test_a_folder_without_checkpoints_has_no_steps(checkpoints: Checkpoints) -> None:
    assert checkpoints.steps() == []


def test_only_the_last_two_checkpoints_are_kept(checkpoints: Checkpoints) -> None:
    for step in (1, 5, 20, 100):
        checkpoints.save(step)
    assert checkpoints.steps() == [20, 100]
    assert KEPT == 2
    assert len(list(checkpoints.folder.iterdir())) == 2


def test_a_checkpoint_that_was_cut_off_is_never_listed(
    checkpoints: Checkpoints, monkeypatch: pytest.MonkeyPatch
) -> None:
    checkpoints.save(1)
    write = checkpoints.accelerator.save_state

    def fill_the_disk(folder: str) -> None:
        write(folder)
        (Path(folder) / "optimizer.bin").unlink()
        raise FullDiskError

    monkeypatch.setattr(checkpoints.accelerator, "save_state", fill_the_disk)
    with pytest.raises(FullDiskError):
        checkpoints.save(2)
    assert (checkpoints.folder / "partial-00000002").is_dir()
    assert checkpoints.steps() == [1]
    checkpoints.restore()


def test_a_checkpoint_can_be_written_over_one_that_was_cut_off(checkpoints: Checkpoints) -> None:
    partial = checkpoints.folder / "partial-00000002"
    partial.mkdir(parents=True)
    (partial / "model.safetensors").write_bytes(b"half")
    checkpoints.save(2)
    assert checkpoints.steps() == [2]
    checkpoints.restore()


def test_what_was_cut_off_is_cleared_away_by_the_next_checkpoint(
    checkpoints: Checkpoints,
) -> None:
    (checkpoints.folder / "partial-00000002").mkdir(parents=True)
    checkpoints.save(3)
    assert [path.name for path in checkpoints.folder.iterdir()] == ["step-00000003"]


def test_saving_a_step_twice_keeps_the_first(checkpoints: Checkpoints) -> None:
    checkpoints.save(3)
    before = {p: p.stat().st_mtime_ns for p in checkpoints.folder.rglob("*")}
    checkpoints.save(3)
    assert {p: p.stat().st_mtime_ns for p in checkpoints.folder.rglob("*")} == before


def test_other_folders_beside_the_checkpoints_are_no_checkpoints(checkpoints: Checkpoints) -> None:
    checkpoints.save(3)
    (checkpoints.folder / "step-of-mine").mkdir()
    assert checkpoints.steps() == [3]
