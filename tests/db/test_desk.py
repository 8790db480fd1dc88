import json
import threading
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from daug.case import Case
from daug.case_desk import CaseQuestion
from daug.case_query import CaseFilter
from daug.embedding import Embedding
from daug.errors import EmbeddingError, LibraryError
from daug.findings import Direction, Finding
from daug.heatmap import Recipe
from daug.loading import load_radiograph
from daug.radiograph import Pseudonym, Radiograph
from daug.similar_cases import SearchKind
from daug.view import View
from db import embedding_run, unhurried_index
from db.desk import LibraryDesk
from db.embedding_run import embed_library
from db.library import Library
from db.query_embedding import mixed, shifted
from tests.db.drawn import import_rows, row, write_picture
from tests.db.embedders import PictureEmbedder
from tests.db.test_embedding_run import wait_until

EDEMA, NORMAL = Finding.EDEMA, Finding.NO_FINDING
CASES = 40


def facts(seed: int) -> dict[str, str]:
    """Forty cases, some of one patient; each finding present, absent and unknown in some."""
    states = {1: "1", 2: "0"}
    return row(
        seed,
        patient_id=f"p{seed // 2}",
        dataset="ours" if seed % 3 else "theirs",
        sex="F" if seed % 4 else "M",
        age=str(20 + seed),
        view="PA" if seed % 5 else "AP",
        report=f"Report {seed}." if seed % 2 else "",
        **{
            EDEMA.value: states.get(seed % 3, ""),
            NORMAL.value: states.get((seed + 1) % 4, ""),
        },
    )


@pytest.fixture
def library(library: Library, tmp_path: Path) -> Library:
    import_rows(library, tmp_path / "files", [facts(seed) for seed in range(CASES)])
    return library


@pytest.fixture
def embedder() -> PictureEmbedder:
    return PictureEmbedder()


@pytest.fixture
def desk(library: Library, embedder: PictureEmbedder) -> Iterator[LibraryDesk]:
    """A desk of an embedded library."""
    embed_library(library, embedder)
    embedder.embedded.clear()
    desk = LibraryDesk(library, embedder)
    yield desk
    desk.close()


@pytest.fixture
def stranger(tmp_path: Path) -> Radiograph:
    """A radiograph that is not in the library."""
    return load_radiograph(write_picture(tmp_path / "Jane Roe.png", 777))


def exact_scan(
    library: Library, query: Embedding, k: int, allowed: set[int]
) -> list[tuple[int, float]]:
    """The truth: all stored embeddings, compared one by one in float64; ties by number."""
    ids, vectors = library.embeddings(query.model_digest)
    cosines = (vectors.astype(np.float64) @ query.vector.astype(np.float64)).astype(np.float32)
    ranked = sorted((-float(c), int(i)) for i, c in zip(ids, cosines, strict=True) if i in allowed)
    return [(i, -c) for c, i in ranked[:k]]


def hits_of(desk: LibraryDesk, question: CaseQuestion) -> list[int]:
    return [hit.case.case_id for hit in desk.ask(question).hits]


def fits(case: Case, wanted: CaseFilter) -> bool:
    """What a filter means, in plain words."""
    return (
        wanted.present <= case.present
        and wanted.absent <= case.absent
        and (not wanted.views or case.view in wanted.views)
        and wanted.sex in ("", case.sex)
        and (wanted.min_age is None or (case.age or 0) >= wanted.min_age)
        and (not wanted.sources or case.source in wanted.sources)
        and (not wanted.words or wanted.words in case.report.split())
    )


FILTERS = st.builds(
    CaseFilter,
    present=st.sampled_from([frozenset(), frozenset({EDEMA})]),
    absent=st.sampled_from([frozenset(), frozenset({NORMAL})]),
    views=st.sampled_from([frozenset(), frozenset({View.AP}), frozenset({View.PA, View.AP})]),
    sex=st.sampled_from(["", "F", "M"]),
    min_age=st.none() | st.floats(0, 70),
    sources=st.sampled_from([frozenset(), frozenset({"ours"})]),
    words=st.sampled_from(["", "Report"]),
)


