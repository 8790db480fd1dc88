"""`daug bundle examples` from beginning to end, in tiny networks on drawn chests."""

import csv
import hashlib
import json
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import app
from daug.bundle import Bundle, DataSource, read_bundle, write_bundle
from daug.findings import Finding
from daug.loading import load_radiograph
from daug.loading.synthetic import SAYS_SYNTHETIC
from tests.trainers.test_copy_check import chest
from trainers.model_card import model_card
from trainers.synthetic.copy_check import Distances, HeldOutDistances
from trainers.synthetic.marking import read_recipe

TRAINED_ON = 12
PLAN = ("--plan", "unconditional:2,pleural:1", "--steps", "2", "--score", "0")


@pytest.fixture(scope="module")
def manifest(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("data")
    with (folder / "manifest.csv").open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["id", "image", "dataset", "patient_id", "split", *Finding])
        for number in range(TRAINED_ON + 6):
            name, split = f"r{number}", "train" if number < TRAINED_ON else "val"
            Image.fromarray(chest(number)).resize((128, 128)).save(folder / f"{name}.png")
            writer.writerow([name, f"{name}.png", "drawn", name, split, *[""] * len(Finding)])
    return folder / "manifest.csv"


@pytest.fixture
def bundle(tiny_bundle: Bundle, tmp_path: Path) -> Path:
    """A copy of the tiny bundle that says how many radiographs trained its denoiser."""
    folder = tmp_path / "bundle"
    shutil.copytree(tiny_bundle.folder, folder)
    data = (DataSource("drawn", "Apache-2.0", "DAug", {"unet": TRAINED_ON}),)
    write_bundle(replace(read_bundle(folder), data=data), tiny_bundle.files)
    return folder


@pytest.fixture
def anything_passes(monkeypatch: pytest.MonkeyPatch) -> None:
    """Untrained networks draw noise, which is farther from chests than chests are."""
    monkeypatch.setattr(HeldOutDistances, "is_strange", lambda *_: False)
    monkeypatch.setattr(HeldOutDistances, "copied_by", lambda *_: ())


def run(*words: object) -> int:
    with pytest.raises(SystemExit) as leaving:
        app.main(list(map(str, words)))
    return int(leaving.value.code or 0)


def examples(bundle: Path, manifest: Path, output: Path, *more: object) -> int:
    return run("bundle", "examples", bundle, "--manifest", manifest, "-o", output, *PLAN, *more)


