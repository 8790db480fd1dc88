"""Several readers of one image: the majority's labels, one box where several mean one place."""

from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from daug.findings import Finding
from trainers.adapters.readers import (
    Corners,
    Readings,
    merged_boxes,
    merged_labels,
    one_box_a_place,
    overlap,
)
from trainers.adapters.vindr import WORDS

CORNERS = st.tuples(*[st.integers(0, 20)] * 4).map(
    lambda c: (float(c[0]), float(c[1]), float(c[0] + c[2] + 1), float(c[1] + c[3] + 1))
)
DRAWN = st.lists(st.tuples(st.sampled_from("ABC"), CORNERS), max_size=7)


@pytest.mark.parametrize(
    ("votes", "readers", "label"), [(0, 3, 0), (1, 3, -1), (2, 3, 1), (3, 3, 1), (1, 2, -1)]
)
def test_the_majority_decides_and_a_minority_makes_it_uncertain(
    votes: int, readers: int, label: int
) -> None:
    readings = Readings()
    for number in range(readers):
        readings.add(f"R{number}", ("Cardiomegaly",) if number < votes else ("No finding",))
    merged = merged_labels(readings, WORDS, (Finding.CARDIOMEGALY,))
    assert merged == {Finding.CARDIOMEGALY: label}


def test_two_words_of_one_reader_for_one_finding_are_one_vote() -> None:
    readings = Readings()
    readings.add("R1", ("Infiltration", "Lung Opacity"))
    readings.add("R2", ())
    readings.add("R3", ())
    assert merged_labels(readings, WORDS, (Finding.LUNG_OPACITY,)) == {Finding.LUNG_OPACITY: -1}


def test_boxes_of_two_readers_on_one_place_become_their_mean() -> None:
    readings = Readings()
    for reader, corners in {
        "R1": (0, 0, 10, 10),
        "R2": (2, 0, 12, 10),
        "R3": (50, 50, 60, 60),
    }.items():
        readings.add(reader, ("Nodule/Mass",))
        readings.boxes.append((reader, "Nodule/Mass", tuple(map(float, corners))))  # type: ignore[arg-type]
    readings.add("R1", ("ILD",))
    readings.boxes.append(("R1", "ILD", (0.0, 0.0, 9.0, 9.0)))
    boxes, lost = merged_boxes(readings, width=100, height=200)
    assert [(b.x0, b.y0, b.x1, b.y1) for b in boxes] == [
        pytest.approx((0.01, 0.0, 0.11, 0.05)),
        pytest.approx((0.5, 0.25, 0.6, 0.3)),
    ]
    assert lost == ["most readers do not see what it shows"]


@given(DRAWN)
def test_merging_loses_no_place_and_never_merges_one_readers_boxes(
    drawn: list[tuple[str, Corners]],
) -> None:
    places = one_box_a_place(drawn)
    assert len(places) <= len(drawn)
    for reader in "ABC":
        assert len(places) >= sum(name == reader for name, _ in drawn)
    for _, box in drawn:
        assert any(overlap(box, place) > 0 for place in places)


@given(DRAWN, st.randoms(use_true_random=False))
def test_the_order_of_the_rows_does_not_matter(
    drawn: list[tuple[str, Corners]], chance: Random
) -> None:
    other = list(drawn)
    chance.shuffle(other)
    assert sorted(one_box_a_place(drawn)) == sorted(one_box_a_place(other))


@given(CORNERS, CORNERS)
def test_overlap_is_the_share_of_unit_cells(a: Corners, b: Corners) -> None:
    cells = [
        {(x, y) for x in range(int(c[0]), int(c[2])) for y in range(int(c[1]), int(c[3]))}
        for c in (a, b)
    ]
    assert overlap(a, b) == pytest.approx(len(cells[0] & cells[1]) / len(cells[0] | cells[1]))
