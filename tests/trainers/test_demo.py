"""`daug bundle demo`: what is drawn, what is said of it, and that all of it is marked."""

import csv
import hashlib
import json
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

import app
from daug.bundle import Bundle, DataSource, read_bundle, write_bundle
from daug.findings import Activation, Finding
from daug.loading import load_radiograph
from daug.loading.synthetic import SAYS_SYNTHETIC
from tests.trainers.test_copy_check import chest
from trainers.manifest import read_manifest
from trainers.report_templates import NORMAL
from trainers.synthetic.copy_check import Distances, HeldOutDistances
from trainers.synthetic.demo_labels import CLEARLY, agrees, bars, labels, main_finding
from trainers.synthetic.demo_plan import ALIKE_ABOVE, demo_plan
from trainers.synthetic.demo_report import COMPOSED, NOTHING_SAID, composed_report
from trainers.synthetic.drawing import Drawer
from trainers.synthetic.marking import marked_pixels, png_bytes, read_recipe
from trainers.synthetic.plan import Kind, Settings
from trainers.synthetic.recipe import Aim, DrawRecipe
from trainers.synthetic.selection import select_pictures

REPOSITORY = Path(__file__).parents[2]
SHIPPED = REPOSITORY / "assets" / "demo"
MODELS = read_bundle(REPOSITORY / "assets" / "models" / "cxr-demo")
NORMAL_CLASS, INFILTRATE, PLEURAL = "No Finding", "Consolidation / Edema / Pneumonia", "Pleural"
NAMES = [card.name for card in MODELS.offered]
TRAINED_ON, SIDE = 12, 64


# What is drawn


@given(st.integers(1, 700))
def test_a_plan_of_any_size_adds_up(count: int) -> None:
    plan = demo_plan(MODELS, count, Settings())
    whole = sum(kind.count * (1 + len(kind.later)) for kind in plan)
    assert whole in (count, count + 1)


def test_the_plan_shows_every_offered_class_combinations_and_patients_with_a_prior() -> None:
    plan = demo_plan(MODELS, 240, Settings(seed=5))
    alone = Counter[str]()
    for kind in plan:
        if len(kind.first.aims) == 1 and not kind.later:
            alone[kind.first.aims[0].super_class] += kind.count
    assert set(alone) == set(NAMES)
    assert min(alone.values()) >= 15
    assert sum(kind.count for kind in plan if len(kind.first.aims) == 2) >= 40
    assert sum(kind.count for kind in plan if not kind.first.aims) >= 10
    assert sum(kind.count for kind in plan if kind.later) >= 15
    seeds = [kind.first.seed for kind in plan]
    assert len(set(seeds)) == len(seeds)
    assert min(seeds) == 5


def test_two_super_classes_do_not_compete_and_a_follow_up_shares_its_beginning() -> None:
    for kind in demo_plan(MODELS, 240, Settings()):
        for recipe in (kind.first, *kind.later):
            how = {aim.activation for aim in recipe.aims}
            wanted = Activation.SIGMOID if len(recipe.aims) > 1 else Activation.SOFTMAX
            assert how <= {wanted}
        if kind.later:
            series = next(kind.series())
            assert {recipe.seed for recipe in series} == {kind.first.seed}
            assert {recipe.guided_below for recipe in series} == {ALIKE_ABOVE}
            assert [aim.super_class for aim in series[0].aims] == [NORMAL_CLASS]


def test_what_a_bundle_does_not_offer_is_not_drawn(make_bundle: Callable[..., Bundle]) -> None:
    bundle = make_bundle(untrained={PLEURAL, "Atelectasis"})
    plan = demo_plan(bundle, 100, Settings())
    aims = {a.super_class for k in plan for r in (k.first, *k.later) for a in r.aims}
    assert aims == {card.name for card in bundle.offered}
    assert sum(kind.count * (1 + len(kind.later)) for kind in plan) in (100, 101)


# What is said


def recipe(*names: str) -> DrawRecipe:
    return DrawRecipe(0, tuple(Aim(name) for name in names))


