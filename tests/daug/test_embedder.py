import json
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import open_clip
import pytest
import torch

from daug.augmented import AugmentedRadiograph, ChannelKind, ChannelPlan
from daug.bundle import Bundle, read_bundle, write_bundle
from daug.bundled_models import load_models
from daug.clip_files import clip_digest, load_clip, save_clip, write_calibration
from daug.embedder import Embedder, open_embedder
from daug.engine import Engine
from daug.errors import BundleError, EmbeddingError
from daug.finding_probability import FindingScale
from daug.findings import Activation, Direction, Finding
from daug.radiograph import Radiograph
from daug.towers import OPEN_CLIP_WEIGHTS
from daug.workstation import finish
from tests.daug.clips import saved_clip, tiny_clip, tiny_tokenizer

CPU = torch.device("cpu")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return saved_clip(tmp_path)


def with_clip(bundle: Bundle, plan: ChannelPlan, folder: Path) -> Bundle:
    shutil.copytree(bundle.folder, folder / "bundle")
    clip = saved_clip(folder, plan)
    shutil.move(clip, folder / "bundle" / "clip")
    moved = replace(bundle, folder=folder / "bundle")
    files = [
        str(p.relative_to(moved.folder))
        for p in moved.folder.rglob("*")
        if p.is_file() and p.name != "bundle.json"
    ]
    return write_bundle(moved, files)


def test_a_model_comes_back_as_it_was_saved(folder: Path) -> None:
    loaded, _ = load_clip(folder)
    saved = tiny_clip()
    assert loaded.config == saved.config
    assert all((loaded.state_dict()[k] == v).all() for k, v in saved.state_dict().items())


def test_open_clip_loads_the_folder_and_computes_the_same(
    folder: Path, radiograph: Radiograph
) -> None:
    theirs = open_clip.create_model(f"local-dir:{folder}").eval()
    tokenizer = open_clip.get_tokenizer(
        f"local-dir:{folder}", bpe_path=str(folder / "merges.txt.gz")
    )
    ours = Embedder(folder, CPU)
    image = torch.from_numpy(radiograph.model_input(32).pixels).expand(1, 3, 32, 32)
    with torch.no_grad():
        vision = theirs.encode_image(image, normalize=True)[0].numpy()  # mean and spread 0.5
        text = theirs.encode_text(tokenizer(["Edema."]), normalize=True)[0].numpy()
    np.testing.assert_allclose(
        ours.embed(AugmentedRadiograph(radiograph)).vector, vision, atol=1e-5
    )
    np.testing.assert_allclose(ours.embed_text("Edema.").vector, text, atol=1e-5)


def test_probabilities_are_the_calibrated_cosines(folder: Path, radiograph: Radiograph) -> None:
    scale = FindingScale(30, 40, temperature=2.5, operating_point=0.1, calibrated=True)
    write_calibration(folder, {Finding.EDEMA: scale})
    embedder = Embedder(folder, CPU)
    augmented = AugmentedRadiograph(radiograph)
    found = {p.finding: p for p in embedder.classify(augmented)}
    assert tuple(found) == tuple(Finding)
    image = embedder.embed(augmented).vector.astype(np.float64)
    prompts = embedder.clip.config.prompts[Finding.EDEMA]
    direction = np.mean([embedder.embed_text(text).vector for text in prompts], axis=0)
    z = 10 * image @ direction / np.linalg.norm(direction)
    p = 1 / (1 + np.exp(-z / 2.5))
    assert found[Finding.EDEMA].probability == pytest.approx(p, abs=1e-5)
    assert found[Finding.EDEMA].above is bool(p > 0.1)
    assert found[Finding.FRACTURE].above is None
    assert not found[Finding.FRACTURE].scale.calibrated


def test_two_models_never_have_one_digest(folder: Path, tmp_path: Path) -> None:
    before = clip_digest(folder)
    write_calibration(folder, {Finding.EDEMA: FindingScale()})
    assert clip_digest(folder) == before  # what a score means does not move an embedding
    assert clip_digest(saved_clip(tmp_path / "other", seed=1)) != before
    settings = json.loads((folder / "daug.json").read_text())
    settings["plan"]["bundle_digest"] = "another"
    (folder / "daug.json").write_text(json.dumps(settings))
    assert clip_digest(folder) != before


def test_half_precision_halves_the_file_and_hardly_moves_an_embedding(
    tmp_path: Path, folder: Path, radiograph: Radiograph
) -> None:
    merges = tiny_tokenizer(tmp_path / "t").merges
    save_clip(tiny_clip(), merges, tmp_path / "half", torch.float16)
    whole = (folder / OPEN_CLIP_WEIGHTS).stat().st_size
    assert (tmp_path / "half" / OPEN_CLIP_WEIGHTS).stat().st_size < 0.55 * whole
    augmented = AugmentedRadiograph(radiograph)
    vectors = [Embedder(f, CPU).embed(augmented).vector for f in (folder, tmp_path / "half")]
    assert float(vectors[0] @ vectors[1]) > 0.9999


