"""Labels that no reader gave are known as such, from the manifest to what a training leaves."""

import json
from collections.abc import Mapping
from pathlib import Path

import pytest

from daug.errors import ManifestError
from daug.findings import Finding
from tests.trainers.rows import COLUMNS, noise_image, write_image, write_manifest
from trainers.manifest import read_manifest
from trainers.runs import RunRequest, train_diffusion

MARKED = (*COLUMNS, "painted", "measured", "assumed")
HEART, LESION, DEVICES = Finding.CARDIOMEGALY, Finding.LUNG_LESION, Finding.SUPPORT_DEVICES
LINES = (
    {"split": "train", HEART: "1", "measured": "Cardiomegaly|No Finding"},
    {"split": "train", HEART: "0", "measured": "Cardiomegaly", "assumed": "Support Devices"},
    {"split": "train", LESION: "1", "painted": "Lung Lesion", "assumed": "Support Devices"},
    {"split": "train", LESION: "1"},
    {"split": "val", HEART: "0", "measured": "Cardiomegaly"},
)


def table(folder: Path, lines: tuple[Mapping[str, str], ...] = LINES) -> Path:
    for i in range(len(lines)):
        write_image(folder / f"{i}.png", noise_image(i))
    named = [{**line, "id": str(i)} for i, line in enumerate(lines)]
    return write_manifest(folder / "manifest.csv", named, MARKED)


def test_a_row_says_which_of_its_labels_were_made(tmp_path: Path) -> None:
    rows = read_manifest(table(tmp_path))
    assert [row.painted for row in rows] == [None, None, LESION, None, None]
    assert rows[0].measured == {HEART, Finding.NO_FINDING}
    assert [row.assumed for row in rows[1:4]] == [{DEVICES}, {DEVICES}, frozenset()]


@pytest.mark.parametrize("split", ["val", "test", ""])
def test_a_painted_finding_can_neither_be_watched_nor_scored(tmp_path: Path, split: str) -> None:
    with pytest.raises(ManifestError, match=r"manifest.csv line 3: Lung Lesion is painted"):
        read_manifest(table(tmp_path, (LINES[0], {**LINES[2], "split": split})))


@pytest.mark.parametrize("column", ["painted", "measured", "assumed"])
def test_a_mark_that_names_no_finding_is_refused(tmp_path: Path, column: str) -> None:
    with pytest.raises(ManifestError, match=f"line 2: {column} is 'Nodule', which is no finding"):
        read_manifest(table(tmp_path, ({**LINES[3], column: "Nodule"},)))


def test_a_training_tells_how_much_of_its_data_was_made(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("trainers.throughput.convolution_peak", lambda device: 1e12)
    for steps in ("SAMPLE_STEPS", "RECONSTRUCTION_STEPS"):
        monkeypatch.setattr(f"trainers.pictures.{steps}", 2)
    train_diffusion(RunRequest(table(tmp_path), tmp_path / "run", "tiny", steps=1))
    told = json.loads((tmp_path / "run/run.json").read_text())
    assert told["painted"] == {"Lung Lesion": 1}
    assert told["measured"] == {"Cardiomegaly": 2, "No Finding": 1}  # of those trained on
    assert told["assumed"] == {"Support Devices": 2}