def scores(**others: float) -> dict[str, float]:
    """Scores far below everything, but for some by the first word of their class."""
    low = dict.fromkeys(NAMES, 0.01)
    return low | {name: others[name.split()[0]] for name in NAMES if name.split()[0] in others}


def test_the_finding_of_a_class_is_the_one_that_it_was_learnt_from() -> None:
    assert main_finding(MODELS.card("pneumonia")) is Finding.PNEUMONIA
    assert main_finding(MODELS.card("pleural")) is Finding.PLEURAL_EFFUSION
    assert main_finding(MODELS.card("no finding")) is Finding.NO_FINDING


@pytest.mark.parametrize(
    ("names", "seen", "agreed"),
    [
        ((PLEURAL,), {"Pleural": 0.5}, True),
        ((PLEURAL,), {"Pleural": 0.499}, False),  # above the operating point is not enough
        ((INFILTRATE,), {"Consolidation": 0.70}, False),  # below an operating point above a half
        ((INFILTRATE,), {"Consolidation": 0.71}, True),
        ((PLEURAL, "Atelectasis"), {"Pleural": 0.9, "Atelectasis": 0.4}, False),
        ((PLEURAL, "Atelectasis"), {"Pleural": 0.9, "Atelectasis": 0.6}, True),
        ((PLEURAL,), {"Pleural": 0.9, "No": 0.42}, False),  # and normal as well
        ((NORMAL_CLASS,), {"No": 0.9}, True),
        ((NORMAL_CLASS,), {"No": 0.9, "Atelectasis": 0.1}, False),
        ((NORMAL_CLASS,), {"No": 0.4}, False),
        ((), {"No": 0.9, "Lung": 0.9}, True),  # nothing was asked
    ],
)
def test_the_classifier_must_see_every_aim_and_nothing_that_rules_it_out(
    names: tuple[str, ...], seen: Mapping[str, float], agreed: bool
) -> None:
    assert agrees(MODELS, recipe(*names), scores(**seen), 0.5) is agreed


def test_a_normal_case_has_none_of_the_trained_findings() -> None:
    assert labels(MODELS, recipe(NORMAL_CLASS), scores(No=0.9, Lung=0.2)) == {
        Finding.NO_FINDING: 1,
        Finding.CARDIOMEGALY: 0,
        Finding.LUNG_LESION: 0,
        Finding.PNEUMONIA: 0,
        Finding.ATELECTASIS: 0,
        Finding.PLEURAL_EFFUSION: 0,
    }


def test_what_was_not_asked_for_is_absent_only_if_its_score_is_clearly_low() -> None:
    point = MODELS.card("atelectasis").operating_point
    assert point is not None
    said = labels(MODELS, recipe(PLEURAL), scores(Pleural=0.9, Lung=0.9, Atelectasis=point * 0.51))
    low = {Finding.CARDIOMEGALY: 0, Finding.PNEUMONIA: 0}
    assert said == {Finding.PLEURAL_EFFUSION: 1, Finding.NO_FINDING: 0, **low}
    said = labels(MODELS, recipe(), scores(Pleural=0.9, Lung=0.9, Atelectasis=point * 0.49, No=0.9))
    assert said == {**low, Finding.ATELECTASIS: 0}  # never present unasked


@given(
    st.dictionaries(st.sampled_from(list(Finding)), st.sampled_from([0, 1])),
    st.integers(0, 2**31),
)
def test_a_sentence_says_that_it_is_composed_and_what_the_labels_say(
    said: dict[Finding, int], seed: int
) -> None:
    text = composed_report(said, seed)
    assert text.startswith(COMPOSED)
    assert text == composed_report(said, seed)
    said_last = text.removeprefix(COMPOSED).strip()
    assert (said_last == NOTHING_SAID) == (not said)
    assert any(word in said_last for word in NORMAL) == (said.get(Finding.NO_FINDING) == 1)


# How it is drawn, judged and written


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
def bundle(make_bundle: Callable[..., Bundle]) -> Bundle:
    """Untrained networks that say how many radiographs trained the denoiser."""
    made = make_bundle(size=SIDE)
    data = (DataSource("drawn", "Apache-2.0", "DAug", {"unet": TRAINED_ON}),)
    return write_bundle(replace(made, data=data), made.files)