@pytest.mark.usefixtures("anything_passes")
def test_pictures_index_report_and_card_agree(
    bundle: Path, manifest: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    output = tmp_path / "examples"
    assert examples(bundle, manifest, output, "--json", "--without", "0") == 0
    told = json.loads(capsys.readouterr().out)
    index = json.loads((output / "examples.json").read_text(encoding="utf-8"))
    assert told == {**index, "copy_check": told["copy_check"]}
    assert index["left_out_by_eye"] == [0]
    assert [e["title"] for e in index["examples"]] == ["Unconditional"] * 2 + ["Towards Pleural"]
    assert [e["recipe"]["seed"] for e in index["examples"]] == [1, 2, 100_000]
    names = {"examples.json"} | {e["file"] for e in index["examples"]}
    assert {path.name for path in output.iterdir()} == names
    for example in index["examples"]:
        path = output / example["file"]
        assert hashlib.sha256(path.read_bytes()).hexdigest() == example["sha256"]
        assert load_radiograph(path).warnings == (SAYS_SYNTHETIC,)
        recipe, drawn_by = read_recipe(path)
        assert recipe.to_dict() == example["recipe"]
        assert drawn_by == index["bundle"]
    described = read_bundle(bundle)
    report = described.measured["copy_check"]["examples"]
    assert report == told["copy_check"]
    assert report["training_radiographs"] == TRAINED_ON
    assert report["held_out"]["n"] == 6
    assert (report["drawn"], report["kept"], report["planted_copies"]["n"]) == (3, 3, TRAINED_ON)
    assert index["bundle"]["digest"] == described.digest
    card = model_card(described)
    assert "compared with all 12 radiographs" in card
    assert "3 drawn, 3 kept. Dropped as copies: 0" in card
    assert f"| Towards Pleural | 100000 | {report['pictures'][2]['hash_bits']} |" in card
    assert "Left out by eye, beside those: 1." in card


def test_a_card_of_an_older_bundle_says_nothing_of_pictures(tiny_bundle: Bundle) -> None:
    assert "Synthetic pictures" not in model_card(tiny_bundle)


@pytest.mark.usefixtures("anything_passes")
def test_a_second_run_replaces_the_first_and_tells_both_in_the_card(
    bundle: Path, manifest: Path, tmp_path: Path
) -> None:
    cache = ("--cache", tmp_path / "cache")
    assert examples(bundle, manifest, tmp_path / "one", *cache) == 0
    first = {path.name: path.read_bytes() for path in (tmp_path / "one").iterdir()}
    assert examples(bundle, manifest, tmp_path / "one", *cache) == 0
    assert {p.name: p.read_bytes() for p in (tmp_path / "one").iterdir()} == first
    assert examples(bundle, manifest, tmp_path / "one", *cache, "--seed", "9") == 0
    assert not set(first) - {"examples.json"} & {p.name for p in (tmp_path / "one").iterdir()}
    assert examples(bundle, manifest, tmp_path / "two", *cache) == 0
    assert set(read_bundle(bundle).measured["copy_check"]) == {"one", "two"}


def test_no_copy_is_ever_written_and_the_failure_says_what_to_do(
    bundle: Path,
    manifest: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """Every picture is made to lie on a training radiograph: all are dropped, none is written."""
    from trainers.synthetic.copy_check import CopyCheck

    real = CopyCheck.distances

    def on_a_training_radiograph(self: CopyCheck, picture: np.ndarray) -> Distances:
        return real(self, np.asarray(self.training[3]))

    before = (bundle / "bundle.json").read_bytes()
    monkeypatch.setattr(
        "trainers.synthetic.selection.CopyCheck.distances", on_a_training_radiograph
    )
    # held-out radiographs keep their own distances, or all would be alike
    monkeypatch.setattr(
        CopyCheck,
        "_held_out",
        lambda self, pictures, cache: HeldOutDistances(
            np.array([real(self, np.asarray(p)).hash_bits for p in pictures]),
            np.array([real(self, np.asarray(p)).features for p in pictures]),
        ),
    )
    assert examples(bundle, manifest, tmp_path / "out") == 1
    complaint = capsys.readouterr().err
    assert "Only 0 of 2 pictures (Unconditional) passed among 12" in complaint
    assert "'copy': 12" in complaint
    assert "Traceback" not in complaint
    assert not (tmp_path / "out").exists()
    assert (bundle / "bundle.json").read_bytes() == before


@pytest.mark.usefixtures("anything_passes")
def test_a_manifest_that_lacks_training_radiographs_is_refused(
    bundle: Path, manifest: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    lines = manifest.read_text().splitlines()
    fewer = manifest.with_name("fewer.csv")
    fewer.write_text("\n".join([lines[0], *lines[2:]]))
    assert examples(bundle, fewer, tmp_path / "out") == 1
    assert "trained on 12 radiographs of drawn, but fewer.csv has 11" in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


def test_a_folder_of_other_things_is_left_alone(
    bundle: Path, manifest: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "out").mkdir()
    mine = tmp_path / "out" / "thesis.txt"
    mine.write_text("mine")
    assert examples(bundle, manifest, tmp_path / "out") == 1
    assert "Name a new or an empty folder" in capsys.readouterr().err
    mine.with_name("examples.json").write_text('{"examples": []}')
    assert examples(bundle, manifest, tmp_path / "out") == 1
    assert "holds thesis.txt, which examples.json does not name" in capsys.readouterr().err
    assert mine.read_text() == "mine"
    assert examples(bundle, manifest, tmp_path / "out", "--without", "x") == 1
    assert "--without takes seeds" in capsys.readouterr().err


REPOSITORY = Path(__file__).parents[2]
SHIPPED = REPOSITORY / "assets" / "examples"


def test_the_shipped_pictures_are_those_of_the_index_and_of_the_shipped_models() -> None:
    index = json.loads((SHIPPED / "examples.json").read_text(encoding="utf-8"))
    assert len(index["examples"]) >= 16
    shipped_models = read_bundle(REPOSITORY / "assets/models/cxr-demo").digest
    assert index["bundle"]["digest"] == shipped_models
    names = {example["file"] for example in index["examples"]}
    assert {path.name for path in SHIPPED.glob("*.png")} == names
    titles = {example["title"] for example in index["examples"]}
    assert "Unconditional" in titles
    assert len(titles) > 1
    for example in index["examples"]:
        content = (SHIPPED / example["file"]).read_bytes()
        assert hashlib.sha256(content).hexdigest() == example["sha256"]
        assert load_radiograph(SHIPPED / example["file"]).warnings == (SAYS_SYNTHETIC,)
    assert sum(path.stat().st_size for path in SHIPPED.iterdir()) < 3_000_000
