"""What a vector index is made of, and how it is made from the embeddings of a library."""

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from daug.errors import LibraryError
from db.sketch import FIT_SEED, Sketch, fit_sketch

WIDTHS: Final = (64, 128, 256, 512)  # bytes a code may have
# Measured on one core of an EPYC (Zen 4); they choose between right answers, by their cost.
SCAN_SECONDS = (2.5e-9, 0.03e-9)  # for each row, and for each byte of each row
CANDIDATE_SECONDS = 1.5e-6  # to fetch, multiply and sort one candidate
SAMPLE_ROWS = 16384
SAMPLE_QUERIES = 32
USUAL_K = 10  # what the shortlist is made long enough for; other k are as right, but slower
SHORTEST, LONGEST = 256, 16384  # rows on the first shortlist


@dataclass(frozen=True, eq=False)
class IndexData:
    """Embeddings of one model in the order of their ids, and their codes; N may be 0."""

    ids: NDArray[np.int64]  # (N,), rising
    vectors: NDArray[np.float32]  # (N, D)
    codes: NDArray[np.uint8]  # (N, width)
    sketch: Sketch | None  # None where N is 0
    shortlist: int  # how many rows a scan brings at first
    cells: "CellLayout | None" = None  # of a very large library


@dataclass(frozen=True, eq=False)
class CellLayout:
    """Which codes lie in which cell; see `db.approximate`."""

    centers: NDArray[np.float32]  # (C, width)
    sizes: NDArray[np.int64]  # (C,): how many rows lie in each cell
    rows: NDArray[np.int64]  # (N,): those of the first cell, then those of the second, ...
    probes: int  # cells that a search visits; 0: search exactly
    recall: float  # at 10, as measured with so many


def build_index_data(ids: NDArray[np.int64], vectors: NDArray[np.float32]) -> IndexData:
    """Make codes for embeddings (N, D) whose ids (N,) rise.

    Raises:
        LibraryError: If the ids do not rise, or an embedding holds no finite number.
    """
    if ids.shape != (len(vectors),) or vectors.ndim != 2 or (np.diff(ids) <= 0).any():
        raise LibraryError(
            f"The library gave {ids.shape} ids for embeddings of shape {vectors.shape}, or ids "
            "out of order. Verify the library."
        )
    if not all(np.isfinite(part).all() for part in np.array_split(vectors, 64)):
        raise LibraryError("An embedding in the library is no finite number. Verify the library.")
    if not len(ids):
        return IndexData(ids, vectors, np.empty((0, WIDTHS[0]), np.uint8), None, SHORTEST)
    width, shortlist = _choose_width(vectors)
    sketch, codes = fit_sketch(vectors, width)
    return IndexData(ids, vectors, codes, sketch, shortlist)


def _choose_width(vectors: NDArray[np.float32]) -> tuple[int, int]:
    """Return the width of codes that makes searching cheapest, and how long a shortlist it needs.

    Some of the embeddings are looked for among a sample of them, each but for itself.
    """
    rows = np.random.default_rng(FIT_SEED).permutation(len(vectors))[:SAMPLE_ROWS]
    sample = vectors[np.sort(rows)]
    queries = sample[:: max(1, len(sample) // SAMPLE_QUERIES)][:SAMPLE_QUERIES]
    enough = [width for width in WIDTHS if width <= max(WIDTHS[0], 2 * vectors.shape[1])]
    plans = []
    for width in enough:
        needed = _needed(sample, queries, width, len(vectors))
        seconds = len(vectors) * (SCAN_SECONDS[0] + SCAN_SECONDS[1] * width)
        plans.append((seconds + needed * CANDIDATE_SECONDS, width, needed))
    _, width, needed = min(plans)
    return width, int(np.clip(1.5 * needed, SHORTEST, LONGEST))


def _needed(
    sample: NDArray[np.float32], queries: NDArray[np.float32], width: int, count: int
) -> float:
    """Return how many of `count` embeddings 95 of 100 queries would have to look at exactly."""
    sketch, codes = fit_sketch(sample, width)
    numbers = codes.astype(np.float32) - 128
    place = 1 + max(1, round(USUAL_K * len(sample) / count))  # the query itself comes first
    shares = []
    for query in queries:
        bound = sketch.bound(query)
        exact = np.sort(sample @ query)[::-1]
        threshold = exact[min(place, len(exact)) - 1]
        shares.append(float((bound.of(numbers @ bound.weights) >= threshold).mean()))
    return float(np.percentile(shares, 95)) * count
