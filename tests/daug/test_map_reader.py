from dataclasses import dataclass, replace

import numpy as np
import pytest
from numpy.typing import NDArray

from daug.bundle import Bundle
from daug.cardiothoracic import RatioError
from daug.findings import Direction
from daug.heatmap import Heatmap, Scores
from daug.map_reader import NO_ANATOMY, MapReader
from daug.normal_floor import FloorMap, NormalFloor, NormalGroup, NormalRadiograph, how_drawn
from daug.organs import ORGANS
from daug.radiograph import Radiograph
from daug.seen_organs import SeenOrgans
from daug.view import View
from tests.daug.drawn_chest import DrawnChest

SIZE = 120
NARROW = DrawnChest(side=SIZE, heart=(0.43, 0.68)).organs()
WIDE = DrawnChest(side=SIZE, heart=(0.36, 0.76)).organs()
SCORES = Scores(("No Finding", "Lung Lesion", "Pleural"), np.zeros(3))


@dataclass(frozen=True)
class DrawnAnatomist:
    """Sees a wide heart where the first pixel is white, a narrow one elsewhere."""

    image_size: int = SIZE

    def look_at_all(self, pixels: NDArray[np.float32]) -> list[SeenOrgans]:
        found = [WIDE if picture[0, 0] == 1 else NARROW for picture in pixels]
        return [
            SeenOrgans(np.stack([one.by_name[name].astype(np.float32) for name in ORGANS]))
            for one in found
        ]


def picture(first: float = 0.0) -> NDArray[np.float32]:
    pixels = np.zeros((SIZE, SIZE), dtype=np.float32)
    pixels[0, 0] = first
    pixels[0, 1] = 0.1
    return pixels


@pytest.fixture
def chest() -> Radiograph:
    return Radiograph(picture(), "drawn", view=View.PA, age=50.0)


def heatmap(bundle: Bundle, radiograph: Radiograph, change: float, seeds: int = 1) -> Heatmap:
    return Heatmap(
        recipe=bundle.recipe_for("Pleural", Direction.LESS, seeds=tuple(range(seeds))),
        pixel_digest=radiograph.digest,
        bundle_digest=bundle.digest,
        model_input=radiograph.model_input(SIZE),
        seed_changes=np.full((seeds, SIZE, SIZE), change, dtype=np.float32),
        counterfactual=picture(1.0),
        reference=picture(),
        scores_input=SCORES,
        scores_before=SCORES,
        scores_after=SCORES,
        step_logits=np.zeros((1, 3), dtype=np.float32),
    )


def floor(bundle: Bundle) -> NormalFloor:
    recipe = bundle.recipe_for("Pleural", Direction.LESS)
    normals = tuple(
        NormalRadiograph(NormalGroup.ADULT_PA, "drawn", i % 5, (i / 100,)) for i in range(1, 101)
    )
    return NormalFloor(bundle.digest, how_drawn(recipe), (FloorMap.of(recipe),), normals)


def reader(bundle: Bundle) -> MapReader:
    anatomist = DrawnAnatomist()
    return MapReader(bundle, anatomist, floor(bundle), RatioError(0.04, 50))  # type: ignore[arg-type]


def test_a_wider_heart_in_the_imagined_picture_raises_the_ratio(
    tiny_bundle: Bundle, chest: Radiograph
) -> None:
    reading = reader(tiny_bundle).read(chest, heatmap(tiny_bundle, chest, 0.2))
    assert reading.ratio_before is not None
    assert reading.ratio_after is not None
    assert reading.ratio_before.value is not None
    assert reading.ratio_before.value == pytest.approx(0.25 / 0.7, abs=0.01)
    assert reading.ratio_after.value == pytest.approx(0.4 / 0.7, abs=0.01)
    assert reading.ratio_before.high == pytest.approx(reading.ratio_before.value + 0.04)


@pytest.mark.parametrize("times", [1, 3])
def test_calipers_lie_on_the_radiographs_own_pixels(
    tiny_bundle: Bundle, chest: Radiograph, times: int
) -> None:
    large = replace(chest, pixels=np.kron(chest.pixels, np.ones((times, times), np.float32)))
    ratio = reader(tiny_bundle).read(large, heatmap(tiny_bundle, large, 0.2)).ratio_before
    assert ratio is not None
    assert ratio.heart is not None
    assert ratio.thorax is not None
    assert ratio.heart.width == pytest.approx(0.25 * SIZE * times, abs=1.5 * times)
    assert ratio.thorax.width == pytest.approx(0.7 * SIZE * times, abs=1.5 * times)


def test_zones_are_those_of_the_radiograph_and_not_of_what_was_imagined(
    tiny_bundle: Bundle, chest: Radiograph
) -> None:
    reading = reader(tiny_bundle).read(chest, heatmap(tiny_bundle, chest, 0.2))
    assert reading.organs is not None
    assert (reading.organs.heart == NARROW.heart).all()
    assert reading.zones is not None
    assert reading.zones.outside_lungs == pytest.approx(1 - NARROW.lungs.mean(), abs=1e-3)


def test_a_map_is_placed_among_the_normals_of_its_group(
    tiny_bundle: Bundle, chest: Radiograph
) -> None:
    measurer = reader(tiny_bundle)
    found = heatmap(tiny_bundle, chest, 0.305)
    assert measurer.read(chest, found).percentile.value == 30
    unknown = replace(chest, age=None)
    assert measurer.read(unknown, found).percentile.reason == "view or age not known"


def test_the_scale_is_the_normal_floor_or_else_the_bundles_own(
    tiny_bundle: Bundle, chest: Radiograph
) -> None:
    measurer = reader(tiny_bundle)
    asked = tiny_bundle.recipe_for("Pleural", Direction.LESS)
    imagined = tiny_bundle.recipe_for("Pleural", Direction.MORE)
    assert measurer.scale(chest, asked).mark == pytest.approx(0.9505)
    assert measurer.scale(chest, imagined) == tiny_bundle.heat_scale
    assert measurer.scale(replace(chest, view=View.UNKNOWN), asked) == tiny_bundle.heat_scale


def test_stability_comes_from_several_drawings_and_is_missing_without(
    tiny_bundle: Bundle, chest: Radiograph
) -> None:
    measurer = reader(tiny_bundle)
    once, often = (heatmap(tiny_bundle, chest, 0.96, seeds) for seeds in (1, 8))
    assert measurer.read(chest, once).stability is None
    found = measurer.read(chest, once, often).stability
    assert found is not None
    assert (found.drawings, found.stable) == (8, 1.0)
    assert found.mark == pytest.approx(0.9505)


def test_without_an_anatomy_model_the_reason_is_told(
    tiny_bundle: Bundle, chest: Radiograph
) -> None:
    reading = MapReader(tiny_bundle, None, None).read(chest, heatmap(tiny_bundle, chest, 0.2))
    values = reading.to_dict()
    assert values["zones"] is None
    assert values["cardiothoracic_ratio"] == {"before": None, "after": None}
    assert values["no_anatomy"] == NO_ANATOMY
    assert values["normal_percentile"]["reason"] == "these models were not measured on normals"
