"""Short codes of embeddings, and an upper bound on the similarity that they prove.

An embedding x is turned so that the library's variance lies in its first coordinates. Of these the
head is kept, and of the rest, the tail, only the length. For a query q

    q . x  =  q_head . x_head + q_tail . x_tail  <=  q_head . x_head + |q_tail| |x_tail|

by Cauchy and Schwarz. The right side is an inner product of two short vectors, r and z. Both are
rounded to whole numbers in -127..127, so that FAISS can scan bytes; what rounding may have taken
away, at most |r| |z - z^| + |r - r^| |z^|, is added back. A case whose bound lies below the tenth
best similarity known so far cannot be among the ten best: nothing is lost, only work is saved.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

LARGEST_CODE = 127
ZERO_CODE = 128  # FAISS stores the whole number c as the byte c + 128
ROWS_AT_ONCE = 16384  # keeps the intermediate arrays small
FIT_ROWS = 16384  # rows that the turning is fitted to; it decides the speed, never the answer
FIT_SEED: Final = 0  # the same embeddings give the same index


@dataclass(frozen=True, eq=False)
class Sketch:
    """How embeddings of one library become codes of one byte for each of `width` numbers."""

    axes: NDArray[np.float32]  # (D, H), orthonormal columns; x_head = x @ axes
    center: NDArray[np.float64]  # (H + 1,), of head and tail length, taken off before rounding
    unit: float  # what a difference of 1 in a code stands for
    row_error: float  # the largest |z - z^| of any row
    longest: float  # the largest |z^| of any row
    width: int  # bytes in a code; those that head and tail length do not fill are 0

    def bound(self, query: NDArray[np.float32]) -> "QueryBound":
        """Prepare a query (D,) for scanning."""
        q = query.astype(np.float64)
        axes = self.axes.astype(np.float64)
        head = axes.T @ q
        r = np.append(head, np.linalg.norm(q - axes @ head))
        unit = float(np.abs(r).max()) / LARGEST_CODE or 1.0
        whole = np.round(r / unit)
        error = np.linalg.norm(r) * self.row_error + np.linalg.norm(r - unit * whole) * self.longest
        weights = np.zeros(self.width, dtype=np.float32)
        weights[: len(whole)] = whole
        return QueryBound(weights, self.unit * unit, float(r @ self.center + error) + 1e-9)


@dataclass(frozen=True, eq=False)
class QueryBound:
    """A query as whole numbers, and how the sums of their products become upper bounds."""

    weights: NDArray[np.float32]  # (width,), whole numbers in -127..127
    scale: float
    offset: float

    def of(self, products: NDArray[np.float32]) -> NDArray[np.float64]:
        """Return what no similarity of the scanned rows exceeds, from what the scan returned."""
        return products.astype(np.float64) * self.scale + self.offset


def fit_sketch(vectors: NDArray[np.float32], width: int) -> tuple[Sketch, NDArray[np.uint8]]:
    """Return a sketch of embeddings (N, D), N > 0, and their codes, uint8 (N, width)."""
    axes = _axes(vectors, min(width - 1, vectors.shape[1]))
    z = np.empty((len(vectors), axes.shape[1] + 1), dtype=np.float32)
    for rows in _blocks(len(vectors)):
        head = vectors[rows] @ axes
        z[rows, :-1] = head
        z[rows, -1] = np.linalg.norm(vectors[rows] - head @ axes.T, axis=1)
    center = ((z.max(axis=0) + z.min(axis=0)) / 2).astype(np.float64)
    unit = float(max(np.abs(z.max(axis=0) - center).max(), np.abs(z.min(axis=0) - center).max()))
    unit = unit / LARGEST_CODE or 1.0
    codes = np.full((len(vectors), width), ZERO_CODE, dtype=np.uint8)
    row_error = longest = 0.0
    for rows in _blocks(len(vectors)):
        exact = z[rows] - center
        whole = np.round(exact / unit)
        codes[rows, : z.shape[1]] = whole + ZERO_CODE
        row_error = max(row_error, float(np.linalg.norm(exact - unit * whole, axis=1).max()))
        longest = max(longest, unit * float(np.linalg.norm(whole, axis=1).max()))
    longest_row = max(
        float(np.linalg.norm(vectors[rows], axis=1).max()) for rows in _blocks(len(vectors))
    )
    row_error += longest_row * _float32_error(*axes.shape)
    return Sketch(axes, center, unit, row_error, longest, width), codes


def _float32_error(d: int, heads: int) -> float:
    """Return what float32 sums over d terms may have put wrong in head and tail of a unit vector.

    Each number of the head is off by at most d * eps (Higham 2002, section 3.1); the tail adds as
    much again, and the axes are orthonormal up to as much.
    """
    return 4 * d * float(np.finfo(np.float32).eps) / 2 * float(np.sqrt(heads + 1))


def _axes(vectors: NDArray[np.float32], count: int) -> NDArray[np.float32]:
    """Return orthonormal axes (D, count) that hold as much of the embeddings as `count` can.

    Principal axes, then turned among themselves: that spreads what they hold evenly, so that one
    unit suits all of them.
    """
    generator = np.random.default_rng(FIT_SEED)
    rows = np.sort(generator.permutation(len(vectors))[:FIT_ROWS])
    sample = vectors[rows]
    moments = (sample.T @ sample).astype(np.float64)
    principal = np.linalg.eigh(moments)[1][:, ::-1][:, :count]
    turn = np.linalg.qr(generator.standard_normal((count, count)))[0]
    return np.ascontiguousarray(np.linalg.qr(principal @ turn)[0], dtype=np.float32)


def _blocks(count: int) -> Iterator[slice]:
    for start in range(0, count, ROWS_AT_ONCE):
        yield slice(start, min(start + ROWS_AT_ONCE, count))
