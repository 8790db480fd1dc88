"""The whole command on a small drawn study, with a bundle of tiny random networks."""

import csv
import json
import logging
import re
import shutil
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import typer
from PIL import Image
from typer.testing import CliRunner

from daug.bundle import Bundle, DataSource, read_bundle, write_bundle
from daug.engine import Engine
from daug.errors import ManifestError
from daug.notice import NOTICE
from tests.trainers.localisation.drawn_study import write_study
from trainers.cli import add_commands
from trainers.evaluation.localisation.evaluate import (
    HeatmapEvaluationRequest,
    evaluate_heatmaps,
)

Values = dict[str, Any]
OTHERS = {"grad_cam", "integrated_gradients", "occlusion", "input_gradient", "centre", "chance"}
FILES = {"heatmaps.json", "heatmaps.md", "heatmaps.csv", "index.html"}


@pytest.fixture(scope="module")
def study(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_study(tmp_path_factory.mktemp("study <b>"))


@pytest.fixture(scope="module")
def bundle(tiny_bundle: Bundle, tmp_path_factory: pytest.TempPathFactory) -> Bundle:
    """The tiny bundle, as if JSRT's training split had trained its classifier."""
    folder = tmp_path_factory.mktemp("bundles") / "tiny"
    shutil.copytree(tiny_bundle.folder, folder)
    copied = read_bundle(folder)
    data = (DataSource("jsrt", "research", "JSRT", {"classifier": 1}),)
    return write_bundle(replace(copied, data=data), copied.files)


@pytest.fixture(scope="module")
def output(study: Path, bundle: Bundle, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("out")
    arguments = ["evaluate", "heatmaps", "--manifest", str(study), "-o", str(folder)]
    arguments += ["--bundle", str(bundle.folder), "--json"]
    program = typer.Typer()
    add_commands(program)
    tools = SimpleNamespace(bundled_models=Path("nowhere"))
    handlers = list(logging.getLogger().handlers)
    found = CliRunner().invoke(program, arguments, obj=tools)
    logging.getLogger().handlers = handlers  # the command's own writes to a stream that is gone
    assert found.exit_code == 0, found.output
    assert json.loads(found.stdout) == json.loads((folder / "heatmaps.json").read_text("utf-8"))
    return folder


@pytest.fixture(scope="module")
def values(output: Path) -> Values:
    found: Values = json.loads((output / "heatmaps.json").read_text("utf-8"))
    return found


def test_the_document_has_the_keys_that_others_rely_on(values: Values) -> None:
    for row in values["rows"]:
        assert {
            "super_class",
            "truth",
            "method",
            "direction",
            "activation",
            "default",
        } <= row.keys()
        for name in ("hit_rate", "energy_ratio", "iou_otsu"):
            assert row[name].keys() == {"value", "low", "high", "n"}
        assert (row["activation"] is None) == (row["method"] != "daug")
    assert values["cardiothoracic"]["plus_right_way"] is None
    assert values["cardiothoracic"]["reason"] == "the bundle offers no map of the heart class"
    assert values["normals"]["notable"] is None
    assert values["normals"]["n"] > 0
    assert values["off_target"] == []


def test_each_truth_is_asked_every_way_and_one_row_is_the_compared_one(values: Values) -> None:
    truths = {row["truth"] for row in values["rows"]}
    assert truths == {"jsrt:nodule", "cohen:ground_glass"}
    for truth in truths:
        own = [row for row in values["rows"] if row["truth"] == truth]
        ours = {
            (row["super_class"], row["direction"], row["activation"])
            for row in own
            if row["method"] == "daug"
        }
        assert len(ours) == 6
        assert ("No Finding", "+", "softmax") in ours
        assert {row["method"] for row in own} - {"daug"} == OTHERS
        (compared,) = (row for row in own if row["default"])
        assert (compared["direction"], compared["activation"]) == ("-", "softmax")
        assert compared["to_grad_cam"]["hit_rate"]["n"] == compared["n"]


def test_training_radiographs_are_not_scored_and_validation_only_chooses(values: Values) -> None:
    """Of four nodules one trained the classifier and one is of the validation split."""
    truths = {one["truth"]: one for one in values["truths"]}
    assert truths["jsrt:nodule"]["radiographs"] == {"tuning": 1, "figure": 2}
    cohen = truths["cohen:ground_glass"]["radiographs"]
    assert cohen["tuning"] + cohen["figure"] == 8
    assert min(cohen.values()) > 0
    assert not truths["jsrt:nodule"]["enough"]
    assert "split train, never scored" in truths["jsrt:nodule"]["held_out"]
    assert any("lungs" in reason for reason in values["left_out"])


def test_chance_has_the_energy_of_chance(values: Values) -> None:
    for row in values["rows"]:
        if row["method"] == "chance":
            assert row["energy_ratio"]["value"] == pytest.approx(1, abs=0.15)


def test_tables_and_pages_are_there_and_bear_the_notice(output: Path) -> None:
    assert {path.name for path in output.iterdir()} >= FILES
    text = (output / "heatmaps.md").read_text("utf-8")
    assert NOTICE in text
    assert "n too small" in text
    with (output / "heatmaps.csv").open(encoding="utf-8") as file:
        lines = list(csv.DictReader(file))
    assert {"hit_rate", "iou_tuned", "energy_ratio_to_grad_cam"} <= {x["metric"] for x in lines}
    pages = sorted(output.glob("*.html"))
    assert len(pages) == 3
    for page in pages:
        markup = page.read_text("utf-8")
        assert markup.count(NOTICE) == 2
        assert "<script" not in markup
        for picture in re.findall(r'<img src="([^"]+)"', markup):
            with Image.open(output / picture) as opened:
                assert opened.size[0] == 1024


def test_words_from_the_data_cannot_become_markup(
    bundle: Bundle, study: Path, tmp_path: Path
) -> None:
    """An id is whatever a manifest says; a name is whatever a bundle says."""
    folder = tmp_path / "copy"
    shutil.copytree(study.parent, folder)
    (folder / "masks/cohen-0").rename(folder / "masks/<i>&0")
    text = (folder / "manifest.csv").read_text("utf-8").replace("\ncohen-0,", "\n<i>&0,")
    (folder / "manifest.csv").write_text(text, encoding="utf-8")
    lines = text.splitlines()
    kept = [line for line in lines if line.startswith(("id", "<i>", "cohen-1"))]
    (folder / "manifest.csv").write_text("\n".join(kept), encoding="utf-8")
    named = tmp_path / "named"
    shutil.copytree(bundle.folder, named)
    copied = read_bundle(named)
    write_bundle(replace(copied, name="<b>tiny</b>"), copied.files)
    output = tmp_path / "out"
    evaluate_heatmaps(HeatmapEvaluationRequest(folder / "manifest.csv", output, named, draws=20))
    pages = "".join(page.read_text("utf-8") for page in output.glob("*.html"))
    assert "&lt;b&gt;tiny&lt;/b&gt;" in pages
    assert "<b>tiny" not in pages
    assert "<i>&0" not in pages


def test_a_repeat_draws_nothing_and_finds_the_same(
    study: Path,
    bundle: Bundle,
    output: Path,
    values: Values,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def refuse(*_: object) -> None:
        raise AssertionError("a map was drawn again")

    monkeypatch.setattr(Engine, "draw_heatmaps", refuse)
    evaluate_heatmaps(HeatmapEvaluationRequest(study, output, bundle.folder))
    again = json.loads((output / "heatmaps.json").read_text("utf-8"))
    timeless = {key: value for key, value in values.items() if key != "seconds"}
    assert {key: value for key, value in again.items() if key != "seconds"} == timeless


def test_a_manifest_without_drawings_is_refused_in_one_sentence(
    bundle: Bundle, study: Path, tmp_path: Path
) -> None:
    lines = study.read_text("utf-8").splitlines()
    bare = study.parent / "bare.csv"
    bare.write_text("\n".join(x for x in lines if x.startswith(("id", "kermany"))), "utf-8")
    request = HeatmapEvaluationRequest(bare, tmp_path / "out", bundle.folder)
    with pytest.raises(ManifestError, match="nothing can be scored"):
        evaluate_heatmaps(request)
