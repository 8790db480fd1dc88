"""Labels that a program read from reports teach nothing unless somebody asks for it."""

import json
import logging
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from typer.testing import CliRunner

from app import app
from daug.bundle import Bundle, read_bundle, write_bundle
from daug.errors import ManifestError
from daug.findings import SUPER_CLASSES, Finding
from tests.trainers.rows import COLUMNS, noise_image, write_image, write_manifest
from trainers.bundle_build import build_bundle
from trainers.clip_run import ClipRequest, train_clip
from trainers.manifest import Row, read_manifest
from trainers.model_card import model_card
from trainers.runs import RunRequest, train_classifier, train_diffusion
from trainers.text_labels import count_text_labels, taught_by, told_text_labels

HEART, EDEMA = Finding.CARDIOMEGALY, Finding.EDEMA
PRESENT = 20  # with a class, and as many without it: enough to be learnt from


def table(folder: Path, text: str, held_out: int = 6) -> Path:
    """Write radiographs whose hearts the source labels; edema is from `text`."""
    lines: list[Mapping[str, str]] = []
    for i in range(2 * PRESENT + held_out):
        write_image(folder / f"{i}.png", noise_image(i))
        label = str(i % 2)
        split = "train" if i < 2 * PRESENT else "val"
        lines.append(
            {"id": str(i), "split": split, HEART: label, EDEMA: label, "text_derived": text}
        )
    return write_manifest(folder / "manifest.csv", lines, (*COLUMNS, "text_derived"))


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("trainers.throughput.convolution_peak", lambda device: 1e12)


def test_a_row_keeps_the_labels_of_its_source_and_loses_those_of_its_report(
    tmp_path: Path,
) -> None:
    rows = read_manifest(table(tmp_path, "Edema"))
    (first, *_) = taught_by(rows, text_labels=False)
    assert first.labels == {HEART: 0}
    assert first.text_derived == frozenset()
    assert taught_by(rows, text_labels=True) == rows
    assert count_text_labels(rows) == {"Edema": len(rows)}
    assert count_text_labels(taught_by(rows, text_labels=False)) == {}


def test_the_log_says_how_many_labels_are_left_out(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    rows = read_manifest(table(tmp_path, "Edema"))
    with caplog.at_level(logging.INFO):
        taught = taught_by(rows, text_labels=False)
    assert f"{len(rows)} labels that were read from reports are left out" in caplog.text
    caplog.clear()
    with caplog.at_level(logging.INFO):
        taught_by(taught, text_labels=False)
    assert not caplog.text


def counts(manifest: Path, *, text_labels: bool) -> tuple[Mapping[str, int], Mapping[str, object]]:
    """Train a classifier; return positives by super-class, and what the run says."""
    folder = manifest.parent / f"run-{text_labels}"
    request = RunRequest(manifest, folder, "tiny", steps=1, text_labels=text_labels)
    told = train_classifier(request)
    classes = {name: n for c in told["counts"] for name, n in c["positives_by_finding"].items()}
    return classes, json.loads((folder / "run.json").read_text())


def test_a_classifier_learns_from_text_only_if_asked_and_its_run_says_so(tmp_path: Path) -> None:
    manifest = table(tmp_path, "Edema")
    learnt, told = counts(manifest, text_labels=False)
    assert (learnt["Cardiomegaly"], learnt["Edema"]) == (PRESENT, 0)
    assert told["text_labels"] is False
    assert "text_derived" not in told
    learnt, told = counts(manifest, text_labels=True)
    assert (learnt["Cardiomegaly"], learnt["Edema"]) == (PRESENT, PRESENT)
    assert told["text_labels"] is True
    assert told["text_derived"] == {"Edema": 2 * PRESENT}


def test_a_table_with_labels_from_text_alone_teaches_nothing(tmp_path: Path) -> None:
    manifest = table(tmp_path, "Edema|Cardiomegaly")
    with pytest.raises(ManifestError, match="No super-class has"):
        counts(manifest, text_labels=False)


def test_a_clip_model_learns_from_text_only_if_asked_and_its_run_says_so(tmp_path: Path) -> None:
    manifest = table(tmp_path, "Edema")
    request = ClipRequest(manifest, tmp_path / "run", "tiny", steps=1)
    told = train_clip(request)
    assert told["counts"]["Edema"]["positives"] == 0
    assert (told["text_labels"], told["text_derived"]) == (False, {})
    told = train_clip(replace(request, folder=tmp_path / "second", text_labels=True))
    assert told["counts"]["Edema"]["positives"] == PRESENT
    assert (told["text_labels"], told["text_derived"]) == (True, {"Edema": 2 * PRESENT})


@pytest.mark.parametrize("text_labels", [False, True])
def test_what_a_report_said_decides_an_operating_point_only_where_it_taught(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text_labels: bool
) -> None:
    manifest = table(tmp_path, "Edema", held_out=12)
    counts(manifest, text_labels=text_labels)
    train_diffusion(RunRequest(manifest, tmp_path / "diffusion", "tiny", steps=1))

    def parted(_: object, rows: Sequence[Row], __: object) -> NDArray[np.float32]:
        """A logit that knows every label."""
        ill = [[1.0 if int(row.id) % 2 else -1.0] * len(SUPER_CLASSES) for row in rows]
        return np.array(ill, dtype=np.float32)

    monkeypatch.setattr("trainers.bundle_build._clean_logits", parted)
    runs = (tmp_path / "diffusion", tmp_path / f"run-{text_labels}")
    bundle = build_bundle(*runs, manifest, tmp_path / "bundle", "toy", "1", "val")
    cards = {card.name: card for card in bundle.classes}
    assert cards["Enlarged Cardiomediastinum / Cardiomegaly"].operating_point is not None
    point = cards["Consolidation / Edema / Pneumonia"].operating_point
    assert (point is not None) is text_labels


def test_card_and_upload_say_what_reports_taught(
    tiny_bundle: Bundle, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "bundle"
    shutil.copytree(tiny_bundle.folder, folder)
    training = {"unet": {}, "classifier": {"text_derived": {"Edema": 1234}}}
    taught = write_bundle(replace(tiny_bundle, folder=folder, training=training), tiny_bundle.files)
    sentence = told_text_labels(taught.training)
    assert "classifier 1,234" in sentence
    assert sentence in model_card(taught)
    assert told_text_labels(read_bundle(tiny_bundle.folder).training) == ""
    monkeypatch.setattr("daug.bundle_source.push_bundle", lambda *_, **__: "https://hub/a/b")
    said = CliRunner().invoke(app, ["bundle", "push", str(folder), "a/b"]).stdout
    assert sentence in said.replace("\n", " ")
