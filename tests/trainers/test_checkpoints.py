import json
from pathlib import Path

import pytest
import torch
from accelerate import Accelerator
from torch import nn

from daug.bundle import file_digest
from daug.errors import TrainingError
from trainers.checkpoints import KEPT, Checkpoints, find_damage


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


def test_an_old_checkpoint_loses_its_name_before_its_files(
    checkpoints: Checkpoints, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Else a kill at the wrong moment leaves half of one among those that are kept."""
    for step in (1, 2):
        checkpoints.save(step)

    def killed(path: Path, ignore_errors: bool = False) -> None:
        if path.exists():
            (path / "optimizer.bin").unlink()
            raise FullDiskError

    monkeypatch.setattr("trainers.checkpoints.shutil.rmtree", killed)
    with pytest.raises(FullDiskError):
        checkpoints.save(3)
    monkeypatch.undo()
    assert checkpoints.steps() == [2, 3]
    assert all(find_damage(checkpoints.folder / f"step-{step:08d}") is None for step in (2, 3))
    checkpoints.save(4)
    assert len(list(checkpoints.folder.iterdir())) == 2


def test_a_pickle_that_is_none_of_ours_runs_nothing(checkpoints: Checkpoints) -> None:
    """Though whoever put it there sealed it."""
    checkpoints.save(1)
    checkpoint = checkpoints.folder / "step-00000001"
    trap = checkpoint / "sprung"

    class Evil:
        def __reduce__(self) -> tuple[object, tuple[str, ...]]:
            return Path.touch, (trap,)  # type: ignore[return-value]

    torch.save(Evil(), checkpoint / "training.pt")
    names = (path.name for path in checkpoint.iterdir() if path.name != "digests.json")
    digests = {name: file_digest(checkpoint / name) for name in names}
    (checkpoint / "digests.json").write_text(json.dumps(digests))
    with pytest.raises(TrainingError, match="another network"):
        checkpoints.restore()
    assert not trap.exists()
