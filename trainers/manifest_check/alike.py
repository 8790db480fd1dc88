"""Identical pixels, and pictures that look almost the same.

Two radiographs whose perceptual hashes differ in at most CALLED_NEAR of 256 bits are called near
duplicates: copies in another size, coding or contrast differ in up to 30, two different radiographs
of ten collections in at least 46.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial

import numpy as np
from numpy.typing import NDArray

from trainers.synthetic.perceptual_hash import Words

CALLED_NEAR = 36  # bits of 256
ROWS, COLUMNS = 32, 8192  # of the pairs that are compared at once; they fit a core's own memory


@dataclass(frozen=True, order=True)
class NearPair:
    """Two pictures that look almost the same, by their places."""

    bits: int  # of 256, in which they differ
    first: int
    second: int


def same_digest(digests: Iterable[str | None]) -> list[tuple[int, ...]]:
    """Return the places of images with identical pixels, each group in order.

    Args:
        digests: One for each image; None for those that were not read.
    """
    places: dict[str, list[int]] = defaultdict(list)
    for place, digest in enumerate(digests):
        if digest is not None:
            places[digest].append(place)
    return [tuple(group) for group in places.values() if len(group) > 1]


def near_pairs(words: Words, workers: int = 1, most_bits: int = CALLED_NEAR) -> list[NearPair]:
    """Return the pairs of pictures that differ in few bits, the most alike first.

    Args:
        words: A hash of each picture, (N, 4) of 64 bits.
        workers: Threads; every pair is compared, N (N - 1) / 2 of them.
        most_bits: Of 256.
    """
    columns = np.ascontiguousarray(words.T)
    with ThreadPoolExecutor(workers) as pool:
        found = pool.map(partial(_below, columns, most_bits), range(0, len(words), ROWS))
        return sorted(pair for pairs in found for pair in pairs)


def _below(columns: Words, most_bits: int, top: int) -> Sequence[NearPair]:
    """Return the near pairs of which one is in a few rows, and the other behind it."""
    return [pair for pair in _block(columns, most_bits, top) if pair.first < pair.second]


def _block(columns: Words, most_bits: int, top: int) -> Iterator[NearPair]:
    few = columns[:, top : top + ROWS, None]
    for left in range(top, columns.shape[1], COLUMNS):
        bits = _distances(few, columns[:, None, left : left + COLUMNS])
        for row, column in np.argwhere(bits <= most_bits):
            yield NearPair(int(bits[row, column]), top + int(row), left + int(column))


def _distances(one: Words, other: Words) -> NDArray[np.uint16]:
    """Return in how many bits each of (4, R, 1) differs from each of (4, 1, C), (R, C)."""
    total: NDArray[np.uint16] = np.zeros((one.shape[1], other.shape[2]), dtype=np.uint16)
    for mine, theirs in zip(one, other, strict=True):
        total += np.bitwise_count(mine ^ theirs)
    return total
