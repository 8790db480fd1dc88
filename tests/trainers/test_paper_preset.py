"""The paper's own networks: shapes by closed form, and a small twin trained, bundled and asked."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

import app
from daug.bundle import read_bundle
from daug.bundled_models import load_models
from daug.findings import SUPER_CLASSES, Finding
from daug.noisy_classifier import NoisyClassifier
from daug.schedule import TIMESTEPS, add_noise, linear_alpha_bar, x_0_from_eps
from daug.unet import Denoiser, PredictionType, load_unet
from tests.trainers.rows import noise_image, row, write_image, write_manifest
from trainers.diffusion import DiffusionProblem, DiffusionSettings
from trainers.loop import Training
from trainers.presets import PRESETS, Preset, find_preset
from trainers.problem import LoopSettings

PAPER = find_preset("paper")
# google/ddpm-celebahq-256 (Ho et al. 2020): the same widths, depth and attention, for RGB.
DDPM_256_PARAMETERS = 113_673_219


@pytest.fixture(scope="module")
def denoiser() -> Denoiser:
    with torch.device("meta"):
        return Denoiser(PAPER.unet)


def count(network: nn.Module) -> int:
    return sum(parameter.numel() for parameter in network.parameters())


def test_the_denoiser_is_that_of_ddpm_at_256_px_with_attention_at_8_px_besides(
    denoiser: Denoiser,
) -> None:
    first_and_last = 2 * 9 * 128 * 2 + 2  # two channels fewer, in and out; and two biases
    attention = 4 * (512 * 512 + 512) + 2 * 512  # query, key, value, output and a norm
    blocks = PAPER.unet.layers_per_block * 2 + 1  # of a level: down, up, and one more up
    assert count(denoiser) == DDPM_256_PARAMETERS - first_and_last + blocks * attention


def test_the_denoiser_is_unfolded_and_predicts_eps(denoiser: Denoiser) -> None:
    assert PAPER.unet.patch == 1
    assert PAPER.unet.prediction_type is PredictionType.EPSILON
    assert PAPER.unet.image_size == 256
    assert PAPER.unet.level_sizes == (256, 128, 64, 32, 16, 8)
    assert [w // 128 for w in PAPER.unet.channels] == [1, 1, 2, 2, 4, 4]  # ADM at 256 px
    assert PAPER.unet.attends == (False, False, False, False, True, True)
    with torch.device("meta"):
        image = torch.empty(2, 1, 256, 256)
        assert denoiser(image, torch.empty(2)).shape == image.shape


def test_the_classifier_is_that_of_the_ancestor() -> None:
    config = PAPER.classifier(tuple(sc.name for sc in SUPER_CLASSES))
    assert (config.image_size, config.patch, config.layers_per_block) == (256, 1, 4)
    assert config.channels[0] == 32
    attends = zip(config.encoder.level_sizes, config.encoder.attends, strict=True)
    assert {size for size, attended in attends if attended} == {32, 16, 8}
    with torch.device("meta"):
        classifier = NoisyClassifier(config)
        assert classifier(torch.empty(2, 1, 256, 256), torch.empty(2)).shape == (2, 7)
    assert 10 * count(classifier) < DDPM_256_PARAMETERS


def test_it_is_trained_as_the_ancestor_was() -> None:
    for loop in (PAPER.diffusion_loop, PAPER.classifier_loop):
        assert (loop.learning_rate, loop.batch_size, loop.weight_decay) == (1e-4, 10, 0.0)
    assert PAPER.highest_t == TIMESTEPS


def drawn_timesteps(preset: Preset) -> torch.Tensor:
    settings = DiffusionSettings(("one",), late_share=preset.late_share)
    problem = DiffusionProblem.__new__(DiffusionProblem)  # no images are needed for it
    problem.settings = settings
    return problem._draw_t(100_000, torch.Generator().manual_seed(0))


def test_every_timestep_is_drawn_alike() -> None:
    """L_simple of Ho et al. 2020, eq. 14: t uniform between 1 and T."""
    counts = torch.histc(drawn_timesteps(PAPER).float(), bins=20, min=0, max=TIMESTEPS)
    assert float(((counts - 5000) ** 2 / 5000).sum()) < 50  # chi-squared, 19 degrees of freedom
    usual = torch.histc(drawn_timesteps(PRESETS["cpu"]).float(), bins=20, min=0, max=TIMESTEPS)
    assert float(((usual - 5000) ** 2 / 5000).sum()) > 1000


def twin() -> Preset:
    """The paper's preset at an eighth of the size, for as long as a test may last."""
    few: dict[str, Any] = {"steps": 3, "warmup_steps": 1, "batch_size": 8, "log_seconds": 0.0}
    return replace(
        PAPER,
        unet=replace(PAPER.unet, image_size=32, channels=(32, 32, 64), layers_per_block=1),
        classifier_channels=(32, 32),
        classifier_layers=2,
        diffusion_loop=replace(PAPER.diffusion_loop, **few),
        classifier_loop=replace(PAPER.classifier_loop, **few),
    )