def test_a_bundle_without_the_model_says_so(tiny_bundle: Bundle) -> None:
    with pytest.raises(BundleError, match=r"holds no clip/ model.*daug train clip"):
        open_embedder(tiny_bundle, CPU)


def test_the_model_belongs_to_the_maps_of_its_bundle_and_adding_it_changes_no_map(
    tiny_bundle: Bundle, tmp_path: Path, radiograph: Radiograph
) -> None:
    recipe = tiny_bundle.recipe_for("no finding")
    plan = ChannelPlan(ChannelKind.PAPER, (recipe,), 0.5, tiny_bundle.digest)
    bundle = with_clip(tiny_bundle, plan, tmp_path)
    assert bundle.digest == tiny_bundle.digest  # the maps are those that it learnt from
    assert any(name.startswith("clip/") for name in read_bundle(bundle.folder).files)
    embedder = open_embedder(bundle, CPU)
    engine = Engine(load_models(bundle), CPU)
    heatmaps = finish(engine.draw_heatmaps(radiograph, embedder.recipes))
    embedding = embedder.embed(AugmentedRadiograph.from_heatmaps(radiograph, heatmaps))
    assert embedding.model_digest == embedder.model_digest
    with pytest.raises(EmbeddingError, match="was not drawn"):
        embedder.embed(AugmentedRadiograph(radiograph))


def test_a_model_of_other_maps_is_refused(
    make_bundle: Callable[..., Bundle], tmp_path: Path
) -> None:
    bundle = make_bundle(seed=1)
    recipe = bundle.recipe_for("no finding")
    plan = ChannelPlan(ChannelKind.PAPER, (recipe,), 0.5, "f" * 64)
    with pytest.raises(BundleError, match=r"learnt from the maps of models ffffffffffff"):
        open_embedder(with_clip(bundle, plan, tmp_path), CPU)


@pytest.mark.parametrize("name", ["open_clip_model.safetensors", "daug.json", "merges.txt.gz"])
def test_damaged_files_are_refused(folder: Path, name: str) -> None:
    path = folder / name
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    with pytest.raises(BundleError, match="cannot be loaded"):
        Embedder(folder, CPU)


def test_weights_that_are_no_numbers_are_refused(tmp_path: Path) -> None:
    clip = tiny_clip()
    with torch.no_grad():
        clip.towers.visual.conv1.weight[0, 0, 0, 0] = torch.nan
    save_clip(clip, tiny_tokenizer(tmp_path).merges, tmp_path / "clip")
    with pytest.raises(BundleError, match=r"not numbers.*conv1"):
        Embedder(tmp_path / "clip", CPU)


def test_an_empty_text_is_not_searched_for(folder: Path) -> None:
    with pytest.raises(EmbeddingError, match="no text"):
        Embedder(folder, CPU).embed_text("  \n")


def test_a_model_that_learnt_to_do_without_maps_embeds_as_if_nothing_would_change(
    tiny_bundle: Bundle, radiograph: Radiograph, tmp_path: Path
) -> None:
    recipe = tiny_bundle.recipe_for(Finding.NO_FINDING, Direction.MORE, Activation.SOFTMAX)
    plan = ChannelPlan(ChannelKind.PAPER, (recipe,), 0.5, tiny_bundle.digest)
    merges = tiny_tokenizer(tmp_path / "tokenizer").merges
    save_clip(tiny_clip(plan, heat_dropout=0.25), merges, tmp_path / "clip")
    embedder = Embedder(tmp_path / "clip", CPU)
    still = AugmentedRadiograph(
        radiograph, {recipe: np.zeros((32, 32), np.float32)}, tiny_bundle.digest
    )
    without = embedder.embed_without_heat(radiograph)
    np.testing.assert_array_equal(without.vector, embedder.embed(still).vector)
    assert without.model_digest == embedder.digest_without_heat != embedder.model_digest
    with pytest.raises(EmbeddingError, match="two models"):  # the two kinds are never compared
        without.similarity(embedder.embed(still))
    without.similarity(embedder.embed_text("an effusion", without_heat=True))


def test_a_model_that_always_saw_maps_does_not_pretend_to_do_without(
    tiny_bundle: Bundle, radiograph: Radiograph, tmp_path: Path
) -> None:
    recipe = tiny_bundle.recipe_for(Finding.NO_FINDING, Direction.MORE, Activation.SOFTMAX)
    plan = ChannelPlan(ChannelKind.PAPER, (recipe,), 0.5, tiny_bundle.digest)
    embedder = Embedder(saved_clip(tmp_path, plan), CPU)
    assert embedder.digest_without_heat is None
    with pytest.raises(EmbeddingError, match="--heat-dropout"):
        embedder.embed_without_heat(radiograph)
    with pytest.raises(EmbeddingError, match="--heat-dropout"):
        embedder.embed_text("an effusion", without_heat=True)
