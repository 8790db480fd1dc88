"""How alike two radiographs are as pictures: pHash of 16 x 16 bits, looked for in every pose.

A hash hardly changes with grey levels, size or noise, but does with position: turned by 5 degrees,
a copy is as far from its original as a stranger. The denoiser saw its radiographs moved about, so
a picture is hashed in many poses and its nearest counts.

Zauner 2010, "Implementation and Benchmarking of Perceptual Image Hash Functions".
"""

from collections.abc import Iterable, Sequence
from itertools import product
from typing import NamedTuple

import cv2
import imagehash
import numpy as np
from numpy.typing import NDArray
from PIL import Image

from trainers.augmentation import AugmentationRange

HASH_SIDE = 16  # bits a side; with the usual 8, different chests collide
BITS = HASH_SIDE**2
REACH = 0.6  # of how far the training moves a radiograph: the coarse poses
BEST = 2  # coarse poses around which finer ones are tried

Words = NDArray[np.uint64]


class Pose(NamedTuple):
    """How a picture is moved before it is hashed."""

    degrees: float
    zoom: float
    across: float  # share of the side
    down: float


def perceptual_hash(picture: NDArray[np.uint8]) -> Words:
    """Return the 256 bits of an 8-bit picture (H, W) as four words, (4,)."""
    bits = imagehash.phash(Image.fromarray(picture), hash_size=HASH_SIDE).hash
    return np.packbits(np.asarray(bits, dtype=bool).ravel()).view(np.uint64)


def hash_all(pictures: Iterable[NDArray[np.uint8]]) -> Words:
    """Return the words of every picture, then those of every picture's mirror image, (2 N, 4)."""
    pairs = [(perceptual_hash(p), perceptual_hash(np.fliplr(p))) for p in pictures]
    return np.array([one for one, _ in pairs] + [mirrored for _, mirrored in pairs])


def hamming(words: Words, own: Words) -> NDArray[np.int64]:
    """Return in how many of 256 bits each row of words (N, 4) differs from one hash (4,)."""
    distances: NDArray[np.int64] = np.bitwise_count(words ^ own).sum(axis=1, dtype=np.int64)
    return distances


def nearest_in_any_pose(picture: NDArray[np.uint8], words: Words) -> int:
    """Return the smallest number of bits by which a picture in any pose differs from any hash.

    Poses lie on a grid within what the training's augmentation does; around the best two of them
    a grid of half the step is tried.

    Args:
        picture: 8-bit gray, (S, S).
        words: What it is compared with, (N, 4).
    """
    coarse = _grid(1.0)
    found = _distances(picture, coarse, words)
    best = min(found)
    for index in np.argsort(found, kind="stable")[:BEST]:
        centre = coarse[index]
        around = [Pose(*(c + s for c, s in zip(centre, step, strict=True))) for step in _fine()]
        best = min(best, *_distances(picture, around, words))
    return best


def _grid(around: float, share: float = 1.0) -> list[Pose]:
    limits = AugmentationRange()
    reach = [REACH * share * value for value in (limits.degrees, limits.zoom)]
    shift = REACH * share * limits.shift
    turns, zooms = ((-r, 0.0, r) for r in reach)
    shifts = (-shift, 0.0, shift)
    return [
        Pose(turn, around + zoom, across, down)
        for turn, zoom, across, down in product(turns, zooms, shifts, shifts)
    ]


def _fine() -> list[Pose]:
    return _grid(0.0, 0.5)


def _distances(picture: NDArray[np.uint8], poses: Sequence[Pose], words: Words) -> list[int]:
    return [int(hamming(words, perceptual_hash(_moved(picture, pose))).min()) for pose in poses]


def _moved(picture: NDArray[np.uint8], pose: Pose) -> NDArray[np.uint8]:
    """Return a picture in another pose; what comes in from outside is air."""
    rows, columns = picture.shape
    centre = ((columns - 1) / 2, (rows - 1) / 2)
    matrix = cv2.getRotationMatrix2D(centre, pose.degrees, pose.zoom)
    matrix[:, 2] += (pose.across * columns, pose.down * rows)
    moved = cv2.warpAffine(picture, matrix, (columns, rows))
    return np.asarray(moved, dtype=np.uint8)
