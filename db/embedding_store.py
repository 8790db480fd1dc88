"""Embeddings in the database, which is where the truth about them is; an index is a cache of it."""

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import Connection, Select, and_, delete, insert, select, update

from daug.embedding import Embedding
from daug.errors import LibraryError
from db.schema import EmbeddingModelRow, EmbeddingRow, RadiographRow

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
    connection.execute(
        update(EmbeddingModelRow)
        .where(EmbeddingModelRow.id == model_id)
        .values(generation=EmbeddingModelRow.generation + 1)
    )


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


def embedding_generation(connection: Connection, model_digest: str) -> int:
    """Return a number that grows whenever this model's vectors change; 0 if there are none."""
    found = connection.scalar(
        select(EmbeddingModelRow.generation).where(EmbeddingModelRow.digest == model_digest)
    )
    return int(found or 0)


def grow_models_of(connection: Connection, ids: list[int]) -> None:
    """Count a change for every model that embedded one of these cases; call before deleting."""
    models = select(EmbeddingRow.model_id).where(EmbeddingRow.radiograph_id.in_(ids))
    connection.execute(
        update(EmbeddingModelRow)
        .where(EmbeddingModelRow.id.in_(models))
        .values(generation=EmbeddingModelRow.generation + 1)
    )


def _model(connection: Connection, digest: str) -> tuple[int, int] | None:
    row = connection.execute(
        select(EmbeddingModelRow.id, EmbeddingModelRow.dimensions).where(
            EmbeddingModelRow.digest == digest
        )
    ).one_or_none()
    return None if row is None else (row.id, row.dimensions)


def _check_there(connection: Connection, ids: list[int]) -> None:
    missing = [
        i
        for i in ids
        if connection.scalar(select(RadiographRow.id).where(RadiographRow.id == i)) is None
    ]
    if missing:
        raise LibraryError(
            f"There is no case {missing[0]} to embed. It may have been removed meanwhile."
        )
