"""Models that embed without networks: quick, and the same each time."""

import hashlib
import threading
from collections.abc import Callable

import cv2
import numpy as np
from numpy.typing import NDArray

from daug.embedding import Embedding
from daug.errors import EmbeddingError, EngineError
from daug.finding_probability import FindingProbability
from daug.findings import Direction
from daug.heatmap import Recipe
from daug.radiograph import Radiograph

DIMENSIONS = 16


class PictureEmbedder:
    """Embeds by what a picture looks like at 8 x 8 pixels, and remembers whom it embedded."""

    def __init__(self, name: str = "model", *, heat: bool = True) -> None:
        self.model_digest = hashlib.sha256(name.encode()).hexdigest()
        self.digest_without_heat = (
            hashlib.sha256(f"{name} without".encode()).hexdigest() if heat else None
        )
        self.embedded: list[tuple[str, bool]] = []
        self.read: list[str] = []
        self.changed: list[Recipe] = []
        self.before: Callable[[], None] = lambda: None  # called when a radiograph is embedded
        self.refused: set[str] = set()  # digests that it fails at
        self._alone = threading.Lock()

    def embed(self, radiograph: Radiograph, *, without_heat: bool = False) -> Embedding:
        assert self._alone.acquire(blocking=False), "two threads use the model at once"
        try:
            self.before()
            self.embedded.append((radiograph.digest, without_heat))
            if radiograph.digest in self.refused:
                raise EngineError("The values are not numbers at step 3.")
            small = cv2.resize(radiograph.pixels, (8, 8), interpolation=cv2.INTER_AREA)
            return self._at(self._projection(without_heat) @ small.ravel(), without_heat)
        finally:
            self._alone.release()

    def embed_text(self, text: str, *, without_heat: bool = False) -> Embedding:
        self.read.append(text)
        return self._at(_drawn(text), without_heat)

    def embed_change(
        self, radiograph: Radiograph, recipe: Recipe, *, without_heat: bool = False
    ) -> tuple[Embedding, Embedding]:
        self.changed.append(recipe)
        sign = 1 if recipe.direction is Direction.MORE else -1
        here = self._projection(without_heat) @ np.ones(64) / 8
        return (
            self._at(here + sign * _drawn(recipe.super_class), without_heat),
            self._at(here, without_heat),
        )

    def classify(self, radiograph: Radiograph) -> tuple[FindingProbability, ...]:
        return ()

    def _projection(self, without_heat: bool) -> NDArray[np.float64]:
        seed = int(self.model_digest[:8], 16) + without_heat
        return np.random.default_rng(seed).normal(size=(DIMENSIONS, 64))

    def _at(self, values: NDArray[np.floating], without_heat: bool) -> Embedding:
        digest = self.digest_without_heat if without_heat else self.model_digest
        if digest is None:
            raise EmbeddingError("This model cannot leave its heatmaps out.")
        vector = values / np.linalg.norm(values)
        return Embedding(vector.astype(np.float32), digest)


def _drawn(word: str) -> NDArray[np.float64]:
    seed = int.from_bytes(hashlib.sha256(word.encode()).digest()[:8], "little")
    return np.random.default_rng(seed).normal(size=DIMENSIONS)
