from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import event, insert, text

from daug.case import FindingState
from daug.case_edit import Edit
from daug.case_query import CaseFilter
from daug.errors import EmbeddingError, LibraryError
from daug.findings import Finding
from daug.view import View
from db.case_filter import page_query
from db.database import reading, writing
from db.library import Library, init_library
from db.schema import FindingRow, RadiographRow, StudyRow
from tests.db.drawn import import_rows, row

MODEL, OTHER = "a" * 64, "b" * 64
NUMBER = 400


@pytest.fixture(scope="module")
def many(tmp_path_factory: pytest.TempPathFactory) -> Library:
    """Rows without files, of every kind, for filters and pages."""
    library = init_library(tmp_path_factory.mktemp("many") / "library")
    chance = np.random.default_rng(0)
    with writing(library.engine) as connection:
        connection.execute(insert(StudyRow), [{"id": i} for i in range(1, NUMBER + 1)])
        connection.execute(
            insert(RadiographRow),
            [
                {
                    "id": i,
                    "study_id": i,
                    "pixel_digest": f"{i:064x}",
                    "original_digest": f"{i:064x}",
                    "original_suffix": "png",
                    "incoming_digest": f"{i:064x}",
                    "perceptual_hash": bytes(32),
                    "height": 96,
                    "width": 96,
                    "view": str(chance.choice([view.value for view in View])),
                    "sex": str(chance.choice(["F", "M", ""])),
                    "age_years": float(chance.integers(0, 100)) if i % 5 else None,
                    "age_stated": "",
                    "source": str(chance.choice(["one", "two"])),
                    "source_id": str(i),
                    "split": "",
                    "licence": "",
                    "synthetic": bool(i % 11 == 0),
                    "warnings": [],
                }
                for i in range(1, NUMBER + 1)
            ],
        )
        connection.execute(
            insert(FindingRow),
            [
                {
                    "radiograph_id": i,
                    "finding": finding.value,
                    "source": "imported",
                    "state": str(chance.choice(["present", "absent", "uncertain"])),
                    "believed": True,
                }
                for i in range(1, NUMBER + 1)
                for finding in (Finding.EDEMA, Finding.FRACTURE)
                if chance.random() < 0.7
            ],
        )
    return library


filters = st.builds(
    CaseFilter,
    present=st.frozensets(st.just(Finding.EDEMA)),
    absent=st.frozensets(st.just(Finding.FRACTURE)),
    views=st.frozensets(st.sampled_from(View), max_size=2),
    sex=st.sampled_from(["", "F", "M"]),
    min_age=st.none() | st.floats(0, 40),
    max_age=st.none() | st.floats(40, 100),
    sources=st.frozensets(st.sampled_from(["one", "two"]), max_size=1),
    synthetic=st.none() | st.booleans(),
)


@given(filters)
@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_a_filter_lets_through_what_a_person_would(many: Library, wanted: CaseFilter) -> None:
    cases = many.cases(list(range(1, NUMBER + 1)))
    found = set(many.ids(wanted).tolist())
    assert found == {
        case.case_id
        for case in cases
        if wanted.present <= case.present
        and wanted.absent <= case.absent
        and (not wanted.views or case.view in wanted.views)
        and wanted.sex in ("", case.sex)
        and (wanted.min_age is None or (case.age is not None and case.age >= wanted.min_age))
        and (wanted.max_age is None or (case.age is not None and case.age <= wanted.max_age))
        and (not wanted.sources or case.source in wanted.sources)
        and wanted.synthetic in (None, case.synthetic)
    }
    assert many.count(wanted) == len(found)


@pytest.mark.parametrize("newest_first", [True, False])
@pytest.mark.parametrize("limit", [7, 50, NUMBER])
@pytest.mark.parametrize(
    "wanted", [CaseFilter(), CaseFilter(sex="F"), CaseFilter(present=frozenset({Finding.EDEMA}))]
)
def test_pages_together_show_every_case_once_and_in_order(
    many: Library, wanted: CaseFilter, limit: int, newest_first: bool
) -> None:
    seen: list[int] = []
    after: int | None = None
    while True:
        page = many.page(wanted, limit=limit, after=after, newest_first=newest_first)
        seen += page.ids
        assert len(seen) <= NUMBER, "the pages go round in circles"
        if page.next_after is None:
            break
        after = page.next_after
    assert seen == sorted(many.ids(wanted).tolist(), reverse=newest_first)


def plan(library: Library, wanted: CaseFilter, after: int | None) -> str:
    with reading(library.engine) as connection:
        query = page_query(wanted, 50, after).compile(
            library.engine, compile_kwargs={"literal_binds": True}
        )
        return " | ".join(r[3] for r in connection.execute(text(f"EXPLAIN QUERY PLAN {query}")))


