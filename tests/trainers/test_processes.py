"""Two processes, started by accelerate itself, are one with twice the batch."""

import json
import os
import re
import socket
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file

from tests.trainers import launched
from tests.trainers.rows import noise_image, write_image, write_manifest

ROOT = Path(__file__).parents[2]
LAUNCH = ("-m", "accelerate.commands.launch", "--multi_gpu", "--num_processes", "2")
QUIET = ("--num_machines", "1", "--mixed_precision", "no", "--dynamo_backend", "no")


def free_port() -> int:
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        return int(bound.getsockname()[1])


def launch(*words: object) -> subprocess.CompletedProcess[str]:
    """Run a script in two processes on this machine's CPU; they talk over the loopback alone."""
    port = ("--main_process_ip", "127.0.0.1", "--main_process_port", str(free_port()))
    environment = {
        **os.environ,
        "CUDA_VISIBLE_DEVICES": "",
        "GLOO_SOCKET_IFNAME": "lo",
        "OMP_NUM_THREADS": "1",
        "PYTHONPATH": str(ROOT),
    }
    command = [sys.executable, *LAUNCH, *QUIET, *port, *map(str, words)]
    done = subprocess.run(
        command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=240, check=False
    )
    assert done.returncode == 0, done.stderr
    return done


@pytest.fixture(scope="module")
def two(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    """Folders of trainings in two processes with batches of 2, and what they logged."""
    folder = tmp_path_factory.mktemp("two")
    return folder, launch(ROOT / "tests/trainers/launched.py", folder, 2).stderr


def log(folder: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (folder / "log.jsonl").read_text("utf-8").splitlines()]


@pytest.mark.parametrize("problem", ["toy", "denoiser", "classifier"])
def test_two_processes_train_as_one_with_twice_the_batch(
    two: tuple[Path, str], tmp_path: Path, problem: str
) -> None:
    """Same samples, same noise, same loss curve, same weights and averaged weights."""
    launched.train(tmp_path, problem, batch_size=4)
    ours, theirs = log(tmp_path), log(two[0] / problem)
    assert [line["step"] for line in theirs] == list(range(1, launched.STEPS + 1))  # each once
    assert [line["images"] for line in ours] == [line["images"] for line in theirs]
    for here, there in zip(ours, theirs, strict=True):
        assert there["loss"] == pytest.approx(here["loss"], rel=1e-5)
    step = f"checkpoints/step-{launched.STEPS:08d}"
    for name in ("model.safetensors", "training.pt"):
        found = weights(two[0] / problem / step / name)
        torch.testing.assert_close(found, weights(tmp_path / step / name), atol=1e-4, rtol=0)


def weights(path: Path) -> list[torch.Tensor]:
    """Return the weights, or the averaged weights, of a checkpoint."""
    if path.suffix == ".safetensors":
        return list(load_file(path).values())
    averaged: list[torch.Tensor] = torch.load(path, weights_only=True)["averaged"]["shadow_params"]
    return averaged


def test_progress_is_told_once(two: tuple[Path, str]) -> None:
    told = re.findall(r"step (\d+)  loss", two[1].split("step 6:")[0])  # the first training's
    assert told == [str(step) for step in range(1, launched.STEPS + 1)]
    assert two[1].count("convolution peak") == 4  # one for each training


def test_processes_whose_clocks_disagree_save_and_end_at_the_same_steps(
    two: tuple[Path, str],
) -> None:
    main, other = (
        json.loads((two[0] / f"clocks/process-{rank}.json").read_text()) for rank in (0, 1)
    )
    assert main == other
    assert 1 <= main["elapsed"] < 5
    assert main["images"] == 2 * 4 * main["step"]
    assert (two[0] / f"clocks/checkpoints/step-{main['step']:08d}/random_states_1.pkl").is_file()


def test_a_training_of_two_processes_is_resumed_by_one(
    two: tuple[Path, str], tmp_path: Path
) -> None:
    """Which samples come next hangs on how many were drawn, not on who drew them."""
    resumed = two[0] / "toy"
    launched.train(resumed, "toy", resume=True, batch_size=4, steps=2 * launched.STEPS)
    launched.train(tmp_path, "toy", batch_size=4, steps=2 * launched.STEPS)
    drawn = [line["images"] for line in log(resumed)]
    assert drawn == [line["images"] for line in log(tmp_path)]


def test_the_command_line_trains_in_two_processes_and_answers_once(tmp_path: Path) -> None:
    lines = []
    for i, split in enumerate(["train"] * 8 + ["val"] * 2):
        write_image(tmp_path / f"{i}.png", noise_image(i))
        lines.append({"id": str(i), "split": split, "Edema": str(i % 2)})
    manifest = write_manifest(tmp_path / "manifest.csv", lines)
    (tmp_path / "7.png").write_bytes(b"no picture")
    train = ("train", "diffusion", "--preset", "tiny", "--manifest", manifest, "--json")
    done = launch(ROOT / "app.py", *train, "-o", tmp_path / "run")
    document = json.loads(done.stdout)  # one document, and nothing else
    assert document["images_seen"] == 4 * 2 * 4
    assert document["left_out"] == {"missing": 0, "unreadable": 1, "too_small": 0}
    assert done.stderr.count("they are left out") == 1
    assert done.stderr.count("7 radiographs of {'one': 7}") == 1
    told = (tmp_path / "run/log.txt").read_text("utf-8")
    assert told.count("step 4  loss") == 1
    assert done.stderr.count("step 4  loss") == 1
    assert len(list((tmp_path / "run/cache").glob("*.npy"))) == 2