@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    wanted=FILTERS,
    k=st.integers(1, 50),
    of=st.integers(1, CASES),
    kind=st.sampled_from([SearchKind.SIMILAR, SearchKind.NEAREST_NORMAL]),
    without_heat=st.booleans(),
)
def test_hits_are_those_of_an_exact_scan_over_what_the_filter_allows(
    desk: LibraryDesk,
    library: Library,
    wanted: CaseFilter,
    k: int,
    of: int,
    kind: SearchKind,
    without_heat: bool,
) -> None:
    question = CaseQuestion(case_id=of, wanted=wanted, k=k, kind=kind, without_heat=without_heat)
    answer = desk.ask(question)
    own = library.case(of)
    allowed = {
        case.case_id
        for case in library.cases(library.ids().tolist())
        if fits(case, wanted)
        and case.patient != own.patient
        and (kind is SearchKind.SIMILAR or NORMAL in case.present)
    }
    embedder = PictureEmbedder()
    digest = embedder.digest_without_heat if without_heat else embedder.model_digest
    assert digest is not None
    vector = library.embedding(of, digest)
    assert vector is not None
    truth = exact_scan(library, Embedding(vector, digest), k, allowed)
    assert [(hit.case.case_id, hit.rank) for hit in answer.hits] == [
        (i, rank) for rank, (i, _) in enumerate(truth, start=1)
    ]
    assert [hit.similarity for hit in answer.hits] == pytest.approx([c for _, c in truth], abs=1e-6)
    assert answer.allowed == len(allowed)
    assert answer.model_digest == digest


def test_a_case_is_asked_about_without_embedding_it_again(
    desk: LibraryDesk, library: Library, embedder: PictureEmbedder
) -> None:
    """Neither by its number, nor when the same pixels are opened from a file."""
    by_number = hits_of(desk, CaseQuestion(case_id=7))
    opened = load_radiograph(library.original(7))
    assert hits_of(desk, CaseQuestion(radiograph=opened)) == by_number
    assert embedder.embedded == []


def test_a_radiograph_from_outside_is_embedded_once_in_each_space(
    desk: LibraryDesk, library: Library, embedder: PictureEmbedder, stranger: Radiograph
) -> None:
    everybody = set(library.ids().tolist())
    for without_heat in (False, True, False, True):
        question = CaseQuestion(radiograph=stranger, without_heat=without_heat)
        query = PictureEmbedder().embed(stranger, without_heat=without_heat)
        truth = [i for i, _ in exact_scan(library, query, 10, everybody)]
        assert hits_of(desk, question) == truth
    assert embedder.embedded == [(stranger.digest, False), (stranger.digest, True)]


def test_the_patient_of_a_radiograph_from_outside_is_left_out_unless_asked_for(
    desk: LibraryDesk, library: Library, stranger: Radiograph
) -> None:
    """Recognised by the pseudonym alone: the radiograph itself is new."""
    own = library.case(5).patient
    theirs = {case.case_id for case in library.same_patient(5)}
    follow_up = Radiograph(stranger.pixels, "follow-up", pseudonym=Pseudonym(own))
    answer = desk.ask(CaseQuestion(radiograph=follow_up, k=CASES))
    assert {hit.case.case_id for hit in answer.hits} == set(library.ids().tolist()) - theirs
    assert answer.patient_excluded
    with_own = CaseQuestion(radiograph=follow_up, k=CASES, same_patient_too=True)
    assert theirs <= set(hits_of(desk, with_own))
    assert not desk.ask(with_own).patient_excluded
    assert not desk.ask(CaseQuestion(radiograph=stranger)).patient_excluded


def test_a_text_finds_what_lies_near_it(
    desk: LibraryDesk, library: Library, embedder: PictureEmbedder
) -> None:
    query = PictureEmbedder().embed_text("large heart")
    truth = exact_scan(library, query, 5, set(library.ids().tolist()))
    answer = desk.ask(CaseQuestion(text="large heart", k=5))
    assert [hit.case.case_id for hit in answer.hits] == [i for i, _ in truth]
    assert answer.unlike_anything is None
    assert answer.image_weight is None


