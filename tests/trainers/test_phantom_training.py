import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from typer.testing import CliRunner

import app
from daug.bundle import read_bundle
from daug.bundled_models import load_models
from daug.errors import ManifestError
from daug.findings import SUPER_CLASSES, Finding
from daug.phantom import CoOccurrence, draw_phantom
from daug.unet import UNetConfig
from trainers import phantom_training
from trainers.phantom_data import FIRST_SEEDS, MOST_PHANTOMS, PhantomSet, draw_set, phantom_row
from trainers.phantom_training import (
    AsTheyCome,
    PhantomClassifierProblem,
    PhantomPreset,
    train_phantom,
)

TINY = PhantomPreset(
    unet=UNetConfig(64, patch=8, channels=(32, 32), attention_from=0),
    classifier_channels=(32, 32),
    phantoms=64,
    watched=6,
    scored=60,
    base_steps=2,
    unet_steps=2,
    classifier_steps=2,
)


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """The real machine's speed, and pictures of what was learnt, are of no interest here."""
    monkeypatch.setattr("trainers.throughput.convolution_peak", lambda device: 1e12)
    monkeypatch.setattr("trainers.diffusion.save_diffusion_pictures", lambda *given: None)
    monkeypatch.setattr("trainers.diffusion.reconstruction_error", lambda *given: {})
    monkeypatch.setattr("trainers.classifier.draw_noise_curves", lambda *given: None)


def test_each_rho_becomes_a_bundle_that_opens_and_says_what_it_learnt_from(
    tmp_path: Path,
) -> None:
    made = train_phantom(tmp_path / "models", tmp_path / "work", (0.0, 0.8), TINY)
    assert [row["rho"] for row in made] == [0.0, 0.8]
    assert sorted(path.name for path in (tmp_path / "models").iterdir()) == ["rho-0.00", "rho-0.80"]
    for row in made:
        bundle = read_bundle(Path(row["bundle"]))
        models = load_models(bundle)
        assert models.classifier.config.classes == tuple(sc.name for sc in SUPER_CLASSES)
        assert bundle.training["co_occurrence"]["rho"] == row["rho"]
        assert "no radiograph of any patient" in bundle.training["data"]
        assert [source.name for source in bundle.data] == ["phantom"]
        text = json.loads((bundle.folder / "bundle.json").read_text("utf-8"))
        assert text["data"][0]["images"] == {"unet": 64, "classifier": 64}
        stored = (bundle.folder / "unet/diffusion_pytorch_model.safetensors").read_bytes()
        assert b"F16" in stored[:4000]
    first, second = (read_bundle(Path(row["bundle"])).files for row in made)
    for part in ("unet/diffusion_pytorch_model.safetensors", "classifier/model.safetensors"):
        assert first[part] != second[part]  # one U-Net and one classifier for each


