"""What `daug train all` refuses, and that nothing is written before it is known to start."""

import csv
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
import torch

import app
from daug.anatomy_network import AnatomyConfig, AnatomyNet, save_anatomy
from daug.bundle import ANATOMY_FOLDER, Bundle, write_bundle
from daug.errors import BundleError, ManifestError, TrainingError
from tests.trainers.mimic_miniature import write_miniature
from trainers.manifest import read_manifest
from trainers.manifest_copy import write_lines
from trainers.reproduction import estimates
from trainers.reproduction.order import Order
from trainers.reproduction.run import train_all
from trainers.reproduction.speed import Speed
from trainers.reproduction.timing import Pace

pytestmark = pytest.mark.timeout(300)
SIDE = 32  # of preset tiny


class ReachedError(Exception):
    """The denoiser's training would begin now."""


def never_drawn(*_: Path) -> None:
    pytest.fail("nothing is drawn here")


@pytest.fixture(scope="module")
def miniature(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_miniature(tmp_path_factory.mktemp("collection") / "mimic-cxr-jpg")


@pytest.fixture
def order(miniature: Path, tmp_path: Path) -> Order:
    """An order of a collection of its own, in a folder that is not there yet."""
    folder = Path(shutil.copytree(miniature.parent, tmp_path / "data"))
    return Order(folder / miniature.name, tmp_path / "out", preset="tiny", sources=("mimic",))


@pytest.fixture(autouse=True)
def _up_to_the_first_training(monkeypatch: pytest.MonkeyPatch) -> None:
    def reached(_: object) -> None:
        raise ReachedError

    monkeypatch.setattr("trainers.reproduction.drawing_stages.train_diffusion", reached)
    pace = Pace(1.0, 1 << 20)
    speed = Speed("a test", pace, pace, pace, denoise=1.0, guide=1.0, opening=1.0)
    monkeypatch.setattr(estimates, "measure_speed", lambda *_: speed)


@pytest.fixture
def segmenting(tmp_path: Path, make_bundle: Callable[..., Bundle]) -> Callable[[int], Bundle]:
    return lambda size: bundle_with_segmenter(make_bundle(size=size), tmp_path / f"other-{size}")


def bundle_with_segmenter(plain: Bundle, folder: Path) -> Bundle:
    shutil.copytree(plain.folder, folder)
    with torch.random.fork_rng():
        network = AnatomyNet(AnatomyConfig(plain.image_size, patch=2, channels=(8, 16)))
    save_anatomy(network, folder / ANATOMY_FOLDER)
    new = [f"{ANATOMY_FOLDER}/{path.name}" for path in (folder / ANATOMY_FOLDER).iterdir()]
    return write_bundle(replace(plain, folder=folder), [*plain.files, *new])


def refused(order: Order, error: type[Exception], said: str) -> None:
    with pytest.raises(error, match=said):
        train_all(order, never_drawn)
    assert not order.folder.exists()
    with pytest.raises(error, match=said):
        estimates.dry_run(order)


def test_a_bundle_without_a_segmenter_of_the_size_is_refused_before_anything_is_written(
    order: Order, tiny_bundle: Bundle, segmenting: Callable[[int], Bundle]
) -> None:
    said = "tiny has no segmenter, but one of 32 px is needed. Leave --anatomy out"
    refused(replace(order, anatomy=tiny_bundle.folder), BundleError, said)
    said = "tiny has a segmenter of 64 px, but one of 32 px is needed"
    refused(replace(order, anatomy=segmenting(64).folder), BundleError, said)
    nowhere = order.manifest.parent  # a folder, but no bundle
    refused(replace(order, anatomy=nowhere), BundleError, "holds no bundle.json")


def test_a_segmenter_that_is_not_the_one_that_was_shipped_is_refused(
    order: Order, segmenting: Callable[[int], Bundle]
) -> None:
    other = segmenting(SIDE)
    weights = other.folder / ANATOMY_FOLDER / "model.safetensors"
    good = weights.read_bytes()
    weights.write_bytes(bytes([*good[:-1], good[-1] ^ 1]))
    refused(replace(order, anatomy=other.folder), BundleError, "is not the file that was shipped")


def test_a_folder_is_held_to_the_segmenter_and_not_only_to_its_name(
    order: Order, segmenting: Callable[[int], Bundle]
) -> None:
    """A bundle's digest leaves the segmenter out where its recipe is not confined."""
    first = segmenting(SIDE)
    before = replace(order, anatomy=first.folder).anatomy_told
    weights = first.folder / ANATOMY_FOLDER / "model.safetensors"
    weights.write_bytes(weights.read_bytes() + b" ")
    changed = write_bundle(first, first.files)
    assert changed.digest == first.digest
    after = replace(order, anatomy=first.folder).anatomy_told
    assert before is not None
    assert after is not None
    assert before.split()[0] == after.split()[0] == "other-32"
    assert before != after


def test_pretrained_weights_are_refused_where_no_tower_could_take_them(
    order: Order, tmp_path: Path
) -> None:
    file = tmp_path / "towers.safetensors"
    file.write_bytes(b"weights")
    refused(replace(order, weights=str(file)), TrainingError, "has CLIP towers of its own")


def test_a_folder_is_held_to_the_content_of_a_file_of_weights(order: Order, tmp_path: Path) -> None:
    file = tmp_path / "towers.safetensors"
    file.write_bytes(b"weights")
    named = replace(order, weights=str(file))
    before = named.settings()["weights"]
    assert before.startswith("towers.safetensors ")
    file.write_bytes(b"other ones")
    assert named.settings()["weights"] != before
    assert replace(order, weights="laion2b_s34b_b79k").settings()["weights"] == "laion2b_s34b_b79k"


def test_missing_images_are_told_before_anything_is_written(order: Order) -> None:
    lost = min(order.manifest.parent.rglob("*.jpg"))
    lost.unlink()
    with pytest.raises(ManifestError, match=rf"1 of \d+ images are missing, .*{lost.name}"):
        train_all(order, never_drawn)
    assert not order.folder.exists()
    # What it would cost can be asked before the images are there.
    assert any("images are missing" in told for told in estimates.dry_run(order)["warnings"])


@pytest.mark.parametrize("split", ["train", "val", "test"])
def test_an_image_that_cannot_be_read_is_told_before_days_of_training_and_can_be_taken_out(
    order: Order, split: str
) -> None:
    rows = read_manifest(order.manifest)
    bad = next(row for row in rows if row.split == split)
    bad.image.write_bytes(b"no picture")
    with pytest.raises(ManifestError, match=f"cannot be read: {bad.image.name}"):
        train_all(order, never_drawn)
    with order.manifest.open(newline="", encoding="utf-8") as file:
        lines = [line for line in csv.DictReader(file) if line["id"] != bad.id]
    write_lines(order.manifest, list(lines[0]), lines)
    with pytest.raises(ReachedError):
        train_all(order, never_drawn)


def test_images_that_were_moved_are_found_again(order: Order, tmp_path: Path) -> None:
    with pytest.raises(ReachedError):
        train_all(order, never_drawn)
    moved = tmp_path / "elsewhere"
    order.manifest.parent.rename(moved)
    there = replace(order, manifest=moved / order.manifest.name)
    with pytest.raises(ReachedError):
        train_all(there, never_drawn)
    (link,) = (path for path in order.parts.manifest.parent.iterdir() if path.is_symlink())
    assert link.resolve().parent == moved


def command(order: Order, *more: str) -> int:
    words = ["train", "all", "--manifest", str(order.manifest), "--preset", "tiny"]
    with pytest.raises(SystemExit) as end:
        app.main([*words, "-o", str(order.folder), *more])
    return int(str(end.value.code or 0))


def test_a_command_that_is_refused_leaves_no_log_and_no_folder(
    order: Order, capsys: pytest.CaptureFixture[str]
) -> None:
    assert command(order) == 1  # its source is not named
    assert "--sources mimic" in capsys.readouterr().err
    assert not order.folder.exists()


def test_no_log_is_written_among_other_things(
    order: Order, capsys: pytest.CaptureFixture[str]
) -> None:
    order.folder.mkdir()
    (order.folder / "thesis.txt").write_text("mine")
    assert command(order, "--sources", "mimic") == 1
    assert "holds other things (thesis.txt)" in capsys.readouterr().err
    assert [path.name for path in order.folder.iterdir()] == ["thesis.txt"]


@pytest.mark.parametrize(
    ("place", "said"),
    [("notes.txt", "is a file. Name a folder."), ("notes.txt/out", "cannot be written to")],
)
def test_a_place_that_cannot_hold_a_folder_is_told(
    order: Order, tmp_path: Path, capsys: pytest.CaptureFixture[str], place: str, said: str
) -> None:
    (tmp_path / "notes.txt").write_text("mine")
    assert command(replace(order, folder=tmp_path / place), "--sources", "mimic") == 1
    assert said in capsys.readouterr().err


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--blanks", "maybe"), "--blanks is unknown or absent, got 'maybe'."),
        (("--clip-seeds", "a"), "whole numbers from 0 up, got 'a'."),
        (("--clip-seeds", "0,-1"), "whole numbers from 0 up, got '0,-1'."),
    ],
)
def test_a_senseless_word_is_answered_with_what_is_allowed(
    order: Order, capsys: pytest.CaptureFixture[str], words: tuple[str, str], said: str
) -> None:
    assert command(order, *words) == 2
    told = capsys.readouterr().err
    assert said in " ".join(told.replace("│", " ").split())
