import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

import app
from benchmarks.manifest import list_images
from benchmarks.manifest_tree import draw_tree


@pytest.mark.parametrize("files", [True, False])
def test_the_drawn_folder_is_listed_whole_with_reports_and_labels(
    tmp_path: Path, files: bool
) -> None:
    draw_tree(tmp_path / "tree", 300, files)
    said = list_images(tmp_path / "tree", tmp_path / "m.csv", keep_missing=not files)
    about = json.loads((tmp_path / "m.about.json").read_text())
    assert said["rows"] == about["rows"]
    assert said["rows"] + sum(about["skipped"].values()) == 300
    assert about["images_missing_but_kept"] == (0 if files else said["rows"])
    assert (tmp_path / "m.csv").read_text().count("FINAL REPORT") == said["rows"]
    assert about["labels"]["Edema"]["present"] > 0


def test_two_thirds_are_frontal_as_in_the_collection(tmp_path: Path) -> None:
    draw_tree(tmp_path / "tree", 2000, files=False)
    said = list_images(tmp_path / "tree", tmp_path / "m.csv", keep_missing=True)
    assert 0.6 < said["rows"] / 2000 < 0.8


def test_the_command_tells_time_memory_and_what_a_plain_copy_takes() -> None:
    words = ["bench", "manifest", "--images", "200", "--json"]
    values = json.loads(CliRunner().invoke(app.app, words).stdout)
    assert values["images"] == 200
    assert 0 < values["rows"] <= 200
    assert values["megabytes"] > 10
    ratio = values["processor_seconds"] / values["plain_seconds"]
    assert values["times_a_plain_copy"] == pytest.approx(ratio)