@pytest.fixture
def manifest(tmp_path: Path) -> Path:
    lines = []
    for i, split in enumerate(["train"] * 44 + ["val"] * 24 + ["test"] * 24):
        write_image(tmp_path / f"data/{i}.png", noise_image(i))
        lines.append({"id": str(i), "split": split, Finding.PNEUMONIA: str(i % 2)})
    return write_manifest(tmp_path / "data/manifest.csv", lines)


def daug(capsys: pytest.CaptureFixture[str], *words: object) -> dict[str, object]:
    with pytest.raises(SystemExit) as leaving:
        app.main([*map(str, words), "--json"])
    assert leaving.value.code == 0
    document: dict[str, object] = json.loads(capsys.readouterr().out)
    return document


def test_a_small_twin_is_trained_resumed_bundled_and_draws(
    manifest: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for steps in ("SAMPLE_STEPS", "RECONSTRUCTION_STEPS"):
        monkeypatch.setattr(f"trainers.pictures.{steps}", 2)
    monkeypatch.setattr("trainers.presets.PRESETS", {"paper": twin()})
    runs = {kind: tmp_path / kind for kind in ("diffusion", "classifier")}
    for kind, folder in runs.items():
        train = ("train", kind, "--preset", "paper", "--manifest", manifest, "-o", folder)
        assert daug(capsys, *train)["steps"] == 3
        assert daug(capsys, *train, "--steps", "4", "--resume")["steps"] == 4
    saved = load_unet(runs["diffusion"] / "weights/unet")
    assert saved.config == twin().unet
    build = ("--diffusion", runs["diffusion"], "--classifier", runs["classifier"])
    bundle = tmp_path / "bundle"
    daug(capsys, "bundle", "build", *build, "--manifest", manifest, "-o", bundle)
    scheduler = json.loads((bundle / "scheduler/scheduler_config.json").read_text())
    assert scheduler["prediction_type"] == "epsilon"
    models = load_models(read_bundle(bundle))
    assert models.denoiser.config.prediction_type is PredictionType.EPSILON
    x, t = torch.randn(1, 1, 32, 32), torch.tensor(400)
    with torch.no_grad():
        eps = models.denoiser.predict_eps(x, t, models.alpha_bar[400])
        torch.testing.assert_close(eps, models.denoiser(x, t))  # as it is, and not from an x_0
    drawn = daug(
        capsys, "heatmap", manifest.parent / "90.png", "--super-class", "pneumonia",
        *("--activation", "sigmoid"),  # one class alone was trained
        *("--bundle", bundle, "-o", tmp_path / "maps"),
    )  # fmt: skip
    assert drawn["heat"]["p99"] > 0  # type: ignore[index]


def test_a_twin_learns_to_find_the_noise(tmp_path: Path) -> None:
    """A few dozen steps of the plain loss on one flat image take most of the noise away."""
    shape = replace(twin().unet, image_size=16, channels=(32, 32), attention_from=0)
    pixels = np.full((4, 16, 16), 90, dtype=np.uint8)
    torch.manual_seed(0)
    problem = DiffusionProblem(
        [row(f"r{i}") for i in range(4)], pixels, pixels, shape, DiffusionSettings(("one",))
    )
    problem.report = lambda folder, step: {}  # type: ignore[method-assign]
    loop = LoopSettings(
        batch_size=16, steps=60, warmup_steps=5, learning_rate=3e-3, ema_decay=0.9, log_seconds=0.0
    )
    Training(problem, loop, tmp_path).run()
    lines = [json.loads(line) for line in (tmp_path / "log.jsonl").read_text().splitlines()]
    assert lines[0]["loss"] == pytest.approx(1, abs=0.3)  # eps has variance 1, and nothing is known
    assert lines[-1]["loss"] < 0.2
    learnt = load_unet(tmp_path / "weights/unet").eval()
    alpha_bar = linear_alpha_bar()[500].float()
    x_0 = torch.full((1, 1, 16, 16), 90 / 127.5 - 1)
    noise = torch.randn(x_0.shape, generator=torch.Generator().manual_seed(1))
    x_t = add_noise(x_0, noise, alpha_bar)
    with torch.no_grad():
        eps = learnt.predict_eps(x_t, torch.tensor(500), alpha_bar)
    found = x_0_from_eps(x_t, eps, alpha_bar)
    assert float((found - x_0).abs().mean()) < 0.6 * float(
        ((1 - alpha_bar) / alpha_bar).sqrt() * noise.abs().mean()
    )
