import json
import random
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

import db.index_files
from daug.embedding import Embedding
from daug.errors import EmbeddingError, LibraryError
from db.approximate import CellScan
from db.index_data import IndexData, build_index_data
from db.nearest import similarities
from db.scan import CodeScan
from db.sketch import fit_sketch
from db.vector_index import FollowingIndex, Neighbours, VectorIndex

MODEL = "ab" * 32
REPOSITORY = Path(__file__).parents[2]


def unit(rows: NDArray[np.floating]) -> NDArray[np.float32]:
    return np.asarray(rows / np.linalg.norm(rows, axis=-1, keepdims=True), dtype=np.float32)


def cloud(n: int, d: int, seed: int = 0) -> NDArray[np.float32]:
    """Lopsided, off center, and in clumps, as embeddings are."""
    generator = np.random.default_rng(seed)
    clumps = generator.standard_normal((12, d))[generator.integers(0, 12, n)]
    return unit(0.8 + clumps + generator.standard_normal((n, d)) * np.arange(1, d + 1.0) ** -0.7)


def oracle(
    ids: NDArray[np.int64],
    vectors: NDArray[np.float32],
    query: NDArray[np.float32],
    k: int,
    mask: NDArray[np.bool_] | None = None,
) -> list[int]:
    """Compare with everything, sort by similarity, then by id."""
    products = [np.float32(sum(map(float, row.astype(float) * query))) for row in vectors]
    allowed = [row for row in range(len(ids)) if mask is None or mask[row]]
    ranked = sorted(allowed, key=lambda row: (-products[row], ids[row]))
    return [int(ids[row]) for row in ranked[:k]]


def quick_oracle(
    ids: NDArray[np.int64],
    vectors: NDArray[np.float32],
    query: NDArray[np.float32],
    k: int,
    mask: NDArray[np.bool_] | None = None,
) -> list[int]:
    """As `oracle`, in numpy, for many rows."""
    products = (vectors.astype(np.float64) * query).sum(axis=1).astype(np.float32)
    order = np.lexsort((ids, -products))
    return [int(i) for i in ids[order if mask is None else order[mask[order]]][:k]]


def index_of(ids: NDArray[np.int64], vectors: NDArray[np.float32], threads: int = 2) -> VectorIndex:
    return VectorIndex(build_index_data(ids, vectors), MODEL, threads)


def found(neighbours: Neighbours) -> list[int]:
    return [int(i) for i in neighbours.ids]


class Source:
    """A library that somebody may change."""

    def __init__(self, ids: NDArray[np.int64], vectors: NDArray[np.float32]) -> None:
        self.ids, self.vectors = ids, vectors
        self.generation = 1
        self.reads = 0

    def embedding_generation(self, model_digest: str) -> str:
        return str(self.generation)

    def embeddings(self, model_digest: str) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
        self.reads += 1
        return self.ids, self.vectors


@pytest.fixture
def source() -> Source:
    return Source(np.arange(10, 410, dtype=np.int64), cloud(400, 24))


# Exactness


@given(data=st.data())
def test_small_libraries_are_ranked_as_by_comparing_with_everything(data: st.DataObject) -> None:
    """Ties by id, filters, duplicates, k beyond n, one dimension, and nothing at all."""
    d = data.draw(st.sampled_from([1, 2, 3, 7, 16]))
    numbers = st.lists(st.integers(-2, 2), min_size=d, max_size=d).filter(any)
    rows = data.draw(st.lists(numbers, max_size=40))  # few distinct directions: many ties
    vectors = unit(np.array(rows, dtype=float).reshape(-1, d)) if rows else np.empty((0, d), "f4")
    ids = np.sort(
        np.array(
            data.draw(
                st.lists(st.integers(1, 999), min_size=len(rows), max_size=len(rows), unique=True)
            ),
            dtype=np.int64,
        )
    )
    query = unit(np.array(data.draw(numbers), dtype=float))
    k = data.draw(st.integers(1, 60))
    mask = data.draw(
        st.none()
        | st.lists(st.booleans(), min_size=len(rows), max_size=len(rows)).map(
            lambda bits: np.array(bits, dtype=bool)
        )
    )
    answer = index_of(ids, vectors).search(Embedding(query, MODEL), k, mask)
    assert found(answer) == oracle(ids, vectors, query, k, mask)
    assert (np.diff(answer.similarities) <= 0).all()


