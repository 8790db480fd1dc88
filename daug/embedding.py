"""Where a case lies in the space of a CLIP model: a unit vector, and which model made it."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from daug.errors import EmbeddingError

UNIT_TOLERANCE = 1e-3  # what float32 and half-precision networks leave of an exact length of 1


@dataclass(frozen=True, eq=False)
class Embedding:
    """A unit vector that can only be compared with vectors of the same model."""

    vector: NDArray[np.float32]  # (D,), of length 1
    model_digest: str  # SHA-256 of the weights and settings that made it, in hexadecimal

    def __post_init__(self) -> None:
        vector = np.ascontiguousarray(self.vector, dtype=np.float32)
        if vector.ndim != 1 or not np.isfinite(vector).all():
            raise EmbeddingError(
                f"An embedding must be one row of finite numbers, got shape {vector.shape}."
            )
        length = float(np.linalg.norm(vector))
        if abs(length - 1) > UNIT_TOLERANCE:
            raise EmbeddingError(f"An embedding must have length 1, got {length:.4g}.")
        vector.flags.writeable = False
        object.__setattr__(self, "vector", vector)

    def similarity(self, other: "Embedding") -> float:
        """Return the cosine of the angle between two embeddings, in [-1, 1].

        Raises:
            EmbeddingError: If another model made the other one.
        """
        if self.model_digest != other.model_digest:
            raise EmbeddingError(
                f"These embeddings were made by two models ({self.model_digest[:8]} and "
                f"{other.model_digest[:8]}) and cannot be compared. Embed both with one model."
            )
        return float(self.vector @ other.vector)
