import json
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch

import app
from benchmarks.panel import panel_flop, time_panel
from daug.bundle import Bundle
from daug.bundled_models import load_models
from daug.engine import Engine
from daug.radiograph import Radiograph


@pytest.fixture
def file(radiograph: Radiograph, tmp_path: Path) -> Path:
    path = tmp_path / "drawn.png"
    cv2.imwrite(str(path), np.round((radiograph.pixels + 1) * 127.5).astype(np.uint8))
    return path


def test_the_ratio_is_the_plain_way_multiplied_out_over_the_engine(
    file: Path, tiny_bundle: Bundle
) -> None:
    result = time_panel(file, tiny_bundle.folder, plain_steps=2, repeats=1)
    assert result["maps"] == 8
    assert result["ratio"] == pytest.approx(result["paper_seconds"] / result["engine_seconds"])
    assert result["ratio"] > 1
    assert -1 <= result["agreement"] <= 1
    assert 0 < result["share_of_peak"] < 1
    assert result["peak_rss_mb"] > 0


def test_the_cost_of_a_panel_is_that_of_all_rows_at_all_steps(tiny_bundle: Bundle) -> None:
    models = load_models(tiny_bundle)
    longer = replace(tiny_bundle, recipe=replace(tiny_bundle.recipe, num_steps=12))
    once, thrice = (
        Engine(replace(models, bundle=bundle), torch.device("cpu"), fast=False)
        for bundle in (tiny_bundle, longer)
    )
    assert panel_flop(thrice, 8) == 3 * panel_flop(once, 8)
    none, one, two = (panel_flop(once, maps) for maps in (0, 1, 2))
    assert none > 0  # the control
    assert two - one == one - none > none  # a map costs a denoiser and a classifier gradient


def test_the_command_prints_one_json_document(
    file: Path, tiny_bundle: Bundle, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["bench", "panel", str(file), "--bundle", str(tiny_bundle.folder), "--json"]
    with pytest.raises(SystemExit) as leaving:
        app.main([*words, "--plain-steps", "2", "--repeats", "1"])
    assert leaving.value.code == 0
    assert {"paper_seconds", "engine_seconds", "ratio", "agreement", "machine"} <= set(
        json.loads(capsys.readouterr().out)
    )
