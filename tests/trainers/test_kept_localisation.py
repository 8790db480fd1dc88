import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from daug.bundle import Bundle, read_bundle
from daug.errors import BundleError
from daug.trust import LOCALISATION
from trainers.calibration.heatmaps import keep_localisation


def write(folder: Path, digest: str, rows: list[dict[str, Any]]) -> None:
    values = {"bundle": {"digest": digest}, "rows": rows, "normals": {"n": 3}, "off_target": None}
    (folder / "heatmaps.json").write_text(json.dumps(values))


ROWS = [
    {"method": "daug", "default": True},
    {"method": "daug", "default": False},
    {"method": "grad_cam", "default": False},
    {"method": "centre", "default": False},
]


def test_a_bundle_keeps_its_own_row_and_what_it_is_compared_with(
    make_bundle: Callable[..., Bundle], tmp_path: Path
) -> None:
    bundle = make_bundle()
    write(tmp_path, bundle.digest, ROWS)
    keep_localisation(bundle.folder, tmp_path)
    found = read_bundle(bundle.folder).measured[LOCALISATION]
    assert [row["method"] for row in found["rows"]] == ["daug", "grad_cam"]
    assert found["normals"] == {"n": 3}
    assert "off_target" not in found


def test_figures_of_other_networks_are_refused_and_nothing_is_written(
    make_bundle: Callable[..., Bundle], tmp_path: Path
) -> None:
    bundle = make_bundle()
    before = (bundle.folder / "bundle.json").read_bytes()
    write(tmp_path, "another", ROWS)
    with pytest.raises(BundleError, match="scores other networks"):
        keep_localisation(bundle.folder, tmp_path)
    assert (bundle.folder / "bundle.json").read_bytes() == before


@pytest.mark.parametrize("content", [None, "{", '{"bundle": {}}', "[]"])
def test_a_folder_without_an_evaluation_is_refused(
    make_bundle: Callable[..., Bundle], tmp_path: Path, content: str | None
) -> None:
    if content is not None:
        (tmp_path / "heatmaps.json").write_text(content)
    with pytest.raises(BundleError, match="daug evaluate heatmaps"):
        keep_localisation(make_bundle().folder, tmp_path)
