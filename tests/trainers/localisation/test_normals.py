from dataclasses import replace

import pytest

from daug.bundle import Bundle, DataSource
from daug.findings import Activation, Direction, Finding
from daug.normal_floor import FloorMap, NormalFloor, NormalGroup, NormalRadiograph, fold_of
from tests.trainers.rows import row
from trainers.evaluation.localisation.normals import (
    NO_FLOOR,
    NO_NORMALS,
    NormalHeat,
    asked,
    group_of,
    held_out_normals,
    judged,
    share_notable,
    summarise_normals,
)

MAPS = (
    FloorMap("Pleural", Direction.LESS, Activation.SOFTMAX),
    FloorMap("Pleural", Direction.LESS, Activation.SIGMOID),
)
NAMES = ("Pleural - softmax", "Pleural - sigmoid")


def normal(patient: str, source: str, group: str, heat: float) -> NormalHeat:
    """A radiograph with two maps, the second of which is always ten times as hot."""
    return NormalHeat(patient, source, group, dict(zip(NAMES, (heat, 10 * heat), strict=True)))


def floor_of(normals: list[NormalHeat]) -> NormalFloor:
    return NormalFloor(
        "digest",
        {},
        MAPS,
        tuple(
            NormalRadiograph(
                NormalGroup(one.group), one.source, fold_of(one.patient), tuple(one.by_map.values())
            )
            for one in normals
        ),
    )


COOL = [normal(f"a{i}", "nih", "adult PA", 0.01 + i / 10_000) for i in range(100)]
HOT = normal("hot", "nih", "adult PA", 0.1)
CHILDREN = [normal(f"c{i}", "kermany", "child", 0.02) for i in range(10)]


def test_a_normal_is_judged_by_the_patients_of_other_folds_alone() -> None:
    fold = fold_of(HOT.patient)
    others = [one for one in COOL if fold_of(one.patient) != fold]
    alike = [replace(HOT, patient=one.patient) for one in COOL if fold_of(one.patient) == fold]
    assert len(alike) > 5
    found = judged(normals := [*others, *alike], floor_of(normals))
    assert {one.patient for one, notable in found if notable} >= {one.patient for one in alike}


def test_fifty_normals_are_too_few_once_a_fold_of_them_is_left_out() -> None:
    assert not judged(COOL[:50], floor_of(COOL[:50]))


def test_maps_count_in_units_of_their_own_floor_so_a_strong_kind_of_map_is_not_notable() -> None:
    floor = floor_of(COOL)
    usual = 0.01 + 0.95 * 99 / 10_000
    assert floor.hottest(NormalGroup.ADULT_PA, (usual, 10 * usual)) == pytest.approx(1)
    assert floor.hottest(NormalGroup.ADULT_PA, (usual, 20 * usual)) == pytest.approx(2)


def test_a_group_with_too_few_normals_is_not_judged() -> None:
    normals = [*COOL, *CHILDREN]
    found = judged(normals, floor_of(normals))
    assert {one.group for one, _ in found} == {"adult PA"}


def test_the_share_is_told_for_all_by_source_and_by_group() -> None:
    pairs = [(one, i < 6) for i, one in enumerate(COOL)] + [(one, True) for one in CHILDREN]
    rows = {(r.by, r.name): r.notable for r in share_notable(pairs, draws=200)}
    assert rows["all", "all"].value == pytest.approx(16 / 110)
    assert rows["source", "nih"].value == pytest.approx(0.06)
    assert rows["group", "child"].value == 1
    assert rows["group", "child"].n == 10
    assert rows["source", "nih"].low < 0.06 < rows["source", "nih"].high


def test_without_a_normal_floor_there_is_no_share_but_a_reason_and_the_heat() -> None:
    values = summarise_normals([*COOL, *CHILDREN], None)
    assert (values["notable"], values["rows"], values["reason"]) == (None, [], NO_FLOOR)
    assert values["heat_p99"]["0.5"] == pytest.approx(0.15, abs=0.02)
    assert values["by_group"] == {"adult PA": 100, "child": 10}
    assert summarise_normals(CHILDREN, floor_of(CHILDREN))["reason"] == NO_NORMALS


def test_with_a_floor_the_document_holds_the_share_and_the_marks() -> None:
    values = summarise_normals([*COOL, HOT], floor_of([*COOL, HOT]))
    assert 0 < values["notable"]["value"] <= 0.06
    assert [mark["group"] for mark in values["marks"]] == ["adult PA"]
    assert "reason" not in values


@pytest.mark.parametrize(
    ("source", "view", "age", "group"),
    [
        ("nih", "PA", "45", "adult PA"),
        ("nih", "AP Supine", "45", "adult AP"),
        ("nih", "", "mid 50s", "group not known"),
        ("nih", "PA", "", "group not known"),
        ("nih", "PA", "7", "child"),
        ("kermany", "AP", "", "child"),
    ],
)
def test_groups_are_by_age_and_view(source: str, view: str, age: str, group: str) -> None:
    assert group_of(replace(row(source=source), view=view, age=age)) == group


def test_normals_that_trained_a_model_are_not_asked(tiny_bundle: Bundle) -> None:
    bundle = replace(tiny_bundle, data=(DataSource("one", "CC0", "nobody", {"unet": 9}),))
    healthy = {Finding.NO_FINDING: 1}
    rows = [row(f"train{i}", healthy, split="train") for i in range(3)]
    rows.append(row("ill", {Finding.NO_FINDING: 0}))
    assert not held_out_normals(rows, bundle, 5)


def test_imagined_findings_have_no_floor_and_are_not_asked(tiny_bundle: Bundle) -> None:
    recipes = asked(tiny_bundle)
    assert len(recipes) == 2 * len(tiny_bundle.offered)
    for recipe in recipes:
        normal = recipe.super_class == Finding.NO_FINDING
        assert (recipe.direction is Direction.MORE) == normal
