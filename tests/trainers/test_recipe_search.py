from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest

from daug.bundle import Bundle, DataSource, RecipeDefaults
from daug.findings import Activation, Direction, Finding
from daug.heatmap import Recipe, Region
from trainers.evaluation.movement import Move, summarise
from trainers.manifest import Row
from trainers.recipe_search import (
    SearchSpace,
    choose,
    cross_validate,
    heat_scale,
    tuning_rows,
    worst_share,
)

WEAK = RecipeDefaults(noise_level=500, scale=30.0, num_steps=12)
MIDDLE = replace(WEAK, scale=100.0)
STRONG = replace(WEAK, scale=300.0)


def move(
    patient: str = "p",
    effect: float = 1.0,
    likeness: float = 0.9,
    name: str = "A",
    heat: float = 0.3,
) -> Move:
    recipe = Recipe(name, Direction.MORE, Activation.SOFTMAX)
    return Move(patient, recipe, effect, effect, 0.5, likeness, heat)


def patients(effects: Sequence[float], likeness: float, name: str = "A") -> list[Move]:
    return [move(f"p{i}", effect, likeness, name) for i, effect in enumerate(effects)]


def test_the_strongest_recipe_that_keeps_the_patient_is_chosen() -> None:
    tried = {
        WEAK: patients([0.1] * 8, 0.98),
        MIDDLE: patients([0.5] * 8, 0.85),
        STRONG: patients([2.0] * 8, 0.4),
    }
    assert choose(tried) == MIDDLE


def test_a_recipe_that_fails_one_class_is_not_saved_by_the_others() -> None:
    failing = patients([1.0] * 8, 0.9) + patients([1.0] * 4 + [-1.0] * 4, 0.9, "B")
    assert worst_share(failing) == 0.5
    assert choose({WEAK: patients([0.1] * 8, 0.98), MIDDLE: failing}) == WEAK


def test_without_a_good_recipe_the_most_reliable_is_chosen() -> None:
    tried = {
        WEAK: patients([1.0] * 7 + [-1.0], 0.9),
        MIDDLE: patients([9.0] * 4 + [-1.0] * 4, 0.9),
    }
    assert choose(tried) == WEAK


@pytest.mark.parametrize("within", [None, *Region])
def test_what_is_tried_stays_within_the_region_that_is_asked_for(within: Region | None) -> None:
    own = replace(WEAK, within=Region.CHEST)
    tried = SearchSpace(within=within).candidates(own)
    assert {one.within for one in tried} == {within or Region.CHEST}
    assert len(set(tried)) == 12


def test_each_fold_is_judged_by_the_choice_of_the_others() -> None:
    """Three folds of patients favour the strong recipe; on the fourth it fails."""
    weak = patients([0.1] * 4, 0.98)
    strong = patients([1.0, 1.0, 1.0, -1.0], 0.9)
    folds = cross_validate({WEAK: weak, STRONG: strong})
    assert [fold["chosen"]["scale"] for fold in folds] == [30.0, 30.0, 30.0, 300.0]
    assert [fold["share_right_way"] for fold in folds] == [1.0, 1.0, 1.0, 0.0]


def test_right_means_right_by_the_class_alone_and_as_guided() -> None:
    assert move(effect=0.1).right_way
    assert not replace(move(), score_change=-0.1).right_way
    assert not replace(move(), wanted_change=-0.1).right_way
    assert not replace(move(), wanted_change=0.0).right_way


def test_the_heat_scale_leaves_few_maps_saturated() -> None:
    scale = heat_scale([move(heat=value / 100) for value in range(100)])
    assert scale.full_at == pytest.approx(0.9)
    assert 0 < scale.mark < scale.full_at


def test_the_summary_gives_every_kind_of_map_its_share_with_n() -> None:
    (row,) = summarise(patients([1.0] * 9 + [-1.0], 0.9), draws=200)
    assert (row["super_class"], row["direction"], row["activation"]) == ("A", "+", "softmax")
    assert row["right_way"]["value"] == pytest.approx(0.9)
    assert row["right_way"]["n"] == 10
    assert row["right_way"]["low"] < 0.9 < row["right_way"]["high"] <= 1


def test_a_recipe_is_tried_on_what_taught_the_drawing_models_and_on_nothing_painted(
    tmp_path: Path, tiny_bundle: Bundle
) -> None:
    def row(name: str, source: str, split: str = "train") -> Row:
        image = tmp_path / f"{name}.png"
        cv2.imwrite(str(image), np.eye(128, dtype=np.uint8) * 255)
        return Row(name, image, source, f"{source}/{name}", split, "", "", "", {})

    taught = DataSource("taught", "", "", {"unet": 9, "classifier": 0})
    outlines = DataSource("outlines", "", "", {"unet": 0, "classifier": 0, "anatomy": 9})
    bundle = replace(tiny_bundle, data=(taught, outlines))
    rows = [row("a", "taught"), row("b", "taught", "val"), row("c", "outlines"), row("d", "other")]
    rows.append(replace(row("e", "taught"), painted=Finding.LUNG_LESION))
    assert [one.id for one in tuning_rows(bundle, rows)] == ["a"]
