"""Is a drawn radiograph a copy of one that was trained on? Compared with how near strangers come.

Held-out radiographs are of other patients. How near they come to the training radiographs, upright
or mirrored, is how near two different patients come; a drawn picture that is nearer than 95 % of
them, by perceptual hash or by the encoder's features, counts as a copy.
"""

import hashlib
import logging
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from daug.noisy_classifier import NoisyClassifier
from trainers.augmentation import AugmentationRange, apply, draw
from trainers.pixels import to_model_range
from trainers.synthetic.encoder_features import FeatureSpace, pooled_features, write_features
from trainers.synthetic.perceptual_hash import Words, hash_all, nearest_in_any_pose

logger = logging.getLogger(__name__)

NEAR_PERCENTILE = 5  # of held-out radiographs, up to which a picture counts as a copy
FAR_PERCENTILE = 99  # beyond which it looks like no chest that was ever seen
MOST_HELD_OUT = 1000  # enough for a 5th percentile; more only take longer
PLANTED = 40  # copies made on purpose, to see how many are found
METHOD = 1  # raised whenever distances would come out differently, so that none are mixed


@dataclass(frozen=True)
class Distances:
    """How far a picture is from the nearest training radiograph."""

    hash_bits: int  # of 256, in the pose that comes nearest
    features: float  # in spreads of the training radiographs, over all features


@dataclass(frozen=True, eq=False)
class HeldOutDistances:
    """How far held-out radiographs are from their nearest training radiographs, (N,) each."""

    hash_bits: NDArray[np.int64]
    features: NDArray[np.float64]

    @property
    def copy_hash_bits(self) -> int:
        """The most bits at which a picture counts as a copy.

        Bits are whole numbers, so the percentile falls between two radiographs; the upper counts,
        and a tie is a copy.
        """
        return int(np.percentile(self.hash_bits, NEAR_PERCENTILE, method="higher"))

    @property
    def copy_features(self) -> float:
        """The largest distance in features at which a picture counts as a copy; likewise."""
        return float(np.percentile(self.features, NEAR_PERCENTILE, method="higher"))

    @property
    def strange_features(self) -> float:
        """The distance in features beyond which a picture looks like no chest; the lower counts."""
        return float(np.percentile(self.features, FAR_PERCENTILE, method="lower"))

    def copied_by(self, found: Distances) -> tuple[str, ...]:
        """Return the measures that say a picture is a copy; none if it is none."""
        by_hash = ("hash",) if found.hash_bits <= self.copy_hash_bits else ()
        by_features = ("features",) if found.features <= self.copy_features else ()
        return by_hash + by_features

    def is_strange(self, found: Distances) -> bool:
        """Return whether a picture is farther from every training radiograph than real ones are."""
        return found.features > self.strange_features

    def percentiles(self, found: Distances) -> dict[str, float]:
        """Return the share of held-out radiographs that are as near or nearer, in percent."""
        return {
            "hash_bits": round(100 * float((self.hash_bits <= found.hash_bits).mean()), 1),
            "features": round(100 * float((self.features <= found.features).mean()), 1),
        }

    def to_dict(self) -> dict[str, Any]:
        """Return the thresholds and how the distances spread, for the report."""
        at = (0, 5, 25, 50, 75, 99, 100)
        return {
            "n": len(self.hash_bits),
            "copy_hash_bits": self.copy_hash_bits,
            "copy_features": self.copy_features,
            "strange_features": self.strange_features,
            "hash_bits": {str(p): float(np.percentile(self.hash_bits, p)) for p in at},
            "features": {str(p): float(np.percentile(self.features, p)) for p in at},
        }


class CopyCheck:
    """Compares pictures with all training radiographs and their mirror images."""

    def __init__(
        self,
        classifier: NoisyClassifier,
        training: NDArray[np.uint8],
        held_out: NDArray[np.uint8],
        cache: Path,
        weights: str,
    ) -> None:
        """Hash and encode what is compared with, unless the cache holds it.

        Args:
            classifier: In float32 and in evaluation mode.
            training: Model inputs of everything that the denoiser learnt from, (N, S, S).
            held_out: Model inputs of other patients, (M, S, S).
            cache: Folder for what takes long; read back by the same data and weights alone.
            weights: Digest of the classifier's weights.
        """
        cache.mkdir(parents=True, exist_ok=True)
        self.classifier, self.training = classifier, training
        self.key = _digest(f"{METHOD} {weights}", training)
        self.words = self._hashes(cache / f"hashes-{self.key}.npy")
        path = cache / f"features-{self.key}.npy"
        if not path.exists():
            logger.info("%d training radiographs are encoded, and mirrored", len(training))
            write_features(classifier, training, path)
        self.space = FeatureSpace.of(np.load(path, mmap_mode="r"))
        self.held_out = self._held_out(_thinned(held_out), cache)

    def distances(self, picture: NDArray[np.uint8]) -> Distances:
        """Return how far an 8-bit picture (S, S) is from the nearest training radiograph."""
        features = pooled_features(self.classifier, picture[None])
        return Distances(
            nearest_in_any_pose(picture, self.words), float(self.space.nearest(features)[0])
        )

    def planted(self) -> dict[str, Any]:
        """Return how many copies are found that were made on purpose.

        They are training radiographs, moved and changed in grey level as the training does it:
        what a denoiser that learnt them by heart would draw.
        """
        chance = np.random.default_rng(0)
        chosen = chance.choice(len(self.training), min(PLANTED, len(self.training)), replace=False)
        images = to_model_range(np.asarray(self.training[np.sort(chosen)]))
        moves = draw(AugmentationRange(), len(images), torch.Generator().manual_seed(0))
        moved = apply(moves, images)[:, 0].numpy()
        copies = np.round((moved + 1) * 127.5).astype(np.uint8)
        found = [self.held_out.copied_by(self.distances(copy)) for copy in copies]
        return {
            "n": len(found),
            "found": sum(bool(by) for by in found),
            "found_by_hash": sum("hash" in by for by in found),
            "found_by_features": sum("features" in by for by in found),
        }

    def _hashes(self, path: Path) -> Words:
        if not path.exists():
            logger.info("%d training radiographs are hashed, and mirrored", len(self.training))
            _save(path, hash_all(self.training))
        return np.asarray(np.load(path))

    def _held_out(self, pictures: NDArray[np.uint8], cache: Path) -> HeldOutDistances:
        path = cache / f"held-out-{_digest(self.key, pictures)}.npy"
        if not path.exists():
            logger.info("%d held-out radiographs are compared with them", len(pictures))
            found = [self.distances(np.asarray(picture)) for picture in pictures]
            _save(path, np.array([[d.hash_bits, d.features] for d in found]))
        columns = np.load(path)
        return HeldOutDistances(columns[:, 0].astype(np.int64), columns[:, 1])


def _thinned(pictures: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Return all pictures, or a fixed random choice of them where there are very many."""
    if len(pictures) <= MOST_HELD_OUT:
        return pictures
    chosen = np.random.default_rng(0).choice(len(pictures), MOST_HELD_OUT, replace=False)
    return np.asarray(pictures[np.sort(chosen)])


def _digest(words: str, pictures: NDArray[np.uint8]) -> str:
    digest = hashlib.sha256(f"{words} {pictures.shape}\n".encode())
    for picture in pictures:
        digest.update(np.ascontiguousarray(picture).tobytes())
    return digest.hexdigest()[:24]


def _save(path: Path, array: NDArray[Any]) -> None:
    partial = path.with_suffix(".partial.npy")
    np.save(partial, array)
    partial.replace(path)