@pytest.mark.parametrize("threads", [1, 2, 3])
@pytest.mark.parametrize("share", [1.0, 0.5, 0.1, 0.01, 0.0])
def test_scanned_libraries_are_ranked_as_by_comparing_with_everything(
    share: float, threads: int
) -> None:
    generator = np.random.default_rng(3)
    vectors = cloud(9000, 40)
    vectors[4000:4040] = vectors[17]  # forty times the same radiograph
    ids = np.sort(generator.permutation(10**6)[:9000]).astype(np.int64)
    index = index_of(ids, vectors, threads)
    mask = None if share == 1 else generator.random(9000) < share
    for query in [vectors[17], vectors[80], *cloud(6, 40, seed=5)]:
        answer = index.search(Embedding(query, MODEL), 10, mask)
        assert found(answer) == quick_oracle(ids, vectors, query, 10, mask)


def test_a_shortlist_that_is_too_short_is_made_longer() -> None:
    """All embeddings nearly alike: hardly any can be ruled out by its code."""
    generator = np.random.default_rng(0)
    vectors = unit(cloud(1, 32)[0] + 1e-4 * generator.standard_normal((6000, 32)))
    ids = np.arange(6000, dtype=np.int64)
    data = build_index_data(ids, vectors)
    short = IndexData(ids, vectors, data.codes, data.sketch, shortlist=20)
    index = VectorIndex(short, MODEL, threads=2)
    for query in vectors[:5]:
        assert found(index.search(Embedding(query, MODEL), 10)) == quick_oracle(
            ids, vectors, query, 10
        )


def test_ties_across_the_end_of_the_shortlist_go_to_the_lowest_ids() -> None:
    vectors = np.repeat(cloud(3, 16), 2000, axis=0)  # 2000 ties for the ten places
    ids = np.arange(6000, dtype=np.int64) * 3
    query = Embedding(vectors[2500], MODEL)
    assert found(index_of(ids, vectors).search(query, 10)) == [3 * i for i in range(2000, 2010)]


@given(
    seed=st.integers(0, 10**6),
    d=st.sampled_from([1, 5, 64, 200]),
    width=st.sampled_from([64, 128]),
    scale=st.sampled_from([0.0, 1e-6, 0.1, 1.0, 30.0]),
)
def test_no_similarity_exceeds_its_bound(seed: int, d: int, width: int, scale: float) -> None:
    generator = np.random.default_rng(seed)
    rows = 120  # more than the head has axes, so that there is a tail where d is large
    vectors = unit(generator.standard_normal(d) + scale * generator.standard_normal((rows, d)))
    sketch, codes = fit_sketch(vectors, width)
    for query in [vectors[0], unit(generator.standard_normal(d)), -vectors[1]]:
        bound = sketch.bound(query)
        bounds = bound.of((codes.astype(np.float32) - 128) @ bound.weights)
        exact = vectors.astype(np.float64) @ query.astype(np.float64)
        assert (bounds >= exact).all()
        slack = (bounds - exact).max()
        assert slack < 2.1  # a bound and no infinity; how tight it is decides the speed alone


def test_bounds_are_tight_enough_to_rule_most_cases_out() -> None:
    """Not a limit on time: were the bounds loose, an exact search would fetch everything."""
    vectors = cloud(9000, 128)
    sketch, codes = fit_sketch(vectors, 64)
    numbers = codes.astype(np.float32) - 128
    shares = []
    for query in cloud(20, 128, seed=9):
        bound = sketch.bound(query)
        tenth = np.sort(vectors @ query)[-10]
        shares.append((bound.of(numbers @ bound.weights) >= tenth).mean())
    assert np.median(shares) < 0.2


def test_faiss_sums_whole_numbers_exactly() -> None:
    """The bound stands on this: products of a scan are those of integers, ends included."""
    generator = np.random.default_rng(0)
    for width in (64, 128, 256, 512):
        codes = generator.integers(1, 256, (500, width)).astype(np.uint8)
        weights = generator.integers(-127, 128, width).astype(np.float32)
        weights[:2] = -127, 127
        shortlist = CodeScan(codes, threads=2).highest(weights, 500, None)
        exact = (codes.astype(np.int64) - 128) @ weights.astype(np.int64)
        np.testing.assert_array_equal(exact[shortlist.rows], shortlist.products)
        assert sorted(shortlist.rows) == list(range(500))


def test_similarities_do_not_depend_on_what_else_is_looked_at() -> None:
    vectors, query = cloud(300, 77), cloud(1, 77, seed=2)[0]
    rows = np.arange(300)
    together = similarities(vectors, rows, query)
    alone = [similarities(vectors, rows[i : i + 1], query)[0] for i in rows]
    np.testing.assert_array_equal(together, alone)
    np.testing.assert_allclose(together, vectors @ query, atol=1e-6)


