"""Cases and scores that tests of retrieval and classification make up."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from trainers.evaluation.clip_scores import ClipScores, ScoredCases
from trainers.manifest import Row


def cases_of(rows: Sequence[Row], texts: Sequence[str] | None = None) -> ScoredCases:
    return ScoredCases(tuple(rows), tuple(texts or [""] * len(rows)), "test", 0)


def unit(vectors: NDArray[np.float64]) -> NDArray[np.float32]:
    lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
    return np.asarray(vectors / lengths, dtype=np.float32)


def scores_of(
    images: NDArray[np.float64], texts: NDArray[np.float64] | None = None, name: str = "model"
) -> ClipScores:
    return ClipScores(name, unit(images), None if texts is None else unit(texts))
