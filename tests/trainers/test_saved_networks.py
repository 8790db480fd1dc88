"""What trainings leave on disk is what went in, and what other libraries expect."""

import json
from pathlib import Path
from typing import Any

import pytest
import torch
from diffusers.models.unets.unet_2d import UNet2DModel
from safetensors.torch import load_file, save_file
from torch.nn import functional as F

from daug.errors import BundleError
from daug.noisy_classifier import (
    ClassifierConfig,
    NoisyClassifier,
    load_classifier,
    save_classifier,
)
from daug.unet import Denoiser, PredictionType, UNetConfig, load_unet, save_unet

UNETS = [
    UNetConfig(32, patch=4, channels=(32, 32)),
    UNetConfig(16, patch=2, channels=(32, 64), attention_from=0, dropout=0.1),
    UNetConfig(16, patch=1, channels=(32, 32), prediction_type=PredictionType.EPSILON),
]
CLASSIFIER = ClassifierConfig(("A", "B / C"), image_size=32, patch=2, channels=(32, 32))
UNET_WEIGHTS = "diffusion_pytorch_model.safetensors"
CLASSIFIER_WEIGHTS = "model.safetensors"


@pytest.mark.parametrize("shape", UNETS)
def test_a_unet_comes_back_exactly(tmp_path: Path, shape: UNetConfig) -> None:
    denoiser = Denoiser(shape)
    save_unet(denoiser, tmp_path / "unet")
    found = load_unet(tmp_path / "unet")
    assert found.config == shape
    assert found.state_dict().keys() == denoiser.state_dict().keys()
    assert all((found.state_dict()[k] == v).all() for k, v in denoiser.state_dict().items())
    x, t = torch.randn(2, 1, shape.image_size, shape.image_size), torch.tensor([3, 700])
    with torch.no_grad():
        assert (found.eval()(x, t) == denoiser.eval()(x, t)).all()


@pytest.mark.parametrize("shape", UNETS)
def test_diffusers_loads_the_unet_and_computes_the_same(tmp_path: Path, shape: UNetConfig) -> None:
    denoiser = Denoiser(shape).eval()
    save_unet(denoiser, tmp_path / "unet")
    theirs = UNet2DModel.from_pretrained(tmp_path / "unet").eval()
    x, t = torch.randn(1, 1, shape.image_size, shape.image_size), torch.tensor([10])
    with torch.no_grad():
        output = theirs(F.pixel_unshuffle(x, shape.patch), t).sample
        torch.testing.assert_close(
            F.pixel_shuffle(output, shape.patch), denoiser(x, t), atol=1e-6, rtol=0
        )


def test_a_classifier_comes_back_exactly(tmp_path: Path) -> None:
    classifier = NoisyClassifier(CLASSIFIER)
    save_classifier(classifier, tmp_path / "classifier")
    found = load_classifier(tmp_path / "classifier")
    assert found.config == CLASSIFIER
    x, t = torch.randn(2, 1, 32, 32), torch.tensor([0, 499])
    with torch.no_grad():
        assert (found.eval()(x, t) == classifier.eval()(x, t)).all()


@pytest.fixture
def unet_folder(tmp_path: Path) -> Path:
    save_unet(Denoiser(UNETS[0]), tmp_path / "unet")
    return tmp_path / "unet"


@pytest.fixture
def classifier_folder(tmp_path: Path) -> Path:
    save_classifier(NoisyClassifier(CLASSIFIER), tmp_path / "classifier")
    return tmp_path / "classifier"


def change_json(path: Path, **changes: Any) -> None:
    path.write_text(json.dumps({**json.loads(path.read_text("utf-8")), **changes}), "utf-8")


def test_weights_that_do_not_fit_the_configuration_are_refused(
    unet_folder: Path, classifier_folder: Path
) -> None:
    change_json(unet_folder / "denoiser.json", channels=[32, 64])
    with pytest.raises(BundleError, match="U-Net cannot be loaded"):
        load_unet(unet_folder)
    change_json(classifier_folder / "config.json", classes=["A", "B", "C"])
    with pytest.raises(BundleError, match="classifier cannot be loaded"):
        load_classifier(classifier_folder)


@pytest.mark.parametrize("damage", ["cut short", "gone", "a weight lacks"])
def test_damaged_weights_are_refused(
    unet_folder: Path, classifier_folder: Path, damage: str
) -> None:
    for path in (unet_folder / UNET_WEIGHTS, classifier_folder / CLASSIFIER_WEIGHTS):
        if damage == "gone":
            path.unlink()
        elif damage == "cut short":
            path.write_bytes(path.read_bytes()[:-100])
        else:
            weights = load_file(path)
            save_file(dict(list(weights.items())[1:]), path)
    with pytest.raises(BundleError):
        load_unet(unet_folder)
    with pytest.raises(BundleError):
        load_classifier(classifier_folder)


@pytest.mark.parametrize(
    "changes",
    [
        {"patch": 3},
        {"channels": [30, 32]},
        {"channels": []},
        {"channels": 32},
        {"image_size": 33},
        {"new_field": 1},
    ],
)
def test_configurations_that_make_no_network_are_refused(
    unet_folder: Path, classifier_folder: Path, changes: dict[str, Any]
) -> None:
    change_json(unet_folder / "denoiser.json", **changes)
    change_json(classifier_folder / "config.json", **changes)
    with pytest.raises(BundleError):
        load_unet(unet_folder)
    with pytest.raises(BundleError):
        load_classifier(classifier_folder)


@pytest.mark.parametrize("text", ["", "[]", "{", '"word"', "\ufeff{}"])
def test_what_is_no_configuration_is_refused(
    unet_folder: Path, classifier_folder: Path, text: str
) -> None:
    (unet_folder / "denoiser.json").write_text(text, encoding="utf-8")
    (classifier_folder / "config.json").write_text(text, encoding="utf-8")
    with pytest.raises(BundleError):
        load_unet(unet_folder)
    with pytest.raises(BundleError):
        load_classifier(classifier_folder)