# What is refused


def test_a_query_of_another_model_or_length_is_refused(source: Source) -> None:
    index = index_of(source.ids, source.vectors)
    with pytest.raises(EmbeddingError, match="embedded by model cdcdcdcd"):
        index.search(Embedding(source.vectors[0], "cd" * 32), 5)
    with pytest.raises(EmbeddingError, match="7 numbers"):
        index.search(Embedding(cloud(1, 7)[0], MODEL), 5)


def test_a_mask_of_another_state_and_a_k_of_nothing_are_refused(source: Source) -> None:
    index, query = index_of(source.ids, source.vectors), Embedding(source.vectors[0], MODEL)
    with pytest.raises(LibraryError, match="another state"):
        index.search(query, 5, np.ones(399, dtype=bool))
    with pytest.raises(LibraryError, match="at least one"):
        index.search(query, 0)


def test_embeddings_that_are_no_numbers_or_ids_out_of_order_are_refused(source: Source) -> None:
    broken = source.vectors.copy()
    broken[7, 3] = np.nan
    with pytest.raises(LibraryError, match="finite"):
        build_index_data(source.ids, broken)
    with pytest.raises(LibraryError, match="out of order"):
        build_index_data(source.ids[::-1], source.vectors)


def test_vectors_come_back_by_id(source: Source) -> None:
    index = index_of(source.ids, source.vectors)
    np.testing.assert_array_equal(index.vectors_of(np.array([12, 10])), source.vectors[[2, 0]])
    with pytest.raises(LibraryError, match="Case 9 has no embedding"):
        index.vectors_of(np.array([11, 9]))


# The files


def answers(index: VectorIndex, source: Source) -> bool:
    """Whether an index answers as the library itself would."""
    return all(
        found(index.search(Embedding(query, MODEL), 7))
        == quick_oracle(source.ids, source.vectors, query, 7)
        for query in cloud(4, source.vectors.shape[1], seed=8)
    )


def files_in(folder: Path) -> list[Path]:
    return sorted(p for p in folder.rglob("*") if p.is_file() and p.name != "lock")


def test_an_index_is_read_back_without_asking_the_library(tmp_path: Path, source: Source) -> None:
    assert answers(FollowingIndex(tmp_path, source, MODEL).current(), source)
    assert source.reads == 1
    assert answers(FollowingIndex(tmp_path, source, MODEL).current(), source)
    assert source.reads == 1


def test_the_manifest_names_what_the_index_is_of(tmp_path: Path, source: Source) -> None:
    FollowingIndex(tmp_path, source, MODEL).current()
    manifest = json.loads((tmp_path / MODEL[:16] / "manifest.json").read_text())
    assert manifest["subject"] == {
        "model_digest": MODEL,
        "generation": "1",
        "dimension": 24,
        "count": 400,
    }
    assert {len(file["sha256"]) for file in manifest["files"].values()} == {64}


def test_any_byte_that_differs_means_a_new_index_and_the_same_answers(
    tmp_path: Path, source: Source
) -> None:
    chance = random.Random(0)
    FollowingIndex(tmp_path, source, MODEL).current()
    for path in [path for path in files_in(tmp_path) for _ in range(4)]:
        if not path.exists():  # replaced in an earlier round: take its successor
            path = next(p for p in files_in(tmp_path) if p.name[:4] == path.name[:4])
        content = bytearray(path.read_bytes())
        at = chance.randrange(len(content))
        content[at] ^= 1 << chance.randrange(8)
        path.write_bytes(content)
        before = source.reads
        assert answers(FollowingIndex(tmp_path, source, MODEL).current(), source), (path, at)
        assert source.reads == before + 1, f"bit flip at {at} of {path.name} went unseen"


@pytest.mark.parametrize("length", [0, 1, 0.5, -1])
def test_files_cut_short_mean_a_new_index(tmp_path: Path, source: Source, length: float) -> None:
    FollowingIndex(tmp_path, source, MODEL).current()
    for name in ["manifest", "ids", "vectors", "codes", "axes", "center"]:
        path = next(p for p in files_in(tmp_path) if p.name.startswith(name))
        content = path.read_bytes()
        keep = int(len(content) * length) if 0 < length < 1 else int(length)
        path.write_bytes(content[:keep])
        before = source.reads
        assert answers(FollowingIndex(tmp_path, source, MODEL).current(), source), name
        assert source.reads == before + 1