@pytest.mark.parametrize(
    "wanted",
    [
        CaseFilter(),
        CaseFilter(views=frozenset({View.AP})),
        CaseFilter(sex="F"),
        CaseFilter(present=frozenset({Finding.EDEMA})),
    ],
)
def test_no_page_sorts_the_library_or_walks_through_the_pages_before_it(
    many: Library, wanted: CaseFilter
) -> None:
    """What makes the thousandth page as quick as the first, told by SQLite itself."""
    steps = plan(many, wanted, after=200)
    assert "TEMP B-TREE" not in steps
    first = steps.split(" | ")[0]
    assert first.startswith("SEARCH radiographs USING")
    assert "id<?" in first  # begins behind the page before
    assert "SCAN" not in steps


def test_any_number_of_cases_is_read_in_four_queries(many: Library) -> None:
    asked: list[str] = []
    event.listen(
        many.engine, "before_cursor_execute", lambda *call: asked.append(call[2]), named=False
    )
    try:
        assert [case.case_id for case in many.cases([7, 3, 300, 9999, 3])] == [7, 3, 300, 3]
    finally:
        many.engine.dispose()
    assert len([line for line in asked if line.startswith("SELECT")]) == 4


def test_reports_are_found_by_words_and_phrases_and_by_nothing_that_looks_like_an_operator(
    library: Library, tmp_path: Path
) -> None:
    reports = [
        "Bilateral pleural effusion, no pneumothorax.",
        "Effusion is pleural? No.",
        "Œdème aigu NOT effusion",
        'He said "normal" OR 100% clear; x*y (a-b) {c} ^d: e',
    ]
    ids = import_rows(
        library, tmp_path, [row(n, report=report) for n, report in enumerate(reports)]
    ).imported

    def found(words: str) -> list[int]:
        return [ids.index(i) for i in library.ids(CaseFilter(words=words)).tolist()]

    assert found("PLEURAL effusion") == [0, 1]
    assert found('"pleural effusion"') == [0]
    assert found("aigu") == [2]
    assert found("effusion NOT pleural") == []  # a word like any other
    assert found("NOT effusion") == [2]
    assert found("normal OR") == [3]
    assert found("effus*") == []
    assert found("text:effusion") == []
    for odd in (
        "",
        '"',
        '""',
        "*",
        "^",
        "(",
        "NEAR(",
        "- :",
        "' ; DROP TABLE reports; --",
        "\0",
        "\ud800",
    ):
        found(odd)
    assert found("   ") == []
    with pytest.raises(LibraryError, match="at most 64 words"):
        found("word " * 2000)
    library.edit(ids[0], Edit(report="Cardiomegaly."))
    assert found("effusion") == [1, 2]
    assert found("cardiomegaly") == [0]
    library.remove(ids[1:2])
    assert library.ids(CaseFilter(words="effusion")).tolist() == [ids[2]]
    assert library.verify().consistent


