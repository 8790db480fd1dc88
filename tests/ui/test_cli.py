"""`daug heatmap`, `daug panel` and `daug app` as somebody at a terminal meets them."""

import json
import os
import re
import socket
import subprocess
import sys
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
import typer
from PIL import Image
from typer.testing import CliRunner, Result

import ui.cli
from daug.errors import (
    DaugError,
    EngineError,
    ExportError,
    RadiographError,
    RecipeError,
    UntrainedError,
)
from daug.heatmap import Preview, Recipe
from daug.radiograph import Radiograph
from daug.workstation import Drawing, Workstation
from tests.ui import phantoms
from ui import wording
from ui.heat_picture import gray
from ui.server import listen

Run = Callable[..., Result]


class FakeTools:
    """Hands out a workstation of phantoms, and remembers what it was asked for."""

    def __init__(self) -> None:
        self.workstation = phantoms.workstation()
        self.asked: list[tuple[Path | None, Path | None]] = []

    def open_workstation(self, bundle: Path | None, library: Path | None) -> Workstation:
        self.asked.append((bundle, library))
        return self.workstation


def opened(path: str | Path) -> Image.Image:
    with Image.open(path) as picture:
        picture.load()
        return picture


@pytest.fixture
def tools() -> FakeTools:
    return FakeTools()


@pytest.fixture
def run(tools: FakeTools) -> Run:
    app = typer.Typer(pretty_exceptions_enable=False)
    ui.cli.add_commands(app)

    def invoke(*arguments: object) -> Result:
        return CliRunner().invoke(app, [str(argument) for argument in arguments], obj=tools)

    return invoke


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "Müller, Änne (1).png"
    done, content = cv2.imencode(".png", gray(phantoms.chest(300, 240)))
    assert done
    path.write_bytes(content.tobytes())
    return path


def test_a_map_is_written_as_picture_numbers_and_recipe(
    run: Run, file: Path, tmp_path: Path
) -> None:
    out = tmp_path / "new" / "maps"
    asked = ("--super-class", "cardiomegaly", "--direction", "-", "--activation", "sigmoid")
    result = run("heatmap", file, *asked, "-o", out, "--seeds", "0,1", "--steps", 5, "--json")
    assert result.exit_code == 0
    document = json.loads(result.stdout)
    outputs = {part: Path(path) for part, path in document["outputs"].items()}
    assert set(outputs.values()) == set(out.iterdir())
    stems = {path.name.split(".")[0] for path in outputs.values()}
    assert len(stems) == 1
    digest = document["pixel_digest"]
    assert stems.pop() == (
        f"Muller-Anne-1_{digest[:8]}_enlarged-cardiomediastinum-cardiomegaly_minus_sigmoid"
    )
    recipe = json.loads(outputs["recipe"].read_text())
    assert recipe["recipe"] == document["recipe"]
    assert Recipe.from_dict(recipe["recipe"]).seeds == (0, 1)
    assert recipe["pixel_digest"] == digest
    assert recipe["notice"] == wording.NOTICE
    assert recipe["map"]["grid"] == "radiograph"
    assert "ller" not in outputs["recipe"].read_text().replace(outputs["map"].name, "").replace(
        outputs["overlay"].name, ""
    )


def test_the_json_of_a_map_holds_what_others_rely_on(run: Run, file: Path, tmp_path: Path) -> None:
    result = run("heatmap", file, "--super-class", "pleural", "-o", tmp_path / "o", "--json")
    document = json.loads(result.stdout)
    assert document["file"] == str(file)
    assert set(document["bundle"]) == {"name", "version", "digest"}
    assert document["recipe"]["direction"] == "+"
    assert document["recipe"]["activation"] == "softmax"
    offered = {card.name for card in phantoms.bundle().offered}
    for moment in ("input", "before", "after"):
        assert set(document["probability"][moment]) == offered
    exact = phantoms.scores(phantoms.bundle()).sigmoid["Pleural"]
    assert document["probability"]["input"]["Pleural"] == exact  # not rounded
    assert set(document["heat"]) == {"mean", "p99", "max"}
    assert set(document["seconds"]) >= {"load", "encode", "decode", "total"}
    seconds = document["seconds"]
    assert seconds["total"] >= seconds["load"] + seconds["encode"] + seconds["decode"] > 0
    assert "The view is not known." in document["warnings"]


def test_a_class_that_was_hardly_measured_is_warned_about(
    run: Run, file: Path, tmp_path: Path
) -> None:
    arguments = ("heatmap", file, "--super-class", "lung lesion", "-o", tmp_path / "o", "--json")
    document = json.loads(run(*arguments).stdout)
    assert any("not measured (n = 12 with it)" in warning for warning in document["warnings"])