def test_files_gone_mean_a_new_index(tmp_path: Path, source: Source) -> None:
    FollowingIndex(tmp_path, source, MODEL).current()
    for name in ["manifest", "ids", "vectors", "codes", "axes", "center"]:
        next(p for p in files_in(tmp_path) if p.name.startswith(name)).unlink()
        assert answers(FollowingIndex(tmp_path, source, MODEL).current(), source)
    assert source.reads == 7


def test_files_of_two_indexes_swapped_are_seen(tmp_path: Path, source: Source) -> None:
    other = Source(source.ids, cloud(400, 24, seed=77))
    FollowingIndex(tmp_path / "a", source, MODEL).current()
    FollowingIndex(tmp_path / "b", other, MODEL).current()
    for name in ["ids", "vectors", "codes", "axes", "center"]:
        ours, theirs = (
            next(p for p in files_in(tmp_path / side) if p.name.startswith(name)) for side in "ab"
        )
        shutil.copy(theirs, ours)
        assert answers(FollowingIndex(tmp_path / "a", source, MODEL).current(), source)


def test_an_index_of_another_generation_or_model_is_not_used(
    tmp_path: Path, source: Source
) -> None:
    FollowingIndex(tmp_path, source, MODEL).current()
    source.vectors, source.generation = cloud(400, 24, seed=4), 2
    assert answers(FollowingIndex(tmp_path, source, MODEL).current(), source)
    shutil.copytree(tmp_path / MODEL[:16], tmp_path / ("cd" * 8))
    before = source.reads
    FollowingIndex(tmp_path, source, "cd" * 32).current()
    assert source.reads == before + 1


def test_a_running_index_follows_the_library(tmp_path: Path, source: Source) -> None:
    following = FollowingIndex(tmp_path, source, MODEL)
    old = following.current()
    assert following.current() is old
    gone = Source(source.ids, source.vectors)
    source.ids, source.vectors = source.ids[50:], source.vectors[50:]
    source.generation += 1
    assert answers(following.current(), source)
    assert answers(old, gone)  # who still reads the old one reads it whole
    assert len(files_in(tmp_path)) == 6  # and nothing is left of it on disk


def test_a_library_that_becomes_empty_has_an_empty_index(tmp_path: Path, source: Source) -> None:
    following = FollowingIndex(tmp_path, source, MODEL)
    following.current()
    source.ids, source.vectors = source.ids[:0], np.empty((0, 0), np.float32)
    source.generation += 1
    query = Embedding(cloud(1, 24)[0], MODEL)
    for index in (following.current(), FollowingIndex(tmp_path, source, MODEL).current()):
        assert found(index.search(query, 5)) == []
        assert found(index.search(query, 5, index.mask(np.array([3])))) == []


KILLED = """
import os, signal, sys
import numpy as np
import db.index_files as files
from pathlib import Path
from db.index_data import build_index_data
from tests.db.test_vector_index import MODEL, cloud

folder, stop = Path(sys.argv[1]), int(sys.argv[2])
steps = [0]
synced = os.fsync

def fsync(descriptor):
    steps[0] += 1
    if steps[0] > stop:
        os.kill(os.getpid(), signal.SIGKILL)
    synced(descriptor)

os.fsync = fsync
with files.locked(folder):
    data = build_index_data(np.arange(300, dtype=np.int64), cloud(300, 24, seed=6))
    files.save_index(folder, data, MODEL, "2")
"""


@pytest.mark.parametrize("stop", [0, 1, 3, 5, 6, 99])
def test_a_program_killed_while_saving_leaves_the_old_index_or_the_new_one(
    tmp_path: Path, source: Source, stop: int
) -> None:
    FollowingIndex(tmp_path, source, MODEL).current()
    killed = subprocess.run(
        [sys.executable, "-c", KILLED, str(tmp_path / MODEL[:16]), str(stop)],
        cwd=REPOSITORY,
        check=False,
    )
    assert killed.returncode == (0 if stop == 99 else -signal.SIGKILL)
    newer = Source(np.arange(300, dtype=np.int64), cloud(300, 24, seed=6))
    newer.generation = 2
    renamed = stop >= 6  # the folder itself is synced after the manifest took its place
    if not renamed:
        assert answers(FollowingIndex(tmp_path, source, MODEL).current(), source)
        assert source.reads == 1  # the old index was whole: nothing was made anew
    assert answers(FollowingIndex(tmp_path, newer, MODEL).current(), newer)
    assert newer.reads == (0 if renamed else 1)
    if stop != 6:  # killed between rename and sweep, leftovers stay until the next save
        assert len(files_in(tmp_path)) == 6


