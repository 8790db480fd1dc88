import json
import shutil
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from diffusers.models.unets.unet_2d import UNet2DModel
from diffusers.schedulers.scheduling_ddpm import DDPMScheduler
from safetensors.torch import load_file, save_file

from daug.bundle import (
    BUNDLE_FILE,
    Bundle,
    ClassMetrics,
    Estimate,
    HeatScale,
    file_digest,
    read_bundle,
    write_bundle,
)
from daug.bundled_models import load_models
from daug.errors import BundleError, RecipeError, UntrainedError
from daug.findings import Activation, Direction

WEIGHTS = "classifier/model.safetensors"


@pytest.fixture
def copied(tiny_bundle: Bundle, tmp_path: Path) -> Bundle:
    """A bundle that a test may break."""
    shutil.copytree(tiny_bundle.folder, tmp_path / "bundle")
    return read_bundle(tmp_path / "bundle")


def change_description(bundle: Bundle, **changes: object) -> Bundle:
    path = bundle.folder / BUNDLE_FILE
    path.write_text(json.dumps({**json.loads(path.read_text()), **changes}))
    return read_bundle(bundle.folder)


def change_weights(bundle: Bundle, name: str, value: float) -> Bundle:
    weights = load_file(bundle.folder / WEIGHTS)
    weights[name].view(-1)[0] = value
    save_file(weights, bundle.folder / WEIGHTS)
    return write_bundle(bundle, bundle.files)  # with a matching digest


def test_a_bundle_comes_back_as_it_was_written(tiny_bundle: Bundle, tmp_path: Path) -> None:
    estimate = Estimate(0.7, 0.6, 0.8, 50)
    card = replace(
        tiny_bundle.classes[0],
        operating_point=0.4,
        metrics=(ClassMetrics("nih", 25, 25, estimate, estimate),),
    )
    shutil.copytree(tiny_bundle.folder, tmp_path / "b")
    changed = replace(tiny_bundle, folder=tmp_path / "b", classes=(card, *tiny_bundle.classes[1:]))
    written = write_bundle(changed, tiny_bundle.files)
    assert read_bundle(tmp_path / "b") == written == changed


def test_a_figure_that_is_no_number_leaves_the_old_description_whole(copied: Bundle) -> None:
    with pytest.raises(BundleError, match="a figure to be written is no number"):
        write_bundle(replace(copied, measured={"auroc": float("nan")}), copied.files)
    assert read_bundle(copied.folder) == copied


def test_the_digest_changes_with_the_weights_and_not_with_the_metrics(copied: Bundle) -> None:
    before = copied.digest
    assert change_description(copied, measured={"n": 3}).digest == before
    first, *others = copied.classes
    untrained = replace(first, training=replace(first.training, positives=0))
    assert replace(copied, classes=(untrained, *others)).digest != before  # softmax over fewer
    assert change_weights(copied, "norm_out.bias", 0.5).digest != before


def test_a_super_class_without_examples_is_not_offered(tiny_bundle: Bundle) -> None:
    assert len(tiny_bundle.offered) == 5
    with pytest.raises(UntrainedError, match=r"Support Device: no training examples \(0 with it"):
        tiny_bundle.card("support")
    with pytest.raises(UntrainedError):
        tiny_bundle.recipe_for("Cardiomegaly")


def test_a_recipe_is_the_bundles_own_unless_changed(tiny_bundle: Bundle) -> None:
    recipe = tiny_bundle.recipe_for("pleural", Direction.LESS, Activation.SIGMOID, scale=9.0)
    assert (recipe.super_class, recipe.scale) == ("Pleural", 9.0)
    assert recipe.noise_level == tiny_bundle.recipe.noise_level
    with pytest.raises(RecipeError, match="scale"):
        tiny_bundle.recipe_for("pleural", scale=-1.0)


def test_a_bundle_loads_and_its_networks_answer(tiny_bundle: Bundle) -> None:
    models = load_models(tiny_bundle)
    assert models.alpha_bar.shape == (1000,)
    assert not any(p.requires_grad for p in models.denoiser.parameters())


def test_a_folder_without_a_description_says_how_to_get_one(tmp_path: Path) -> None:
    with pytest.raises(BundleError, match=r"holds no bundle\.json.*daug bundle build"):
        read_bundle(tmp_path)