def test_radiograph_and_text_count_as_much_as_was_said(
    desk: LibraryDesk, library: Library, stranger: Radiograph
) -> None:
    model = PictureEmbedder()
    question = CaseQuestion(radiograph=stranger, text="large heart", image_weight=0.3, k=5)
    query = mixed(model.embed(stranger), model.embed_text("large heart"), 0.3).embedding
    answer = desk.ask(question)
    truth = exact_scan(library, query, 5, set(library.ids().tolist()))
    assert [hit.case.case_id for hit in answer.hits] == [i for i, _ in truth]
    assert (answer.image_weight, answer.text_weight) == (0.3, 0.7)


def test_a_change_moves_the_query_the_way_of_the_counterfactual(
    desk: LibraryDesk, library: Library, embedder: PictureEmbedder
) -> None:
    """Also for a case, whose place is known but whose change has to be drawn."""
    more = Recipe("Cardiomegaly", Direction.MORE)
    model = PictureEmbedder()
    radiograph = load_radiograph(library.original(5))
    query = shifted(model.embed(radiograph), *model.embed_change(radiograph, more))
    truth = exact_scan(library, query, 5, {i for i in library.ids().tolist() if i not in (5, 6)})
    question = CaseQuestion(case_id=5, change=more, k=5)
    assert hits_of(desk, question) == [i for i, _ in truth]
    assert hits_of(desk, question) == [i for i, _ in truth]
    assert embedder.changed == [more]  # once
    assert embedder.embedded == []
    assert hits_of(desk, CaseQuestion(case_id=5, k=5)) != [i for i, _ in truth]


def test_what_is_said_of_a_case_is_what_hits_are_compared_with(
    desk: LibraryDesk, library: Library
) -> None:
    of = next(c for c in library.cases(library.ids().tolist()) if c.present == {EDEMA})
    answer = desk.ask(CaseQuestion(case_id=of.case_id, k=CASES))
    for hit, comparison in zip(answer.hits, answer.comparisons, strict=True):
        assert (EDEMA in comparison.shared) == (EDEMA in hit.case.present)
        assert (EDEMA in comparison.differing) == (EDEMA in hit.case.absent)
    look_alikes = CaseQuestion(case_id=of.case_id, kind=SearchKind.LOOK_ALIKES)
    assert all(EDEMA in hit.case.absent for hit in desk.ask(look_alikes).hits)


def test_the_log_holds_the_question_but_no_file_and_no_patient(
    desk: LibraryDesk, library: Library, stranger: Radiograph
) -> None:
    own = library.case(5).patient
    assert own is not None
    of_patient = Radiograph(stranger.pixels, stranger.source_name, pseudonym=Pseudonym(own))
    wanted = CaseFilter(present=frozenset({EDEMA}), patient=own)
    answer = desk.ask(
        CaseQuestion(radiograph=of_patient, text="heart", wanted=wanted, k=4, same_patient_too=True)
    )
    (logged,) = library.logged_queries()
    assert [i for i, _ in logged.hits] == [hit.case.case_id for hit in answer.hits]
    assert logged.query["text"] == "heart"
    assert logged.query["filters"] == {"present": ["Edema"]}
    assert logged.query["k"] == 4
    told = json.dumps(logged.query)
    assert own not in told
    assert "Roe" not in told
    assert stranger.digest not in told


