import json
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors import safe_open
from safetensors.numpy import load_file, save_file

from app import main
from daug.augmented import ChannelKind
from daug.bundle import Bundle
from daug.bundled_models import load_models
from daug.engine import Engine
from daug.errors import ManifestError, RecipeError, TrainingError
from daug.findings import Direction
from daug.heatmap import Encoder, Recipe, Reference
from daug.loading import load_radiograph
from daug.radiograph import Radiograph
from daug.workstation import finish
from tests.trainers.rows import noise_image, write_image, write_manifest
from trainers import heat_run
from trainers.heat_array import heat_array, to_changes
from trainers.heat_cache import HeatFileError, HeatKey, read_changes, write_changes
from trainers.heat_drawing import HeatDrawer
from trainers.heat_run import AugmentRequest, augment, channel_plan, heat_key
from trainers.manifest import read_manifest

CPU = torch.device("cpu")
KEY = HeatKey("bundle", (Recipe("No Finding"),), 8)
DIGEST = "ab" * 32
CHANGES = np.linspace(-0.5, 0.5, 64, dtype=np.float32).reshape(1, 8, 8)


@pytest.fixture
def manifest(tmp_path: Path) -> Path:
    """Five radiographs, two of which show the same."""
    for i in range(5):
        write_image(tmp_path / f"r{i}.png", noise_image(min(i, 3)))
    lines = [{"id": f"r{i}", "image": f"r{i}.png", "No Finding": "1"} for i in range(5)]
    return write_manifest(tmp_path / "manifest.csv", lines)


def digest_of(manifest: Path, name: str) -> str:
    return load_radiograph(manifest.parent / f"{name}.png").digest


def test_maps_come_back_as_they_were_drawn_but_for_the_16th_bit(tmp_path: Path) -> None:
    path = write_changes(tmp_path, KEY, DIGEST, CHANGES)
    assert path.parent.name == "ab"
    np.testing.assert_allclose(read_changes(tmp_path, KEY, DIGEST), CHANGES, atol=3e-4)
    assert [p.name for p in path.parent.iterdir()] == [path.name]  # nothing half-written is left


@pytest.mark.parametrize(
    "other",
    [
        replace(KEY, bundle_digest="another"),
        replace(KEY, size=16),
        replace(KEY, recipes=(Recipe("No Finding", Direction.LESS),)),
        replace(KEY, recipes=(Recipe("No Finding", num_steps=10),)),
    ],
)
def test_another_bundle_or_recipe_is_another_file(tmp_path: Path, other: HeatKey) -> None:
    write_changes(tmp_path, KEY, DIGEST, CHANGES)
    with pytest.raises(HeatFileError, match="daug augment"):
        read_changes(tmp_path, other, DIGEST)


def test_a_file_under_a_wrong_name_is_refused(tmp_path: Path) -> None:
    path = write_changes(tmp_path, KEY, DIGEST, CHANGES)
    other = replace(KEY, bundle_digest="another")
    shutil.copy(path, other.path(tmp_path, DIGEST))
    with pytest.raises(HeatFileError, match="holds other maps"):
        read_changes(tmp_path, other, DIGEST)


@pytest.mark.parametrize("where", [0, 3, -1, -40])
def test_a_flipped_byte_is_noticed_wherever_it_is(tmp_path: Path, where: int) -> None:
    path = write_changes(tmp_path, KEY, DIGEST, CHANGES)
    content = bytearray(path.read_bytes())
    content[where] ^= 0x10
    path.write_bytes(content)
    with pytest.raises(HeatFileError, match="makes it anew"):
        read_changes(tmp_path, KEY, DIGEST)


@pytest.mark.parametrize("share", [0.0, 0.3, 0.9])
def test_a_file_that_is_cut_off_is_noticed(tmp_path: Path, share: float) -> None:
    path = write_changes(tmp_path, KEY, DIGEST, CHANGES)
    path.write_bytes(path.read_bytes()[: int(path.stat().st_size * share)])
    with pytest.raises(HeatFileError, match="makes it anew"):
        read_changes(tmp_path, KEY, DIGEST)


def test_maps_that_are_no_numbers_are_not_used(tmp_path: Path) -> None:
    write_changes(tmp_path, KEY, DIGEST, np.full_like(CHANGES, np.nan))
    with pytest.raises(HeatFileError, match="finite"):
        read_changes(tmp_path, KEY, DIGEST)


