import json
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from daug.bundle import Bundle, DataSource, read_bundle, write_bundle
from daug.errors import BundleError, ManifestError
from daug.noisy_classifier import ClassifierConfig, NoisyClassifier, save_classifier
from tests.trainers.rows import noise_image, write_image, write_manifest
from trainers.evaluation.classifier import evaluate_classifier
from trainers.evaluation.classifier_table import ClassifierEvaluation, measured_classifier

OUTPUTS = {"classifier.md", "classifier.csv", "classifier.json", "noise_levels.png"}


@pytest.fixture
def manifest(tmp_path: Path) -> Path:
    """Twelve radiographs with known atelectasis, one thumbnail, two of another split."""
    lines = []
    for i in range(15):
        side = 70 if i == 12 else 120
        write_image(tmp_path / f"images/{i}.png", noise_image(i, side, side))
        split = "train" if i > 12 else "test"
        lines.append({"id": str(i), "image": f"images/{i}.png", "Atelectasis": str(i % 2)})
        lines[-1]["split"] = split
    return write_manifest(tmp_path / "manifest.csv", lines)


def evaluate(bundle: Bundle, manifest: Path, split: str = "test") -> ClassifierEvaluation:
    return evaluate_classifier(
        bundle.folder, manifest, split, manifest.parent / "out", levels=(0, 100), draws=50
    )


def copied(bundle: Bundle, folder: Path) -> Bundle:
    shutil.copytree(bundle.folder, folder)
    return read_bundle(folder)


def test_a_manifest_is_scored_and_its_tables_and_curves_are_written(
    tiny_bundle: Bundle, manifest: Path
) -> None:
    found = evaluate(tiny_bundle, manifest)
    assert found.images == {"one": 12}
    assert found.thumbnails == 1
    assert {(r.super_class, r.source, r.t) for r in found.rows} == {
        ("Atelectasis", source, t) for source in ("one", "all") for t in (0, 100)
    }
    assert all((r.positives, r.negatives) == (6, 6) for r in found.rows)
    folder = manifest.parent / "out"
    assert {path.name for path in folder.iterdir()} == OUTPUTS
    values = json.loads((folder / "classifier.json").read_text("utf-8"))
    assert values["bundle"]["digest"] == tiny_bundle.digest
    assert len(values["rows"]) == 4


def test_labels_that_were_read_from_reports_are_told_beside_the_scores(
    tiny_bundle: Bundle, manifest: Path
) -> None:
    assert evaluate(tiny_bundle, manifest).text_derived == {}
    page = manifest.parent / "out" / "classifier.md"
    assert "read from reports" not in page.read_text("utf-8")
    heads, *lines = manifest.read_text("utf-8").splitlines()
    marked = [f"{heads},text_derived", *(f"{line},Atelectasis|Edema" for line in lines)]
    manifest.write_text("\n".join(marked) + "\n", encoding="utf-8")
    found = evaluate(tiny_bundle, manifest)
    assert found.text_derived == {"Atelectasis": 12}
    told = "12 of the labels that are scored against were read from reports by a program"
    assert told in page.read_text("utf-8")
    assert measured_classifier(found)["text_derived"] == {"Atelectasis": 12}


def test_the_same_seed_gives_the_same_tables(tiny_bundle: Bundle, manifest: Path) -> None:
    assert evaluate(tiny_bundle, manifest) == evaluate(tiny_bundle, manifest)


def test_training_radiographs_are_not_scored(
    tiny_bundle: Bundle, manifest: Path, tmp_path: Path
) -> None:
    bundle = copied(tiny_bundle, tmp_path / "bundle")
    learnt = DataSource("one", "CC0", "nobody", {"classifier": 2})
    write_bundle(replace(bundle, data=(learnt,)), bundle.files)
    with pytest.raises(ManifestError, match="training data never scores"):
        evaluate(bundle, manifest, "train")
    assert evaluate(bundle, manifest).images == {"one": 12}


def test_the_split_that_trained_is_the_one_that_the_bundle_names(
    tiny_bundle: Bundle, manifest: Path, tmp_path: Path
) -> None:
    bundle = copied(tiny_bundle, tmp_path / "bundle")
    learnt = DataSource("one", "CC0", "nobody", {"classifier": 2})
    training = {"classifier": {"split": "test"}}
    write_bundle(replace(bundle, data=(learnt,), training=training), bundle.files)
    with pytest.raises(ManifestError, match="split test of one"):
        evaluate(bundle, manifest)


def test_the_training_split_of_a_source_that_was_never_seen_may_be_scored(
    tiny_bundle: Bundle, manifest: Path
) -> None:
    assert evaluate(tiny_bundle, manifest, "train").images == {"one": 2}


def test_a_split_without_radiographs_or_without_known_classes_is_refused(
    tiny_bundle: Bundle, manifest: Path
) -> None:
    with pytest.raises(ManifestError, match="splits test, train"):
        evaluate(tiny_bundle, manifest, "nowhere")
    text = manifest.read_text("utf-8").replace(",1,", ",,").replace(",0,", ",,")
    manifest.write_text(text, encoding="utf-8")
    with pytest.raises(ManifestError, match="nothing can be scored"):
        evaluate(tiny_bundle, manifest)


def test_a_missing_image_is_named(tiny_bundle: Bundle, manifest: Path) -> None:
    (manifest.parent / "images/3.png").unlink()
    with pytest.raises(ManifestError, match=r"1 of 13 images cannot be read: 3\.png"):
        evaluate(tiny_bundle, manifest)


def test_a_classifier_of_other_classes_than_the_bundle_says_is_refused(
    tiny_bundle: Bundle, manifest: Path, tmp_path: Path
) -> None:
    bundle = copied(tiny_bundle, tmp_path / "bundle")
    other = ClassifierConfig(("Ghosts",), image_size=32, patch=2, channels=(32, 32))
    save_classifier(NoisyClassifier(other), bundle.folder / "classifier")
    write_bundle(bundle, bundle.files)
    with pytest.raises(BundleError, match="the classifier knows Ghosts"):
        evaluate(bundle, manifest)


def test_a_classifier_of_another_size_than_the_bundle_says_is_refused(
    tiny_bundle: Bundle, manifest: Path, tmp_path: Path
) -> None:
    bundle = copied(tiny_bundle, tmp_path / "bundle")
    write_bundle(replace(bundle, image_size=64), bundle.files)
    with pytest.raises(BundleError, match="made for 32 px, but the bundle says 64 px"):
        evaluate(bundle, manifest)


def test_changed_weights_are_not_scored(
    tiny_bundle: Bundle, manifest: Path, tmp_path: Path
) -> None:
    bundle = copied(tiny_bundle, tmp_path / "bundle")
    weights = bundle.folder / "classifier/model.safetensors"
    weights.write_bytes(weights.read_bytes()[:-1] + b"x")
    with pytest.raises(BundleError, match="not the file that was shipped"):
        evaluate(bundle, manifest)


@pytest.mark.shared
def test_real_radiographs_of_one_source_are_scored(
    make_bundle: Callable[..., Bundle], shared: Path, tmp_path: Path
) -> None:
    """The counts are those of the data set's own description: 18 nodules and 13 without."""
    found = evaluate_classifier(
        make_bundle().folder,
        shared / "cxr/manifest.csv",
        "test",
        tmp_path,
        sources=("jsrt",),
        levels=(0,),
        draws=20,
    )
    lesions = {(r.source, r.positives, r.negatives, r.enough) for r in found.rows}
    assert ("jsrt", 18, 13, False) in lesions
