from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from shutil import copytree

import pytest

from daug.bundle import Bundle, DataSource, read_bundle, write_bundle
from daug.engine import Engine
from trainers.evaluation.localisation import phantom_rows as module
from trainers.evaluation.localisation.phantom_rows import phantom_rows
from trainers.phantom_data import SOURCE


@pytest.fixture
def phantoms(make_bundle: Callable[..., Bundle], tmp_path: Path) -> Path:
    """A folder with one tiny bundle, as if phantoms with rho = 0.5 had trained it."""
    folder = tmp_path / "phantoms/half"
    copytree(make_bundle(untrained=set(), size=64).folder, folder)
    bundle = read_bundle(folder)
    data = (DataSource(SOURCE, "Apache-2.0", "DAug", {"unet": 9, "classifier": 9}),)
    training = {"co_occurrence": {"rho": 0.5}}
    write_bundle(replace(bundle, data=data, training=training), bundle.files)
    return folder.parent


def test_phantoms_are_measured_once_for_the_same_bundles(
    phantoms: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "PHANTOMS", 3)
    rows = phantom_rows(phantoms, tmp_path / "kept", 20)
    assert [row["rho"] for row in rows] == [0.5]
    assert {"sigmoid", "softmax", "ratio"} <= rows[0].keys()
    monkeypatch.delattr(Engine, "draw_heatmaps")
    assert phantom_rows(phantoms, tmp_path / "kept", 20) == rows
    with pytest.raises(AttributeError):
        phantom_rows(phantoms, tmp_path / "elsewhere", 20)


def test_without_a_folder_there_are_no_rows(tmp_path: Path) -> None:
    assert phantom_rows(None, tmp_path) == []
