"""What `daug heatmap` and `daug panel` say of a map beside its heat."""

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import cv2
import pytest
import typer
from typer.testing import CliRunner, Result

import ui.cli
from daug.bundle import HeatScale
from daug.cardiothoracic import CardiothoracicRatio
from daug.heat_layers import stability_of
from daug.heatmap import Heatmap, Recipe
from daug.input_check import InputCheck
from daug.map_reading import MapReading
from daug.normal_floor import NormalPercentile, group_of
from daug.radiograph import Radiograph
from daug.workstation import Workstation
from tests.ui import phantoms
from ui.heat_picture import gray

Run = Callable[..., Result]
WITHHELD = CardiothoracicRatio(None, None, None, None, None, withheld="the heart was not found")
REFUSED = InputCheck(False, ("This looks like a leg. Open a chest radiograph.",), 0.4, 9.0)


class Measurer:
    """Tells whom it compared, and how often the map was drawn."""

    def read(
        self, radiograph: Radiograph, heatmap: Heatmap, drawings: Heatmap | None = None
    ) -> MapReading:
        group = group_of(radiograph.view, radiograph.age)
        return MapReading(
            NormalPercentile(None if group is None else 88.0, 140, group, "" if group else "why"),
            None if drawings is None else stability_of(drawings, 0.01),
            None,
            None,
            CardiothoracicRatio(0.46, 0.41, 0.51, None, None),
            WITHHELD,
        )

    def ratio(self, radiograph: Radiograph) -> CardiothoracicRatio:
        return WITHHELD

    def scale(self, radiograph: Radiograph, recipe: Recipe) -> HeatScale:
        return HeatScale(0.1, 0.2)


@pytest.fixture
def workstation() -> Workstation:
    return replace(phantoms.workstation(), measurer=Measurer(), check_input=lambda _: REFUSED)


def runner_of(workstation: Workstation) -> Run:
    class Tools:
        def open_workstation(self, bundle: Path | None, library: Path | None) -> Workstation:
            return workstation

    app = typer.Typer(pretty_exceptions_enable=False)
    ui.cli.add_commands(app)
    return lambda *words: CliRunner().invoke(app, [str(word) for word in words], obj=Tools())


@pytest.fixture
def run(workstation: Workstation) -> Run:
    return runner_of(workstation)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "chest.png"
    done, content = cv2.imencode(".png", gray(phantoms.chest(300, 240)))
    assert done
    path.write_bytes(content.tobytes())
    return path


def document(run: Run, file: Path, *more: object) -> dict[str, Any]:
    asked = ("--super-class", "pleural", "--direction", "-", "-o", file.parent / "out", "--json")
    result = run("heatmap", file, *asked, *more)
    assert result.exit_code == 0, result.output
    values: dict[str, Any] = json.loads(result.stdout)
    return values


def test_the_json_of_a_map_says_what_was_measured_of_it(run: Run, file: Path) -> None:
    found = document(run, file, "--view", "PA", "--age", "50")
    assert found["normal_percentile"] == {
        "value": 88.0,
        "n": 140,
        "group": "adult PA",
        "reason": None,
    }
    assert found["stability"]["drawings"] == 8
    assert found["cardiothoracic_ratio"]["before"]["value"] == 0.46
    assert found["cardiothoracic_ratio"]["after"]["withheld"] == "the heart was not found"
    assert "zones" in found


def test_the_map_itself_is_the_one_of_the_recipe_however_often_it_is_drawn(
    run: Run, file: Path
) -> None:
    once, often = (document(run, file, "--drawings", count) for count in (1, 8))
    assert once["stability"] is None
    assert once["heat"] == often["heat"]
    assert once["recipe"] == often["recipe"]


def test_several_seeds_that_are_asked_for_are_not_drawn_again(run: Run, file: Path) -> None:
    assert document(run, file, "--seeds", "0,1,2")["stability"] is None


@pytest.mark.parametrize(
    ("stated", "group"),
    [
        (("--view", "AP", "--age", "50"), "adult AP"),
        (("--view", "AP", "--age", "3"), "child"),
        (("--age", "50"), None),
        ((), None),
    ],
)
def test_view_and_age_may_be_stated_and_are_never_guessed(
    run: Run, file: Path, stated: tuple[str, ...], group: str | None
) -> None:
    assert document(run, file, *stated)["normal_percentile"]["group"] == group


def test_what_the_input_check_says_comes_first_among_the_warnings(run: Run, file: Path) -> None:
    found = document(run, file)
    assert found["input_check"]["ok"] is False
    assert found["input_check"]["reasons"] == list(REFUSED.reasons)
    assert found["warnings"][0] == REFUSED.reasons[0]


def test_without_measurements_the_keys_are_there_and_empty(file: Path) -> None:
    found = document(runner_of(phantoms.workstation()), file)
    assert found["zones"] is found["stability"] is found["normal_percentile"] is None
    assert found["input_check"] is None
    assert found["cardiothoracic_ratio"] == {"before": None, "after": None}


def test_a_person_reads_the_same_in_words(run: Run, file: Path) -> None:
    result = run(
        "heatmap",
        file,
        "--super-class",
        "pleural",
        "-o",
        file.parent,
        "--view",
        "PA",
        "--age",
        "50",
    )
    assert "hotter than 88 of 100 adult PA normals, n = 140" in result.stdout
    ratio = "cardiothoracic ratio 0.46 (0.41 to 0.51) -> withheld (the heart was not found)"
    assert ratio in result.stdout
    assert "8 drawings" in result.stdout
    assert f"Warning: {REFUSED.reasons[0]}" in result.stdout


def test_every_map_of_a_panel_is_measured(run: Run, file: Path) -> None:
    maps = ("--maps", "no finding:+,pleural:-", "--view", "PA", "--age", "50")
    result = run("panel", file, *maps, "-o", file.parent / "panel.png", "--json")
    found = json.loads(result.stdout)["maps"]
    assert len(found) == 4
    assert all(one["normal_percentile"]["value"] == 88 for one in found)
    assert all(one["input_check"]["ok"] is False for one in found)
