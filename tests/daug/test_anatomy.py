"""A segmenter comes back from its folder as it was saved, or not at all."""

import json
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file

from daug.anatomy import load_anatomist, measured_ratio_error, open_anatomist
from daug.anatomy_network import (
    AnatomyConfig,
    AnatomyNet,
    load_anatomy,
    save_anatomy,
)
from daug.bundle import ANATOMY_FOLDER, Bundle, write_bundle
from daug.cardiothoracic import RatioError
from daug.errors import BundleError
from daug.radiograph import Radiograph

TINY = AnatomyConfig(image_size=32, patch=2, channels=(8, 16))


@pytest.fixture
def network() -> AnatomyNet:
    with torch.random.fork_rng():
        torch.manual_seed(0)
        return AnatomyNet(TINY)


@pytest.fixture
def folder(tmp_path: Path, network: AnatomyNet) -> Path:
    save_anatomy(network, tmp_path / ANATOMY_FOLDER)
    return tmp_path / ANATOMY_FOLDER


@pytest.fixture
def with_anatomy(
    tmp_path: Path, tiny_bundle: Bundle, network: AnatomyNet
) -> Callable[[AnatomyConfig], Bundle]:
    def make(config: AnatomyConfig) -> Bundle:
        folder = tmp_path / "bundle"
        shutil.copytree(tiny_bundle.folder, folder)
        save_anatomy(network if config == TINY else AnatomyNet(config), folder / ANATOMY_FOLDER)
        new = [f"{ANATOMY_FOLDER}/{path.name}" for path in (folder / ANATOMY_FOLDER).iterdir()]
        return write_bundle(replace(tiny_bundle, folder=folder), [*tiny_bundle.files, *new])

    return make


def test_a_network_comes_back_as_it_was_saved(folder: Path, network: AnatomyNet) -> None:
    image = torch.randn(2, 1, 32, 32)
    with torch.no_grad():
        assert torch.equal(load_anatomy(folder).eval()(image), network.eval()(image))


def test_half_precision_halves_the_file_and_keeps_the_masks(
    tmp_path: Path, network: AnatomyNet
) -> None:
    sizes, seen = {}, {}
    pixels = np.random.default_rng(0).uniform(-1, 1, (1, 32, 32)).astype(np.float32)
    for dtype in (torch.float32, torch.float16):
        save_anatomy(network, tmp_path / str(dtype), dtype)
        sizes[dtype] = (tmp_path / str(dtype) / "model.safetensors").stat().st_size
        seen[dtype] = load_anatomist(tmp_path / str(dtype)).look_at_all(pixels)[0].probability
    assert sizes[torch.float16] < 0.6 * sizes[torch.float32]
    assert np.abs(seen[torch.float16] - seen[torch.float32]).max() < 0.01


def test_the_shipped_shape_is_small() -> None:
    assert sum(p.numel() for p in AnatomyNet(AnatomyConfig()).parameters()) < 1_500_000


def test_pictures_are_seen_alike_alone_and_among_others(folder: Path) -> None:
    pixels = np.random.default_rng(0).uniform(-1, 1, (40, 32, 32)).astype(np.float32)
    anatomist = load_anatomist(folder)
    together = anatomist.look_at_all(pixels)
    assert len(together) == 40
    for i in (0, 31, 39):
        alone = anatomist.look_at_all(pixels[i : i + 1])[0]
        np.testing.assert_allclose(together[i].probability, alone.probability, atol=1e-5)


def test_a_model_input_of_another_size_is_refused(folder: Path, radiograph: Radiograph) -> None:
    with pytest.raises(BundleError, match="looks at 32 x 32 pixels"):
        load_anatomist(folder).segment(radiograph.model_input(64))
    assert load_anatomist(folder).segment(radiograph.model_input(32)).shape == (32, 32)


@pytest.mark.parametrize(
    "values",
    [
        {"channels": [8, 15]},
        {"channels": [8, 24]},
        {"image_size": 33},
        {"patch": 0},
        {"depth": 3},
        {"channels": None},
    ],
)
def test_a_configuration_that_does_not_fit_is_refused(
    folder: Path, values: dict[str, object]
) -> None:
    path = folder / "config.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), **values}))
    with pytest.raises(BundleError, match="anatomy"):
        load_anatomist(folder)


def test_missing_cut_or_poisoned_weights_are_refused(folder: Path) -> None:
    path = folder / "model.safetensors"
    whole = path.read_bytes()
    weights = load_file(path)
    weights["head.bias"][0] = float("nan")
    save_file(weights, path)
    with pytest.raises(BundleError, match=r"head\.bias"):
        load_anatomist(folder)
    path.write_bytes(whole[: len(whole) // 2])
    with pytest.raises(BundleError, match="cannot be loaded"):
        load_anatomist(folder)
    path.unlink()
    with pytest.raises(BundleError, match="cannot be loaded"):
        load_anatomist(folder)


def test_a_bundle_without_the_part_has_no_anatomist(tiny_bundle: Bundle) -> None:
    assert not tiny_bundle.finds_organs
    assert open_anatomist(tiny_bundle) is None
    assert measured_ratio_error(tiny_bundle) is None


def test_the_part_changes_what_a_bundle_can_and_not_its_maps(
    with_anatomy: Callable[[AnatomyConfig], Bundle], tiny_bundle: Bundle
) -> None:
    bundle = with_anatomy(TINY)
    anatomist = open_anatomist(bundle)
    assert anatomist is not None
    assert anatomist.image_size == bundle.image_size
    assert bundle.digest == tiny_bundle.digest


def test_a_changed_file_or_another_size_is_refused(
    with_anatomy: Callable[[AnatomyConfig], Bundle],
) -> None:
    bundle = with_anatomy(AnatomyConfig(image_size=64, patch=2, channels=(8, 16)))
    with pytest.raises(BundleError, match="made for 64 px"):
        open_anatomist(bundle)
    (bundle.folder / ANATOMY_FOLDER / "config.json").write_text("{}")
    with pytest.raises(BundleError, match=r"anatomy/config\.json is not the file"):
        open_anatomist(bundle)


def test_the_measured_error_with_the_most_cases_is_used(tiny_bundle: Bundle) -> None:
    def measured(*errors: dict[str, float] | None) -> Bundle:
        scores = [{"error": error} for error in errors]
        return replace(tiny_bundle, measured={"anatomy": {"cardiothoracic": scores}})

    few, many = ({"half_width": h, "n": n, "coverage": 0.95} for h, n in ((0.01, 19), (0.03, 31)))
    assert measured_ratio_error(measured(few, None, many)) == RatioError(0.03, 31)
    assert measured_ratio_error(measured(None)) is None
    with pytest.raises(BundleError, match="measure-anatomy"):
        measured_ratio_error(measured({"half_width": 0.1}))
