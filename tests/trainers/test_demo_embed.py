"""`daug bundle demo-embed`: what is shipped is what the models would answer themselves."""

import hashlib
import json
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

import app
from daug.augmented import AugmentedRadiograph, ChannelKind, ChannelPlan
from daug.bundle import Bundle, read_bundle, write_bundle
from daug.bundled_models import load_models
from daug.clip_files import save_clip
from daug.embedder import open_embedder
from daug.engine import Engine
from daug.errors import EmbeddingError, ExportError
from daug.loading import load_radiograph
from daug.shipped import (
    EMBEDDINGS_FILE,
    HEAT_FILE,
    LEVELS,
    ShippedHeat,
    pack_embeddings,
    pack_heat,
    read_verified,
    to_levels,
    unpack_embeddings,
    unpack_heat,
)
from daug.workstation import finish
from tests.daug.clips import tiny_clip, tiny_tokenizer
from tests.trainers.test_copy_check import chest
from trainers.heat_drawing import HeatDrawer
from trainers.heat_run import channel_plan
from trainers.synthetic import demo_embed
from trainers.synthetic.demo_embed import embed_demonstration

REPOSITORY = Path(__file__).parents[2]
SHIPPED = REPOSITORY / "assets" / "demo"
CPU = torch.device("cpu")
IDS = ("synthetic-1", "synthetic-2-1", "synthetic-2-2")


@pytest.fixture
def demo(tmp_path: Path) -> Path:
    """Three cases, as `daug bundle demo` lists them."""
    folder = tmp_path / "demo"
    folder.mkdir()
    cases = []
    for number, name in enumerate(IDS):
        path = folder / f"{name}.png"
        Image.fromarray(chest(number)).resize((128, 128)).save(path)
        digest = hashlib.sha256(path.read_bytes()).hexdigest()
        cases.append({"id": name, "file": path.name, "sha256": digest})
    (folder / "demo.json").write_text(json.dumps({"cases": cases, "shipped": []}))
    return folder


@pytest.fixture
def make_clip_bundle(
    make_bundle: Callable[..., Bundle], tmp_path: Path
) -> Callable[[ChannelKind, float], Bundle]:
    """Make a tiny bundle with a CLIP model that looks at some channels."""

    def make(kind: ChannelKind, heat_dropout: float = 0.0) -> Bundle:
        bundle = make_bundle()
        merges = tiny_tokenizer(tmp_path / "tokenizer").merges
        clip = tiny_clip(channel_plan(bundle, kind), heat_dropout=heat_dropout)
        with torch.no_grad():  # as after a training: new channels begin at zero, and do nothing
            for name, weights in clip.named_parameters():
                if name.endswith("conv1.weight"):
                    weights.normal_(std=0.1)
        save_clip(clip, merges, bundle.folder / "clip")
        added = [f"clip/{path.name}" for path in (bundle.folder / "clip").iterdir()]
        return write_bundle(bundle, [*bundle.files, *added])

    return make


def shipped(folder: Path) -> dict[str, dict[str, str]]:
    index = json.loads((folder / "demo.json").read_text(encoding="utf-8"))
    return {one["file"]: one for one in index["shipped"]}


def drawn_by_the_engine(bundle: Bundle, path: Path) -> AugmentedRadiograph:
    radiograph = load_radiograph(path)
    engine = Engine(load_models(bundle), CPU, fast=False)
    recipes = open_embedder(bundle, CPU).recipes
    maps = finish(engine.draw_heatmaps(radiograph, recipes))
    return AugmentedRadiograph.from_heatmaps(radiograph, maps)


def test_shipped_vectors_and_maps_are_those_of_engine_and_embedder(
    demo: Path, make_clip_bundle: Callable[..., Bundle], capsys: pytest.CaptureFixture[str]
) -> None:
    bundle = make_clip_bundle(ChannelKind.ALL, 0.5)
    with pytest.raises(SystemExit) as leaving:
        app.main(["bundle", "demo-embed", str(bundle.folder), "-o", str(demo), "--json"])
    assert not leaving.value.code
    files = shipped(demo)
    assert json.loads(capsys.readouterr().out)["shipped"] == list(files.values())
    embedder = open_embedder(bundle, CPU)
    vectors = unpack_embeddings(read_verified(demo, files[EMBEDDINGS_FILE]))
    assert set(vectors) == {embedder.model_digest, embedder.digest_without_heat}
    assert set(files[EMBEDDINGS_FILE]["models"]) == set(vectors)
    heat = unpack_heat(read_verified(demo, files[HEAT_FILE]))
    assert heat.ids == IDS
    assert heat.plan == embedder.plan
    assert heat.plan.bundle_digest == bundle.digest
    step = heat.plan.full_at / LEVELS
    for name in IDS:
        augmented = drawn_by_the_engine(bundle, demo / f"{name}.png")
        with_heat = vectors[embedder.model_digest][name]
        np.testing.assert_allclose(with_heat, embedder.embed(augmented).vector, atol=1e-4)
        assert np.abs(with_heat - vectors[str(embedder.digest_without_heat)][name]).max() > 1e-3
        without = embedder.embed_without_heat(augmented.radiograph)
        assert without.model_digest == embedder.digest_without_heat
        np.testing.assert_allclose(vectors[without.model_digest][name], without.vector, atol=1e-5)
        maps = np.stack([augmented.changes[recipe] for recipe in embedder.recipes])
        clipped = np.clip(maps, -heat.plan.full_at, heat.plan.full_at)
        np.testing.assert_allclose(heat.changes(name), clipped, atol=step * 0.51)