def test_a_question_is_answered_even_if_the_log_cannot_be_written(
    desk: LibraryDesk, library: Library, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> int:
        raise LibraryError("The library's database answered: full.")

    monkeypatch.setattr(library, "log_query", full)
    assert len(desk.ask(CaseQuestion(case_id=1)).hits) == 10


def test_a_case_and_another_radiograph_are_no_one_question(
    desk: LibraryDesk, stranger: Radiograph
) -> None:
    with pytest.raises(LibraryError, match="another radiograph"):
        desk.ask(CaseQuestion(radiograph=stranger, case_id=1))


# Nothing like this


def checkered(seed: int) -> Radiograph:
    """Squares of random gray."""
    squares = np.random.default_rng(seed).uniform(-1, 1, (8, 8)).astype(np.float32)
    return Radiograph(squares.repeat(12, axis=0).repeat(12, axis=1), "squares")


def test_the_floor_is_measured_after_the_embedding_and_tells_the_strange_from_the_usual(
    library: Library, tmp_path: Path
) -> None:
    """The floor is as high as the library's own cases are to each other, in each space."""
    more = [row(seed) for seed in range(1000, 1080)]
    import_rows(library, tmp_path / "more", more)
    desk = LibraryDesk(library, PictureEmbedder())
    try:
        desk.start_embedding()
        wait_until(lambda: not desk.embedding_state().running)
        usual = desk.ask(CaseQuestion(case_id=9))
        assert usual.floor is not None
        assert usual.floor.n == 120
        assert usual.unlike_anything is False
        _, vectors = library.embeddings(usual.model_digest)
        nearest = {
            float((vectors @ PictureEmbedder().embed(checks).vector).max()): checks
            for checks in map(checkered, range(300))
        }
        lowest, highest = min(nearest), max(nearest)
        assert lowest < usual.floor.similarity < highest
        assert desk.ask(CaseQuestion(radiograph=nearest[lowest])).unlike_anything is True
        assert desk.ask(CaseQuestion(radiograph=nearest[highest])).unlike_anything is False
        without = desk.ask(CaseQuestion(case_id=9, without_heat=True))
        assert without.floor is not None
        assert without.floor.model_digest == without.model_digest
        changed = CaseQuestion(case_id=9, change=Recipe("Cardiomegaly"))
        assert desk.ask(changed).unlike_anything is None  # nobody's radiograph
    finally:
        desk.close()


# Meanwhile


def test_a_library_is_searched_while_it_is_embedded_as_far_as_it_is(
    library: Library, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The newest cases come first; a question waits for no more than the case under way."""
    monkeypatch.setattr(embedding_run, "BATCH", 5)
    embedder, paused, going = PictureEmbedder(heat=False), threading.Event(), threading.Event()

    def pause() -> None:
        if len(embedder.embedded) == 13:
            paused.set()
            assert going.wait(60)

    embedder.before = pause
    desk = LibraryDesk(library, embedder)
    answers: list[list[int]] = []
    question = CaseQuestion(text="heart", k=CASES)
    asking = threading.Thread(target=lambda: answers.append(hits_of(desk, question)))
    try:
        desk.start_embedding()
        assert paused.wait(60)
        assert desk.embedding_state().embedded == 10
        asking.start()
        wait_until(lambda: desk._turns._waiting)
        embedder.before = lambda: None
        going.set()
        asking.join(60)
        (found,) = answers
        ids = library.ids().tolist()
        assert sorted(found) == ids[-len(found) :]
        assert 10 <= len(found) < CASES
        wait_until(lambda: not desk.embedding_state().running)
        assert len(hits_of(desk, question)) == CASES
    finally:
        going.set()
        desk.close()


def test_after_a_change_of_models_only_what_is_embedded_anew_is_found(
    desk: LibraryDesk, library: Library
) -> None:
    """Vectors of two models never mix; the state tells how far it is."""
    newer = PictureEmbedder("another model")
    other = LibraryDesk(library, newer)
    try:
        assert other.embedding_state().embedded == 0
        assert hits_of(other, CaseQuestion(text="heart")) == []
        embed_library(library, newer, only=[3, 4, 5])
        assert sorted(hits_of(other, CaseQuestion(text="heart"))) == [3, 4, 5]
        assert other.embedding_state().embedded == 3
        assert not other.embedding_state().complete
        assert len(hits_of(desk, CaseQuestion(text="heart"))) == 10  # the older model's, untouched
        other.start_embedding()
        wait_until(lambda: not other.embedding_state().running)
        assert other.embedding_state().complete
        query = PictureEmbedder("another model").embed_text("heart")
        truth = exact_scan(library, query, 10, set(library.ids().tolist()))
        assert hits_of(other, CaseQuestion(text="heart")) == [i for i, _ in truth]
    finally:
        other.close()


# Cases at the desk


def test_a_case_is_opened_under_its_alias_with_the_pixels_that_came(
    desk: LibraryDesk, library: Library
) -> None:
    radiograph, case = desk.radiograph(6), library.case(6)
    assert radiograph.source_name == case.alias
    assert radiograph.digest == case.pixel_digest
    assert radiograph.pseudonym.patient == case.patient
    assert radiograph.view is case.view
    with pytest.raises(LibraryError, match="There is no case 99"):
        desk.radiograph(99)


def test_priors_are_the_patients_other_radiographs(
    desk: LibraryDesk, library: Library, stranger: Radiograph
) -> None:
    case = library.case(5)
    (prior,) = desk.priors(desk.radiograph(5))
    assert (prior.case_id, prior.patient) == (6, case.patient)
    follow_up = Radiograph(stranger.pixels, "follow-up", pseudonym=Pseudonym(case.patient))
    assert [prior.case_id for prior in desk.priors(follow_up)] == [5, 6]
    assert desk.priors(stranger) == []
    opened_without_key = load_radiograph(library.original(5))  # recognised by its pixels
    assert [prior.case_id for prior in desk.priors(opened_without_key)] == [6]


def test_a_radiograph_is_kept_once_and_found_at_once(
    desk: LibraryDesk, library: Library, embedder: PictureEmbedder, tmp_path: Path
) -> None:
    path = tmp_path / "Jane Roe.png"
    stranger = load_radiograph(write_picture(path, 777))
    for without_heat in (False, True):
        desk.ask(CaseQuestion(radiograph=stranger, without_heat=without_heat))
    kept = desk.keep(stranger, path)
    assert (kept.case_id, kept.pixel_digest) == (CASES + 1, stranger.digest)
    assert "Roe" not in repr(kept)
    wait_until(lambda: not desk.embedding_state().running)
    assert kept.case_id in hits_of(desk, CaseQuestion(text="heart", k=CASES + 1))
    assert len(embedder.embedded) == 2  # when it was asked about
    assert desk.keep(stranger, path).case_id == kept.case_id
    assert library.count() == CASES + 1


def test_a_kept_radiograph_that_nobody_asked_about_is_embedded_in_the_background(
    desk: LibraryDesk, library: Library, tmp_path: Path
) -> None:
    path = write_picture(tmp_path / "new.png", 888)
    kept = desk.keep(load_radiograph(path), path)
    wait_until(lambda: not desk.embedding_state().running)
    assert desk.embedding_state().complete
    assert library.embedding(kept.case_id, PictureEmbedder().model_digest) is not None


def test_a_file_that_was_replaced_is_not_kept_as_what_is_on_the_screen(
    desk: LibraryDesk, library: Library, stranger: Radiograph, tmp_path: Path
) -> None:
    other = write_picture(tmp_path / "other.png", 888)
    with pytest.raises(LibraryError, match="not what is open any more"):
        desk.keep(stranger, other)
    assert library.count() == CASES


# Models that cannot


def test_a_model_that_needs_its_maps_cannot_rank_without_them(library: Library) -> None:
    desk = LibraryDesk(library, PictureEmbedder(heat=False))
    assert not desk.can_rank_without_heat
    with pytest.raises(EmbeddingError, match="without"):
        desk.ask(CaseQuestion(case_id=1, without_heat=True))


def test_without_a_model_the_reason_is_told_and_the_rest_works(
    library: Library, stranger: Radiograph, tmp_path: Path
) -> None:
    desk = LibraryDesk(library, None, "This bundle holds no clip/ model.")
    assert desk.why_no_search == "This bundle holds no clip/ model."
    with pytest.raises(LibraryError, match="no clip/"):
        desk.ask(CaseQuestion(case_id=1))
    desk.start_embedding()
    state = desk.embedding_state()
    assert (state.embedded, state.total, state.running) == (0, CASES, False)
    assert not desk.can_rank_without_heat
    assert desk.keep(stranger, tmp_path / "Jane Roe.png").case_id == CASES + 1
    assert len(desk.priors(desk.radiograph(5))) == 1


def test_an_index_is_not_made_anew_for_every_search_while_cases_come_in(
    library: Library, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(unhurried_index, "SHARE", 1e9)
    embedder, changing = PictureEmbedder(), True
    embed_library(library, embedder, only=[1, 2])
    folder = library.folder.path / "index"
    index = unhurried_index.UnhurriedIndex(folder, library, embedder.model_digest, lambda: changing)
    assert len(index.current()) == 2
    embed_library(library, embedder, only=[3])
    assert len(index.current()) == 2
    changing = False
    assert len(index.current()) == 3