@pytest.mark.parametrize("encoder", list(Encoder))
@pytest.mark.parametrize("reference", list(Reference))
def test_many_radiographs_at_once_give_the_engines_own_maps(
    tiny_bundle: Bundle, radiograph: Radiograph, encoder: Encoder, reference: Reference
) -> None:
    models = load_models(tiny_bundle)
    changes: dict[str, Any] = {
        "encoder": encoder,
        "reference": reference,
        "seeds": (0, 3),
        "scale": 2000.0,
    }
    recipes = [
        tiny_bundle.recipe_for(name, direction, **changes)
        for name, direction in (("no finding", Direction.MORE), ("atelectasis", Direction.LESS))
    ]
    other = Radiograph(np.flipud(radiograph.pixels) * 0.8, source_name="other")
    both = [radiograph, other]
    engine = Engine(models, CPU, fast=False)
    expected = [[h.change for h in finish(engine.draw_heatmaps(r, recipes))] for r in both]
    images = torch.from_numpy(np.stack([r.model_input(32).pixels for r in both]))[:, None]
    found = HeatDrawer(models, recipes, CPU, fast=False).draw(images)
    assert found.shape == (2, 2, 32, 32)
    np.testing.assert_allclose(found.numpy(), np.array(expected), atol=1e-3)
    assert float(found.abs().max()) > 0.05  # there is something to compare


def test_maps_of_different_walks_are_not_drawn_together(tiny_bundle: Bundle) -> None:
    recipes = [tiny_bundle.recipe_for("no finding", num_steps=n) for n in (3, 4)]
    with pytest.raises(RecipeError, match="must agree"):
        HeatDrawer(load_models(tiny_bundle), recipes, CPU)


def test_the_channels_ask_what_looks_abnormal(tiny_bundle: Bundle) -> None:
    plan = channel_plan(tiny_bundle, ChannelKind.ALL)
    asked = [(r.super_class, r.direction) for r in plan.maps]
    assert asked[0] == ("No Finding", Direction.MORE)
    assert {direction for _, direction in asked[1:]} == {Direction.LESS}
    assert [name for name, _ in asked] == [card.name for card in tiny_bundle.offered]
    assert plan.full_at == tiny_bundle.heat_scale.full_at
    assert plan.bundle_digest == tiny_bundle.digest
    assert channel_plan(tiny_bundle, ChannelKind.PAPER).maps == plan.maps[:1]


def test_fewer_steps_lean_as_much_in_all(tiny_bundle: Bundle) -> None:
    whole = channel_plan(tiny_bundle, ChannelKind.PAPER).maps[0]
    fewer = channel_plan(tiny_bundle, ChannelKind.PAPER, num_steps=2).maps[0]
    assert fewer.num_steps * 2 == whole.num_steps
    assert fewer.scale * 2 == whole.scale


def test_augmenting_draws_once_and_then_only_what_is_missing_or_damaged(
    tiny_bundle: Bundle, manifest: Path, tmp_path: Path
) -> None:
    request = AugmentRequest(manifest, tmp_path / "maps", tiny_bundle.folder)
    first = augment(request)
    assert (first["made"], first["kept"], first["remade"]) == (4, 1, 0)  # two show the same
    files = {p: p.stat().st_mtime_ns for p in (tmp_path / "maps").rglob("*.safetensors")}
    assert len(files) == 4
    assert augment(request)["kept"] == 5
    assert {p: p.stat().st_mtime_ns for p in files} == files
    key = heat_key(channel_plan(tiny_bundle, ChannelKind.PAPER), 32)
    damaged = key.path(tmp_path / "maps", digest_of(manifest, "r1"))
    good = load_file(damaged)
    damaged.write_bytes(damaged.read_bytes()[:-7])
    key.path(tmp_path / "maps", digest_of(manifest, "r2")).unlink()
    third = augment(request)
    assert (third["made"], third["remade"], third["kept"]) == (1, 1, 3)
    again = load_file(damaged)
    assert again.keys() == good.keys()
    assert all(np.array_equal(again[name], good[name]) for name in good)


