from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from daug.case import Case, FindingSource, FindingState, Statement
from daug.case_query import CaseFilter
from daug.embedding import Embedding
from daug.errors import EmbeddingError, LibraryError
from daug.findings import Finding
from daug.similar_cases import Count, SearchKind
from db.base_rates import base_rates, compare
from db.query_embedding import mixed, shifted
from db.search import CaseSearch, SearchRequest
from db.similarity_floor import measure_floor, read_floor, write_floor
from db.vector_index import FollowingIndex

MODEL = "ab" * 32
HEART, EFFUSION, NORMAL = Finding.CARDIOMEGALY, Finding.PLEURAL_EFFUSION, Finding.NO_FINDING
DEVICES = Finding.SUPPORT_DEVICES
P, A, U = FindingState.PRESENT, FindingState.ABSENT, FindingState.UNCERTAIN


def unit(rows: NDArray[np.floating]) -> NDArray[np.float32]:
    return np.asarray(rows / np.linalg.norm(rows, axis=-1, keepdims=True), dtype=np.float32)


def at(degrees: float) -> Embedding:
    """A direction in the plane: similarity is the cosine of the angle between two."""
    angle = np.deg2rad(degrees)
    return Embedding(np.array([np.cos(angle), np.sin(angle)], np.float32), MODEL)


def a_case(case_id: int, patient: str | None = None, **states: FindingState) -> Case:
    named = {Finding[name.upper()]: state for name, state in states.items()}
    return Case(
        case_id=case_id,
        alias=f"case {case_id}",
        pixel_digest=f"pixels {case_id}",
        height=10,
        width=10,
        patient=patient,
        findings={f: Statement(s, FindingSource.IMPORTED) for f, s in named.items()},
    )


class Shelf:
    """A library of cases in memory; case number n lies at n degrees."""

    def __init__(self, cases: Sequence[Case]) -> None:
        self._cases = {case.case_id: case for case in cases}
        self.generation = 1

    def put(self, case: Case) -> None:
        self._cases[case.case_id] = case
        self.generation += 1

    def ids(self, wanted: CaseFilter | None = None) -> NDArray[np.int64]:
        wanted = wanted or CaseFilter()
        return np.array(
            [
                case.case_id
                for case in self._cases.values()
                if wanted.present <= case.present
                and wanted.absent <= case.absent
                and wanted.patient in ("", case.patient)
            ],
            dtype=np.int64,
        )

    def count(self, wanted: CaseFilter | None = None) -> int:
        return len(self.ids(wanted))

    def cases(self, ids: Sequence[int]) -> list[Case]:
        return [self._cases[i] for i in ids if i in self._cases]

    def find(self, pixel_digest: str) -> int | None:
        return next(
            (i for i, case in self._cases.items() if case.pixel_digest == pixel_digest), None
        )

    def embedding_generation(self, model_digest: str) -> str:
        return str(self.generation)

    def embeddings(self, model_digest: str) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
        ids = sorted(self._cases)
        return np.array(ids, dtype=np.int64), np.array([at(i).vector for i in ids], np.float32)


@pytest.fixture
def shelf() -> Shelf:
    return Shelf(
        [
            a_case(1, "ann", cardiomegaly=P, pleural_effusion=A),
            a_case(2, "ann", cardiomegaly=P),
            a_case(3, "bob", cardiomegaly=A, pleural_effusion=P),
            a_case(4, "cid", cardiomegaly=U, pleural_effusion=P),
            a_case(5, "dee", pleural_effusion=P),
            a_case(6, "eve", no_finding=P, cardiomegaly=A),
            a_case(7, "fay", cardiomegaly=A, support_devices=P),
            a_case(8, None),
        ]
    )


@pytest.fixture
def search(shelf: Shelf, tmp_path: Path) -> CaseSearch:
    return CaseSearch(shelf, FollowingIndex(tmp_path, shelf, MODEL), tmp_path / "floor.json")


def ids_of(search: CaseSearch, request: SearchRequest) -> list[int]:
    return [hit.case.case_id for hit in search.search(request).hits]


def test_hits_come_in_the_order_of_their_similarity_with_rank_and_cosine(
    search: CaseSearch,
) -> None:
    hits = search.search(SearchRequest(at(0), k=3)).hits
    assert [(hit.rank, hit.case.case_id) for hit in hits] == [(1, 1), (2, 2), (3, 3)]
    assert hits[1].similarity == pytest.approx(np.cos(np.deg2rad(2)), abs=1e-6)


