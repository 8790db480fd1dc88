"""Very large libraries: only the cells around the query are scanned, their cases ranked exactly.

The codes are sorted into cells around centers found by k-means (FAISS's inverted file). How many
cells a search visits is measured on the library itself when the index is made. Where a filter
leaves few cases, or where even many cells miss too much, the exact search answers instead.
"""

from dataclasses import dataclass
from typing import Any

import faiss
import numpy as np
from numpy.typing import NDArray

from db.exact_search import rank_shortlist, search_exactly
from db.index_data import USUAL_K, CellLayout, IndexData
from db.nearest import Ranked
from db.scan import CodeScan, Shortlist, allowing, untyped_faiss
from db.sketch import ZERO_CODE, QueryBound

APPROXIMATE_ABOVE = 2_000_000  # cases; up to here the exact search is quick enough
RECALL_WANTED = 0.995  # of the true ten, on the library's own embeddings
SMALLEST_SHARE = 0.2  # of the cases, that a filter must leave for cells to be worth visiting
PROBES = (8, 16, 32, 64, 128, 256)  # cells
TRIAL_QUERIES = 48
TRAINING_ROWS_PER_CELL = 40  # FAISS asks for 39 at least
ROWS_AT_ONCE = 65536


@dataclass(frozen=True, eq=False)
class CellScan:
    """Codes sorted into cells, and how many of these a search visits."""

    index: Any  # FAISS's IndexIVFScalarQuantizer
    unit: float  # what a difference of 1 in a code stands for
    probes: int  # 0: cells miss too much of this library, search exactly
    recall: float  # at 10, as measured with `probes` cells

    @classmethod
    def fit(cls, data: IndexData) -> "CellScan":
        """Sort the codes of an index into about 2 sqrt(N) cells and measure what visits bring."""
        assert data.sketch is not None
        index = _sorted_into_cells(data.codes, max(1, round(2 * len(data.codes) ** 0.5)))
        empty = cls(index, data.sketch.unit, 0, 0.0)
        rows = np.linspace(0, len(data.ids) - 1, TRIAL_QUERIES).astype(np.int64)
        exact = CodeScan(data.codes)
        truth = [search_exactly(data, exact, data.vectors[row], USUAL_K, None) for row in rows]
        for probes in PROBES:
            visited = cls(index, data.sketch.unit, probes, 0.0)
            found = [visited.search(data, data.vectors[row], USUAL_K, None) for row in rows]
            recall = float(
                np.mean([np.isin(t.rows, f.rows).mean() for t, f in zip(truth, found, strict=True)])
            )
            if recall >= RECALL_WANTED:
                return cls(index, data.sketch.unit, probes, recall)
        return empty

    @classmethod
    def of(cls, data: IndexData) -> "CellScan":
        """Return the cells that were saved with an index, or fit them."""
        if data.cells is None:
            return cls.fit(data)
        assert data.sketch is not None
        index = _laid_out(data.codes, data.cells)
        return cls(index, data.sketch.unit, data.cells.probes, data.cells.recall)

    def layout(self) -> CellLayout:
        """Return what is needed to have the same cells again without looking for them."""
        lists = self.index.invlists
        sizes = np.array([lists.list_size(cell) for cell in range(self.index.nlist)], np.int64)
        rows = [
            faiss.rev_swig_ptr(lists.get_ids(cell), int(size)).copy()
            for cell, size in enumerate(sizes)
            if size
        ]
        centers = self.index.quantizer.reconstruct_n(0, self.index.nlist)
        return CellLayout(centers, sizes, np.concatenate(rows), self.probes, self.recall)

    def search(
        self,
        data: IndexData,
        query: NDArray[np.float32],
        k: int,
        allowed: NDArray[np.bool_] | None,
    ) -> Ranked:
        """Return the k best rows of the cells around a query, ranked exactly."""
        assert data.sketch is not None
        bound = data.sketch.bound(query)
        shortlist = self._visit(bound, data.sketch.center, max(data.shortlist, 2 * k), allowed)
        return rank_shortlist(data, shortlist, bound, query, k)

    def _visit(
        self,
        bound: QueryBound,
        center: NDArray[np.float64],
        count: int,
        allowed: NDArray[np.bool_] | None,
    ) -> Shortlist:
        faiss.omp_set_num_threads(1)
        # Centers lie where the codes lie, so the query is taken there before it is compared.
        place = np.zeros(len(bound.weights), dtype=np.float32)
        r = bound.weights * (bound.scale / self.unit)
        place[: len(center)] = (r[: len(center)] - center) / self.unit
        share = 1.0 if allowed is None else float(allowed.mean())
        probes = min(self.index.nlist, int(np.ceil(self.probes / max(share, SMALLEST_SHARE))))
        distances, cells = self.index.quantizer.search(place[None], probes)
        parameters = untyped_faiss.SearchParametersIVF(sel=allowing(allowed), nprobe=probes)
        products = np.empty((1, count), dtype=np.float32)
        rows = np.empty((1, count), dtype=np.int64)
        at = faiss.swig_ptr
        self.index.search_preassigned_c(  # its wrapper in Python takes no parameters
            1,
            at(bound.weights),
            count,
            at(cells),
            at(distances),
            at(products),
            at(rows),
            False,
            parameters,
        )
        found = rows[0] >= 0
        return Shortlist(rows[0][found], products[0][found], float("inf"))


