"""The exact ranking of chosen embeddings, and what counts as exact.

A similarity is the inner product of two float32 vectors, summed in float64 one row at a time and
rounded to float32. It does not depend on which other rows are looked at, so equal embeddings have
equal similarities, and rows of equal similarity are ranked by their number: results repeat.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

ROWS_AT_ONCE = 4096


@dataclass(frozen=True, eq=False)
class Ranked:
    """Rows in the order of their similarity."""

    rows: NDArray[np.int64]
    similarities: NDArray[np.float32]  # falling; where equal, rows rise


def similarities(
    vectors: NDArray[np.float32], rows: NDArray[np.int64], query: NDArray[np.float32]
) -> NDArray[np.float32]:
    """Return the similarity of chosen rows of (N, D) to a query (D,)."""
    q = query.astype(np.float64)
    found = [
        (vectors[rows[start : start + ROWS_AT_ONCE]].astype(np.float64) * q).sum(axis=1)
        for start in range(0, len(rows), ROWS_AT_ONCE)
    ]
    return np.concatenate(found).astype(np.float32) if found else np.empty(0, np.float32)


def rank(
    vectors: NDArray[np.float32], rows: NDArray[np.int64], query: NDArray[np.float32], k: int
) -> Ranked:
    """Return the k rows most similar to a query, fewer if fewer are given.

    A product in float32 leaves only rows that can still be among the k; those are ranked exactly.
    """
    if len(rows) > k:
        rows = rows[_contenders(vectors, rows, query, k)]
    exact = similarities(vectors, rows, query)
    order = np.lexsort((rows, -exact))[:k]
    return Ranked(rows[order], exact[order])


def _contenders(
    vectors: NDArray[np.float32], rows: NDArray[np.int64], query: NDArray[np.float32], k: int
) -> NDArray[np.int64]:
    rough = np.concatenate(
        [
            vectors[rows[start : start + ROWS_AT_ONCE]] @ query
            for start in range(0, len(rows), ROWS_AT_ONCE)
        ]
    )
    kth = np.partition(rough, len(rough) - k)[len(rough) - k]
    # A float32 sum of D products is off by at most D * eps / 2 times the lengths of both vectors
    # (Higham 2002, section 3.1), in the k-th and in any other; twice that is asked, for lengths
    # that are not quite 1 and for the rounding of the result.
    slack = 2 * vectors.shape[1] * np.finfo(np.float32).eps
    return np.flatnonzero(rough >= kth - slack)
