from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import cast

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from daug.anatomy import Anatomist
from daug.bundle import Bundle, read_bundle, write_bundle
from daug.bundled_models import load_models
from daug.engine import Engine
from daug.errors import RecipeError
from daug.findings import SUPER_CLASSES, Activation, Direction
from daug.guided_region import chest_of, lungs_of, region_mask, site_of, softened
from daug.heatmap import Encoder, Heatmap, Recipe, Reference, Region
from daug.organs import ORGANS, OrganMasks
from daug.radiograph import Radiograph
from daug.seen_organs import SeenOrgans
from daug.workstation import finish
from tests.daug.drawn_chest import DrawnChest
from trainers.heat_drawing import HeatDrawer

CPU = torch.device("cpu")
CONFINED = (Region.CHEST, Region.LUNGS, Region.SITE)


@dataclass(frozen=True)
class SameChest:
    """Sees the same organs on every picture."""

    organs: OrganMasks

    @property
    def image_size(self) -> int:
        return self.organs.shape[0]

    def look_at_all(self, pixels: NDArray[np.float32]) -> list[SeenOrgans]:
        seen = np.stack([self.organs.by_name[name] for name in ORGANS]).astype(np.float32)
        return [SeenOrgans(seen) for _ in pixels]


@pytest.fixture
def make_engine(tiny_bundle: Bundle) -> Callable[[OrganMasks], Engine]:
    def make(organs: OrganMasks) -> Engine:
        reader = cast("Anatomist", SameChest(organs))
        return Engine(replace(load_models(tiny_bundle), anatomist=reader), CPU, fast=False)

    return make


@pytest.fixture
def organs(tiny_bundle: Bundle) -> OrganMasks:
    return DrawnChest(side=tiny_bundle.image_size).organs()


def draw(engine: Engine, radiograph: Radiograph, *recipes: Recipe) -> tuple[Heatmap, ...]:
    return finish(engine.draw_heatmaps(radiograph, recipes))


@pytest.mark.parametrize("scheduler", ["DDIM", "DPM-Solver++", "Euler ancestral"])
@pytest.mark.parametrize("encoder", Encoder)
def test_outside_its_region_a_counterfactual_is_the_control_bit_for_bit(
    make_engine: Callable[[OrganMasks], Engine],
    organs: OrganMasks,
    radiograph: Radiograph,
    encoder: Encoder,
    scheduler: str,
) -> None:
    engine = make_engine(organs)
    recipe = engine.models.bundle.recipe_for(
        "Lung Lesion", scale=50.0, encoder=encoder, scheduler=scheduler, seeds=(0, 1)
    )
    confined = [replace(recipe, within=region) for region in CONFINED]
    free, *kept = draw(engine, radiograph, recipe, *confined)
    assert (free.heat[~lungs_of(organs)] > 0).any()
    for heatmap, around in zip(kept, (chest_of, lungs_of, lungs_of), strict=True):
        outside = ~around(organs)
        assert outside.any()
        assert (heatmap.counterfactual[outside] == heatmap.reference[outside]).all()
        assert (heatmap.seed_changes[:, outside] == 0).all()
        assert heatmap.heat[organs.lungs].max() > 1e-3


def test_one_batch_keeps_each_recipe_to_its_own_region(
    make_engine: Callable[[OrganMasks], Engine], organs: OrganMasks, radiograph: Radiograph
) -> None:
    engine = make_engine(organs)
    recipes = [
        engine.models.bundle.recipe_for("Lung Lesion", scale=50.0, seeds=(0, 1), within=region)
        for region in (Region.PICTURE, Region.LUNGS, Region.CHEST)
    ]
    together = draw(engine, radiograph, *recipes)
    for recipe, heatmap in zip(recipes, together, strict=True):
        (alone,) = draw(engine, radiograph, recipe)
        np.testing.assert_allclose(heatmap.change, alone.change, atol=1e-5)
    assert together[0].region is None
    for heatmap, around in zip(together[1:], (lungs_of, chest_of), strict=True):
        assert heatmap.region is not None
        assert ((heatmap.region > 0) == around(organs)).all()


@pytest.mark.parametrize("reference", Reference)
def test_a_data_sets_maps_are_confined_as_the_engines(
    make_engine: Callable[[OrganMasks], Engine],
    organs: OrganMasks,
    radiograph: Radiograph,
    reference: Reference,
) -> None:
    engine = make_engine(organs)
    recipes = [
        engine.models.bundle.recipe_for(
            name, Direction.LESS, activation, scale=50.0, within=Region.SITE, reference=reference
        )
        for name in ("Lung Lesion", "Pleural")
        for activation in Activation
    ]
    expected = np.stack([h.change for h in draw(engine, radiograph, *recipes)])
    pixels = radiograph.model_input(organs.shape[0]).pixels
    images = torch.from_numpy(np.stack([pixels, -pixels]))[:, None]
    drawn = HeatDrawer(engine.models, recipes, CPU, fast=False).draw(images)
    np.testing.assert_allclose(drawn[0].numpy(), expected, atol=1e-5)
    assert not np.allclose(drawn[1].numpy(), expected, atol=1e-3)