def test_the_query_and_its_patient_are_left_out_unless_asked_for(search: CaseSearch) -> None:
    of_ann = SearchRequest(at(1), k=2, pixel_digest="pixels 1", patient="ann")
    answer = search.search(of_ann)
    assert [hit.case.case_id for hit in answer.hits] == [3, 4]
    assert answer.patient_excluded
    itself = SearchRequest(at(1), k=2, pixel_digest="pixels 1")
    assert ids_of(search, itself) == [2, 3]
    everybody = SearchRequest(
        at(1), k=2, pixel_digest="pixels 1", patient="ann", same_patient_too=True
    )
    assert ids_of(search, everybody) == [1, 2]
    assert not search.search(everybody).patient_excluded


def test_a_filter_costs_no_place_among_the_hits(search: CaseSearch) -> None:
    wanted = CaseFilter(present=frozenset({EFFUSION}))
    assert ids_of(search, SearchRequest(at(0), k=3, wanted=wanted)) == [3, 4, 5]
    assert search.search(SearchRequest(at(0), k=9, wanted=wanted)).allowed == 3


def test_nearest_normal_takes_only_an_explicit_no_finding(search: CaseSearch) -> None:
    """Case 8, of which nothing is known, is no normal."""
    asked = SearchRequest(at(8), kind=SearchKind.NEAREST_NORMAL)
    assert ids_of(search, asked) == [6]


def test_look_alikes_deny_the_finding_and_have_another(search: CaseSearch) -> None:
    """Uncertain (4) and unmentioned (5) are no denial; No Finding and devices no other finding."""
    asked = SearchRequest(at(0), kind=SearchKind.LOOK_ALIKES, present=frozenset({HEART}))
    assert ids_of(search, asked) == [3]


def test_look_alikes_of_a_normal_radiograph_have_any_diagnosis(search: CaseSearch) -> None:
    asked = SearchRequest(at(0), kind=SearchKind.LOOK_ALIKES, present=frozenset({NORMAL}))
    assert ids_of(search, asked) == [1, 2, 3, 4, 5]


def test_look_alikes_need_to_know_what_the_query_shows(search: CaseSearch) -> None:
    with pytest.raises(LibraryError, match="Name its findings"):
        search.search(SearchRequest(at(0), kind=SearchKind.LOOK_ALIKES))


def test_a_changed_library_changes_filters_rates_and_hits(search: CaseSearch, shelf: Shelf) -> None:
    wanted = CaseFilter(present=frozenset({EFFUSION}))
    asked = SearchRequest(at(9), k=2, wanted=wanted)
    assert ids_of(search, asked) == [5, 4]
    before = {rate.finding: rate.library for rate in search.search(asked).base_rates}
    shelf.put(a_case(9, "gus", pleural_effusion=P))
    shelf.put(a_case(5, "dee", pleural_effusion=A))
    assert ids_of(search, asked) == [9, 4]
    after = {rate.finding: rate.library for rate in search.search(asked).base_rates}
    assert (before[EFFUSION], after[EFFUSION]) == (Count(3, 4), Count(3, 5))


# Base rates


def test_uncertain_and_unmentioned_cases_are_in_no_denominator(search: CaseSearch) -> None:
    answer = search.search(SearchRequest(at(0), k=5))
    rates = {rate.finding: rate for rate in answer.base_rates}
    assert rates[HEART].hits == Count(2, 3)  # 1 and 2 of 1, 2, 3; not 4 (uncertain) nor 5
    assert rates[HEART].library == Count(2, 5)
    assert Finding.EDEMA not in rates  # nobody speaks of it


def test_the_panel_says_seven_of_ten_and_that_it_is_not_this_patients_risk() -> None:
    hits = [a_case(i, edema=P if i < 7 else A) for i in range(10)]
    (rate,) = base_rates(hits, {Finding.EDEMA: Count(12, 100)})
    assert rate.sentence == (
        "7 of 10 similar cases; library 12 % of those labelled; not this patient's risk"
    )


def test_the_panel_says_when_not_all_similar_cases_are_labelled() -> None:
    hits = [a_case(1, edema=P), a_case(2, edema=U), a_case(3)]
    (rate,) = base_rates(hits, {Finding.EDEMA: Count(3, 1000)})
    assert rate.sentence == (
        "1 of 1 similar cases labelled for it (3 shown); library under 1 % of those labelled; "
        "not this patient's risk"
    )


def test_a_finding_is_shared_or_differs_only_where_both_are_known() -> None:
    hit = a_case(1, cardiomegaly=P, edema=P, pleural_effusion=A, pneumonia=U)
    seen = compare(
        hit,
        present=frozenset({HEART, EFFUSION, Finding.PNEUMONIA, Finding.FRACTURE}),
        absent=frozenset({Finding.EDEMA, DEVICES}),
    )
    assert seen.shared == {HEART}
    assert seen.differing == {EFFUSION, Finding.EDEMA}


