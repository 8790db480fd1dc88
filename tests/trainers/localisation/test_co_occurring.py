from pathlib import Path

import numpy as np
import pytest

from daug.bundle import Bundle
from daug.findings import Activation, Direction
from tests.trainers.localisation.drawn_study import write_study
from trainers.evaluation.localisation.co_occurring import off_target, search
from trainers.evaluation.localisation.document import off_target_rows
from trainers.evaluation.localisation.kinds import DAUG, Kind
from trainers.evaluation.localisation.truths import OPACITY, Case, find_cases
from trainers.manifest import read_manifest


@pytest.fixture
def cases(tiny_bundle: Bundle, tmp_path: Path) -> list[Case]:
    return find_cases(read_manifest(write_study(tmp_path)), tiny_bundle)


def maps_of(case: Case, beside: dict[Activation, float]) -> dict[Kind, np.ndarray]:
    """Heat 1 on what was drawn, some other amount everywhere else."""
    return {
        Kind(DAUG, OPACITY, Direction.LESS, act): np.where(case.inside, 1.0, amount)[None]
        for act, amount in beside.items()
    }


def test_off_target_is_heat_beside_over_heat_on_the_target(cases: list[Case]) -> None:
    """What both drawings share counts for what was asked about, so it is as hot as the rest."""
    case = next(c for c in cases if c.row.id == "cohen-1")
    maps = maps_of(case, {Activation.SIGMOID: 0.5, Activation.SOFTMAX: 0.1})
    (found,) = off_target(case, maps)
    assert found.other == "Pleural"
    assert found.by_activation[Activation.SIGMOID] == pytest.approx(0.5)
    assert found.by_activation[Activation.SOFTMAX] == pytest.approx(0.1)
    (row,) = off_target_rows([found])
    assert row["ratio"]["value"] == pytest.approx(0.2)
    assert not row["enough"]


def test_a_radiograph_with_one_finding_has_nothing_beside_it(cases: list[Case]) -> None:
    case = next(c for c in cases if c.row.id == "cohen-0")
    assert not off_target(case, maps_of(case, dict.fromkeys(Activation, 0.5)))


def test_the_search_counts_pairs_and_how_many_are_held_out(
    tiny_bundle: Bundle, tmp_path: Path
) -> None:
    rows = read_manifest(write_study(tmp_path))
    assert search(rows, tiny_bundle) == [
        {"source": "cohen", "pair": [OPACITY, "Pleural"], "radiographs": 4, "held_out": 4}
    ]
