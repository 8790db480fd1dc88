"""Radiographs that look almost the same: another export, another size, another contrast.

The perceptual hash is imagehash's pHash of 16 x 16 bits. On 1,194 radiographs of ten collections,
copies at JPEG quality 50, at 0.6 of the size, at lower contrast or with gamma 0.7 differ from
their original in at most 30 of 256 bits; two different radiographs in at least 46. (The usual 64
bits do not part them: there, different chests meet at 4 bits and copies differ in up to 10.)
"""

import imagehash
import numpy as np
from numpy.typing import NDArray
from PIL import Image
from sqlalchemy import Connection, select

from db.schema import RadiographRow

HASH_SIDE = 16  # bits a side
HASH_BYTES = HASH_SIDE**2 // 8
CALLED_NEAR = 36  # bits of 256


def perceptual_hash(small: NDArray[np.uint8]) -> bytes:
    """Return 32 bytes that hardly change with size, coding and contrast.

    Args:
        small: The radiograph in gray, uint8 (H, W); a thumbnail is enough.
    """
    bits = imagehash.phash(Image.fromarray(small), hash_size=HASH_SIDE).hash
    return np.packbits(np.asarray(bits, dtype=bool).ravel()).tobytes()


class NearDuplicates:
    """The hashes of all cases, kept while an import runs."""

    def __init__(self) -> None:
        self._ids: list[int] = []
        self._words = np.empty((1024, HASH_BYTES // 8), dtype=np.uint64)

    def catch_up(self, connection: Connection) -> None:
        """Read the cases that were added since the last time, by whomever."""
        last = self._ids[-1] if self._ids else 0
        newer = select(RadiographRow.id, RadiographRow.perceptual_hash)
        for case_id, code in connection.execute(
            newer.where(RadiographRow.id > last).order_by(RadiographRow.id)
        ):
            self.add(case_id, code)

    def add(self, case_id: int, code: bytes) -> None:
        """Remember a case."""
        if len(self._ids) == len(self._words):
            self._words = np.concatenate([self._words, np.empty_like(self._words)])
        self._words[len(self._ids)] = np.frombuffer(code, dtype=np.uint64)
        self._ids.append(case_id)

    def nearest(self, code: bytes) -> int | None:
        """Return the most alike earlier case if it differs in at most 36 bits of 256."""
        if not self._ids:
            return None
        words = self._words[: len(self._ids)] ^ np.frombuffer(code, dtype=np.uint64)
        distances = np.bitwise_count(words).sum(axis=1)
        best = int(distances.argmin())
        return self._ids[best] if distances[best] <= CALLED_NEAR else None
