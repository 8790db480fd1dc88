"""A bundle says what its CLIP model learnt from, and how well it does within each source."""

import shutil
from pathlib import Path

import numpy as np
import pytest

from daug.bundle import Bundle, read_bundle
from daug.errors import BundleError, ManifestError
from daug.findings import Finding
from tests.trainers.rows import noise_image, write_image, write_manifest
from trainers.clip_bundle import add_clip
from trainers.clip_run import ClipRequest, train_clip
from trainers.evaluation.clip_evaluation import ClipEvaluationRequest, evaluate_classification
from trainers.evaluation.clip_measured import measure_clip
from trainers.model_card import model_card

CASES = {"train": 48, "val": 24, "test": 44}


@pytest.fixture(scope="module")
def manifest(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two sources; in the second nobody is known to be without pneumonia."""
    folder = tmp_path_factory.mktemp("cases")
    lines: list[dict[str, str]] = []
    for source in ("one", "two"):
        for split, count in CASES.items():
            for i in range(count):
                name = f"{source}-{split}{i}"
                image = noise_image(len(lines), 100, 100) // 2
                ill = i % 2 == 1 or source == "two"
                image[30:60, 20:50] += np.uint8(100 if ill else 0)
                write_image(folder / f"{name}.png", image)
                known = {f.value: "" for f in Finding} | {"Pneumonia": str(int(ill))}
                named = {"id": name, "image": f"{name}.png", "dataset": source, "split": split}
                lines.append({**named, "patient_id": name, "report": "", **known})
    columns = ("id", "image", "dataset", "patient_id", "split", "report", *Finding)
    return write_manifest(folder / "manifest.csv", lines, columns)


@pytest.fixture(scope="module")
def folder(tiny_bundle: Bundle, manifest: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("bundle") / "bundle"
    shutil.copytree(tiny_bundle.folder, folder)
    run = folder.parent / "run"
    train_clip(ClipRequest(manifest, run, "tiny", sources=("one", "two"), steps=2))
    add_clip(folder, run)
    return folder


def test_a_model_that_was_not_measured_says_so_and_what_it_learnt_from(folder: Path) -> None:
    card = model_card(read_bundle(folder))
    section = card.split("## Search and findings (CLIP)")[1].split("\n## ")[0]
    assert "Not measured." in section
    assert "96 radiographs (one 48, two 48)" in section
    # of a source that knows the finding one way only nothing is learnt about it
    assert "| Pneumonia | 24 / 24 |" in section
    assert "| Fracture | 0 / 0 | not learnt: too few examples |" in section


def test_the_figures_are_those_of_the_evaluation_within_each_source(
    folder: Path, manifest: Path, tmp_path: Path
) -> None:
    copy = tmp_path / "bundle"
    shutil.copytree(folder, copy)
    measured = measure_clip(copy, manifest, draws=50)
    bundle = read_bundle(copy)
    bundle.verify_files()
    assert bundle.measured["clip"] == measured
    assert bundle.digest == read_bundle(folder).digest  # a figure is no part of the models
    request = ClipEvaluationRequest(manifest, tmp_path / "tables", copy, draws=50)
    rows = evaluate_classification(request)["rows"]
    name = f"{bundle.name} {bundle.version}"
    expected = next(r for r in rows if (r["model"], r["source"]) == (name, "one"))
    (row,) = [r for r in measured["rows"] if (r["task"], r["model"]) == ("classification", name)]
    assert row == expected
    tasks = {r["task"] for r in measured["rows"]}
    assert tasks == {"image_to_image", "classification"}  # nobody wrote a report
    auroc = row["auroc"]
    line = f"| Pneumonia | one | {name} | 44 | {auroc['value']:.2f} ({auroc['low']:.2f} to "
    assert line in model_card(bundle)


def test_the_training_split_is_refused_and_nothing_is_written(folder: Path, manifest: Path) -> None:
    before = (folder / "bundle.json").read_bytes()
    with pytest.raises(ManifestError, match="training data never scores"):
        measure_clip(folder, manifest, "train", draws=50)
    assert (folder / "bundle.json").read_bytes() == before


def test_a_bundle_without_such_a_model_cannot_be_measured(
    tiny_bundle: Bundle, manifest: Path
) -> None:
    with pytest.raises(BundleError, match="holds no clip/ model"):
        measure_clip(tiny_bundle.folder, manifest)
    assert "## Search and findings" not in model_card(tiny_bundle)
