"""When nothing in the library is like the query: below what its own cases are to each other.

For cases drawn from the library, the similarity to the nearest case of another patient is found.
A query whose nearest case is less similar than nearly all of these lies outside of what the library
holds. The floor belongs to one model and speaks of radiographs only: how similar a text is to a
picture is another matter.
"""

import json
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from daug.embedding import Embedding
from daug.similar_cases import SimilarityFloor
from db.vector_index import VectorIndex

FEWEST = 100  # cases with a neighbour; below it a percentile of 1 means nothing
MOST = 1000  # cases drawn
PERCENTILE = 1.0  # so many of 100 radiographs like the library's are called unlike it by mistake
GROWTH = 0.1  # a floor is measured again when the library has changed by this share


def measure_floor(
    index: VectorIndex, same_patient: Callable[[int], NDArray[np.int64]]
) -> SimilarityFloor | None:
    """Measure the floor of a library; None if it is too small for one.

    Args:
        index: All its cases.
        same_patient: Given a case, returns the ids of all cases of its patient.
    """
    drawn = np.random.default_rng(0).permutation(len(index))[:MOST]
    nearest = []
    for case_id in index.ids[np.sort(drawn)]:
        others = ~index.mask(np.append(same_patient(int(case_id)), case_id))
        query = Embedding(index.vectors_of(np.array([case_id]))[0], index.model_digest)
        nearest += index.search(query, 1, others).similarities.tolist()
    if len(nearest) < FEWEST:
        return None
    floor = float(np.percentile(nearest, PERCENTILE))
    return SimilarityFloor(floor, PERCENTILE, len(nearest), len(index), index.model_digest)


def read_floor(path: Path, index: VectorIndex) -> SimilarityFloor | None:
    """Return a stored floor if it is whole and still about this library, else None."""
    try:
        floor = SimilarityFloor(**json.loads(path.read_bytes()))
        same = floor.model_digest == index.model_digest and floor.n >= FEWEST
        near = abs(len(index) - floor.cases) <= GROWTH * floor.cases
        return floor if same and near and -1 <= floor.similarity <= 1.001 else None
    except (OSError, ValueError, TypeError):
        return None


def write_floor(path: Path, floor: SimilarityFloor) -> None:
    """Store a floor; it is only ever whole or not there.

    Raises:
        OSError: If the place cannot be written.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    waiting = path.with_name(f"{path.name}.part")
    waiting.write_text(json.dumps(asdict(floor), indent=1))
    waiting.replace(path)
