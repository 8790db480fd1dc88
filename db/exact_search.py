"""The true nearest neighbours, found without looking at all of them."""

import numpy as np
from numpy.typing import NDArray

from db.index_data import IndexData
from db.nearest import Ranked, rank
from db.scan import CodeScan, Shortlist
from db.sketch import QueryBound

DIRECT_ROWS = 2048  # so few rows are ranked at once, without a scan
FIRST_LOOK = 128  # candidates that tell how good the k-th at least is
LONGER = 8  # how much longer a shortlist is when one was too short


def search_exactly(
    data: IndexData,
    scan: CodeScan,
    query: NDArray[np.float32],
    k: int,
    allowed: NDArray[np.bool_] | None,
) -> Ranked:
    """Return the k rows most similar to a query (D,), exactly as if all had been compared."""
    count = len(data.ids) if allowed is None else int(np.count_nonzero(allowed))
    if count <= max(DIRECT_ROWS, k) or data.sketch is None:
        rows = np.arange(len(data.ids)) if allowed is None else np.flatnonzero(allowed)
        return rank(data.vectors, rows, query, k)
    bound = data.sketch.bound(query)
    length = max(data.shortlist, 2 * k)
    while True:
        shortlist = scan.highest(bound.weights, length, allowed)
        best = rank_shortlist(data, shortlist, bound, query, k)
        if shortlist.rest == -np.inf:
            return best
        highest_left = float(bound.of(np.array([shortlist.rest], np.float32))[0])
        if len(best.rows) == k and highest_left < _just_below(best.similarities[-1]):
            return best  # whatever was left out lies strictly below: not even a tie is missed
        length *= LONGER


def rank_shortlist(
    data: IndexData,
    shortlist: Shortlist,
    bound: QueryBound,
    query: NDArray[np.float32],
    k: int,
) -> Ranked:
    """Return the k best rows of a shortlist; rows whose bound is too low are not even fetched."""
    if len(shortlist.rows) <= k:
        return rank(data.vectors, shortlist.rows, query, k)
    bounds = bound.of(shortlist.products)
    look = min(max(FIRST_LOOK, 2 * k), len(bounds))
    first = np.argpartition(-bounds, look - 1)[:look]
    kth = rank(data.vectors, shortlist.rows[first], query, k).similarities[-1]
    return rank(data.vectors, np.sort(shortlist.rows[bounds >= _just_below(kth)]), query, k)


def _just_below(similarity: np.float32) -> float:
    """Return a number that no sum reaches from below without being rounded to the similarity."""
    return float(np.nextafter(similarity, np.float32(-2)))