@dataclass(frozen=True)
class ChestOrNone(SameChest):
    """Sees organs on pictures that are dark in the middle, and none on others."""

    def look_at_all(self, pixels: NDArray[np.float32]) -> list[SeenOrgans]:
        (seen,) = super().look_at_all(pixels[:1])
        half = self.image_size // 2
        return [SeenOrgans(seen.probability * (picture[half, half] < 0)) for picture in pixels]


def test_each_radiograph_of_a_data_set_keeps_to_its_own_chest(
    tiny_bundle: Bundle, organs: OrganMasks
) -> None:
    reader = cast("Anatomist", ChestOrNone(organs))
    models = replace(load_models(tiny_bundle), anatomist=reader)
    recipe = tiny_bundle.recipe_for("Lung Lesion", scale=50.0, within=Region.LUNGS)
    dark = torch.full((1, 1, *organs.shape), -0.5)
    drawn = HeatDrawer(models, [recipe], CPU, fast=False).draw(torch.cat([dark, -dark, dark]))
    outside = ~lungs_of(organs)
    found, nowhere, again = (change[0].numpy() for change in drawn)
    assert (found[outside] == 0).all()
    assert np.abs(nowhere[outside]).max() > 1e-4
    assert (again[outside] == 0).all()


def test_where_no_chest_is_found_the_whole_picture_may_change(
    make_engine: Callable[[OrganMasks], Engine], organs: OrganMasks, radiograph: Radiograph
) -> None:
    nothing = np.zeros(organs.shape, dtype=np.bool_)
    tiny = DrawnChest(side=organs.shape[0], thorax=(0.45, 0.55), inner=(0.48, 0.52)).organs()
    for not_found in (OrganMasks(nothing, organs.right_lung, organs.heart), tiny):
        engine = make_engine(not_found)
        recipe = engine.models.bundle.recipe_for("Lung Lesion", scale=50.0)
        free, kept = draw(engine, radiograph, recipe, replace(recipe, within=Region.LUNGS))
        assert kept.region is None
        assert (free.change == kept.change).all()


def test_a_bundle_that_finds_no_organs_says_so(tiny_bundle: Bundle, radiograph: Radiograph) -> None:
    engine = Engine(load_models(tiny_bundle), CPU, fast=False)
    recipe = tiny_bundle.recipe_for("Lung Lesion", within=Region.LUNGS)
    with pytest.raises(RecipeError, match="no anatomy model"):
        draw(engine, radiograph, recipe)


def test_every_super_class_has_its_site() -> None:
    sites = {sc.name: site_of(sc.findings) for sc in SUPER_CLASSES}
    lungs = {name for name, site in sites.items() if site is Region.LUNGS}
    assert lungs == {"Lung Lesion", "Consolidation / Edema / Pneumonia", "Atelectasis"}
    assert {name for name, site in sites.items() if site is Region.PICTURE} == {"Support Device"}


def test_a_region_holds_its_organs_and_falls_to_nothing_at_its_border() -> None:
    organs = DrawnChest().organs()
    for region, inside in ((Region.LUNGS, organs.lungs), (Region.CHEST, organs.chest)):
        mask = region_mask(region, organs)
        assert mask is not None
        assert mask.min() == 0
        assert mask.max() == 1
        assert (mask[inside] > 0).all()
        assert np.abs(np.diff(mask, axis=1)).max() < 0.2  # no step that a map would show


def test_a_region_that_reaches_the_pictures_border_falls_to_nothing_there() -> None:
    everywhere = softened(np.ones((100, 100), dtype=np.bool_))
    assert everywhere[50, 50] == 1
    assert everywhere[0].max() < 0.5


def test_a_recipe_from_before_regions_is_of_the_whole_picture() -> None:
    values = Recipe("Pleural").to_dict()
    assert Recipe.from_dict(values).within is Region.PICTURE
    del values["within"]
    assert Recipe.from_dict(values).within is Region.PICTURE
    assert Recipe.from_dict({**values, "within": "lungs"}).within is Region.LUNGS
    with pytest.raises(RecipeError, match="elbow"):
        Recipe.from_dict({**values, "within": "elbow"})


def test_where_maps_stay_within_organs_the_segmenter_is_part_of_the_digest(
    make_bundle: Callable[..., Bundle],
) -> None:
    bundle = make_bundle(3)
    (bundle.folder / "anatomy").mkdir()
    found = {}
    for within in (Region.PICTURE, Region.SITE):
        for content in ("one", "other"):
            (bundle.folder / "anatomy" / "config.json").write_text(content)
            changed = replace(bundle, recipe=replace(bundle.recipe, within=within))
            write_bundle(changed, [*bundle.files, "anatomy/config.json"])
            read = read_bundle(bundle.folder)
            assert read.recipe.within is within
            found[within, content] = read.digest
    assert found[Region.PICTURE, "one"] == found[Region.PICTURE, "other"]
    assert found[Region.SITE, "one"] != found[Region.SITE, "other"]
