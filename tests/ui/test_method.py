"""The method's fields: checked before anything is drawn, and explained in one sentence."""

from dataclasses import replace
from typing import Any

import pytest

from daug.errors import RecipeError
from daug.findings import Activation, Direction
from daug.heatmap import Encoder, Reference, Region
from daug.scheduler_way import SCHEDULERS
from tests.ui import phantoms
from ui import method
from ui.method import own_values, panel_name, recipe_changes, seeds_state

BUNDLE = phantoms.bundle()
FIELDS = ("level", "scale", "steps", "encoder", "reference", "scheduler", "within", "seeds")


def values(**changes: Any) -> list[Any]:
    own = dict(zip(FIELDS, own_values(BUNDLE), strict=True))
    return list({**own, **changes}.values())


def test_untouched_fields_are_the_bundles_own_recipe() -> None:
    for encoder in Encoder:
        bundle = replace(BUNDLE, recipe=replace(BUNDLE.recipe, encoder=encoder))
        ask = (bundle.offered[0].name, Direction.MORE, Activation.SOFTMAX)
        changes = recipe_changes(bundle, *own_values(bundle))
        assert bundle.recipe_for(*ask, **changes) == bundle.recipe_for(*ask)


def test_every_field_is_taken_over() -> None:
    asked = values(level=400.0, scale=7.5, steps=12.0, reference="input", scheduler="UniPC")
    asked[-2] = "lungs"
    asked[-1] = "3, 1"
    assert recipe_changes(BUNDLE, *asked) == {
        "noise_level": 400,
        "scale": 7.5,
        "num_steps": 12,
        "encoder": Encoder.GAUSSIAN,
        "reference": Reference.INPUT,
        "scheduler": "UniPC",
        "within": Region.LUNGS,
        "seeds": (3, 1),
    }


def test_models_that_find_no_organs_offer_the_whole_picture_alone() -> None:
    assert method.regions(replace(BUNDLE, files={})) == ["picture"]
    seeing = replace(BUNDLE, files={"anatomy/config.json": ""})
    assert method.regions(seeing) == [region.value for region in Region]


def test_every_way_down_of_the_engine_can_be_chosen() -> None:
    assert set(method.SCHEDULERS) == {"DDIM", *SCHEDULERS}


@pytest.mark.parametrize(
    ("wrong", "named"),
    [
        ({"level": None}, "Noise level L"),
        ({"level": 300.5}, "Noise level L"),
        ({"steps": 0}, "Steps"),
        ({"steps": float("inf")}, "Steps"),
        ({"scale": None}, "Guidance scale s"),
        ({"scale": float("nan")}, "Guidance scale s"),
        ({"scale": -1}, "Guidance scale s"),
        ({"seeds": "one"}, "Seeds"),
        ({"seeds": ""}, "Seeds"),
    ],
)
def test_a_wrong_value_is_told_by_the_name_of_its_field(wrong: dict[str, Any], named: str) -> None:
    with pytest.raises(RecipeError, match=f"^{named} must be .*got .*\\.$"):
        recipe_changes(BUNDLE, *values(**wrong))


def test_several_seeds_are_no_trap_with_the_deterministic_encoder() -> None:
    """Whatever stands in the locked field, one map is drawn."""
    for seeds in ("0, 1, 2", "nonsense"):
        changes = recipe_changes(BUNDLE, *values(encoder="ddim", seeds=seeds))
        BUNDLE.recipe_for("pleural", **changes)
        assert len(changes["seeds"]) == 1
    assert seeds_state("ddim")["interactive"] is False
    assert seeds_state("gaussian")["interactive"] is True


def test_the_panel_tells_whether_maps_are_drawn_as_the_bundle_would() -> None:
    assert panel_name(BUNDLE, values()).endswith("the bundle's own")
    assert panel_name(BUNDLE, values(scale=1.0)).endswith("changed")
