"""A file of several images, from the command line to the map."""

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from daug.bundle import Bundle
from daug.loading import load_radiograph
from tests.conftest import REPOSITORY
from tests.daug.loading.dicom_files import drawn, write_dicom


def daug(*words: object, code: int = 0) -> subprocess.CompletedProcess[str]:
    done = subprocess.run(
        [sys.executable, "-m", "app", *map(str, words)],
        cwd=REPOSITORY,
        capture_output=True,
        text=True,
    )
    assert done.returncode == code, done.stderr
    return done


@pytest.fixture
def cine(tmp_path: Path) -> Path:
    """Three images, each flatter than the one before."""
    frames = np.stack([drawn(0, 4000), drawn(0, 1000), drawn(0, 100)])
    return write_dicom(tmp_path, frames, NumberOfFrames=3, WindowCenter=2048, WindowWidth=4096)


def test_the_image_that_was_asked_for_is_the_one_that_is_drawn(
    cine: Path, tiny_bundle: Bundle, tmp_path: Path
) -> None:
    asked = ("--frame", 2, "--bundle", tiny_bundle.folder, "--json")
    drawn_map = daug("heatmap", cine, "--super-class", "no finding", "-o", tmp_path / "m", *asked)
    panel = daug("panel", cine, "--maps", "no finding:+", "-o", tmp_path / "p.png", *asked)
    second = load_radiograph(cine, frame=2).digest
    assert json.loads(drawn_map.stdout)["pixel_digest"] == second
    assert {one["pixel_digest"] for one in json.loads(panel.stdout)["maps"]} == {second}
    assert second != load_radiograph(cine, frame=1).digest


def test_several_images_without_a_choice_are_refused_with_the_way_out(
    cine: Path, tiny_bundle: Bundle, tmp_path: Path
) -> None:
    asked = ("--bundle", tiny_bundle.folder, "-o", tmp_path / "p.png")
    done = daug("panel", cine, *asked, code=1)
    assert done.stdout == ""
    assert "the file holds 3 images" in done.stderr
    assert "from 1 to 3 (--frame" in done.stderr
    assert len(done.stderr.splitlines()) == 1
    assert "no frame 4" in daug("panel", cine, *asked, "--frame", 4, code=1).stderr
    daug("panel", cine, *asked, "--frame", 0, code=2)