def test_a_training_that_was_cut_off_ends_with_the_bundle_of_one_that_was_not(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = tmp_path / "whole"
    train_phantom(whole, tmp_path / "work1", (0.5,), TINY)

    class CutOffError(Exception):
        pass

    real = phantom_training._run
    runs: list[str] = []

    def run(problem: Any, settings: Any, folder: Path) -> dict[str, Any]:
        runs.append(folder.name)
        if runs == ["base", "unet", "classifier"]:
            raise CutOffError
        return real(problem, settings, folder)

    monkeypatch.setattr(phantom_training, "_run", run)
    cut, work = tmp_path / "cut", tmp_path / "work2"
    with pytest.raises(CutOffError):
        train_phantom(cut, work, (0.5,), TINY)
    assert not cut.exists()
    train_phantom(cut, work, (0.5,), TINY)
    assert runs[3:] == ["unet", "classifier"]  # the common start was finished already
    digests = [read_bundle(folder / "rho-0.50").digest for folder in (whole, cut)]
    assert digests[0] == digests[1]
    train_phantom(cut, work, (0.5,), TINY)
    assert len(runs) == 5  # a bundle that is there is left alone


def test_a_correlation_that_cannot_be_is_refused_before_anything_is_trained(
    tmp_path: Path,
) -> None:
    with pytest.raises(ManifestError, match=r"rho must be in 0\.\.1"):
        train_phantom(tmp_path / "models", tmp_path / "work", (0.5, 1.5), TINY)
    assert not (tmp_path / "work").exists()


def test_the_classifiers_batches_keep_the_correlation_of_its_phantoms() -> None:
    rates = CoOccurrence(0.8)
    generator = np.random.default_rng(0)
    rows = [phantom_row(seed, "train", rates.draw(generator)) for seed in range(3000)]
    train = PhantomSet(rows, np.zeros((3000, 64, 64), dtype=np.uint8))
    problem = PhantomClassifierProblem(train, train, TINY.classifier)
    assert isinstance(problem.sampler, AsTheyCome)
    drawn_rows = problem.sampler.draw(8000, torch.Generator().manual_seed(0))
    present = problem.labels.present[drawn_rows].numpy()
    names = [super_class.findings for super_class in SUPER_CLASSES]
    heart = next(i for i, own in enumerate(names) if Finding.CARDIOMEGALY in own)
    pleura = next(i for i, own in enumerate(names) if Finding.PLEURAL_EFFUSION in own)
    drawn = np.corrcoef(present[:, heart], present[:, pleura])[0, 1]
    assert drawn == pytest.approx(0.8, abs=0.06)
    assert problem.labels.known.all()


def test_sets_of_different_rates_show_the_same_bodies() -> None:
    one, other = (draw_set("train", 30, CoOccurrence(rho), 64) for rho in (0.0, 0.95))
    assert [row.id for row in one.rows] == [row.id for row in other.rows]
    same = [a.labels == b.labels for a, b in zip(one.rows, other.rows, strict=True)]
    assert 0 < sum(same) < 30
    for i, alike in enumerate(same):
        assert (one.pixels[i] == other.pixels[i]).all() == alike


def test_a_set_shows_what_its_rows_say() -> None:
    drawn = draw_set("test", 10, CoOccurrence(0.5), 64)
    for row, pixels in zip(drawn.rows, drawn.pixels, strict=True):
        seed = int(row.id.removeprefix("phantom-"))
        findings = [f for f, state in row.labels.items() if state and f is not Finding.NO_FINDING]
        expected = np.round((draw_phantom(seed, findings, 64).pixels + 1) * 127.5)
        assert (pixels == expected).all()


def test_splits_have_seeds_of_their_own() -> None:
    starts = sorted(FIRST_SEEDS.values())
    gaps = np.diff(starts)
    assert (gaps >= MOST_PHANTOMS).all()


def test_the_shipped_networks_stay_under_eight_megabytes_for_four_rhos() -> None:
    from daug.noisy_classifier import NoisyClassifier
    from daug.unet import Denoiser

    preset = PhantomPreset()
    networks = (Denoiser(preset.unet), NoisyClassifier(preset.classifier))
    weights = sum(p.numel() for network in networks for p in network.parameters())
    assert 4 * 2 * weights < 7.8e6


def test_the_command_says_where_the_bundles_are(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[Any] = []

    def train(*arguments: Any) -> list[dict[str, Any]]:
        asked.extend(arguments)
        return [{"rho": 0.5, "bundle": "there"}]

    monkeypatch.setattr(phantom_training, "train_phantom", train)
    words = ["train", "phantom", "-o", str(tmp_path), "--work", str(tmp_path / "w"), "--rho", "0.5"]
    result = CliRunner().invoke(app.app, [*words, "--json"])
    assert json.loads(result.stdout) == {"bundles": [{"rho": 0.5, "bundle": "there"}]}
    assert asked[2] == (0.5,)
    assert CliRunner().invoke(app.app, [*words[:-1], "half"]).exit_code == 2
