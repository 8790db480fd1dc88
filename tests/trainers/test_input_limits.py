"""Marks flag what they promise to flag, and a calibration says how well it did."""

import json
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from daug.bundle import Bundle, DataSource, read_bundle, write_bundle
from daug.bundled_models import Models, load_models
from daug.errors import ManifestError
from daug.input_check import INPUT_CHECK_FOLDER, InputLimits, Sign
from daug.input_checker import open_input_checker
from daug.input_signs import InputReference
from daug.loading import load_radiograph
from tests.daug.drawn_chest import DrawnChest
from tests.trainers.chests import drawn_radiograph
from tests.trainers.rows import write_image, write_manifest
from trainers.calibration import input_limits
from trainers.calibration.input_limits import InputRequest, calibrate_input
from trainers.calibration.input_marks import flagged, set_marks
from trainers.calibration.input_reference import fit_reference
from trainers.calibration.wrong_inputs import misplaced
from trainers.model_card import model_card

SPLITS = {"train": 40, "val": 60, "test": 20}
SIDE = 64


@given(
    seed=st.integers(0, 2**32 - 1),
    rate=st.floats(0, 0.3),
    count=st.integers(50, 300),
    levels=st.sampled_from([0, 3, 1000]),
)
def test_marks_flag_no_more_than_was_asked_for_and_little_less(
    seed: int, rate: float, count: int, levels: int
) -> None:
    scores = np.random.default_rng(seed).normal(size=(count, 4))
    if levels:
        scores = np.round(scores * levels) / levels  # many alike
    found = flagged(scores, set_marks(scores, rate))
    assert found.mean() <= rate
    if not levels:
        assert found.sum() == int(rate * count)


def test_a_picture_that_is_strange_in_every_way_costs_one_false_alarm() -> None:
    scores = np.random.default_rng(0).normal(size=(100, 5)) * [1, 10, 100, 1, 1]
    scores[7] = 1000
    marks = set_marks(scores, 0.01)
    assert np.flatnonzero(flagged(scores, marks)).tolist() == [7]
    assert (marks > np.delete(scores, 7, axis=0).max(axis=0)).all()


def test_the_unit_of_a_score_does_not_matter() -> None:
    scores = np.random.default_rng(1).normal(size=(200, 3))
    marks, unit = set_marks(scores, 0.03), np.array([1, 1000, 0.001])
    assert set_marks(scores * unit + 5, 0.03) == pytest.approx(marks * unit + 5)


def test_a_score_that_is_no_number_is_flagged() -> None:
    assert flagged(np.array([[np.nan, 0.0], [0.0, 0.0]]), np.ones(2)).tolist() == [True, False]


def test_a_handful_of_radiographs_sets_no_marks() -> None:
    with pytest.raises(ManifestError, match="at least 50"):
        set_marks(np.zeros((49, 2)), 0.02)


@hypothesis_settings(max_examples=20)
@given(seed=st.integers(0, 2**32 - 1))
def test_a_picture_put_back_is_the_picture(seed: int) -> None:
    pixels = np.random.default_rng(seed).integers(1, 255, (3, 16, 16), dtype=np.uint8)
    pixels[:, :, :4] = 0  # air beside a radiograph that is not square
    moved = misplaced(pixels)
    assert np.array_equal(moved[Sign.MIRRORED][:, :, ::-1], pixels)
    for sign, turns in ((Sign.TURNED_LEFT, -1), (Sign.TURNED_RIGHT, 1), (Sign.UPSIDE_DOWN, 2)):
        assert np.array_equal(np.rot90(moved[sign], turns, axes=(1, 2)), pixels)
    assert not moved[Sign.INVERTED][:, :, :4].any()
    assert np.array_equal(255 - moved[Sign.INVERTED][:, :, 4:], pixels[:, :, 4:])


