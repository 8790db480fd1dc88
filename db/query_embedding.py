"""What a search looks for, as one unit vector: a radiograph, a text, both, or a change."""

from dataclasses import dataclass

import numpy as np

from daug.embedding import Embedding
from daug.errors import EmbeddingError

SHORTEST = 1e-3  # a sum of unit vectors shorter than this points nowhere in particular


@dataclass(frozen=True)
class Mixed:
    """A query of two parts, and what each part counts; the weights are shown beside it."""

    embedding: Embedding
    image_weight: float  # in [0, 1]
    text_weight: float  # the rest of 1


def mixed(image: Embedding, text: Embedding, image_weight: float = 0.5) -> Mixed:
    """Return the query between a radiograph and a text, on the straight line from one to other.

    Raises:
        EmbeddingError: If two models made them, the weight is not in [0, 1], or they cancel out.
    """
    if not 0 <= image_weight <= 1:
        raise EmbeddingError(f"The radiograph's weight must be in [0, 1], got {image_weight}.")
    _check_one_model(image, text)
    vector = image_weight * image.vector + (1 - image_weight) * text.vector
    return Mixed(_unit(vector, image), image_weight, 1 - image_weight)


def shifted(
    start: Embedding, toward: Embedding, away: Embedding, strength: float = 1.0
) -> Embedding:
    """Return "what looks like this, with more of something": start + strength (toward - away).

    Two uses, one sum. By picture: `toward` is the embedding of a counterfactual and `away` that of
    its reference, the same radiograph redrawn unchanged; what redrawing itself does to an embedding
    cancels out. By words: `toward` and `away` are a prompt with and without the finding.

    Raises:
        EmbeddingError: If several models made them, or they cancel out.
    """
    _check_one_model(start, toward, away)
    return _unit(start.vector + strength * (toward.vector - away.vector), start)


def _unit(vector: "np.typing.NDArray[np.float32]", like: Embedding) -> Embedding:
    length = float(np.linalg.norm(vector))
    if length < SHORTEST:
        raise EmbeddingError("The parts of this query cancel each other out. Change their weights.")
    return Embedding((vector / length).astype(np.float32), like.model_digest)


def _check_one_model(*parts: Embedding) -> None:
    digests = sorted({part.model_digest[:8] for part in parts})
    if len(digests) > 1:
        raise EmbeddingError(
            f"The parts of this query were embedded by several models ({', '.join(digests)}). "
            "Embed all with one model."
        )
