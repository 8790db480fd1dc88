"""From masks to a bundle that measures: the commands of the anatomy model, one after the other."""

import csv
import json
import shutil
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from app import Tools, app
from daug.anatomy import open_anatomist
from daug.anatomy_network import AnatomyConfig
from daug.bundle import ANATOMY_FOLDER, Bundle, read_bundle
from daug.bundle_checks import models
from daug.cardiothoracic import cardiothoracic_ratio
from daug.errors import BundleError, ManifestError
from daug.organs import OrganMasks
from daug.view import View
from tests.daug.drawn_chest import DrawnChest
from tests.trainers.chests import LevelReader, write_chests
from tests.trainers.rows import write_image
from trainers.anatomy.bundle_part import add_anatomy
from trainers.anatomy.problem import AnatomyProblem, AnatomySettings
from trainers.anatomy.reading import look_at_rows
from trainers.anatomy.training import load_examples, rows_with_masks, train_anatomy
from trainers.evaluation.anatomy import evaluate_anatomy, measure_anatomy
from trainers.evaluation.anatomy_scores import dice, dice_rows, ratio_error, ratio_scores
from trainers.loop import Training
from trainers.manifest import read_manifest, select
from trainers.model_card import write_card
from trainers.problem import LoopSettings
from trainers.runs import RunRequest

SPLITS = ["train"] * 6 + ["val"] * 2 + ["test"] * 22