@given(words=st.text(min_size=1, max_size=60))
@settings(max_examples=30, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_no_text_breaks_the_search_of_reports(many: Library, words: str) -> None:
    assert many.ids(CaseFilter(words=words)).tolist() == []


def unit(seed: int, length: int = 16) -> np.ndarray[tuple[int], np.dtype[np.float32]]:
    vector = np.random.default_rng(seed).normal(size=length).astype(np.float32)
    return np.asarray(vector / np.linalg.norm(vector), dtype=np.float32)


def test_embeddings_come_back_exactly_and_two_models_never_mix(
    library: Library, tmp_path: Path
) -> None:
    ids = import_rows(library, tmp_path, [row(n) for n in range(4)]).imported
    library.store_embeddings(MODEL, {ids[2]: unit(2), ids[0]: unit(0)})
    library.store_embeddings(OTHER, {ids[1]: unit(1, 8)})
    numbers, matrix = library.embeddings(MODEL)
    assert numbers.dtype == np.int64
    assert numbers.tolist() == [ids[0], ids[2]]
    np.testing.assert_array_equal(matrix, np.stack([unit(0), unit(2)]))
    assert library.embeddings(OTHER)[1].shape == (1, 8)
    assert library.embeddings("c" * 64)[0].tolist() == []
    assert library.cases_without_embedding(MODEL) == [ids[1], ids[3]]
    assert library.cases_without_embedding("c" * 64) == ids
    library.store_embeddings(MODEL, {ids[0]: unit(9)})
    np.testing.assert_array_equal(library.embeddings(MODEL)[1], np.stack([unit(9), unit(2)]))


def test_an_embedding_that_cannot_be_compared_is_refused_and_nothing_is_stored(
    library: Library, tmp_path: Path
) -> None:
    ids = import_rows(library, tmp_path, [row(n) for n in range(2)]).imported
    library.store_embeddings(MODEL, {ids[0]: unit(0)})
    with pytest.raises(LibraryError, match="have 16 numbers, but some of these have 8"):
        library.store_embeddings(MODEL, {ids[1]: unit(1, 8)})
    with pytest.raises(EmbeddingError):
        library.store_embeddings(MODEL, {ids[1]: unit(1) * 2})
    with pytest.raises(EmbeddingError):
        library.store_embeddings(MODEL, {ids[1]: unit(1) * np.float32("nan")})
    with pytest.raises(LibraryError, match="no case 77 to embed"):
        library.store_embeddings(MODEL, {ids[1]: unit(1), 77: unit(2)})
    assert library.embeddings(MODEL)[0].tolist() == [ids[0]]


def test_the_generation_grows_with_every_change_and_with_nothing_else(
    library: Library, tmp_path: Path
) -> None:
    seen = [library.generation]
    models = [library.embedding_generation(MODEL)]

    def grew(cases: bool, model: bool) -> None:
        seen.append(library.generation)
        models.append(library.embedding_generation(MODEL))
        assert (seen[-1] > seen[-2]) is cases
        assert seen[-1] >= seen[-2]
        assert (models[-1] != models[-2]) is model

    ids = import_rows(library, tmp_path, [row(n) for n in range(3)]).imported
    grew(cases=True, model=False)
    library.store_embeddings(MODEL, {i: unit(i) for i in ids})
    grew(cases=True, model=True)
    library.store_embeddings(OTHER, {ids[0]: unit(1)})
    grew(cases=True, model=False)
    library.edit(ids[0], Edit(findings={Finding.EDEMA: FindingState.PRESENT}))
    grew(cases=True, model=False)
    library.add_to("tag", "t", ids[:1])
    grew(cases=True, model=False)
    library.cases(ids)
    library.log_query({"text": "x"}, [(ids[0], 1.0)], 0.1)
    library.save_search("s", {})
    import_rows(library, tmp_path, [row(n) for n in range(3)])
    library.verify(repair=True)
    grew(cases=False, model=False)
    library.remove(ids[:1])
    grew(cases=True, model=True)


def test_tags_and_collections_filter_and_go(library: Library, tmp_path: Path) -> None:
    ids = import_rows(library, tmp_path, [row(n) for n in range(3)]).imported
    library.add_to("tag", "  teaching ", ids[:2])
    library.add_to("tag", "teaching", ids[:2])  # again is no mistake
    library.add_to("tag", "rare", ids[1:])
    library.add_to("collection", "Lesson 1", ids[2:])
    assert library.ids(CaseFilter(tags=frozenset({"teaching", "rare"}))).tolist() == [ids[1]]
    assert library.ids(CaseFilter(collection="Lesson 1")).tolist() == [ids[2]]
    assert library.case(ids[1]).tags == ("rare", "teaching")
    assert library.group_sizes("tag") == {"rare": 2, "teaching": 2}
    library.take_from("tag", "teaching", ids)
    assert library.group_sizes("tag") == {"rare": 2}  # nobody bears it any more
    library.delete_group("collection", "Lesson 1")
    assert library.case(ids[2]).collections == ()
    assert library.count() == 3
    with pytest.raises(LibraryError, match="no case 99; nothing was changed"):
        library.add_to("tag", "x", [ids[0], 99])
    with pytest.raises(LibraryError, match="printable"):
        library.add_to("tag", "a\nb", ids)


def test_an_edit_changes_what_it_names_and_nothing_else(library: Library, tmp_path: Path) -> None:
    (one, two) = import_rows(library, tmp_path, [row(1, sex="F", age="40"), row(2)]).imported
    before = library.case(one)
    after = library.edit(one, Edit(alias="the round one", age="mid 60s", view=View.PA))
    assert (after.alias, after.age, after.view, after.sex) == ("the round one", 65, View.PA, "F")
    assert after.pixel_digest == before.pixel_digest
    with pytest.raises(LibraryError, match=f"Case {one} is called"):
        library.edit(two, Edit(alias="the round one"))
    with pytest.raises(LibraryError, match="Choose another alias"):
        Edit(alias=f"case {one}")
    with pytest.raises(LibraryError, match="is no age"):
        Edit(age="old")
    assert library.edit(one, Edit(alias="", age="")).alias == f"case {one}"
    assert library.case(one).age is None