def test_the_float_map_is_the_change_on_the_radiographs_own_pixels(
    run: Run, file: Path, tmp_path: Path
) -> None:
    result = run("heatmap", file, "--super-class", "pleural", "-o", tmp_path / "o", "--json")
    document = json.loads(result.stdout)
    values = np.asarray(opened(document["outputs"]["map"]))
    assert values.dtype == np.float32
    assert values.shape == (300, 240)
    row, column = np.unravel_index(values.argmax(), values.shape)
    assert (row / 300, column / 240) == pytest.approx((0.75, 0.19), abs=0.04)  # padding is gone
    assert values.max() == pytest.approx(document["heat"]["max"], rel=0.02)


def test_the_overlay_starts_with_the_radiographs_first_pixel(
    run: Run, file: Path, tmp_path: Path
) -> None:
    arguments = ("heatmap", file, "--super-class", "pleural", "-o", tmp_path, "--opacity", 0)
    document = json.loads(run(*arguments, "--json").stdout)
    picture = np.asarray(opened(document["outputs"]["overlay"]))
    zoom = json.loads(Path(document["outputs"]["recipe"]).read_text())["overlay"]["zoom"]
    assert zoom == 3  # 240 pixels are too few for a caption
    shown = picture[: 300 * zoom, :, 0][zoom // 2 :: zoom, zoom // 2 :: zoom].astype(int)
    assert np.abs(shown - gray(phantoms.chest(300, 240))).max() <= 2
    assert picture.shape[0] > 300 * zoom
    assert wording.NOTICE in opened(document["outputs"]["overlay"]).info["Disclaimer"]


def test_maps_of_one_radiograph_lie_beside_each_other(run: Run, file: Path, tmp_path: Path) -> None:
    for direction in "+-":
        for activation in ("softmax", "sigmoid"):
            asked = ("--direction", direction, "--activation", activation, "-o", tmp_path / "o")
            assert run("heatmap", file, "--super-class", "pleural", *asked).exit_code == 0
    assert len(list((tmp_path / "o").iterdir())) == 12


def test_without_json_a_person_is_told_in_words(run: Run, file: Path, tmp_path: Path) -> None:
    result = run("heatmap", file, "--super-class", "pleural", "-o", tmp_path / "o")
    assert "+ Pleural, softmax: Where would it appear? imagined; says nothing about presence" in (
        result.stdout
    )
    assert wording.SCORE in result.stdout
    assert "Warning: Text may be burnt into the picture." in result.stdout
    assert wording.NOTICE in result.stdout


def test_the_panel_of_nothing_asked_for_has_eight_maps(
    run: Run, file: Path, tmp_path: Path
) -> None:
    output = tmp_path / "new" / "panel.png"
    result = run("panel", file, "-o", output, "--json")
    assert result.exit_code == 0
    document = json.loads(result.stdout)
    assert len(document["maps"]) == 8
    assert document["output"] == str(output)
    assert document["peak_rss_mb"] > 10
    shares = sum(one["seconds"]["total"] for one in document["maps"])
    assert shares == pytest.approx(document["seconds"]["total"])
    recipes = [one["recipe"] for one in document["maps"]]
    assert [recipe["direction"] for recipe in recipes] == ["+", "+", "-", "-", "+", "+", "+", "+"]
    assert json.loads(opened(output).info["daug"])["recipes"] == recipes


def test_the_panel_shows_the_maps_that_are_named(run: Run, file: Path, tmp_path: Path) -> None:
    arguments = ("panel", file, "-o", tmp_path / "p.png", "--maps", "edema:-", "--json")
    maps = json.loads(run(*arguments).stdout)["maps"]
    assert [(one["recipe"]["super_class"], one["recipe"]["direction"]) for one in maps] == [
        ("Consolidation / Edema / Pneumonia", "-")
    ] * 2


def test_folders_are_handed_on(run: Run, file: Path, tmp_path: Path, tools: FakeTools) -> None:
    folders = ("--bundle", tmp_path / "b", "--library", tmp_path / "l")
    run("panel", file, "-o", tmp_path / "p.png", *folders)
    assert tools.asked == [(tmp_path / "b", tmp_path / "l")]


@pytest.mark.parametrize(
    ("arguments", "error", "sentence"),
    [
        (("--super-class", "atelectasis"), UntrainedError, "no training examples"),
        (("--super-class", "fracture"), RecipeError, "belongs to no super-class"),
        (("--super-class", "pleural", "--steps", "600"), RecipeError, "num_steps"),
        (("--super-class", "pleural", "--seeds", "1,1"), RecipeError, "differ"),
    ],
)
def test_what_cannot_be_drawn_is_refused_and_leaves_nothing(
    run: Run,
    file: Path,
    tmp_path: Path,
    arguments: Sequence[str],
    error: type[DaugError],
    sentence: str,
) -> None:
    result = run("heatmap", file, *arguments, "-o", tmp_path / "o", "--json")
    assert isinstance(result.exception, error)
    assert sentence in str(result.exception)
    assert result.stdout == ""
    assert list((tmp_path / "o").iterdir()) == []


def test_a_file_that_is_no_radiograph_is_refused(run: Run, tmp_path: Path) -> None:
    (tmp_path / "letter.txt").write_text("Dear colleague")
    result = run("panel", tmp_path / "letter.txt", "-o", tmp_path / "p.png")
    assert isinstance(result.exception, RadiographError)
    assert not (tmp_path / "p.png").exists()


def test_a_folder_in_the_way_is_told_before_anything_is_computed(
    run: Run, file: Path, tmp_path: Path, tools: FakeTools
) -> None:
    result = run("panel", file, "-o", tmp_path)
    assert isinstance(result.exception, ExportError)
    assert tools.asked == []


def test_a_computation_that_fails_leaves_the_old_panel(
    run: Run, file: Path, tmp_path: Path, tools: FakeTools
) -> None:
    def draw(of: Radiograph, recipes: Sequence[Recipe]) -> Drawing:
        yield Preview(0, 1, 0, np.zeros((len(recipes), 64, 64), dtype=np.float32))
        raise EngineError("Step 1 of 1 gave values that are not numbers.")

    tools.workstation = replace(tools.workstation, draw_heatmaps=draw)
    (tmp_path / "p.png").write_bytes(b"old")
    result = run("panel", file, "-o", tmp_path / "p.png")
    assert isinstance(result.exception, EngineError)
    assert (tmp_path / "p.png").read_bytes() == b"old"
    assert sorted(p.name for p in tmp_path.iterdir()) == sorted([file.name, "p.png"])


@pytest.mark.parametrize(
    "arguments",
    [
        ("heatmap", "FILE"),
        ("heatmap", "FILE", "--super-class", "pleural", "--direction", "up"),
        ("heatmap", "FILE", "--super-class", "pleural", "--activation", "relu"),
        ("heatmap", "FILE", "--super-class", "pleural", "--seeds", "1,two"),
        ("heatmap", "FILE", "--super-class", "pleural", "--opacity", "1.5"),
        ("heatmap", "FILE", "--super-class", "pleural", "--encoder", "vae"),
        ("panel",),
        ("app", "--port", "70000"),
    ],
)
def test_a_usage_error_exits_with_2(run: Run, arguments: Sequence[str]) -> None:
    result = run(*arguments)
    assert result.exit_code == 2
    assert result.stdout == ""


@pytest.mark.parametrize("host", ["0.0.0.0", "192.168.1.7", "::", "example.org", ""])
def test_the_app_serves_this_machine_alone(run: Run, tools: FakeTools, host: str) -> None:
    result = run("app", "--host", host)
    assert isinstance(result.exception, DaugError)
    assert "can be reached by other machines" in str(result.exception)
    assert tools.asked == []  # told before the models are loaded


def test_a_taken_port_is_told_at_once(run: Run, tools: FakeTools) -> None:
    with listen("127.0.0.1", 0) as taken:
        result = run("app", "--port", taken.getsockname()[1])
    assert isinstance(result.exception, DaugError)
    assert re.search(r"Port \d+ of 127\.0\.0\.1 cannot be used", str(result.exception))
    assert tools.asked == []


def test_a_socket_of_the_app_is_bound_to_loopback() -> None:
    with listen("localhost", 0) as listening:
        assert listening.getsockname()[0] == "127.0.0.1"
        assert listening.family is socket.AF_INET


def test_the_commands_are_added_without_anything_heavy() -> None:
    """`daug --help` must not wait for pictures, numbers or a web server."""
    heavy = ("numpy", "cv2", "PIL", "plotly", "gradio", "fastapi", "torch")
    code = f"import sys, ui.cli; print([m for m in {heavy!r} if m in sys.modules])"
    root = Path(__file__).parents[2]
    command = [sys.executable, "-c", code]
    environment: dict[str, Any] = {**os.environ, "PYTHONPATH": str(root)}
    done = subprocess.run(command, capture_output=True, text=True, env=environment, check=True)
    assert done.stdout.strip() == "[]"