@pytest.fixture
def anything_passes(monkeypatch: pytest.MonkeyPatch) -> None:
    """Untrained networks draw noise, and their classifier knows nothing."""
    monkeypatch.setattr(HeldOutDistances, "is_strange", lambda *_: False)
    monkeypatch.setattr(HeldOutDistances, "copied_by", lambda *_: ())
    monkeypatch.setattr("trainers.synthetic.demo.agrees", lambda *_: True)


def run(*words: object) -> int:
    with pytest.raises(SystemExit) as leaving:
        app.main(list(map(str, words)))
    return int(leaving.value.code or 0)


def demo(bundle: Bundle, manifest: Path, output: Path, *more: object) -> int:
    words = ("--manifest", manifest, "-o", output, "--count", 24, "--steps", 2)
    return run("bundle", "demo", bundle.folder, *words, *more)


def contents(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


@pytest.mark.usefixtures("anything_passes")
def test_pictures_manifest_and_index_agree(
    bundle: Bundle, manifest: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    output, sheet = tmp_path / "demo", tmp_path / "look" / "sheet.png"
    models = (bundle.folder / "bundle.json").read_bytes()
    assert demo(bundle, manifest, output, "--sheet", sheet, "--json", "--without", "1000000") == 0
    told = json.loads(capsys.readouterr().out)
    index = json.loads((output / "demo.json").read_text(encoding="utf-8"))
    assert told == index
    check_folder(output, index)
    assert len(index["cases"]) in (24, 25)
    assert min(case["recipe"]["seed"] for case in index["cases"]) == 1_000_001
    assert index["copy_check"]["left_out_by_eye"] == [1_000_000]
    assert index["copy_check"]["training_radiographs"] == TRAINED_ON
    assert index["copy_check"]["kept"] == len(index["cases"])
    assert index["bundle"]["digest"] == bundle.digest
    with Image.open(sheet) as looked_at:
        columns, rows = looked_at.size[0] // SIDE, looked_at.size[1] // SIDE
        assert columns * rows >= len(index["cases"])
        shown = np.asarray(looked_at)[14 : 14 + SIDE, :SIDE]
    first = load_radiograph(output / index["cases"][0]["file"])
    np.testing.assert_allclose(shown / 127.5 - 1, first.pixels, atol=0.01)
    assert (bundle.folder / "bundle.json").read_bytes() == models


def check_folder(folder: Path, index: Mapping[str, Any]) -> None:
    """Everything is listed, is what was listed, is marked, and says the same everywhere."""
    names = {case["file"] for case in index["cases"]} | {"demo.json", "manifest.csv"}
    names |= {shipped["file"] for shipped in index["shipped"]}
    assert {path.name for path in folder.iterdir()} == names
    for one in (*index["cases"], index["manifest"], *index["shipped"]):
        content = (folder / one["file"]).read_bytes()
        assert hashlib.sha256(content).hexdigest() == one["sha256"]
    with (folder / "manifest.csv").open(newline="", encoding="utf-8") as file:
        rows = {row["id"]: row for row in csv.DictReader(file)}
    assert list(rows) == [case["id"] for case in index["cases"]]
    assert {row.id for row in read_manifest(folder / "manifest.csv")} == set(rows)
    for case in index["cases"]:
        path = folder / case["file"]
        assert load_radiograph(path).warnings == (SAYS_SYNTHETIC,)
        drawn, drawn_by = read_recipe(path)
        assert (drawn.to_dict(), drawn_by) == (case["recipe"], index["bundle"])
        row = rows[case["id"]]
        assert row["image"] == case["file"]
        assert (row["dataset"], row["synthetic"]) == ("daug-synthetic", "1")
        assert row["report_kind"] == "template"
        assert row["report"].startswith(COMPOSED)
        assert (row["view"], row["sex"], row["age"]) == ("", "", "")  # nobody knows
        assert row["patient_id"] == f"synthetic-{drawn.seed:07d}"


@pytest.mark.usefixtures("anything_passes")
def test_two_studies_of_a_patient_are_of_one_noise_in_their_order(
    bundle: Bundle, manifest: Path, tmp_path: Path
) -> None:
    assert demo(bundle, manifest, tmp_path / "demo") == 0
    index = json.loads((tmp_path / "demo" / "demo.json").read_text(encoding="utf-8"))
    with (tmp_path / "demo" / "manifest.csv").open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    patients = Counter(row["patient_id"] for row in rows)
    seeds = Counter(case["recipe"]["seed"] for case in index["cases"])
    assert sorted(patients.values()) == sorted(seeds.values())
    followed = {name for name, studies in patients.items() if studies == 2}
    assert followed
    for name in followed:
        orders = [row["study_order"] for row in rows if row["patient_id"] == name]
        assert orders == ["1", "2"]


@pytest.mark.usefixtures("anything_passes")
def test_a_run_goes_on_from_its_cache_draws_nothing_twice_and_writes_the_same(
    bundle: Bundle, manifest: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    cache = ("--cache", tmp_path / "cache")
    assert demo(bundle, manifest, tmp_path / "one", *cache) == 0
    first = contents(tmp_path / "one")

    def never(*_: object) -> None:
        raise AssertionError("drawn again")

    monkeypatch.setattr(Drawer, "_draw_batch", never)
    assert demo(bundle, manifest, tmp_path / "one", *cache) == 0
    assert contents(tmp_path / "one") == first
    (tmp_path / "one" / "notes.txt").write_text("mine")
    assert demo(bundle, manifest, tmp_path / "one", *cache) == 1
    assert contents(tmp_path / "one") == {**first, "notes.txt": b"mine"}


class Scoring:
    """In place of networks: the score is the picture's gray level, and it is no copy of any."""

    def __init__(self) -> None:
        self.held_out = HeldOutDistances(np.arange(10, 90), np.linspace(5, 20, 80))
        self.networks = self

    def scores(self, picture: np.ndarray) -> dict[str, float]:
        return {PLEURAL: float(picture[-1, -1]) / 100}

    def distances(self, picture: np.ndarray) -> Distances:
        return Distances(100, 10.0)


def test_studies_of_one_noise_are_kept_together_or_not_at_all(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, later = recipe(PLEURAL), replace(recipe(PLEURAL), num_steps=3)
    level = {(0, 50): 60, (0, 3): 10, (1, 50): 60, (1, 3): 70}  # by seed and steps

    def draw(_: object, recipes: list[DrawRecipe], cache: Path) -> dict[DrawRecipe, np.ndarray]:
        return {r: np.full((8, 8), level[r.seed, r.num_steps], np.uint8) for r in recipes}

    monkeypatch.setattr("trainers.synthetic.selection.draw_remembered", draw)
    plan = [Kind(1, first, (later,))]
    stub: Any = Scoring()
    kept, tally = select_pictures(stub, stub, plan, Settings(), tmp_path)
    assert [(one.recipe.seed, one.recipe.num_steps) for one in kept] == [(1, 50), (1, 3)]
    told = tally.to_dict()
    assert (told["drawn"], told["kept"]) == (4, 2)
    assert told["dropped"]["score"] == 1
    assert told["dropped"]["series"] == 1


def test_scores_are_of_the_picture_as_it_will_be_seen(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    drawn = np.full((8, 8), 20, np.uint8)
    monkeypatch.setattr(
        "trainers.synthetic.selection.draw_remembered",
        lambda _, recipes, cache: dict.fromkeys(recipes, drawn),
    )
    stub: Any = Scoring()
    plan = [Kind(1, recipe(PLEURAL))]
    (kept,), _ = select_pictures(stub, stub, plan, Settings(), tmp_path, None, lambda p: p + 70)
    assert kept.scores == {PLEURAL: 0.9}
    np.testing.assert_array_equal(kept.picture, drawn)


@pytest.mark.parametrize("level", [0, 90, 255])
def test_a_small_picture_bears_the_word_in_letters_of_its_own_size(level: int) -> None:
    plain = np.full((128, 128), level, dtype=np.uint8)
    marked = marked_pixels(plain, 128)
    assert {0, 255} <= set(np.unique(marked))
    rows, columns = np.nonzero(marked != level)
    assert 5 <= np.ptp(rows) + 1 <= 11  # high enough to be read
    assert rows.max() < 16
    assert np.ptp(columns) > 30
    assert (marked != level).mean() < 0.03


def test_a_small_picture_is_its_own_size_and_pixels(tmp_path: Path) -> None:
    picture = np.random.default_rng(0).integers(0, 255, (128, 128)).astype(np.uint8)
    path = tmp_path / "small.png"
    path.write_bytes(png_bytes(picture, recipe(PLEURAL), MODELS, 128))
    with Image.open(path) as shipped:
        assert (shipped.size, shipped.mode) == ((128, 128), "L")
        same = np.asarray(shipped) == picture
    assert same[16:].all()


# What is shipped


@pytest.fixture(scope="module")
def index() -> dict[str, Any]:
    whole: dict[str, Any] = json.loads((SHIPPED / "demo.json").read_text(encoding="utf-8"))
    return whole


def test_the_shipped_folder_is_whole_marked_and_small(index: Mapping[str, Any]) -> None:
    check_folder(SHIPPED, index)
    assert len(index["cases"]) >= 240
    assert index["bundle"]["digest"] == MODELS.digest
    assert sum(path.stat().st_size for path in SHIPPED.iterdir()) < 8_000_000


def test_every_class_combination_and_prior_is_among_the_shipped_cases(
    index: Mapping[str, Any],
) -> None:
    towards = Counter(
        tuple(aim["super_class"] for aim in case["recipe"]["aims"]) for case in index["cases"]
    )
    for name in NAMES:
        assert towards[(name,)] >= 15, name
    assert sum(n for names, n in towards.items() if len(names) == 2) >= 40
    assert towards[()] >= 10
    studies = Counter(case["recipe"]["seed"] for case in index["cases"])
    assert sum(n == 2 for n in studies.values()) >= 15


def test_every_shipped_label_has_the_score_that_it_needs(index: Mapping[str, Any]) -> None:
    """Against the manifest's cells, with the thresholds written out once more."""
    with (SHIPPED / "manifest.csv").open(newline="", encoding="utf-8") as file:
        rows = {row["id"]: row for row in csv.DictReader(file)}
    finding_of, bar = index["labels"]["finding_of"], index["labels"]["bars"]
    assert bar == bars(MODELS, 0.5)
    points = {card.name: card.operating_point for card in MODELS.offered}
    for case in index["cases"]:
        row, seen = rows[case["id"]], case["scores"]
        aims = {aim["super_class"] for aim in case["recipe"]["aims"]}
        present = {name for name in NAMES if row[finding_of[name]] == "1"}
        assert present == aims
        assert all(seen[name] >= bar[name] - 1e-4 for name in present)
        for name in {name for name in NAMES if row[finding_of[name]] == "0"}:
            limit = points[name] or 0.5
            ruled_out = aims and (name == NORMAL_CLASS or aims == {NORMAL_CLASS})
            assert seen[name] <= (limit if ruled_out else limit * CLEARLY) + 1e-4
        others = set(Finding) - {Finding(name) for name in finding_of.values()}
        assert all(row[finding] == "" for finding in others)  # nobody judged them


def test_the_scores_are_those_of_the_pictures_as_they_are_shipped(
    index: Mapping[str, Any],
) -> None:
    import torch

    from daug.bundled_models import load_models

    drawer = Drawer(load_models(MODELS), torch.device("cpu"))
    for case in index["cases"][::40]:
        with Image.open(SHIPPED / case["file"]) as shipped:
            found = drawer.scores(np.asarray(shipped))
        assert found == pytest.approx(case["scores"], abs=2e-3)


def test_no_shipped_case_is_nearer_to_a_training_radiograph_than_strangers_are(
    index: Mapping[str, Any],
) -> None:
    held_out = index["copy_check"]["held_out"]
    for case in index["cases"]:
        near = case["nearest_training_radiograph"]
        assert near["hash_bits"] > held_out["copy_hash_bits"]
        assert held_out["copy_features"] < near["features"] <= held_out["strange_features"] + 1e-3