# What is looked for


def test_a_query_of_picture_and_text_lies_between_them_and_shows_its_weights() -> None:
    middle = mixed(at(0), at(60))
    assert middle.embedding.similarity(at(30)) == pytest.approx(1, abs=1e-6)
    assert (middle.image_weight, middle.text_weight) == (0.5, 0.5)
    leaning = mixed(at(0), at(60), image_weight=0.8)
    assert leaning.image_weight + leaning.text_weight == 1
    assert leaning.embedding.similarity(at(0)) > leaning.embedding.similarity(at(60))
    assert mixed(at(0), at(60), 1.0).embedding.similarity(at(0)) == pytest.approx(1)


def test_a_counterfactual_query_goes_where_the_finding_goes_beyond_mere_redrawing() -> None:
    """What redrawing alone does cancels out: equal pictures move nothing."""
    assert shifted(at(10), at(40), at(40)).similarity(at(10)) == pytest.approx(1)
    step = at(60).vector - at(40).vector
    moved = shifted(at(10), at(60), at(40), strength=0.5)
    np.testing.assert_allclose(moved.vector, unit(at(10).vector + 0.5 * step), atol=1e-6)


def test_parts_of_two_models_or_that_cancel_out_are_refused() -> None:
    other = Embedding(at(0).vector, "cd" * 32)
    with pytest.raises(EmbeddingError, match="several models"):
        mixed(at(0), other)
    with pytest.raises(EmbeddingError, match="several models"):
        shifted(at(0), at(1), other)
    with pytest.raises(EmbeddingError, match="cancel"):
        mixed(at(0), at(180))
    with pytest.raises(EmbeddingError, match=r"in \[0, 1\]"):
        mixed(at(0), at(1), 1.5)


# Nothing like this


@pytest.fixture
def crowd() -> Shelf:
    """180 cases, a degree apart, two and two of one patient."""
    return Shelf([a_case(i, f"patient {i // 2}", edema=P) for i in range(180)])


def test_the_floor_is_a_percentile_of_nearest_similarities_between_patients(
    crowd: Shelf, tmp_path: Path
) -> None:
    search = CaseSearch(crowd, FollowingIndex(tmp_path, crowd, MODEL), tmp_path / "floor.json")
    floor = search.calibrate()
    assert floor is not None
    assert floor.n == 180
    # within the crowd the nearest case of another patient is 1 degree away, at its two ends 2
    nearest = [2.0 if i in (0, 179) else 1.0 for i in range(180)]
    expected = np.percentile(np.cos(np.deg2rad(nearest)), 1)
    assert floor.similarity == pytest.approx(expected, abs=1e-6)


def test_a_query_far_from_everything_is_like_nothing_in_the_library(
    crowd: Shelf, tmp_path: Path
) -> None:
    search = CaseSearch(crowd, FollowingIndex(tmp_path, crowd, MODEL), tmp_path / "floor.json")
    assert search.search(SearchRequest(at(270))).unlike_anything is None  # not calibrated yet
    search.calibrate()
    far = search.search(SearchRequest(at(270)))
    assert far.unlike_anything is True
    assert len(far.hits) == 10  # listed all the same
    assert search.search(SearchRequest(at(90.5))).unlike_anything is False
    narrow = CaseFilter(patient="patient 0")  # a filter does not make a query odd
    assert search.search(SearchRequest(at(90.5), wanted=narrow)).unlike_anything is False
    assert search.search(SearchRequest(at(270), by_radiograph=False)).unlike_anything is None


def test_a_small_library_has_no_floor(shelf: Shelf, tmp_path: Path) -> None:
    search = CaseSearch(shelf, FollowingIndex(tmp_path, shelf, MODEL), tmp_path / "floor.json")
    assert search.calibrate() is None
    assert search.search(SearchRequest(at(200))).unlike_anything is None


def test_a_damaged_or_outgrown_floor_is_no_floor(crowd: Shelf, tmp_path: Path) -> None:
    index = FollowingIndex(tmp_path, crowd, MODEL).current()
    floor = measure_floor(index, lambda case_id: np.array([case_id]))
    assert floor is not None
    path = tmp_path / "floor.json"
    write_floor(path, floor)
    assert read_floor(path, index) == floor
    for case_id in range(180, 200):
        crowd.put(a_case(case_id))
    assert read_floor(path, FollowingIndex(tmp_path, crowd, MODEL).current()) is None
    path.write_text(path.read_text()[:-5])
    assert read_floor(path, index) is None
