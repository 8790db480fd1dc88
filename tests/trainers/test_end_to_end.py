"""From a manifest to a heatmap with the command line alone, in the smallest networks."""

import csv
import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import app
from daug.findings import Finding

SPLITS = {"train": 60, "val": 30, "test": 30}


@pytest.fixture(scope="module")
def manifest(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two sources; an opacity in the lung is what makes a radiograph ill."""
    folder = tmp_path_factory.mktemp("data")
    chance = np.random.default_rng(0)
    with (folder / "manifest.csv").open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["id", "image", "dataset", "patient_id", "split", *Finding])
        for split, count in SPLITS.items():
            for i in range(count):
                source, ill = ("one", "other")[i % 2], i % 4 < 2
                pixels = chance.normal(110, 20, (104, 120))
                if ill:
                    pixels[40:60, 30:50] += 80
                name = f"{split}{i}"
                Image.fromarray(pixels.clip(0, 255).astype(np.uint8)).save(folder / f"{name}.png")
                labels = {Finding.PNEUMONIA: int(ill), Finding.NO_FINDING: int(not ill)}
                cells = [labels.get(finding, "") for finding in Finding]
                writer.writerow([name, f"{name}.png", source, name, split, *cells])
    return folder / "manifest.csv"


def run(capsys: pytest.CaptureFixture[str], *words: object) -> dict[str, object]:
    """Run a command with --json; its standard output must be one JSON document."""
    with pytest.raises(SystemExit) as leaving:
        app.main([*map(str, words), "--json"])
    assert leaving.value.code == 0
    document: dict[str, object] = json.loads(capsys.readouterr().out)
    return document


def test_a_manifest_becomes_a_bundle_that_draws_heatmaps(
    manifest: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    runs = {kind: tmp_path / kind for kind in ("diffusion", "classifier")}
    for kind, folder in runs.items():
        trained = run(
            capsys, "train", kind, "--preset", "tiny", "--manifest", manifest, "-o", folder
        )
        assert trained["radiographs"] == {"one": 30, "other": 30}
        assert trained["steps"] == 4
        assert json.loads((folder / "run.json").read_text())["kind"] == kind
    bundle = tmp_path / "bundle"
    never = "training data never scores"
    build = ("--diffusion", runs["diffusion"], "--classifier", runs["classifier"])
    onto = ("--manifest", manifest, "-o", bundle, "--split", "train")
    code, sentence = fails(capsys, "bundle", "build", *build, *onto)
    assert (code, never in sentence, bundle.exists()) == (1, True, False)
    built = run(capsys, "bundle", "build", *build, "--manifest", manifest, "-o", bundle)
    described = json.loads((bundle / "bundle.json").read_text())
    assert built["digest"] == described["digest"]
    as_built = described["measured"]["classifier"]
    assert {row["t"] for row in as_built["rows"]} == {0, 100, 200, 300, 400, 500}
    rescored = run(capsys, "bundle", "score", bundle, "--manifest", manifest)
    assert rescored == as_built  # the same radiographs, noise and draws
    assert json.loads((bundle / "bundle.json").read_text()) == described
    offered = [c["name"] for c in described["classes"] if c["training"]["positives"]]
    assert offered == ["No Finding", "Consolidation / Edema / Pneumonia"]
    assert described["classes"][0]["metrics"][0]["auroc"]["n"] == 15
    assert described["data"][0]["images"] == {"unet": 30, "classifier": 30}
    space = ("--noise-levels", "300", "--encoders", "gaussian", "--scales", "30,100")
    tuned = run(
        capsys, "bundle", "tune", bundle, "--manifest", manifest, *space,
        *("--images", "4", "--steps", "2"),
    )  # fmt: skip
    assert tuned["n"] == 4
    assert len(tuned["tried"]) == 2  # type: ignore[arg-type]
    seen = ("--manifest", manifest, "--split", "train")
    code, sentence = fails(capsys, "bundle", "measure", bundle, *seen)
    assert (code, never in sentence) == (1, True)
    measured = run(capsys, "bundle", "measure", bundle, "--manifest", manifest, "--images", "4")
    assert len(measured["rows"]) == 2 * 2 * 2  # type: ignore[arg-type]
    assert run(capsys, "bundle", "verify", bundle)["ok"] is True
    described = json.loads((bundle / "bundle.json").read_text())
    assert described["measured"]["movement"]["n"] == 4
    assert described["recipe"]["scale"] == tuned["chosen"]["scale"]  # type: ignore[index]
    scored = run(
        capsys, "evaluate", "classifier", "--manifest", manifest, "--bundle", bundle,
        *("-o", tmp_path / "tables"),
    )  # fmt: skip
    assert {row["super_class"] for row in scored["rows"]} == set(offered)  # type: ignore[attr-defined]
    radiograph = manifest.parent / "test0.png"
    heatmap = run(
        capsys, "heatmap", radiograph, "--super-class", "pneumonia", "--direction", "-",
        *("--bundle", bundle, "-o", tmp_path / "maps"),
    )  # fmt: skip
    assert set(heatmap["probability"]["after"]) == set(offered)  # type: ignore[index]


def fails(capsys: pytest.CaptureFixture[str], *words: object) -> tuple[int, str]:
    with pytest.raises(SystemExit) as leaving:
        app.main(list(map(str, words)))
    captured = capsys.readouterr()
    assert captured.out == ""
    return int(leaving.value.code or 0), captured.err


def test_an_occupied_run_folder_is_refused_in_one_sentence(
    manifest: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    train = ("train", "diffusion", "--preset", "tiny", "--manifest", manifest, "-o", tmp_path)
    run(capsys, *train)
    code, sentence = fails(capsys, *train)
    assert code == 1
    assert "already holds a run. Add --resume" in sentence
    assert "Traceback" not in sentence


def test_a_bundle_is_not_built_over_another(
    manifest: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    build = ("--diffusion", tmp_path, "--classifier", tmp_path, "--manifest", manifest)
    code, sentence = fails(capsys, "bundle", "build", *build, "-o", tmp_path)
    assert (code, "is there already" in sentence) == (1, True)
    code, sentence = fails(capsys, "bundle", "build", *build, "-o", tmp_path / "new")
    assert (code, "holds no finished training" in sentence) == (1, True)
    assert not (tmp_path / "new").exists()


@pytest.mark.parametrize(
    ("words", "code", "complaint"),
    [
        (["train", "diffusion", "--preset", "huge"], 1, "'huge' is no preset"),
        (["train", "diffusion", "--sources", "mars"], 1, "No frontal radiograph is in split train"),
        (["train", "diffusion", "--steps", "0"], 2, "steps"),
        (["train", "diffusion", "--fast"], 2, "No such option"),
    ],
)
def test_a_wrong_word_is_explained(
    manifest: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    words: list[str],
    code: int,
    complaint: str,
) -> None:
    found, sentence = fails(capsys, *words, "--manifest", manifest, "-o", tmp_path / "run")
    assert (found, complaint in sentence) == (code, True)


def test_a_folder_that_is_no_bundle_is_explained(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    code, sentence = fails(capsys, "bundle", "verify", tmp_path)
    assert (code, "holds no bundle.json" in sentence) == (1, True)
