"""Unit vectors, and the models that made them."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from daug.embedding import Embedding
from daug.errors import EmbeddingError

finite = st.floats(-1e3, 1e3, width=32)


def unit(values: np.ndarray, model: str = "a" * 64) -> Embedding:
    return Embedding((values / np.linalg.norm(values)).astype(np.float32), model)


@given(arrays(np.float64, 7, elements=finite), arrays(np.float64, 7, elements=finite))
def test_similarity_is_the_cosine(one: np.ndarray, other: np.ndarray) -> None:
    lengths = np.linalg.norm(one), np.linalg.norm(other)
    if min(lengths) < 1e-3:
        return
    cosine = float(one @ other / (lengths[0] * lengths[1]))
    assert unit(one).similarity(unit(other)) == pytest.approx(cosine, abs=1e-5)


def test_embeddings_of_two_models_are_never_compared() -> None:
    vector = np.array([1.0, 0.0], dtype=np.float32)
    with pytest.raises(EmbeddingError, match=r"aaaaaaaa and bbbbbbbb.*cannot be compared"):
        Embedding(vector, "a" * 64).similarity(Embedding(vector, "b" * 64))


@pytest.mark.parametrize(
    ("vector", "said"),
    [
        (np.array([3.0, 4.0]), r"length 1, got 5"),
        (np.zeros(4), r"length 1, got 0"),
        (np.array([np.nan, 1.0]), r"finite numbers"),
        (np.eye(2), r"shape \(2, 2\)"),
    ],
)
def test_what_is_no_unit_vector_is_refused(vector: np.ndarray, said: str) -> None:
    with pytest.raises(EmbeddingError, match=said):
        Embedding(vector.astype(np.float32), "a" * 64)


def test_an_embedding_cannot_be_changed_behind_its_back() -> None:
    with pytest.raises(ValueError, match="read-only"):
        unit(np.ones(3)).vector[0] = 0
