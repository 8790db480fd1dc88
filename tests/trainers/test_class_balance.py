from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from daug.errors import ManifestError
from daug.findings import Finding, SuperClass
from trainers.class_balance import BalancedSampler, count_training, find_pools, labels_from
from trainers.manifest import Row

LESION = SuperClass("Lung Lesion", (Finding.LUNG_LESION,))
LUNGS = SuperClass("Lungs", (Finding.EDEMA, Finding.PNEUMONIA))
CLASSES = (LESION, LUNGS)


def rows_of(source: str, *labels: dict[Finding, int]) -> list[Row]:
    return [
        Row(f"{source}{i}", Path("x"), source, f"{source}/{i}", "train", "", "", "", label)
        for i, label in enumerate(labels)
    ]


def both_ways(source: str, finding: Finding, present: int, absent: int) -> list[Row]:
    return rows_of(source, *[{finding: 1}] * present, *[{finding: 0}] * absent)


def test_a_source_that_shows_only_the_ill_teaches_nothing_about_the_illness() -> None:
    """Else its look would be learnt in place of the disease."""
    rows = both_ways("mixed", Finding.PNEUMONIA, 30, 30) + both_ways("ill", Finding.EDEMA, 99, 0)
    pools = find_pools(rows, CLASSES)
    assert [(pool.source, pool.class_index) for pool in pools] == [("mixed", 1)]
    labels = labels_from(pools, len(rows), len(CLASSES))
    assert int(labels.known.sum()) == 60
    assert not labels.known[60:].any()


def test_unknown_is_not_absent() -> None:
    rows = both_ways("a", Finding.PNEUMONIA, 20, 20) + rows_of(
        "a", {}, {Finding.EDEMA: -1}, {Finding.PNEUMONIA: 0, Finding.EDEMA: -1}
    )
    labels = labels_from(find_pools(rows, CLASSES), len(rows), 2)
    assert not labels.known[40:].any()
    assert labels.present[:40, 1].tolist() == [1.0] * 20 + [0.0] * 20


def test_counts_are_of_usable_examples_by_finding() -> None:
    rows = (
        both_ways("a", Finding.PNEUMONIA, 21, 25)
        + both_ways("a", Finding.EDEMA, 7, 0)
        + both_ways("ill", Finding.PNEUMONIA, 50, 0)
    )
    lesion, lungs = count_training(find_pools(rows, CLASSES), rows, CLASSES)
    assert (lesion.positives, lesion.negatives) == (0, 0)
    assert (lungs.positives, lungs.negatives) == (28, 25)
    assert lungs.positives_by_finding == {"Edema": 7, "Pneumonia": 21}


def test_painted_and_measured_examples_are_counted_apart() -> None:
    rows = both_ways("a", Finding.LUNG_LESION, 9, 9)
    rows[0] = replace(rows[0], painted=Finding.LUNG_LESION)
    rows[1] = replace(rows[1], painted=Finding.CONSOLIDATION)  # of another class
    rows[2] = replace(rows[2], measured=frozenset({Finding.LUNG_LESION}))
    rows[12] = replace(rows[12], measured=frozenset({Finding.LUNG_LESION}))  # a negative
    lesion, lungs = count_training(find_pools(rows, CLASSES), rows, CLASSES)
    assert (lesion.positives, lesion.painted, lesion.measured) == (9, 1, 1)
    assert (lungs.painted, lungs.measured) == (0, 0)


def drawn_labels(rows: Sequence[Row], finding: Finding) -> Counter[tuple[str, int]]:
    sampler = BalancedSampler(find_pools(rows, CLASSES))
    indices = sampler.draw(20_000, torch.Generator().manual_seed(0)).tolist()
    return Counter((rows[i].source, rows[i].labels.get(finding, -9)) for i in indices)


def test_within_every_source_present_and_absent_are_drawn_alike() -> None:
    """So that knowing the source says nothing about the disease."""
    rows = both_ways("rare", Finding.PNEUMONIA, 25, 400) + both_ways(
        "common", Finding.PNEUMONIA, 400, 100
    )
    drawn = drawn_labels(rows, Finding.PNEUMONIA)
    for source in ("rare", "common"):
        assert drawn[source, 1] / drawn[source, 0] == pytest.approx(1, abs=0.1)
    # by the square root of the rarer side: 5 to 10
    rare, common = (drawn[s, 1] + drawn[s, 0] for s in ("rare", "common"))
    assert common / rare == pytest.approx(2, abs=0.15)


def test_a_rare_class_is_drawn_as_often_as_a_common_one() -> None:
    rows = both_ways("a", Finding.LUNG_LESION, 20, 20) + both_ways("b", Finding.PNEUMONIA, 900, 900)
    drawn = drawn_labels(rows, Finding.LUNG_LESION)
    assert (drawn["a", 1] + drawn["a", 0]) / 20_000 == pytest.approx(0.5, abs=0.02)


def test_a_class_with_too_few_examples_is_not_drawn_for() -> None:
    rows = both_ways("a", Finding.LUNG_LESION, 19, 90) + both_ways("b", Finding.PNEUMONIA, 20, 20)
    assert {source for source, _ in drawn_labels(rows, Finding.PNEUMONIA)} == {"b"}


def test_nothing_to_learn_is_said_before_the_first_step() -> None:
    with pytest.raises(ManifestError, match=r"No super-class has 20 radiographs with it"):
        BalancedSampler(find_pools(both_ways("a", Finding.PNEUMONIA, 19, 500), CLASSES))
