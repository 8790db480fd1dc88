"""Average precision among the first five hits, of each query and of chance.

    AP@5 = sum over ranks r = 1..5 of precision@r * rel(r), divided by min(5, R)

rel(r) is 1 if the hit at rank r is relevant, precision@r the share of relevant hits down to it,
and R the number of relevant images in the gallery: the best possible list of five scores 1. Images
of the query's own patient are neither shown nor counted. Manning, Raghavan & Schütze 2008,
"Introduction to Information Retrieval", section 8.4, cut off at five.
"""

import numpy as np
from numpy.typing import NDArray

from trainers.evaluation.bootstrap import Floats

HITS = 5
QUERIES_AT_ONCE = 512  # of a table of similarities to the whole gallery


def average_precision_of_queries(
    queries: NDArray[np.float32],
    gallery: NDArray[np.float32],
    relevant: NDArray[np.bool_],
    own: NDArray[np.bool_],
) -> Floats:
    """Return AP@5 of every query, (Q,); NaN where no image of another patient is relevant.

    Hits come in falling order of cosine; equal ones in the order of the gallery.

    Args:
        queries: Unit vectors, (Q, D).
        gallery: Unit vectors, (G, D).
        relevant: Which images are, (G,).
        own: Which images are of the query's own patient, (Q, G).
    """
    found = np.empty(len(queries))
    for start in range(0, len(queries), QUERIES_AT_ONCE):
        part = slice(start, start + QUERIES_AT_ONCE)
        similarity = np.where(own[part], -np.inf, queries[part] @ gallery.T)  # (q, G)
        order = np.argsort(-similarity, axis=1, kind="stable")[:, :HITS]
        shown = relevant[order] & ~np.take_along_axis(own[part], order, axis=1)
        found[part] = average_precision_at_5(shown, (relevant & ~own[part]).sum(axis=1))
    return found


def average_precision_at_5(shown: NDArray[np.bool_], total: NDArray[np.int64]) -> Floats:
    """Return AP@5 of lists of hits, (Q,); NaN where nothing is relevant.

    Args:
        shown: Whether the hit at each rank is relevant, (Q, up to 5).
        total: R, how many images are, (Q,).
    """
    ranks = np.arange(1, shown.shape[1] + 1)
    precision = shown.cumsum(axis=1) / ranks
    return _over_best((precision * shown).sum(axis=1), total)


def chance_at_5(total: NDArray[np.int64], gallery: NDArray[np.int64]) -> Floats:
    """Return the expected AP@5 of hits in random order, exactly, (Q,); NaN where R = 0.

    A hit at rank r is relevant with probability R / G, and if it is, each hit before it with
    (R - 1) / (G - 1); so precision@r * rel(r) is expected to be
    R / G * (1 + (r - 1)(R - 1) / (G - 1)) / r.

    Args:
        total: R, (Q,).
        gallery: G, images of other patients, (Q,).
    """
    R, G = total.astype(np.float64), np.maximum(1, gallery).astype(np.float64)
    before = (R - 1) / np.maximum(1, G - 1)
    summed = np.zeros(len(R))
    for r in range(1, HITS + 1):
        summed += np.where(r <= G, R / G * (1 + (r - 1) * before) / r, 0)
    return _over_best(summed, total)


def _over_best(summed: Floats, total: NDArray[np.int64]) -> Floats:
    best = np.minimum(HITS, total)
    share: Floats = np.divide(summed, best, out=np.full(len(best), np.nan), where=best > 0)
    return share