@pytest.mark.parametrize("place", ["_write", "_sync_folder"])
def test_a_full_disk_costs_the_files_and_not_the_answer(
    tmp_path: Path, source: Source, monkeypatch: pytest.MonkeyPatch, place: str
) -> None:
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(db.index_files, place, full)
    assert answers(FollowingIndex(tmp_path, source, MODEL).current(), source)


def test_a_folder_in_the_way_costs_the_files_and_not_the_answer(
    tmp_path: Path, source: Source
) -> None:
    (tmp_path / MODEL[:16]).write_text("not a folder")
    assert answers(FollowingIndex(tmp_path, source, MODEL).current(), source)


def test_embeddings_are_never_read_half_before_and_half_after_a_change(
    tmp_path: Path, source: Source
) -> None:
    class Changing(Source):
        def embeddings(self, model_digest: str) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
            content = super().embeddings(model_digest)
            if self.reads == 1:
                self.vectors, self.generation = cloud(400, 24, seed=31), 2
            return content

    changing = Changing(source.ids, source.vectors)
    assert answers(FollowingIndex(tmp_path, changing, MODEL).current(), changing)
    assert changing.reads == 2


# The approximate way


def test_very_large_libraries_are_searched_in_cells_and_ranked_exactly() -> None:
    vectors, queries = np.split(cloud(20040, 32), [20000])  # of one kind, as new cases are
    ids = np.arange(20000, dtype=np.int64)
    index = VectorIndex(build_index_data(ids, vectors), MODEL, 2, approximate_above=1000)
    assert index.approximate
    assert index.cell_visits["visits"] < index.cell_visits["cells"]
    generator = np.random.default_rng(1)
    masks = [None, generator.random(20000) < 0.5, generator.random(20000) < 0.05]
    for mask in masks:
        recall = []
        for query in queries:
            answer = index.search(Embedding(query, MODEL), 10, mask)
            true = quick_oracle(ids, vectors, query, 10, mask)
            recall.append(np.isin(true, answer.ids).mean())
            assert mask is None or mask[answer.ids].all()
            exact = similarities(vectors, answer.ids, query)
            np.testing.assert_array_equal(exact, answer.similarities)
            assert (np.diff(exact) <= 0).all()
        assert np.mean(recall) >= 0.99


def test_cells_are_saved_with_the_index_and_not_looked_for_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    vectors, queries = np.split(cloud(6040, 32), [6000])
    source = Source(np.arange(6000, dtype=np.int64) * 2, vectors)

    def opened() -> VectorIndex:
        return FollowingIndex(tmp_path, source, MODEL, 2, approximate_above=1000).current()

    data = build_index_data(source.ids, source.vectors)
    first = VectorIndex(data, MODEL, 2, approximate_above=1000)  # fits them itself
    opened()
    assert first.approximate
    monkeypatch.setattr(CellScan, "fit", lambda data: pytest.fail("cells are looked for again"))
    second = opened()
    assert source.reads == 1
    assert second.cell_visits == first.cell_visits
    assert second.cell_visits["visits"] > 0
    generator = np.random.default_rng(1)
    for mask in (None, generator.random(6000) < 0.5, generator.random(6000) < 0.01):
        for query in queries:
            one, two = (i.search(Embedding(query, MODEL), 10, mask) for i in (first, second))
            np.testing.assert_array_equal(one.ids, two.ids)
            np.testing.assert_array_equal(one.similarities, two.similarities)
    monkeypatch.undo()
    for name in ("centers", "sizes", "rows"):
        path = next(p for p in files_in(tmp_path) if p.name.startswith(name))
        content = bytearray(path.read_bytes())
        content[-1] ^= 64
        path.write_bytes(content)
        before = source.reads
        opened()
        assert source.reads == before + 1, name


def test_where_cells_miss_too_much_the_exact_search_answers(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("db.approximate.PROBES", (1,))
    generator = np.random.default_rng(0)
    vectors = unit(generator.standard_normal((5000, 64)))  # no clusters at all
    ids = np.arange(5000, dtype=np.int64)
    data = build_index_data(ids, vectors)
    assert CellScan.fit(data).probes == 0
    index = VectorIndex(data, MODEL, 1, approximate_above=100)
    query = unit(generator.standard_normal(64))
    assert found(index.search(Embedding(query, MODEL), 10)) == quick_oracle(ids, vectors, query, 10)


def test_faiss_takes_no_threads_of_its_own(source: Source) -> None:
    import faiss

    index = index_of(np.arange(5000, dtype=np.int64), cloud(5000, 24), threads=1)
    index.search(Embedding(source.vectors[0], MODEL), 3)
    assert faiss.omp_get_max_threads() == 1
