"""What is wrong with the data is said before the first step, and refused where it would falsify."""

import hashlib
import logging
from pathlib import Path

import pytest
import torch

from daug.errors import ManifestError
from tests.trainers.rows import noise_image, write_image, write_manifest
from trainers.runs import RunRequest, train_diffusion

TRAINED, HELD_OUT = 8, 4


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("trainers.throughput.convolution_peak", lambda device: 1e12)
    for steps in ("SAMPLE_STEPS", "RECONSTRUCTION_STEPS"):
        monkeypatch.setattr(f"trainers.pictures.{steps}", 2)


def manifest(folder: Path, **changes: str) -> Path:
    """Write radiographs and their manifest; changes are those of the last line."""
    splits = ["train"] * TRAINED + ["val"] * HELD_OUT
    lines = [{"id": str(i), "split": split, "Edema": "1"} for i, split in enumerate(splits)]
    for i in range(len(lines)):
        write_image(folder / f"{i}.png", noise_image(i))
    return write_manifest(folder / "manifest.csv", [*lines[:-1], {**lines[-1], **changes}])


def request(manifest: Path, **changes: int) -> RunRequest:
    return RunRequest(manifest, manifest.parent / "run", "tiny", steps=1, **changes)  # type: ignore[arg-type]


def nothing_was_trained(folder: Path) -> bool:
    names = {path.name for path in (folder / "run").glob("*")}
    return not names - {"cache"}


def test_a_patient_in_two_splits_is_refused(tmp_path: Path) -> None:
    table = manifest(tmp_path, patient_id="0")
    with pytest.raises(ManifestError, match="1 patients are in more than one split"):
        train_diffusion(request(table))
    assert nothing_was_trained(tmp_path)


@pytest.mark.parametrize("split", ["train", "val"])
def test_a_split_of_which_more_than_half_is_missing_is_refused(tmp_path: Path, split: str) -> None:
    table = manifest(tmp_path)
    first, images = (0, TRAINED) if split == "train" else (TRAINED, HELD_OUT)
    for i in range(first, first + images // 2 + 1):
        (tmp_path / f"{i}.png").unlink()
    with pytest.raises(ManifestError, match=f"{images // 2 + 1} missing, 0 unreadable"):
        train_diffusion(request(table))
    assert nothing_was_trained(tmp_path)


def test_a_few_bad_images_are_told_before_the_first_step_and_in_the_run_file(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    table = manifest(tmp_path)
    (tmp_path / "1.png").unlink()
    (tmp_path / "2.png").write_bytes(b"no picture")
    (tmp_path / "9.png").write_bytes(b"")
    with caplog.at_level(logging.INFO):
        described = train_diffusion(request(table))
    told = [i for i, message in enumerate(caplog.messages) if "they are left out" in message]
    first_step = next(i for i, message in enumerate(caplog.messages) if message.startswith("step"))
    assert len(told) == 2  # of what is trained on, and of what is held out
    assert max(told) < first_step
    assert "of 8 images, 1 missing, 1 unreadable, 0 too small" in caplog.messages[told[0]]
    assert described["left_out"] == {"missing": 1, "unreadable": 1, "too_small": 0}
    assert described["radiographs"] == {"one": 6}


def test_the_seed_decides_the_first_weights_too(tmp_path: Path) -> None:
    table = manifest(tmp_path)
    found = []
    for name, seed in (("a", 0), ("b", 0), ("c", 1)):
        torch.rand(3)  # someone else's dice
        folder = tmp_path / name
        train_diffusion(RunRequest(table, folder, "tiny", steps=1, seed=seed))
        found.append((folder / "weights/unet/diffusion_pytorch_model.safetensors").read_bytes())
    assert found[0] == found[1] != found[2]


def test_a_run_names_the_weights_it_started_from(tmp_path: Path) -> None:
    table = manifest(tmp_path)
    assert "started_from" not in train_diffusion(request(table))
    first = tmp_path / "run" / "weights" / "unet"
    (weights,) = first.glob("*.safetensors")
    second = RunRequest(table, tmp_path / "second", "tiny", steps=1, init=first)
    digest = hashlib.sha256(weights.read_bytes()).hexdigest()
    assert train_diffusion(second)["started_from"] == {weights.name: digest}
