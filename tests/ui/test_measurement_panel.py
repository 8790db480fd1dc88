"""What the table of measurements says, in words."""

from dataclasses import replace

import numpy as np

from daug.cardiothoracic import CardiothoracicRatio
from daug.findings import Activation
from tests.ui import phantoms
from ui.measurement_panel import measurements_html, moved_ratio_in_words, ratio_in_words
from ui.measuring import measure
from ui.readings import Reading

SURE = CardiothoracicRatio(0.47, 0.44, 0.5, None, None)
AP = CardiothoracicRatio(0.6, None, None, None, None, note="AP overestimates")
WITHHELD = CardiothoracicRatio(None, None, None, None, None, withheld="the patient seems turned")


def test_a_ratio_has_an_interval_a_note_or_a_reason() -> None:
    assert ratio_in_words(SURE) == "0.47 (0.44 to 0.50)"
    assert ratio_in_words(AP) == "0.60 (AP overestimates)"
    assert ratio_in_words(WITHHELD) == "withheld: the patient seems turned"


def test_a_ratio_withheld_on_one_side_says_on_which() -> None:
    assert moved_ratio_in_words(SURE, WITHHELD).startswith("0.47 (0.44 to 0.50) → withheld")
    assert moved_ratio_in_words(WITHHELD, WITHHELD) == "withheld: the patient seems turned"
    assert moved_ratio_in_words(AP, replace(AP, value=0.65)) == "0.60 → 0.65 (AP overestimates)"
    assert moved_ratio_in_words(None, None) == "–"


def test_heat_in_one_zone_is_told_there_with_its_side() -> None:
    """The patient's right is on the left of the picture."""
    bundle = phantoms.bundle()
    station = replace(phantoms.workstation(), measurer=phantoms.Measurer(bundle))
    radiograph = phantoms.radiograph(age=40.0)
    change = np.zeros((64, 64), dtype=np.float32)
    change[28:32, 18:22] = 0.3  # middle of the lung on the left of the picture
    recipes = [
        bundle.recipe_for("No Finding", activation=way)
        for way in (Activation.SOFTMAX, Activation.SIGMOID)
    ]
    maps = [phantoms.heatmap(radiograph, bundle, recipe, change) for recipe in recipes]
    reading = Reading(radiograph, radiograph.model_input(64), phantoms.scores(bundle))
    measure(station, reading, maps)
    rows = measurements_html(reading, station, maps).split("<tr>")
    (middle,) = [row for row in rows if row.startswith("<th>middle</th>")]
    assert middle.count("100 % · ") == 2
    assert middle.count("R 100 %") == 2
    (outside,) = [row for row in rows if row.startswith("<th>outside</th>")]
    assert "lungs 0 %, thorax 0 %" in outside