def test_turned_to_the_left_means_that_the_top_is_on_the_left() -> None:
    pixels = np.zeros((1, 8, 8), dtype=np.uint8)
    pixels[:, 0] = 255
    assert (misplaced(pixels)[Sign.TURNED_LEFT][0, :, 0] == 255).all()


def chest(seed: int) -> NDArray[np.uint8]:
    generator = np.random.default_rng(seed)
    left, right = generator.uniform(0.36, 0.44), generator.uniform(0.6, 0.7)
    picture = drawn_radiograph(DrawnChest(side=SIDE * 2, heart=(left, right)).organs())
    return np.clip(picture + generator.normal(0, 4, picture.shape), 0, 255).astype(np.uint8)


@pytest.fixture
def study(tmp_path: Path) -> Path:
    lines: list[dict[str, str]] = []
    for split, count in SPLITS.items():
        for i in range(count):
            source = "stranger" if split == "test" and i % 2 else "drawn"
            name = f"{split}{i:02}"
            write_image(tmp_path / f"{name}.png", chest(len(lines)))
            lines.append({"id": name, "split": split, "dataset": source})
    return write_manifest(tmp_path / "manifest.csv", lines)


@pytest.fixture
def bundle(tmp_path: Path, make_bundle: Callable[..., Bundle]) -> Bundle:
    made = make_bundle(size=SIDE)
    folder = tmp_path / "bundle"
    shutil.copytree(made.folder, folder)
    data = (DataSource("drawn", "Apache-2.0", "DAug", {"unet": 40, "classifier": 40}),)
    return write_bundle(replace(made, folder=folder, data=data), made.files)


def test_a_calibration_is_kept_in_the_bundle_and_leaves_its_maps_alone(
    bundle: Bundle, study: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def while_another_writes(models: Models, pixels: NDArray[np.uint8]) -> InputReference:
        write_bundle(replace(bundle, measured={"movement_note": "theirs"}), bundle.files)
        return fit_reference(models, pixels)

    monkeypatch.setattr(input_limits, "fit_reference", while_another_writes)
    measured = calibrate_input(InputRequest(bundle.folder, study, rate=0.05))
    after = read_bundle(bundle.folder)
    after.verify_files()
    assert after.digest == bundle.digest
    assert set(bundle.files) < set(after.files)
    assert after.measured == {
        "movement_note": "theirs",
        INPUT_CHECK_FOLDER: json.loads(json.dumps(measured)),
    }
    limits = InputLimits.read(after.folder / INPUT_CHECK_FOLDER)
    assert (limits.n, limits.asked_rate, limits.images) == (60, 0.05, {"drawn": 60})
    assert [line["rate"]["n"] for line in measured["false_alarms"]] == [10, 10]
    strangers = measured["false_alarms_unseen_sources"]
    assert {line["source"] for line in strangers} == {"all", "stranger"}

    checker = open_input_checker(load_models(after))
    assert checker is not None
    held_out = [load_radiograph(study.parent / f"val{i:02}.png") for i in range(60)]
    flags = [not checker.check_input(radiograph).ok for radiograph in held_out]
    # As promised, by whoever reads the bundle later; marks were set on pixels rounded to 8 bits,
    # which moves a random network's scores a little.
    assert sum(flags) <= 0.05 * 60 + 2

    card = model_card(after)
    for line in measured["detected"]:
        assert f"| {line['kind']} | {line['rate']['n']} |" in card
    assert "## Input check" not in model_card(bundle)


def test_marks_are_not_measured_on_what_they_were_set_on(tmp_path: Path) -> None:
    with pytest.raises(ManifestError, match="cannot be measured"):
        InputRequest(tmp_path, tmp_path, marks_split="test")


def test_radiographs_that_taught_the_models_set_no_marks(bundle: Bundle, study: Path) -> None:
    with pytest.raises(ManifestError, match="training data never scores"):
        calibrate_input(InputRequest(bundle.folder, study, marks_split="train"))
