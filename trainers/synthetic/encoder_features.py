"""How alike two radiographs are to the classifier: distance in its last pooled features.

The encoder learnt to see past small moves and changes of grey level, and pooling past position, so
it finds copies that a hash of pixels misses, and the other way round.
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from daug.noisy_classifier import NoisyClassifier
from trainers.pixels import to_model_range

BATCH = 16  # pictures at once through the encoder
CHUNK = 4096  # training radiographs compared at once
SMALLEST_SPREAD = 1e-6  # a feature that is the same everywhere tells nothing

Floats = NDArray[np.float32]


@torch.no_grad()
def pooled_features(classifier: NoisyClassifier, pictures: NDArray[np.uint8]) -> Floats:
    """Return what the classifier's head sees of 8-bit pictures (B, S, S) at t = 0, (B, 2 C')."""
    device = next(classifier.parameters()).device
    h = classifier.features(to_model_range(pictures).to(device), torch.tensor(0, device=device))
    pooled: Floats = torch.cat([h.mean(dim=(2, 3)), h.amax(dim=(2, 3))], dim=1).cpu().numpy()
    return pooled


def write_features(classifier: NoisyClassifier, pictures: NDArray[np.uint8], path: Path) -> None:
    """Write the features of all pictures, then of their mirror images, a batch at a time.

    Args:
        classifier: In evaluation mode.
        pictures: (N, S, S), may be mapped from disk.
        path: A .npy file for (2 N, 2 C') floats.
    """
    width = pooled_features(classifier, np.asarray(pictures[:1])).shape[1]
    partial = path.with_suffix(".partial.npy")
    n = len(pictures)
    array = np.lib.format.open_memmap(partial, mode="w+", dtype=np.float32, shape=(2 * n, width))
    for start in range(0, n, BATCH):
        batch = np.asarray(pictures[start : start + BATCH])
        array[start : start + len(batch)] = pooled_features(classifier, batch)
        mirrored = np.ascontiguousarray(batch[:, :, ::-1])
        array[n + start : n + start + len(batch)] = pooled_features(classifier, mirrored)
    array.flush()
    partial.replace(path)


@dataclass(frozen=True, eq=False)
class FeatureSpace:
    """The features of all training radiographs, each in units of its spread among them."""

    features: Floats  # (N, F), may be mapped from disk
    mean: NDArray[np.float64]  # (F,)
    spread: NDArray[np.float64]  # (F,)

    @classmethod
    def of(cls, features: Floats) -> "FeatureSpace":
        """Return the space of some features, read a chunk at a time."""
        total, squares = np.zeros(features.shape[1]), np.zeros(features.shape[1])
        for chunk in _chunks(features):
            total += chunk.sum(axis=0)
        mean = total / len(features)
        for chunk in _chunks(features):
            squares += ((chunk - mean) ** 2).sum(axis=0)
        spread = np.sqrt(squares / len(features))
        return cls(features, mean, np.maximum(spread, SMALLEST_SPREAD))

    def nearest(self, features: Floats) -> NDArray[np.float64]:
        """Return the Euclidean distance of each row (B, F) to the nearest training row, (B,)."""
        own = self._scaled(features)  # (B, F)
        best = np.full(len(own), np.inf)
        where = np.zeros(len(own), dtype=np.int64)
        start = 0
        for chunk in _chunks(self.features):
            other = self._scaled(chunk)
            # |a - b|^2 up to |a|^2, which is the same for all b: fast, but blunt near zero
            squares = (other**2).sum(axis=1) - 2 * own @ other.T  # (B, chunk)
            place = squares.argmin(axis=1)
            found = squares[np.arange(len(own)), place]
            where = np.where(found < best, start + place, where)
            best = np.minimum(found, best)
            start += len(chunk)
        nearest = self._scaled(np.asarray(self.features[where]))
        distances: NDArray[np.float64] = np.linalg.norm(own - nearest, axis=1)
        return distances

    def _scaled(self, features: Floats) -> NDArray[np.float64]:
        scaled: NDArray[np.float64] = (features.astype(np.float64) - self.mean) / self.spread
        return scaled


def _chunks(features: Floats) -> list[Floats]:
    """Return views of the rows, CHUNK at a time; a mapped file is read only as far as needed."""
    return [features[start : start + CHUNK] for start in range(0, len(features), CHUNK)]