def search_approximately(
    data: IndexData,
    cells: CellScan,
    scan: CodeScan,
    query: NDArray[np.float32],
    k: int,
    allowed: NDArray[np.bool_] | None,
) -> Ranked:
    """Return k rows that are nearly always the most similar ones, in their true order."""
    few = allowed is not None and allowed.mean() < SMALLEST_SHARE
    if cells.probes and not few:
        found = cells.search(data, query, k, allowed)
        if len(found.rows) == k:
            return found
    return search_exactly(data, scan, query, k, allowed)


def _empty_cells(width: int, cells: int) -> "faiss.IndexIVFScalarQuantizer":
    faiss.omp_set_num_threads(1)
    quantizer = faiss.IndexFlatL2(width)
    return faiss.IndexIVFScalarQuantizer(
        quantizer,
        width,
        cells,
        faiss.ScalarQuantizer.QT_8bit_direct_signed,
        faiss.METRIC_INNER_PRODUCT,
        False,
    )


def _laid_out(codes: NDArray[np.uint8], layout: CellLayout) -> "faiss.IndexIVFScalarQuantizer":
    """Put codes into cells that are known."""
    index = _empty_cells(codes.shape[1], len(layout.sizes))
    index.quantizer.add(np.ascontiguousarray(layout.centers))
    index.train(np.zeros((1, codes.shape[1]), np.float32))  # nothing is left to learn
    lists: Any = index.invlists
    ends = np.cumsum(layout.sizes)
    for cell, (end, size) in enumerate(zip(ends, layout.sizes, strict=True)):
        rows = np.ascontiguousarray(layout.rows[end - size : end])
        if len(rows):
            own = np.ascontiguousarray(codes[rows])
            at = faiss.swig_ptr
            lists.add_entries(cell, len(rows), at(rows), at(own))
    index.ntotal = len(codes)
    return index


def _sorted_into_cells(codes: NDArray[np.uint8], cells: int) -> "faiss.IndexIVFScalarQuantizer":
    index = _empty_cells(codes.shape[1], cells)
    generator = np.random.default_rng(0)
    picked = generator.permutation(len(codes))[: cells * TRAINING_ROWS_PER_CELL]
    index.train(_numbers(codes[np.sort(picked)]))
    for start in range(0, len(codes), ROWS_AT_ONCE):
        index.add(_numbers(codes[start : start + ROWS_AT_ONCE]))
    return index


def _numbers(codes: NDArray[np.uint8]) -> NDArray[np.float32]:
    return codes.astype(np.float32) - ZERO_CODE