def test_a_model_of_plain_channels_ships_no_heat(
    demo: Path, make_clip_bundle: Callable[..., Bundle], monkeypatch: pytest.MonkeyPatch
) -> None:
    bundle = make_clip_bundle(ChannelKind.PAPER, 0.5)
    embed_demonstration(bundle.folder, demo)
    assert set(shipped(demo)) == {EMBEDDINGS_FILE, HEAT_FILE}
    shutil.rmtree(bundle.folder / "clip")
    left = [name for name in bundle.files if not name.startswith("clip/")]
    write_bundle(replace(read_bundle(bundle.folder)), left)
    plain = make_clip_bundle(ChannelKind.PLAIN)
    embed_demonstration(plain.folder, demo)
    assert set(shipped(demo)) == {EMBEDDINGS_FILE}
    assert not (demo / HEAT_FILE).exists()  # what the last model looked at is not left behind
    (only,) = unpack_embeddings(read_verified(demo, shipped(demo)[EMBEDDINGS_FILE]))
    assert only == open_embedder(plain, CPU).model_digest


def test_a_stopped_run_goes_on_with_the_maps_that_are_drawn(
    demo: Path,
    make_clip_bundle: Callable[..., Bundle],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    bundle = make_clip_bundle(ChannelKind.PAPER)
    monkeypatch.setitem(demo_embed.AT_ONCE, "cpu", 1)
    drawn: list[int] = []
    draw = HeatDrawer.draw

    def stop_at_the_third(self: HeatDrawer, x_0: torch.Tensor) -> torch.Tensor:
        if len(drawn) == 2:
            raise KeyboardInterrupt
        drawn.append(len(x_0))
        return draw(self, x_0)

    with monkeypatch.context() as patched:
        patched.setattr(HeatDrawer, "draw", stop_at_the_third)
        with pytest.raises(KeyboardInterrupt):
            embed_demonstration(bundle.folder, demo, tmp_path / "cache")
    assert shipped(demo) == {}
    rest: list[int] = []

    def count(self: HeatDrawer, x_0: torch.Tensor) -> torch.Tensor:
        rest.append(len(x_0))
        return draw(self, x_0)

    monkeypatch.setattr(HeatDrawer, "draw", count)
    embed_demonstration(bundle.folder, demo, tmp_path / "cache")
    assert (drawn, rest) == ([1, 1], [1])
    first = {path.name: path.read_bytes() for path in demo.iterdir()}
    embed_demonstration(bundle.folder, demo)
    assert {path.name: path.read_bytes() for path in demo.iterdir()} == first


def test_maps_shrink_until_the_folder_is_small_enough(
    demo: Path, make_clip_bundle: Callable[..., Bundle], monkeypatch: pytest.MonkeyPatch
) -> None:
    bundle = make_clip_bundle(ChannelKind.ALL)
    embed_demonstration(bundle.folder, demo)
    whole = sum(path.stat().st_size for path in demo.iterdir())
    assert unpack_heat((demo / HEAT_FILE).read_bytes()).heat.shape[-1] == bundle.image_size
    room = whole - (demo / HEAT_FILE).stat().st_size // 2
    monkeypatch.setattr(demo_embed, "LARGEST_FOLDER", room)
    embed_demonstration(bundle.folder, demo)
    assert sum(path.stat().st_size for path in demo.iterdir()) <= room + 10
    smaller = unpack_heat((demo / HEAT_FILE).read_bytes())
    assert smaller.heat.shape == (3, len(smaller.plan.maps), 16, 16)
    monkeypatch.setattr(demo_embed, "LARGEST_FOLDER", 0)
    with pytest.raises(EmbeddingError, match="do not fit"):
        embed_demonstration(bundle.folder, demo)


def test_a_changed_picture_is_not_embedded(
    demo: Path, make_clip_bundle: Callable[..., Bundle], tmp_path: Path
) -> None:
    bundle = make_clip_bundle(ChannelKind.PLAIN)
    with (demo / f"{IDS[1]}.png").open("ab") as file:
        file.write(b"\0")
    with pytest.raises(EmbeddingError, match=f"{IDS[1]}.png: was changed"):
        embed_demonstration(bundle.folder, demo)
    assert shipped(demo) == {}
    with pytest.raises(ExportError, match="holds no demonstration"):
        embed_demonstration(bundle.folder, tmp_path)


def unit_rows(count: int, width: int) -> np.ndarray:
    rows = np.random.default_rng(width).normal(size=(count, width))
    return np.asarray(rows / np.linalg.norm(rows, axis=1, keepdims=True), dtype=np.float32)


@given(st.integers(1, 9), st.lists(st.integers(2, 40), min_size=1, max_size=3, unique=True))
def test_vectors_of_several_models_come_back_bit_by_bit(count: int, widths: list[int]) -> None:
    ids = [f"case {number}" for number in range(count)]
    vectors = {f"{width:064x}": unit_rows(count, width) for width in widths}
    back = unpack_embeddings(pack_embeddings(ids, vectors))
    assert set(back) == set(vectors)
    for digest, rows in vectors.items():
        assert list(back[digest]) == ids
        np.testing.assert_array_equal(np.stack(list(back[digest].values())), rows)


def test_what_is_no_unit_vector_or_no_such_file_is_refused() -> None:
    with pytest.raises(EmbeddingError, match="length 1"):
        unpack_embeddings(pack_embeddings(["a"], {"d": np.full((1, 4), 0.7, np.float32)}))
    with pytest.raises(EmbeddingError, match="one for each case"):
        unpack_embeddings(pack_embeddings(["a", "b"], {"d": unit_rows(1, 4)}))
    with pytest.raises(EmbeddingError, match="no safetensors file"):
        unpack_embeddings(b"nonsense" * 9)
    with pytest.raises(EmbeddingError, match="cannot be unpacked"):
        unpack_heat(b"nonsense" * 9)


def test_heat_of_another_plan_or_shape_is_refused(tiny_bundle: Bundle) -> None:
    plan: ChannelPlan = channel_plan(tiny_bundle, ChannelKind.PAPER)
    levels = to_levels(np.linspace(-1, 1, 128, dtype=np.float32).reshape(2, 1, 8, 8), plan)
    assert (levels.min(), levels.max()) == (-LEVELS, LEVELS)  # cut off at full heat, both ways
    whole = unpack_heat(pack_heat(ShippedHeat(("a", "b"), plan, levels)))
    np.testing.assert_array_equal(whole.heat, levels)
    with pytest.raises(EmbeddingError, match="maps of 1 cases"):
        unpack_heat(pack_heat(ShippedHeat(("a",), plan, levels)))
    with pytest.raises(EmbeddingError, match="maps of 2 cases"):
        unpack_heat(pack_heat(ShippedHeat(("a", "b"), plan, np.repeat(levels, 2, axis=1))))


def test_the_shipped_vectors_and_maps_are_of_the_shipped_models() -> None:
    """Maps in 8 bits give the shipped embedding again, and no map gives the one without heat."""
    bundle = read_bundle(REPOSITORY / "assets" / "models" / "cxr-demo")
    embedder = open_embedder(bundle, CPU)
    index = json.loads((SHIPPED / "demo.json").read_text(encoding="utf-8"))
    files = {one["file"]: one for one in index["shipped"]}
    vectors = unpack_embeddings(read_verified(SHIPPED, files[EMBEDDINGS_FILE]))
    ids = [case["id"] for case in index["cases"]]
    spaces = [embedder.model_digest, embedder.digest_without_heat]
    assert set(vectors) == {space for space in spaces if space is not None}
    assert all(list(rows) == ids for rows in vectors.values())
    heat = None
    if embedder.recipes:
        heat = unpack_heat(read_verified(SHIPPED, files[HEAT_FILE]))
        assert (heat.plan, list(heat.ids)) == (embedder.plan, ids)
    for case in index["cases"][::30]:
        radiograph = load_radiograph(SHIPPED / case["file"])
        maps = () if heat is None else heat.changes(case["id"])
        changes = dict(zip(embedder.recipes, maps, strict=True))
        found = embedder.embed(AugmentedRadiograph(radiograph, changes, bundle.digest)).vector
        assert found @ vectors[embedder.model_digest][case["id"]] > 0.999
        if embedder.digest_without_heat is not None:
            found = embedder.embed_without_heat(radiograph).vector
            assert found @ vectors[embedder.digest_without_heat][case["id"]] > 0.9999
