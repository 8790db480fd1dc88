"""Embeddings in the database, which is where the truth about them is; an index is a cache of it."""

import secrets
from collections.abc import Iterable, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import Connection, Select, and_, delete, func, insert, select, update

from daug.embedding import Embedding
from daug.errors import LibraryError
from db.schema import TOKEN, EmbeddingModelRow, EmbeddingRow, RadiographRow

STORED = np.dtype("<f4")


def store_embeddings(
    connection: Connection, model_digest: str, vectors: Mapping[int, NDArray[np.float32]]
) -> None:
    """Write the embeddings of some cases by one model, in place of earlier ones of that model.

    Args:
        connection: Inside a transaction.
        model_digest: SHA-256 of the model's weights and settings.
        vectors: Unit vectors (D,) by case number.

    Raises:
        EmbeddingError: If one is no unit vector.
        LibraryError: If a case is not there, or the lengths differ.
    """
    if not vectors:
        return
    units = {i: Embedding(vector, model_digest).vector for i, vector in vectors.items()}
    lengths = {len(vector) for vector in units.values()}
    model = _model(connection, model_digest)
    if model is None:
        dimensions = min(lengths)
        key = connection.execute(
            insert(EmbeddingModelRow).values(digest=model_digest, dimensions=dimensions)
        ).inserted_primary_key
        assert key is not None
        model = int(key[0]), dimensions
    model_id, dimensions = model
    if lengths != {dimensions}:
        raise LibraryError(
            f"The embeddings of this model have {dimensions} numbers, but some of these have "
            f"{max(lengths - {dimensions})}. Embed all with one model."
        )
    ids = sorted(units)
    _check_there(connection, ids)
    for case_id in ids:
        connection.execute(
            delete(EmbeddingRow).where(
                EmbeddingRow.model_id == model_id, EmbeddingRow.radiograph_id == case_id
            )
        )
    connection.execute(
        insert(EmbeddingRow),
        [
            {"model_id": model_id, "radiograph_id": i, "vector": units[i].astype(STORED).tobytes()}
            for i in ids
        ],
    )
    _count_change(connection, [model_id])


def load_all(
    connection: Connection, model_digest: str
) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
    """Return the numbers of all cases that a model embedded, rising, and their vectors (N, D)."""
    model = _model(connection, model_digest)
    if model is None:
        return np.empty(0, dtype=np.int64), np.empty((0, 0), dtype=np.float32)
    model_id, dimensions = model
    rows = connection.execute(
        select(EmbeddingRow.radiograph_id, EmbeddingRow.vector)
        .where(EmbeddingRow.model_id == model_id)
        .order_by(EmbeddingRow.radiograph_id)
    ).all()
    ids = np.fromiter((row[0] for row in rows), dtype=np.int64, count=len(rows))
    matrix = np.frombuffer(b"".join(row[1] for row in rows), dtype=STORED)
    return ids, matrix.reshape(len(rows), dimensions).astype(np.float32)


def load_one(connection: Connection, model_digest: str, case_id: int) -> NDArray[np.float32] | None:
    """Return a case's vector (D,) by a model, if there is one."""
    vector = connection.scalar(
        select(EmbeddingRow.vector)
        .join(EmbeddingModelRow)
        .where(EmbeddingModelRow.digest == model_digest, EmbeddingRow.radiograph_id == case_id)
    )
    return None if vector is None else np.frombuffer(vector, dtype=STORED).astype(np.float32)


def count_embedded(connection: Connection, model_digest: str) -> int:
    """Return how many cases a model has embedded."""
    model = _model(connection, model_digest)
    if model is None:
        return 0
    counted = select(func.count()).where(EmbeddingRow.model_id == model[0])
    return int(connection.scalar(counted) or 0)


def those_there(connection: Connection, ids: Iterable[int]) -> list[int]:
    """Return the numbers of which there is a case, rising."""
    known = (connection.scalar(select(RadiographRow.id).where(RadiographRow.id == i)) for i in ids)
    return sorted(case_id for case_id in known if case_id is not None)


def without_embedding(model_digest: str) -> Select[int]:
    """Return the query for the cases that a model has not embedded, the oldest first."""
    embedded = and_(
        EmbeddingRow.radiograph_id == RadiographRow.id,
        EmbeddingRow.model_id
        == select(EmbeddingModelRow.id)
        .where(EmbeddingModelRow.digest == model_digest)
        .scalar_subquery(),
    )
    return (
        select(RadiographRow.id)
        .where(~select(EmbeddingRow.radiograph_id).where(embedded).exists())
        .order_by(RadiographRow.id)
    )


def embedding_generation(connection: Connection, model_digest: str) -> str:
    """Return the name of the state that this model's vectors are in, for instance "7-0f3a...".

    The number grows with every change. The token behind it is drawn anew each time: a restored
    backup that is changed in another way repeats numbers, and never a token. "0-" if the model
    embedded nothing yet.
    """
    found = connection.execute(
        select(EmbeddingModelRow.generation, EmbeddingModelRow.token).where(
            EmbeddingModelRow.digest == model_digest
        )
    ).one_or_none()
    return "0-" if found is None else f"{found.generation}-{found.token}"


def grow_models_of(connection: Connection, ids: list[int]) -> None:
    """Count a change for every model that embedded one of these cases; call before deleting."""
    models = select(EmbeddingRow.model_id).where(EmbeddingRow.radiograph_id.in_(ids)).distinct()
    _count_change(connection, connection.scalars(models).all())


def _count_change(connection: Connection, models: Sequence[int]) -> None:
    """Give the states of some models' vectors new names."""
    for model_id in models:
        connection.execute(
            update(EmbeddingModelRow)
            .where(EmbeddingModelRow.id == model_id)
            .values(
                generation=EmbeddingModelRow.generation + 1, token=secrets.token_hex(TOKEN // 2)
            )
        )


def _model(connection: Connection, digest: str) -> tuple[int, int] | None:
    row = connection.execute(
        select(EmbeddingModelRow.id, EmbeddingModelRow.dimensions).where(
            EmbeddingModelRow.digest == digest
        )
    ).one_or_none()
    return None if row is None else (row.id, row.dimensions)


def _check_there(connection: Connection, ids: list[int]) -> None:
    missing = sorted(set(ids) - set(those_there(connection, ids)))
    if missing:
        raise LibraryError(
            f"There is no case {missing[0]} to embed. It may have been removed meanwhile."
        )