def test_a_run_that_is_stopped_goes_on_where_it_was(
    tiny_bundle: Bundle, manifest: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(heat_run.BATCH, "cpu", 1)
    drawn = 0

    def stopped(self: HeatDrawer, x_0: torch.Tensor) -> torch.Tensor:
        nonlocal drawn
        drawn += 1
        if drawn == 3:
            raise KeyboardInterrupt
        return torch.zeros(1, 1, 32, 32)

    request = AugmentRequest(manifest, tmp_path / "maps", tiny_bundle.folder)
    with monkeypatch.context() as patched:
        patched.setattr(HeatDrawer, "draw", stopped)
        with pytest.raises(KeyboardInterrupt):
            augment(request)
    rest = augment(request)
    assert (rest["made"], rest["kept"]) == (2, 3)
    assert not list((tmp_path / "maps").rglob("*.partial"))


def test_shards_share_the_work_and_leave_nothing_out(
    tiny_bundle: Bundle, manifest: Path, tmp_path: Path
) -> None:
    request = AugmentRequest(manifest, tmp_path / "maps", tiny_bundle.folder)
    parts = [augment(replace(request, shard=(i, 3))) for i in (1, 2, 3)]
    assert [part["radiographs"] for part in parts] == [2, 2, 1]
    assert augment(request)["kept"] == 5


def test_radiographs_that_cannot_be_read_are_told_once_all_others_are_drawn(
    tiny_bundle: Bundle, manifest: Path, tmp_path: Path
) -> None:
    (tmp_path / "r0.png").write_bytes(b"no picture")
    request = AugmentRequest(manifest, tmp_path / "maps", tiny_bundle.folder)
    with pytest.raises(ManifestError, match=r"1 of 5 radiographs cannot be read: .*r0"):
        augment(request)
    assert len(list((tmp_path / "maps").rglob("*.safetensors"))) == 3


def test_the_command_draws_and_answers_in_json(
    tiny_bundle: Bundle, manifest: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = ["augment", str(manifest), "-o", str(tmp_path / "maps"), "--json"]
    with pytest.raises(SystemExit) as end:
        main([*arguments, "--bundle", str(tiny_bundle.folder), "--maps", "all", "--shard", "1/2"])
    assert end.value.code == 0
    answer = json.loads(capsys.readouterr().out)
    assert answer["made"] == 3
    assert len(answer["plan"]["maps"]) == len(tiny_bundle.offered)
    (stored, *_) = (load_file(p) for p in (tmp_path / "maps").rglob("*.safetensors"))
    assert stored["change"].shape == (len(tiny_bundle.offered), 32, 32)


@pytest.mark.parametrize("shard", ["0/2", "3/2", "1", "a/b"])
def test_a_shard_that_makes_no_sense_is_refused(
    manifest: Path, tmp_path: Path, shard: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as end:
        main(["augment", str(manifest), "-o", str(tmp_path / "maps"), "--shard", shard])
    assert end.value.code in (1, 2)
    assert "i/n" in capsys.readouterr().err


def test_a_training_reads_the_maps_on_their_scale_at_its_own_size(
    tiny_bundle: Bundle, manifest: Path, tmp_path: Path
) -> None:
    augment(AugmentRequest(manifest, tmp_path / "maps", tiny_bundle.folder, ChannelKind.ALL))
    plan = channel_plan(tiny_bundle, ChannelKind.ALL)
    key, rows = heat_key(plan, 32), read_manifest(manifest)
    array = heat_array(rows, plan, key, tmp_path / "maps", 32, tmp_path / "cache")
    drawn = np.stack(
        [read_changes(tmp_path / "maps", key, digest_of(manifest, f"r{i}")) for i in range(5)]
    )
    limited = drawn.clip(-plan.full_at, plan.full_at)
    np.testing.assert_allclose(to_changes(array, plan), limited, atol=plan.full_at / 250)
    larger = heat_array(rows, plan, key, tmp_path / "maps", 64, tmp_path / "cache")
    assert larger.shape == (5, len(plan.maps), 64, 64)


def test_a_training_without_its_maps_says_how_many_are_missing(
    make_bundle: Callable[..., Bundle], manifest: Path, tmp_path: Path
) -> None:
    bundle = make_bundle(seed=2)
    augment(AugmentRequest(manifest, tmp_path / "maps", bundle.folder, shard=(1, 2)))
    plan = channel_plan(bundle, ChannelKind.PAPER)
    with pytest.raises(TrainingError, match=r"1 of 5 radiographs have no usable maps"):
        heat_array(
            *(read_manifest(manifest), plan, heat_key(plan, 32)),
            *(tmp_path / "maps", 32, tmp_path / "cache"),
        )


def test_a_map_with_a_wrong_shape_is_refused(tmp_path: Path) -> None:
    path = write_changes(tmp_path, KEY, DIGEST, CHANGES)
    with safe_open(path, framework="numpy") as file:
        about = file.metadata()
    save_file({"change": np.zeros((1, 4, 4), np.float16)}, path, metadata=about)
    with pytest.raises(HeatFileError, match="checksum differs"):
        read_changes(tmp_path, KEY, DIGEST)
