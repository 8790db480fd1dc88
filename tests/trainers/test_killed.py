"""A training that is killed at any moment and resumed is bit for bit the one that was not."""

import json
import multiprocessing
import time
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file

from tests.trainers import launched
from trainers.checkpoints import find_damage

STEPS = 50
KILLS = 8  # of each training
SEEDS = (0, 1, 2)


@pytest.fixture(scope="module")
def context() -> multiprocessing.context.ForkServerContext:
    """Starts real processes that need not import torch each time."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["tests.trainers.launched"])
    return context


def log(folder: Path) -> list[dict[str, Any]]:
    path = folder / "log.jsonl"
    return [json.loads(line) for line in path.read_text("utf-8").splitlines()]


def whole_checkpoints(folder: Path) -> list[Path]:
    found = sorted((folder / "checkpoints").glob("step-*"))
    return [path for path in found if find_damage(path) is None]


def kill(process: BaseProcess, folder: Path, chance: torch.Generator, step: float) -> None:
    """Kill a training at any moment: before it begins, or some time after its next checkpoint.

    Args:
        step: Seconds that one step takes, so that on a quick machine, too, it is not over first.
    """
    early, later = torch.rand(2, generator=chance).tolist()
    before = checkpoints(folder)
    while early > 0.2 and process.is_alive() and not checkpoints(folder) - before:
        time.sleep(0.002)
    process.join(4 * step * later)
    process.kill()
    process.join()


def checkpoints(folder: Path) -> set[str]:
    return {path.name for path in (folder / "checkpoints").glob("step-*")}


@pytest.mark.parametrize("seed", SEEDS)
def test_a_training_killed_again_and_again_ends_as_the_one_that_never_was(
    tmp_path: Path, context: multiprocessing.context.ForkServerContext, seed: int
) -> None:
    """Same loss of every step, same weights, averages and optimiser, to the last bit."""
    launched.train(tmp_path / "first", "dropout", steps=2)  # which loads libraries, too
    began = time.monotonic()
    launched.train(tmp_path / "whole", "dropout", steps=STEPS)
    step = (time.monotonic() - began) / STEPS
    killed = tmp_path / "killed"
    chance = torch.Generator().manual_seed(seed)
    reached: list[str] = []
    for _ in range(KILLS):
        resume = bool(whole_checkpoints(killed))
        process = context.Process(
            target=launched.train,
            args=(killed, "dropout"),
            kwargs={"resume": resume, "steps": STEPS},
        )
        process.start()
        kill(process, killed, chance, step)
        # What bears the name of a checkpoint is one.
        assert {path.name for path in whole_checkpoints(killed)} == checkpoints(killed)
        reached.append(max(checkpoints(killed), default=""))
    assert len(set(reached)) > 2  # else hardly anything was resumed
    launched.train(killed, "dropout", resume=bool(reached[-1]), steps=STEPS)
    assert [(line["step"], line["images"], line["loss"]) for line in log(killed)] == [
        (line["step"], line["images"], line["loss"]) for line in log(tmp_path / "whole")
    ]
    last = f"checkpoints/step-{STEPS:08d}"
    one, other = tmp_path / "whole" / last, killed / last
    assert same(load_file(one / "model.safetensors"), load_file(other / "model.safetensors"))
    for name in ("optimizer.bin", "training.pt"):
        states = [torch.load(path / name, weights_only=True) for path in (one, other)]
        for state in states:
            state.get("progress", {}).pop("elapsed", None)  # the only thing that may differ
        assert same(*states), name
    saved = [torch.load(path / "weights/toy.pt") for path in (tmp_path / "whole", killed)]
    assert same(*saved)


def same(one: Any, other: Any) -> bool:
    """Return whether two states agree to the last bit."""
    if isinstance(one, torch.Tensor):
        return bool(torch.equal(one, other))
    if isinstance(one, dict):
        return one.keys() == other.keys() and all(same(one[key], other[key]) for key in one)
    if isinstance(one, list | tuple):
        return len(one) == len(other) and all(map(same, one, other))
    return bool(one == other)
