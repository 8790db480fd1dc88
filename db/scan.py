"""FAISS over the codes of a sketch: the rows with the highest bounds, among those allowed.

FAISS and torch each bring an OpenMP of their own. FAISS is kept to one thread everywhere, and the
rows are dealt out to a few threads of ours: at one query at a time it would use one anyway.
"""

import os
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import faiss
import numpy as np
from numpy.typing import NDArray

untyped_faiss: Any = faiss  # its stubs describe the C++ functions, not their wrappers in Python
MOST_THREADS = 2  # more gain little: the scan waits for memory


@dataclass(frozen=True, eq=False)
class Shortlist:
    """Rows that a scan brought, and what it knows of all the others."""

    rows: NDArray[np.int64]
    products: NDArray[np.float32]  # one for each row
    rest: float  # no row that was left out has a higher product; -inf if none was left out


class CodeScan:
    """Codes in memory, dealt out to threads."""

    def __init__(self, codes: NDArray[np.uint8], threads: int | None = None) -> None:
        """Take codes (N, width), N > 0, of bytes as `fit_sketch` makes them."""
        free = threads or min(MOST_THREADS, len(os.sched_getaffinity(0)))
        edges = [len(codes) * part // free for part in range(free + 1)]
        self._parts = [
            (start, stop, _byte_index(codes[start:stop]))
            for start, stop in pairwise(edges)
            if stop > start
        ]
        self.threads = len(self._parts)
        self._pool = ThreadPoolExecutor(len(self._parts)) if len(self._parts) > 1 else None

    def highest(
        self, weights: NDArray[np.float32], count: int, allowed: NDArray[np.bool_] | None
    ) -> Shortlist:
        """Return the `count` rows of each thread's part with the highest products.

        Args:
            weights: The query as whole numbers, (width,).
            count: How many of each part.
            allowed: One bool for each row; all rows if None.
        """

        def scan(part: tuple[int, int, faiss.IndexScalarQuantizer]) -> Shortlist:
            start, stop, index = part
            faiss.omp_set_num_threads(1)  # counts for the calling thread only
            mask = None if allowed is None else allowed[start:stop]
            products, rows = index.search(
                weights[None], min(count, stop - start), params=_parameters(mask)
            )
            found = rows[0] >= 0  # FAISS fills up with -1 where too few are allowed
            complete = not found.all() or count >= stop - start
            rest = -np.inf if complete else float(products[0, -1])
            return Shortlist(rows[0][found] + start, products[0][found], rest)

        return _joined(list((self._pool.map if self._pool else map)(scan, self._parts)))


def _byte_index(codes: NDArray[np.uint8]) -> "faiss.IndexScalarQuantizer":
    index = faiss.IndexScalarQuantizer(
        codes.shape[1], faiss.ScalarQuantizer.QT_8bit_direct_signed, faiss.METRIC_INNER_PRODUCT
    )
    index.is_trained = True  # these codes are the numbers themselves: there is nothing to learn
    index.add_sa_codes(np.ascontiguousarray(codes))
    return index


def allowing(mask: NDArray[np.bool_] | None) -> Any:
    """Return FAISS's selector of the rows that a mask allows; None for all."""
    if mask is None:
        return None
    return untyped_faiss.IDSelectorBitmap(np.packbits(mask, bitorder="little"))


def _parameters(mask: NDArray[np.bool_] | None) -> Any:
    return None if mask is None else untyped_faiss.SearchParameters(sel=allowing(mask))


def _joined(parts: list[Shortlist]) -> Shortlist:
    return Shortlist(
        np.concatenate([part.rows for part in parts]),
        np.concatenate([part.products for part in parts]),
        max(part.rest for part in parts),
    )
