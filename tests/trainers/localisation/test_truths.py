from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from daug.bundle import Bundle, DataSource
from tests.trainers.localisation.drawn_study import write_study
from tests.trainers.rows import row
from trainers.evaluation.localisation.measuring import kinds_of
from trainers.evaluation.localisation.scorable import Part
from trainers.evaluation.localisation.truths import TRUTHS, find_cases
from trainers.manifest import Box, read_manifest

MakeBundle = Callable[..., Bundle]
BY_NAME = {truth.name: truth for truth in TRUTHS}


def test_a_truth_is_a_drawing_of_one_data_set() -> None:
    nodule = replace(row("a", source="jsrt"), boxes=(Box("nodule", 0.1, 0.1, 0.2, 0.2),))
    mass = replace(row("b", source="nih"), boxes=(Box("Mass", 0.1, 0.1, 0.2, 0.2),))
    opacity = replace(row("c", source="cohen"), masks={"ground_glass": Path("x.png")})
    assert [t.name for t in TRUTHS if t.drawn_on(nodule)] == ["jsrt:nodule"]
    assert [t.name for t in TRUTHS if t.drawn_on(mass)] == ["nih:mass_box"]
    assert [t.name for t in TRUTHS if t.drawn_on(opacity)] == ["cohen:ground_glass"]
    assert not any(t.drawn_on(replace(mass, source="tbx11k")) for t in TRUTHS)
    effusion = replace(mass, boxes=(Box("Effusion", 0.1, 0.1, 0.2, 0.2),))
    assert not any(t.drawn_on(effusion) for t in TRUTHS)


def test_masks_and_boxes_lie_where_they_were_drawn(tiny_bundle: Bundle, tmp_path: Path) -> None:
    """Images of 150 x 120 on a square of 32: 26 rows from the third on show the radiograph."""
    cases = find_cases(read_manifest(write_study(tmp_path)), tiny_bundle)
    first = next(c for c in cases if c.row.id == "cohen-0")
    assert (first.seen.top, first.seen.height, first.seen.left, first.seen.width) == (3, 26, 0, 32)
    rows, columns = np.nonzero(first.truth_pixels)  # drawn: rows 40 to 70, columns 20 to 60
    assert abs(rows.min() - 40 / 120 * 26) <= 1
    assert abs(rows.max() + 1 - 70 / 120 * 26) <= 1
    assert abs(columns.min() - 20 / 150 * 32) <= 1
    assert abs(columns.max() + 1 - 60 / 150 * 32) <= 1
    assert first.area_fraction == pytest.approx(30 * 40 / (120 * 150), abs=0.02)
    box = next(c for c in cases if c.row.source == "jsrt")
    assert box.area_fraction == pytest.approx(0.2 * 0.2, abs=0.015)


def test_a_super_class_that_is_not_offered_has_no_cases(
    tmp_path: Path, make_bundle: MakeBundle
) -> None:
    rows = read_manifest(write_study(tmp_path))
    bundle = make_bundle(untrained={"Lung Lesion"})
    assert {c.truth.source for c in find_cases(rows, bundle)} == {"cohen"}


def test_the_lungs_are_no_match_where_they_were_learnt(tiny_bundle: Bundle, tmp_path: Path) -> None:
    """A segmenter's own training radiographs show it at its best, so they are left out."""
    cases = find_cases(read_manifest(write_study(tmp_path)), tiny_bundle)
    data = (DataSource("jsrt", "research", "JSRT", {"anatomy": 1}),)
    bundle = replace(tiny_bundle, data=data)
    for case in cases:
        asked = {kind.method for kind in kinds_of(case, bundle)}
        learnt = case.row.source == "jsrt" and case.row.split == "train"
        assert ("lungs" in asked) == (not learnt)


def test_only_the_part_that_is_asked_for_is_returned(tiny_bundle: Bundle, tmp_path: Path) -> None:
    rows = read_manifest(write_study(tmp_path))
    halves = {part: find_cases(rows, tiny_bundle, [part]) for part in Part}
    assert all(c.part is part for part, own in halves.items() for c in own)
    ids = [{c.row.id for c in own} for own in halves.values()]
    assert ids[0]
    assert ids[1]
    assert not ids[0] & ids[1]


@pytest.mark.shared
def test_the_real_manifest_holds_the_truths_that_its_description_counts(
    shared: Path,
    make_bundle: MakeBundle,
) -> None:
    """63 ground glass and 21 consolidations of cohen, 111 nodules of jsrt, whoever is scored."""
    rows = read_manifest(shared / "cxr/manifest.csv")
    drawn = {truth.name: sum(truth.drawn_on(r) for r in rows) for truth in TRUTHS}
    assert drawn["cohen:ground_glass"] == 63
    assert drawn["cohen:consolidation"] == 21
    assert drawn["jsrt:nodule"] == 111
    assert 38 <= drawn["nih:mass_box"] <= 46
    nodules = [BY_NAME["jsrt:nodule"]]
    few = [r for r in rows if r.source == "jsrt" and r.split == "test"]
    cases = find_cases(few, make_bundle(size=128), truths=nodules)
    assert len(cases) == 18
    assert all(0 < c.area_fraction < 0.01 for c in cases)  # at most some 6 cm across
