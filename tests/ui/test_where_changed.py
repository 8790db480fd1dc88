from dataclasses import replace

import numpy as np
import pytest

from daug.heatmap import Region
from tests.ui import phantoms
from ui.viewing import answered
from ui.where_changed import NOT_FOUND, region_document, where_changed

BUNDLE, CHEST = phantoms.bundle(), phantoms.radiograph()


@pytest.mark.parametrize(
    ("name", "within", "expected"),
    [
        ("Lung Lesion", Region.SITE, "Only the lungs may change."),
        ("Lung Lesion", Region.CHEST, "Only the chest may change."),
        ("Pleural", Region.SITE, "Only the chest may change."),
        ("No Finding", Region.LUNGS, "Only the lungs may change."),
        ("Pleural", Region.PICTURE, ""),
    ],
)
def test_a_reader_is_told_where_a_map_could_change_the_picture(
    name: str, within: Region, expected: str
) -> None:
    region = np.zeros((phantoms.SIZE, phantoms.SIZE), dtype=np.float32)
    region[: phantoms.SIZE // 4] = 0.5
    found = None if within is Region.PICTURE else region
    drawn = phantoms.heatmap(CHEST, BUNDLE, BUNDLE.recipe_for(name, within=within))
    drawn = replace(drawn, region=found)
    assert where_changed(BUNDLE, drawn) == expected
    assert answered(BUNDLE, drawn).endswith(expected)
    document = region_document(BUNDLE, drawn)
    assert document["found"] is True
    assert document["share_of_picture"] == (1 if found is None else 0.25)


def test_where_no_chest_was_found_it_says_so() -> None:
    drawn = phantoms.heatmap(CHEST, BUNDLE, BUNDLE.recipe_for("Lung Lesion", within=Region.SITE))
    assert where_changed(BUNDLE, drawn) == NOT_FOUND
    document = region_document(BUNDLE, drawn)
    assert document == {"asked": "lungs", "found": False, "share_of_picture": 1.0}