@pytest.fixture(scope="module")
def study(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_chests(tmp_path_factory.mktemp("study"), SPLITS)


@pytest.fixture(scope="module")
def trained(study: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("run")
    train_anatomy(RunRequest(study, folder, "tiny"))
    return folder


@pytest.fixture
def bundle(tmp_path: Path, make_bundle: Callable[..., Bundle]) -> Bundle:
    made = make_bundle(size=64)
    shutil.copytree(made.folder, tmp_path / "bundle")
    return read_bundle(tmp_path / "bundle")


def test_a_training_says_what_it_learnt_from(trained: Path) -> None:
    about = json.loads((trained / "run.json").read_text())
    assert (about["kind"], about["split"], about["radiographs"]) == ("anatomy", "train", {"one": 6})
    assert about["steps"] == 4
    assert about["images_seen"] == 16
    assert (trained / "weights/anatomy/model.safetensors").is_file()


def test_only_rows_with_all_three_masks_are_learnt_from(study: Path) -> None:
    rows = read_manifest(study)
    without = replace(rows[0], masks={"left_lung": rows[0].masks["left_lung"]})
    assert rows_with_masks([without, rows[1]]) == [rows[1]]
    with pytest.raises(ManifestError, match="No radiograph of the manifest has the masks"):
        rows_with_masks([without])


def test_sources_for_verification_only_train_nothing(study: Path, tmp_path: Path) -> None:
    text = study.read_text().replace(",one,", ",cohen,")
    for name in ("images", "masks"):
        (tmp_path / name).symlink_to(study.parent / name)
    (tmp_path / "manifest.csv").write_text(text)
    with pytest.raises(ManifestError, match="cohen do not allow weights"):
        train_anatomy(RunRequest(tmp_path / "manifest.csv", tmp_path / "run", "tiny"))


def test_masks_of_examples_lie_on_their_pictures(study: Path, tmp_path: Path) -> None:
    rows = select(rows_with_masks(read_manifest(study)), splits=["train"])
    loaded, examples = load_examples(rows, 64, tmp_path)
    assert [row.id for row in loaded] == [row.id for row in rows]
    assert examples.masks.shape == (6, 3, 64, 64)
    left = examples.pixels[examples.masks[:, 0] > 0]
    assert (left < 120).mean() > 0.9  # dark, but for what the heart covers and for the border


def test_a_few_steps_on_plain_chests_find_most_of_lungs_and_heart(
    study: Path, tmp_path: Path
) -> None:
    rows = select(rows_with_masks(read_manifest(study)), splits=["train"])
    _, examples = load_examples(rows, 64, tmp_path / "cache")
    problem = AnatomyProblem(
        examples,
        examples,
        AnatomyConfig(64, patch=4, channels=(16, 32, 32)),
        AnatomySettings(("one",), plain_share=1.0),
    )
    settings = LoopSettings(batch_size=6, learning_rate=1e-2, steps=150, warmup_steps=5)
    before = problem.report(tmp_path, 0)
    Training(problem, replace(settings, ema_decay=0.8), tmp_path / "run").run()
    after = problem.report(tmp_path, 150)
    assert max(before.values()) < 0.6
    assert min(after.values()) > 0.9


def test_a_trained_model_joins_a_bundle_and_can_be_replaced(bundle: Bundle, trained: Path) -> None:
    whole = add_anatomy(bundle.folder, trained)

    assert whole.digest == bundle.digest
    assert whole.training[ANATOMY_FOLDER]["radiographs"] == {"one": 6}
    images = {source.name: source.images.get(ANATOMY_FOLDER) for source in whole.data}
    assert images == {"drawn": 0, "one": 6}
    whole.verify_files()
    assert open_anatomist(whole) is not None
    assert "was loaded and tried" in models(bundle.folder)
    again = add_anatomy(bundle.folder, trained)
    assert again.files == whole.files


def test_a_model_of_another_size_does_not_join(
    trained: Path, tmp_path: Path, tiny_bundle: Bundle
) -> None:
    shutil.copytree(tiny_bundle.folder, tmp_path / "other")
    with pytest.raises(BundleError, match="looks at 64 px, but tiny at 32 px"):
        add_anatomy(tmp_path / "other", trained)
    assert not (tmp_path / "other" / ANATOMY_FOLDER).exists()


def test_a_bundle_with_a_broken_anatomy_model_is_not_in_order(
    bundle: Bundle, trained: Path
) -> None:
    add_anatomy(bundle.folder, trained)
    path = bundle.folder / ANATOMY_FOLDER / "model.safetensors"
    path.write_bytes(path.read_bytes()[:-2] + b"\xff\xff")
    with pytest.raises(BundleError, match=r"anatomy/model\.safetensors"):
        models(bundle.folder)


def test_figures_are_measured_on_held_out_radiographs_and_stand_on_the_card(
    bundle: Bundle, trained: Path, study: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    add_anatomy(bundle.folder, trained)
    card = write_card(bundle.folder)
    assert "Not measured." in card.read_text()
    monkeypatch.setattr("trainers.evaluation.anatomy.open_anatomist", lambda _: LevelReader())

    measure_anatomy(bundle.folder, study)

    measured = read_bundle(bundle.folder).measured[ANATOMY_FOLDER]
    assert measured["images"] == {"one": 22}
    by_organ = {row["organ"]: row["dice"] for row in measured["rows"]}
    assert set(by_organ) == {"left_lung", "right_lung", "lungs", "heart"}
    assert all(figure["n"] == 22 for figure in by_organ.values())
    (scores,) = measured["cardiothoracic"]
    assert scores["n"] == 22
    assert scores["error"]["n"] == 22
    text = write_card(bundle.folder).read_text()
    assert "## Lungs and heart (anatomy)" in text
    assert "experts' masks (6 of one)" in text
    assert "n = 22" in text
    add_anatomy(bundle.folder, trained)  # a new model has not been measured
    assert ANATOMY_FOLDER not in read_bundle(bundle.folder).measured


def test_training_radiographs_never_score(bundle: Bundle, trained: Path, study: Path) -> None:
    add_anatomy(bundle.folder, trained)
    with pytest.raises(ManifestError, match="training data never scores"):
        evaluate_anatomy(bundle.folder, study, "train")
    with pytest.raises(ManifestError, match="No radiograph of split other"):
        evaluate_anatomy(bundle.folder, study, "other")


def test_without_an_anatomy_model_nothing_is_scored(tiny_bundle: Bundle, study: Path) -> None:
    with pytest.raises(BundleError, match="add-anatomy"):
        evaluate_anatomy(tiny_bundle.folder, study, "test")


def test_the_command_writes_tables_and_prints_the_document(
    bundle: Bundle, trained: Path, study: Path, tmp_path: Path
) -> None:
    def run(*words: str | Path) -> str:
        result = CliRunner().invoke(app, [str(word) for word in words], obj=Tools())
        assert result.exit_code == 0, result.output
        return result.stdout

    added = run("bundle", "add-anatomy", bundle.folder, "--run", trained, "--json")
    assert json.loads(added)["digest"] == bundle.digest
    out = tmp_path / "tables"
    printed = run(
        *("evaluate", "anatomy", "--manifest", study, "--bundle", bundle.folder),
        *("-o", out, "--json"),
    )
    assert json.loads(printed) == json.loads((out / "anatomy.json").read_text())
    with (out / "anatomy.csv").open(newline="") as file:
        lines = list(csv.DictReader(file))
    assert Counter(line["source"] for line in lines) == {"one": 4}
    assert "| heart | one | 22 |" in (out / "anatomy.md").read_text()


def test_a_reader_without_mistakes_overlaps_wholly_and_is_off_by_little(study: Path) -> None:
    rows = select(read_manifest(study), splits=["test"])
    seen = list(look_at_rows(LevelReader(), rows))  # type: ignore[arg-type]

    rows_of_dice = dice_rows(seen, np.random.default_rng(0))
    scores = ratio_scores(seen, "one", np.random.default_rng(0))

    found = {row.organ: row.dice.value for row in rows_of_dice}
    assert found["heart"] > 0.97
    assert min(found.values()) > 0.85  # what the heart covers of a lung, its grey level hides
    assert all(row.worst <= row.dice.low <= row.dice.value <= row.dice.high for row in rows_of_dice)
    assert scores is not None
    assert scores.absolute_error.value < 0.02
    assert scores.limits[0] < scores.bias < scores.limits[1]
    assert scores.error is not None
    assert scores.error.half_width >= scores.absolute_error.value
    assert scores.normal_n == 22


def test_where_experts_draw_lungs_behind_the_heart_only_what_lies_beside_it_is_compared(
    study: Path, tmp_path: Path
) -> None:
    (row, *_) = select(read_manifest(study), splits=["test"])
    (found,) = look_at_rows(LevelReader(), [row])  # type: ignore[arg-type]
    behind = found.organs.heart | found.organs.left_lung
    masks = {"left_lung": behind, "right_lung": found.organs.right_lung}
    masks["cardiomediastinum"] = found.organs.heart
    paths = {
        name: write_image(tmp_path / f"{name}.png", mask.astype(np.uint8) * 255)
        for name, mask in masks.items()
    }
    rows = dice_rows([replace(found, row=replace(row, masks=paths))], np.random.default_rng(0))
    by_organ = {row.organ: row.dice.value for row in rows}
    assert by_organ["lungs_beside_mediastinum"] == 1
    assert by_organ["lungs"] < 0.95


def test_dice_is_twice_what_is_shared_over_what_is_there() -> None:
    a, b = np.zeros((2, 4, 4), dtype=np.bool_)
    assert dice(a, b) == 1
    a[0], b[:2] = True, True
    assert dice(a, b) == pytest.approx(2 * 4 / 12)


def test_the_half_width_is_the_conformal_quantile_of_the_errors() -> None:
    errors = np.arange(1, 41) / 100
    np.random.default_rng(0).shuffle(errors)
    found = ratio_error(errors)
    assert found is not None
    assert (found.half_width, found.n) == (0.39, 40)  # the 39th of 40: ceil(0.95 * 41)
    assert ratio_error(errors[:18]) is None  # too few to promise 95 %
    assert ratio_error(errors[:19]) is not None


def test_new_errors_lie_within_the_half_width_as_often_as_promised() -> None:
    dice_of_chance = np.random.default_rng(1)
    inside = []
    for _ in range(400):
        errors = np.abs(dice_of_chance.standard_t(3, 31))
        found = ratio_error(errors)
        assert found is not None
        inside.append((np.abs(dice_of_chance.standard_t(3, 50)) <= found.half_width).mean())
    assert 0.95 <= np.mean(inside) <= 0.985


@pytest.mark.shared
def test_the_shipped_model_measures_real_hearts_as_experts_masks_do(shared: Path) -> None:
    found = open_anatomist(read_bundle(Tools().bundled_models))
    if found is None:
        pytest.skip("the shipped bundle has no anatomy model yet")
    rows = read_manifest(shared / "cxr" / "manifest.csv")
    held_out = select(rows, splits=["test"], sources=["jsrt"])
    seen = list(look_at_rows(found, held_out))

    by_organ = {row.organ: row.dice for row in dice_rows(seen, np.random.default_rng(0))}
    assert by_organ["lungs"].value >= 0.95
    assert by_organ["heart"].value >= 0.90
    scores = ratio_scores(seen, "jsrt", np.random.default_rng(0))
    assert scores is not None
    assert scores.absolute_error.value < 0.03
    assert abs(scores.bias) < 0.02


@pytest.mark.shared
def test_by_experts_masks_hearts_of_normal_adults_fill_less_than_half(shared: Path) -> None:
    from daug.findings import Finding
    from trainers.truth_masks import read_mask

    rows = [r for r in read_manifest(shared / "cxr" / "manifest.csv") if r.source == "jsrt"]
    normal = [r for r in rows if r.labels.get(Finding.NO_FINDING) == 1][::3]
    ratios = []
    for row in normal:
        organs = OrganMasks(
            *(read_mask(row.masks[o]) for o in ("left_lung", "right_lung", "heart"))
        )
        found = cardiothoracic_ratio(organs, view=View.PA, age=50)
        ratios += [found.value] if found.value is not None else []
    assert len(ratios) >= 0.95 * len(normal)
    assert 0.42 < np.mean(ratios) < 0.5


def test_a_drawn_chest_is_measured_alike_on_the_square_and_on_the_radiograph(study: Path) -> None:
    rows = select(read_manifest(study), splits=["val"])
    for found in look_at_rows(LevelReader(), rows):  # type: ignore[arg-type]
        fine = cardiothoracic_ratio(found.seen.finer(4), view=View.PA, age=50)
        own = cardiothoracic_ratio(found.organs, view=View.PA, age=50)
        assert fine.value == pytest.approx(own.value, abs=0.01)
    assert DrawnChest().organs().missing == ()