@pytest.mark.parametrize("text", ["", "{", "[]", "{}", '{"format": 2}', '{"format": 1}', "\xff"])
def test_a_description_that_is_none_is_refused(tmp_path: Path, text: str) -> None:
    (tmp_path / BUNDLE_FILE).write_text(text, encoding="latin-1")
    with pytest.raises(BundleError, match=r"bundle\.json: "):
        read_bundle(tmp_path)


@pytest.mark.parametrize("name", ["../weights", "/etc/passwd", "a//b", "a/../b", ".hidden", ""])
def test_a_path_that_leaves_the_bundle_is_refused(copied: Bundle, name: str) -> None:
    with pytest.raises(BundleError, match="is not a path inside the bundle"):
        change_description(copied, files={name: "0" * 64})


def test_a_changed_byte_is_noticed_and_the_file_named(copied: Bundle) -> None:
    path = copied.folder / WEIGHTS
    content = bytearray(path.read_bytes())
    content[-5] ^= 1  # loads without complaint, since safetensors has no checksum
    path.write_bytes(content)
    with pytest.raises(BundleError, match=r"classifier/model\.safetensors is not the file"):
        load_models(copied)


def test_a_missing_file_is_named(copied: Bundle) -> None:
    (copied.folder / "unet" / "denoiser.json").unlink()
    with pytest.raises(BundleError, match=r"unet/denoiser\.json is missing"):
        load_models(copied)


@pytest.mark.parametrize("content", [b"", b"<html>", b"version https://git-lfs"])
def test_weights_that_are_none_are_refused(copied: Bundle, content: bytes) -> None:
    (copied.folder / WEIGHTS).write_bytes(content)
    with pytest.raises(BundleError, match="classifier"):
        load_models(write_bundle(copied, copied.files))


def test_a_weight_that_is_no_number_is_found(copied: Bundle) -> None:
    with pytest.raises(BundleError, match=rf"{WEIGHTS} holds values that are not numbers"):
        load_models(change_weights(copied, "head.1.weight", float("nan")))


def test_weights_of_another_shape_are_refused(copied: Bundle) -> None:
    path = copied.folder / "classifier" / "config.json"
    path.write_text(path.read_text().replace("32,\n    32", "32,\n    64"))
    with pytest.raises(BundleError, match=r"does not fit classifier/config\.json"):
        load_models(write_bundle(copied, copied.files))


def test_a_class_list_that_differs_from_the_classifiers_is_refused(copied: Bundle) -> None:
    renamed = replace(copied, classes=copied.classes[::-1])
    with pytest.raises(BundleError, match=r"classifier/config\.json lists No Finding"):
        load_models(write_bundle(renamed, copied.files))


def test_models_of_another_size_are_refused(copied: Bundle) -> None:
    with pytest.raises(BundleError, match=r"made for 32 px, but bundle\.json says 64"):
        load_models(write_bundle(replace(copied, image_size=64), copied.files))


@pytest.mark.parametrize(("mark", "full_at"), [(-0.1, 1), (0.5, 0.5), (0.1, 2.1), (0.6, 0.5)])
def test_a_heat_scale_rises_within_the_possible_change(mark: float, full_at: float) -> None:
    with pytest.raises(BundleError, match="must rise"):
        HeatScale(mark, full_at)


def test_no_bundled_file_is_a_pickle(tiny_bundle: Bundle) -> None:
    assert {Path(name).suffix for name in tiny_bundle.files} == {".json", ".safetensors"}


def test_diffusers_loads_the_unet_and_the_schedule(tiny_bundle: Bundle) -> None:
    theirs = UNet2DModel.from_pretrained(tiny_bundle.folder / "unet")
    models = load_models(tiny_bundle)
    x, t = torch.randn(1, 4, 16, 16), torch.tensor(7)
    torch.testing.assert_close(theirs(x, t).sample, models.denoiser.unet(x, t).sample)
    alphas = DDPMScheduler.from_pretrained(tiny_bundle.folder / "scheduler").alphas_cumprod
    torch.testing.assert_close(alphas, models.alpha_bar)


def test_a_files_digest_is_its_sha256(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"abc")
    assert file_digest(tmp_path / "a").startswith("ba7816bf8f01cfea")
