"""`daug evaluate retrieval` and `classification`, from the manifest to the tables."""

import csv
import json
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from app import main
from daug.augmented import AugmentedRadiograph, ChannelKind, channels_without_heat
from daug.bundle import Bundle, DataSource, read_bundle
from daug.embedder import Embedder
from daug.errors import BundleError, ManifestError
from daug.findings import Finding
from daug.loading import load_radiograph
from tests.trainers.rows import row, write_image, write_manifest
from tests.trainers.study import write_study
from tests.trainers.test_clip_training import picture
from trainers.clip_bundle import add_clip
from trainers.clip_run import ClipRequest, train_clip
from trainers.evaluation.clip_evaluation import ClipEvaluationRequest, evaluate_retrieval
from trainers.evaluation.clip_models import bundle_model, refuse_what_it_learnt, run_model
from trainers.evaluation.clip_scores import find_cases, score_clip, score_pixels
from trainers.heat_cache import read_changes
from trainers.heat_run import AugmentRequest, augment, heat_key

ENTRY = {"value", "low", "high", "n"}


@pytest.fixture(scope="module")
def manifest(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_study(tmp_path_factory.mktemp("study"))


@pytest.fixture(scope="module")
def plain_run(manifest: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("runs") / "plain"
    train_clip(ClipRequest(manifest=manifest, folder=folder, preset="tiny", steps=2))
    return folder


@pytest.fixture(scope="module")
def searching(
    manifest: Path, tiny_bundle: Bundle, tmp_path_factory: pytest.TempPathFactory
) -> Bundle:
    """A bundle whose CLIP model looks at its maps."""
    folder = tmp_path_factory.mktemp("searching")
    bundle = Path(shutil.copytree(tiny_bundle.folder, folder / "bundle"))
    maps = folder / "maps"
    augment(AugmentRequest(manifest, maps, bundle, splits=("train", "val")))
    request = ClipRequest(
        manifest=manifest,
        folder=folder / "run",
        preset="tiny",
        steps=2,
        channels=ChannelKind.PAPER,
        bundle=bundle,
        maps=maps,
    )
    train_clip(request)
    add_clip(bundle, folder / "run")
    return read_bundle(bundle)


def run(command: str, *words: object) -> int:
    try:
        main(["evaluate", command, *map(str, words)])
    except SystemExit as end:
        return int(end.code or 0)
    return 0


def test_a_bundle_and_runs_are_scored_beside_the_baselines_in_one_document(
    manifest: Path,
    searching: Bundle,
    plain_run: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    more = ("--bundle", searching.folder, "--run", f"mine={plain_run}", "--json")
    common = ("--manifest", manifest, "-o", tmp_path / "out", *more)
    assert run("retrieval", *common) == 0
    found = json.loads(capsys.readouterr().out)
    keys = {(r["task"], r["model"]) for r in found["rows"]}
    assert keys == {
        *(("report_to_image", name) for name in ("chance", "tiny 0", "mine")),
        *(("image_to_image", name) for name in ("chance", "pixels 32 x 32", "tiny 0", "mine")),
    }
    first = found["rows"][0]
    assert {"task", "model", "finding", "map_at_5"} <= first.keys()
    assert set(first["map_at_5"]) == ENTRY
    for mean in found["means"]:
        assert set(mean["plain"]) == set(mean["weighted"]) == ENTRY
    assert found["images"] == {"one": 46}
    assert found["reports"] == 12
    assert found["models"][0]["maps_drawn"] == 46
    assert "were drawn now: 46 for tiny 0" in " ".join(found["notes"])
    assert found["text_derived"] == {}
    assert "read from reports" not in " ".join(found["notes"])

    assert run("classification", *common) == 0
    told = json.loads(capsys.readouterr().out)
    assert {r["model"] for r in told["rows"]} == {"chance", "tiny 0", "mine"}
    assert all(set(r["auroc"]) == set(r["average_precision"]) == ENTRY for r in told["rows"])
    assert {m["metric"] for m in told["means"]} == {"auroc", "average_precision"}
    assert told["models"][0]["maps_drawn"] == 0  # those of before were kept

    files = {path.name for path in (tmp_path / "out").iterdir() if path.is_file()}
    assert files == {
        f"{s}.{e}" for s in ("retrieval", "classification") for e in ("md", "csv", "json")
    }
    assert json.loads((tmp_path / "out/retrieval.json").read_text("utf-8")) == found


def test_labels_that_were_read_from_reports_are_told_above_the_tables(
    manifest: Path, plain_run: Path, tiny_bundle: Bundle, tmp_path: Path
) -> None:
    heads, *lines = manifest.read_text("utf-8").splitlines()
    marked = [f"{heads},text_derived", *(f"{line},Pneumonia" for line in lines)]
    copy = manifest.with_name("marked.csv")
    copy.write_text("\n".join(marked) + "\n", encoding="utf-8")
    more = ("--bundle", tiny_bundle.folder, "--run", f"mine={plain_run}")
    assert run("classification", "--manifest", copy, "-o", tmp_path, *more) == 0
    page = (tmp_path / "classification.md").read_text("utf-8")
    assert "46 of the labels that are scored against were read from reports" in page
    assert "Pneumonia 46" in page


def test_the_tables_have_the_papers_columns_and_say_what_is_not_comparable(
    manifest: Path, plain_run: Path, tiny_bundle: Bundle, tmp_path: Path
) -> None:
    evaluate_retrieval(
        ClipEvaluationRequest(
            manifest, tmp_path, tiny_bundle.folder, runs=(("a|b", plain_run),), draws=20
        )
    )
    text = (tmp_path / "retrieval.md").read_text("utf-8")
    heads = [line for line in text.splitlines() if line.startswith("| model |")]
    assert len(heads) == 2
    columns = [name.strip() for name in heads[0].strip("|").split("|")]
    assert columns == ["model", "cases", *(f.value for f in Finding), "plain mean", "weighted mean"]
    lines = [line for line in text.splitlines() if line.startswith(("| a", "| DAug |", "| chance"))]
    for line in lines:
        assert line.replace("\\|", "").count("|") == len(columns) + 1
    assert "a\\|b" in text
    assert "not comparable" in text
    assert "measures their look too" in text
    assert "| 0.77 | 0.86 | 0.83 |" in text  # the paper's own
    ours = next(line for line in text.splitlines() if line.startswith("| chance"))
    assert "–" in ours  # nobody labels a fracture
    values = json.loads((tmp_path / "retrieval.json").read_text("utf-8"))
    full = next(row for row in values["printed"] if row["model"] == "DAug")
    assert (full["task"], full["figures"]["Pneumonia"], full["plain"]) == (
        "report_to_image",
        0.71,
        0.767,
    )
    with (tmp_path / "retrieval.csv").open(newline="", encoding="utf-8") as file:
        table = list(csv.DictReader(file))
    scored = {line["finding"] for line in table if line["source"] == "one"}
    assert {"plain mean", "weighted mean", "Pneumonia"} <= scored
    printed = [line["value"] for line in table if line["model"] == "DAug [paper, not comparable]"]
    assert printed[:2] == ["0.77", "0.86"]


def test_radiographs_that_a_model_or_its_maps_learnt_from_are_refused(
    manifest: Path,
    searching: Bundle,
    tiny_bundle: Bundle,
    plain_run: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    common = ("--manifest", manifest, "-o", tmp_path, "--split", "train")
    without_clip = ("--bundle", tiny_bundle.folder)
    for more in (("--bundle", searching.folder), (*without_clip, "--run", f"mine={plain_run}")):
        assert run("retrieval", *common, *more) == 1
        error = capsys.readouterr().err
        assert "training data never scores" in error
        assert "Traceback" not in error
    described = read_bundle(searching.folder)
    assert described.training["clip"]["radiographs"] == {"one": 50}


def test_what_the_networks_that_draw_the_maps_learnt_from_scores_no_model_that_sees_them(
    searching: Bundle, plain_run: Path
) -> None:
    drawn = DataSource("one", "Apache-2.0", "DAug", {"unet": 5})
    bundle = replace(searching, data=(drawn,), training={"unet": {"split": "test"}})
    rows = [row("a", split="test")]
    refuse_what_it_learnt(run_model("plain", plain_run), bundle, rows)
    with pytest.raises(ManifestError, match="trained on split test of one"):
        refuse_what_it_learnt(run_model("daug", searching.folder.parent / "run"), bundle, rows)


def test_maps_of_another_bundle_are_refused(
    manifest: Path, searching: Bundle, make_bundle: object, tmp_path: Path
) -> None:
    other = make_bundle(seed=5)  # type: ignore[operator]
    cases = find_cases(manifest, "test")
    with pytest.raises(BundleError, match="Name the bundle that drew them"):
        score_clip(bundle_model(searching), cases, other, None, tmp_path)


def test_wrong_words_end_with_2_and_missing_models_with_1(
    manifest: Path, tiny_bundle: Bundle, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    common = ("--manifest", manifest, "-o", tmp_path / "out")
    assert run("retrieval", *common, "--run", "nameless") == 2
    assert "NAME=FOLDER" in capsys.readouterr().err
    assert run("classification", *common, "--bundle", tiny_bundle.folder) == 1
    assert "holds no clip/ model" in capsys.readouterr().err
    assert run("classification", *common, "--run", f"gone={tmp_path / 'gone'}") == 1
    assert "no finished training" in capsys.readouterr().err
    assert run("classification", *common, "--split", "val", "--run", f"gone={tmp_path}") == 1


def test_too_few_cases_are_refused_in_one_sentence(
    manifest: Path,
    plain_run: Path,
    tiny_bundle: Bundle,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    common = ("--manifest", manifest, "-o", tmp_path, "--split", "val")
    models = ("--bundle", tiny_bundle.folder, "--run", f"mine={plain_run}")
    assert run("classification", *common, *models) == 1
    assert "nothing can be scored" in capsys.readouterr().err


def test_the_same_seed_gives_the_same_figures_and_another_only_other_bounds(
    manifest: Path, plain_run: Path, tiny_bundle: Bundle, tmp_path: Path
) -> None:
    def means(seed: int) -> list[dict[str, dict[str, float]]]:
        request = ClipEvaluationRequest(
            manifest,
            tmp_path,
            tiny_bundle.folder,
            runs=(("mine", plain_run),),
            draws=50,
            seed=seed,
        )
        found: list[dict[str, dict[str, float]]] = evaluate_retrieval(request)["means"]
        return found

    first, again, other = means(0), means(0), means(1)
    assert first == again
    assert [m["plain"]["value"] for m in first] == [m["plain"]["value"] for m in other]
    assert [m["plain"]["low"] for m in first] != [m["plain"]["low"] for m in other]


def test_a_model_scores_what_the_workstation_would_make_of_each_radiograph(
    manifest: Path, searching: Bundle, tmp_path: Path
) -> None:
    """With its maps, read from the cache, and with the reports."""
    cases = find_cases(manifest, "test")
    assert [row.id for row in cases.rows] == sorted(row.id for row in cases.rows)
    scores = score_clip(bundle_model(searching), cases, searching, tmp_path / "maps", tmp_path)
    embedder = Embedder(searching.folder / "clip", torch.device("cpu"))
    key = heat_key(embedder.plan, searching.image_size)
    for i in (0, 1, 45):
        radiograph = load_radiograph(cases.rows[i].image)
        changes = read_changes(tmp_path / "maps", key, radiograph.digest)
        augmented = AugmentedRadiograph(
            radiograph, dict(zip(embedder.recipes, changes, strict=True)), searching.digest
        )
        alone = embedder.embed(augmented).vector
        assert scores.images[i] @ alone > 0.999
        bare = channels_without_heat(radiograph, embedder.plan, 32)
        with torch.no_grad():
            without_maps = embedder.clip.encode_image(torch.from_numpy(bare)[None])[0].numpy()
        away = np.linalg.norm(scores.images[i] - alone)
        assert away < np.linalg.norm(without_maps - alone) / 10
        assert scores.logits is not None
        for finding, logit in zip(embedder.classify(augmented), scores.logits[i], strict=True):
            p = 1 / (1 + np.exp(-logit / finding.scale.temperature))
            assert p == pytest.approx(finding.probability, abs=0.01)
    reported = next(i for i, text in enumerate(cases.texts) if text)
    assert scores.texts is not None
    words = embedder.embed_text("Patchy opacity in one lung.").vector
    assert scores.texts[reported] == pytest.approx(words, abs=1e-5)
    assert (scores.texts[cases.texts.index("")] == 0).all()


def test_neither_brightness_nor_contrast_moves_the_pixels_baseline(tmp_path: Path) -> None:
    lines = []
    for i, (gain, offset) in enumerate([(1.0, 0.0), (0.5, 60.0), (1.0, 0.0)]):
        image = np.kron(picture(i // 2, ill=False), np.ones((4, 4))) * gain + offset
        write_image(tmp_path / f"p{i}.png", image.astype(np.uint8))
        lines.append({"id": f"p{i}", "No Finding": "1"})
    cases = find_cases(write_manifest(tmp_path / "m.csv", lines), "test")
    vectors = score_pixels(cases, tmp_path).images
    assert vectors.shape == (3, 32 * 32)
    assert np.linalg.norm(vectors, axis=1) == pytest.approx(np.ones(3), abs=1e-4)
    assert vectors.mean(axis=1) == pytest.approx(np.zeros(3), abs=1e-6)
    assert vectors[0] @ vectors[1] > 0.99
    assert vectors[0] @ vectors[2] < 0.99


def test_thumbnails_are_left_out_and_counted(tmp_path: Path) -> None:
    lines = []
    for i, side in enumerate((120, 64)):
        write_image(
            tmp_path / f"p{i}.png", np.kron(picture(i, ill=False), np.ones((4, 4)))[:side, :side]
        )
        lines.append({"id": f"p{i}"})
    cases = find_cases(write_manifest(tmp_path / "m.csv", lines), "test")
    assert ([row.id for row in cases.rows], cases.thumbnails) == (["p0"], 1)


def test_a_run_says_what_it_is(plain_run: Path) -> None:
    model = run_model("mine", plain_run)
    assert model.run["channels"]["kind"] == "plain"
    assert model.folder.is_dir()
