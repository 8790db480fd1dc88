"""`daug bench search`: similar cases with a filter, ten of them read from the library's database.

A query is timed from the embedding to ten cases as the screen shows them. A filter is turned into
a mask once, when it is chosen, and that time stands apart (`filter_ms`). The truth behind recall is
the float32 ranking of all embeddings that the filter allows.
"""

import json
import os
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import numpy as np
import typer
from numpy.typing import NDArray

from benchmarks.embedding_cloud import EmbeddingCloud, assumed_cloud, fitted_cloud

if TYPE_CHECKING:
    from db.library import Library
    from db.vector_index import VectorIndex

K = 10
SELECTIVITIES = (1.0, 0.5, 0.1, 0.01)
MODEL = "0" * 64
FINDINGS = ("Cardiomegaly", "Edema", "Pleural Effusion")
REPORT = "Heart size is normal. No focal consolidation, effusion or pneumothorax is seen. " * 4

Find = Callable[[NDArray[np.float32], int, NDArray[np.bool_] | None], NDArray[np.int64]]


def bench_search(
    n: Annotated[int, typer.Option(min=100, help="Cases.")] = 227_835,
    dim: Annotated[int, typer.Option(min=2, help="Numbers in an embedding.")] = 512,
    queries: Annotated[int, typer.Option(min=5, help="Timed searches in each setting.")] = 100,
    threads: Annotated[
        int, typer.Option(min=0, help="Threads of a scan; 0: as many as the program takes.")
    ] = 0,
    embeddings: Annotated[
        Path | None,
        typer.Option(exists=True, dir_okay=False, help="Real embeddings to fit to, (N, D) .npy."),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON document.")] = False,
) -> None:
    """Time searches with and without a filter, exact, approximate and plain."""
    if embeddings is None:
        cloud = assumed_cloud(dim)
    else:
        cloud = fitted_cloud(np.load(embeddings, allow_pickle=False), str(embeddings))
    result = time_search(cloud, n, queries, threads or None)
    if as_json:
        typer.echo(json.dumps(result, indent=2))
        return
    for row in result["results"]:
        typer.echo(
            f"{row['method']:12s} {row['selectivity']:5.2f} of {row['n']}: "
            f"p50 {row['p50_ms']:.1f} ms, p95 {row['p95_ms']:.1f} ms, "
            f"recall {row['recall_at_10']:.3f}"
        )


def time_search(
    cloud: EmbeddingCloud, n: int, queries: int, threads: int | None = None
) -> dict[str, Any]:
    """Return latency, recall, memory and build time for each method and each share of cases."""
    from daug.case_query import CaseFilter
    from daug.embedding import Embedding
    from db.library import init_library
    from db.vector_index import FollowingIndex, VectorIndex

    generator = np.random.default_rng(0)
    vectors = cloud.draw(n, generator)
    asked = cloud.draw(queries, generator)
    with tempfile.TemporaryDirectory() as folder:
        library = init_library(Path(folder))
        ids = fill_library(Path(folder), n)
        start = time.perf_counter()
        following = FollowingIndex(Path(folder) / "index", _Fixed(ids, vectors), MODEL, threads)
        exact = following.current()
        build = {"exact": time.perf_counter() - start}
        start = time.perf_counter()
        FollowingIndex(Path(folder) / "index", _Fixed(ids, vectors), MODEL, threads).current()
        reopen = time.perf_counter() - start
        start = time.perf_counter()
        cells = VectorIndex(exact.data, MODEL, threads, approximate_above=0)
        build["approximate"] = build["exact"] + time.perf_counter() - start
        build["plain"] = 0.0
        memory = {
            "exact": exact.memory_mb,
            "approximate": cells.memory_mb,
            "plain": vectors.nbytes / 2**20,
        }

        def indexed(index: "VectorIndex") -> Find:
            return lambda q, k, mask: index.search(Embedding(q, MODEL), k, mask).ids

        def plain(q: NDArray[np.float32], k: int, mask: NDArray[np.bool_] | None) -> NDArray[Any]:
            return ids[plain_ranking(vectors, q, k, mask)]

        results = []
        for share in SELECTIVITIES:
            start = time.perf_counter()
            mask = None
            if share < 1:
                mask = exact.mask(library.ids(CaseFilter(max_age=100 * share)))
            filter_ms = (time.perf_counter() - start) * 1e3
            truth = [ids[plain_ranking(vectors, query, K, mask)] for query in asked]
            for method, find in (
                ("exact", indexed(exact)),
                ("approximate", indexed(cells)),
                ("plain", plain),
            ):
                row = _timed(find, library, asked, truth, mask)
                results.append(
                    {
                        "n": n,
                        "dim": vectors.shape[1],
                        "method": method,
                        "selectivity": share,
                        "build_seconds": build[method],
                        "memory_mb": memory[method],
                        **row,
                        "filter_ms": filter_ms,
                    }
                )
        library.close()
    return {
        "results": results,
        "reopen_seconds": reopen,
        "code_bytes": exact.code_bytes,
        "approximate_search": cells.cell_visits,
        "queries": queries,
        "spread": cloud.described(),
        "machine": {"cores": len(os.sched_getaffinity(0)), "threads": exact.threads},
    }


class _Fixed:
    """Embeddings that never change; the database of cases lies beside them."""

    def __init__(self, ids: NDArray[np.int64], vectors: NDArray[np.float32]) -> None:
        self._content = ids, vectors

    def embedding_generation(self, model_digest: str) -> str:
        return "1"

    def embeddings(self, model_digest: str) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
        return self._content


def plain_ranking(
    vectors: NDArray[np.float32],
    query: NDArray[np.float32],
    k: int,
    mask: NDArray[np.bool_] | None,
) -> NDArray[np.int64]:
    """Return the k best rows by one matrix product over everything: the plain way, and the truth.

    Rows that float32 sums cannot tell apart are ranked by sums in float64, as the index does.
    """
    from db.nearest import rank

    products = vectors @ query
    if mask is not None:
        products[~mask] = -np.inf
    most = min(len(products), 4 * k)
    rows = np.argpartition(-products, most - 1)[:most]
    rows = rows[np.isfinite(products[rows])]
    return rank(vectors, np.sort(rows), query, k).rows


def fill_library(folder: Path, n: int) -> NDArray[np.int64]:
    """Write n cases with report and findings straight into a new library's tables.

    Ages run evenly from 0 to 100, in no order, so that an age limit is a filter of known share.
    """
    import sqlite3
    from contextlib import closing

    from db.database import DATABASE_FILE

    ages = np.random.default_rng(2).permutation(n) * (100 / n)
    digests = [f"{i:064x}" for i in range(1, n + 1)]
    with closing(sqlite3.connect(folder / DATABASE_FILE)) as database, database:
        database.executemany("INSERT INTO studies (id) VALUES (?)", ((i + 1,) for i in range(n)))
        columns = {
            "id": range(1, n + 1),
            "study_id": range(1, n + 1),
            "pixel_digest": digests,
            "original_digest": digests,
            "incoming_digest": digests,
            "age_years": ages.tolist(),
        }
        fixed = {
            "original_suffix": ".png", "perceptual_hash": b"\0" * 32, "height": 2048,
            "width": 2048, "view": "PA", "sex": "F", "age_stated": "", "source": "bench",
            "source_id": "", "split": "train", "licence": "", "synthetic": 0, "warnings": "[]",
            "added_at": "2026-01-01 00:00:00.000000",
        }  # fmt: skip
        names = [*columns, *fixed]
        database.executemany(
            f"INSERT INTO radiographs ({', '.join(names)}) "  # noqa: S608  names of columns
            f"VALUES ({', '.join('?' * len(names))})",
            ((*row, *fixed.values()) for row in zip(*columns.values(), strict=True)),
        )
        database.executemany(
            "INSERT INTO reports (radiograph_id, kind, text) VALUES (?, 'real', ?)",
            ((i + 1, REPORT) for i in range(n)),
        )
        database.executemany(
            "INSERT INTO findings (radiograph_id, finding, source, state, believed) "
            "VALUES (?, ?, 'imported', ?, 1)",
            ((i + 1, finding, "absent") for i in range(n) for finding in FINDINGS),
        )
    return np.arange(1, n + 1, dtype=np.int64)


def _timed(
    find: Find,
    library: "Library",
    queries: NDArray[np.float32],
    truth: list[NDArray[np.int64]],
    mask: NDArray[np.bool_] | None,
) -> dict[str, float]:
    """Return latency from query to cases in hand, and recall, of searches one after another."""
    seconds, cpu, recall = [], [], []
    for query in queries[:3]:  # warms up
        library.cases([int(i) for i in find(query, K, mask)])
    for query, true in zip(queries, truth, strict=True):
        start, start_cpu = time.perf_counter(), time.process_time()
        found = find(query, K, mask)
        library.cases([int(i) for i in found])
        seconds.append(time.perf_counter() - start)
        cpu.append(time.process_time() - start_cpu)
        recall.append(np.isin(true, found).mean() if len(true) else 1.0)
    return {
        "p50_ms": float(np.percentile(seconds, 50)) * 1e3,
        "p95_ms": float(np.percentile(seconds, 95)) * 1e3,
        "p95_cpu_ms": float(np.percentile(cpu, 95)) * 1e3,  # of all threads; on a busy machine
        "recall_at_10": float(np.mean(recall)),
    }
