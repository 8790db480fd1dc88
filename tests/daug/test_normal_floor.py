import json
from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from daug.bundle import Bundle, write_bundle
from daug.errors import BundleError
from daug.findings import Activation, Direction
from daug.heatmap import Recipe
from daug.normal_floor import (
    FLOOR_FILE,
    MIN_NORMALS,
    FloorMap,
    NormalFloor,
    NormalGroup,
    NormalRadiograph,
    asks_what_is_abnormal,
    group_of,
    how_drawn,
    read_floor,
    write_floor,
)
from daug.view import View

PA = NormalGroup.ADULT_PA
LESS = Recipe("Pleural", Direction.LESS)
MORE = Recipe("Pleural", Direction.MORE)


def floor(heat: list[float], group: NormalGroup = PA, digest: str = "d") -> NormalFloor:
    return NormalFloor(
        bundle_digest=digest,
        recipe=how_drawn(LESS),
        maps=(FloorMap.of(LESS),),
        radiographs=tuple(
            NormalRadiograph(group, "drawn", i % 5, (one,)) for i, one in enumerate(heat)
        ),
    )


EVEN = [i / 100 for i in range(1, 101)]


@pytest.mark.parametrize(
    ("view", "age", "group"),
    [
        (View.PA, 40.0, NormalGroup.ADULT_PA),
        (View.AP, 40.0, NormalGroup.ADULT_AP),
        (View.AP, 3.0, NormalGroup.CHILD),
        (View.UNKNOWN, 15.9, NormalGroup.CHILD),
        (View.PA, 16.0, NormalGroup.ADULT_PA),
        (View.UNKNOWN, 40.0, None),
        (View.PA, None, None),
        (View.LATERAL, 3.0, None),
    ],
)
def test_a_radiograph_is_compared_with_those_of_its_view_and_age(
    view: View, age: float | None, group: NormalGroup | None
) -> None:
    assert group_of(view, age) is group


def test_a_map_is_hotter_than_those_normals_that_are_cooler() -> None:
    found = floor(EVEN).percentile(LESS, PA, 0.885)
    assert (found.value, found.n) == (88, 100)
    assert found.in_words == "hotter than 88 of 100 adult PA normals, n = 100"


@given(st.lists(st.floats(1e-4, 2), min_size=MIN_NORMALS, max_size=80), st.floats(0, 2))
def test_the_percentile_is_the_share_counted_by_hand(heat: list[float], p99: float) -> None:
    value = floor(heat).percentile(LESS, PA, p99).value
    assert value == pytest.approx(100 * np.mean([one < p99 for one in heat]))


@pytest.mark.parametrize(
    ("recipe", "group", "reason"),
    [
        (MORE, PA, "imagined; says nothing about presence"),
        (LESS, None, "view or age not known"),
        (LESS, NormalGroup.CHILD, "only 0 child normals"),
        (replace(LESS, scale=1.0), PA, "not the recipe that normals were drawn with"),
        (replace(LESS, activation=Activation.SIGMOID), PA, "no normals were drawn with this map"),
    ],
)
def test_where_there_is_no_normal_range_the_reason_is_told(
    recipe: Recipe, group: NormalGroup | None, reason: str
) -> None:
    found = floor(EVEN).percentile(recipe, group, 0.5)
    assert found.value is None
    assert found.reason.startswith(reason)
    assert floor(EVEN).scale(recipe, group) is None


def test_49_normals_are_no_range_and_50_are() -> None:
    assert floor(EVEN[:49]).percentile(LESS, PA, 0.5).value is None
    assert floor(EVEN[:49]).notable_mark(PA) is None
    assert floor(EVEN[:50]).percentile(LESS, PA, 0.5).value is not None


def test_only_more_no_finding_and_less_of_a_finding_ask_what_is_abnormal() -> None:
    assert asks_what_is_abnormal(LESS)
    assert not asks_what_is_abnormal(MORE)
    assert asks_what_is_abnormal(Recipe("No Finding", Direction.MORE))
    assert not asks_what_is_abnormal(Recipe("No Finding", Direction.LESS))


def test_the_scale_starts_where_one_normal_in_twenty_is_hotter() -> None:
    scale = floor(EVEN).scale(LESS, PA)
    assert scale is not None
    assert np.mean([one > scale.mark for one in EVEN]) == 0.05
    assert scale.full_at == pytest.approx(2 * scale.mark)


def test_one_normal_in_a_hundred_is_notable() -> None:
    measured = floor(EVEN)
    mark = measured.notable_mark(PA)
    assert mark is not None
    assert mark.n == 100
    assert sum(measured.hottest(PA, (one,)) > mark.mark for one in EVEN) == 1


def test_without_a_fold_its_radiographs_are_gone_and_no_other() -> None:
    left = floor(EVEN).without(2)
    assert [one.heat[0] for one in left.radiographs] == [
        v for i, v in enumerate(EVEN) if i % 5 != 2
    ]


def test_a_floor_comes_back_from_its_bundle(make_bundle: Callable[..., Bundle]) -> None:
    bundle = make_bundle()
    assert read_floor(bundle) is None
    measured = floor(EVEN, digest=bundle.digest)
    write_floor(measured, bundle.folder)
    whole = write_bundle(bundle, [*bundle.files, FLOOR_FILE])
    assert whole.digest == bundle.digest
    assert read_floor(whole) == measured


def test_a_floor_of_other_networks_is_refused(make_bundle: Callable[..., Bundle]) -> None:
    bundle = make_bundle()
    write_floor(floor(EVEN, digest="another"), bundle.folder)
    with pytest.raises(BundleError, match="measured on other networks"):
        read_floor(write_bundle(bundle, [*bundle.files, FLOOR_FILE]))


@pytest.mark.parametrize(
    "damage",
    [
        {"maps": None},
        {"radiographs": [{"group": "adult PA", "source": "x", "fold": 0, "heat": [0.0]}]},
        {"radiographs": [{"group": "adult PA", "source": "x", "fold": 0, "heat": [0.1, 0.2]}]},
        {"radiographs": [{"group": "adult", "source": "x", "fold": 0, "heat": [0.1]}]},
    ],
)
def test_a_damaged_floor_is_refused(
    make_bundle: Callable[..., Bundle], damage: dict[str, object]
) -> None:
    bundle = make_bundle()
    values = floor(EVEN, digest=bundle.digest).to_dict() | damage
    (bundle.folder / FLOOR_FILE).write_text(json.dumps(values))
    with pytest.raises(BundleError):
        read_floor(write_bundle(bundle, [*bundle.files, FLOOR_FILE]))
