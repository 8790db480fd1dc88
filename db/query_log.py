"""Searches that were made, and searches to make again."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, delete, insert, select

from daug.errors import LibraryError
from db.groups import checked_name
from db.schema import LibraryRow, QueryHitRow, QueryRow, SavedSearchRow

Query = Mapping[str, Any]  # what JSON can hold: text, k, filters, model


@dataclass(frozen=True)
class LoggedQuery:
    """One search of the log."""

    query_id: int
    asked_at: datetime  # UTC
    query: dict[str, Any]
    case_id: int | None
    generation: int  # of the library when it was asked
    seconds: float
    hits: tuple[tuple[int, float], ...]  # (case, similarity), best first


def log_query(
    connection: Connection,
    query: Query,
    hits: Sequence[tuple[int, float]],
    seconds: float,
    case_id: int | None = None,
) -> int:
    """Write a search and what it brought into the log; return its number.

    Args:
        connection: Inside a transaction.
        query: What was asked, as JSON can hold it. Never a file's name or a patient.
        hits: (case, similarity), best first.
        seconds: How long it took.
        case_id: The case that it started from, if it was one of the library's.
    """
    generation = connection.scalar(select(LibraryRow.generation)) or 0
    key = connection.execute(
        insert(QueryRow).values(
            query=dict(query), radiograph_id=case_id, generation=generation, seconds=seconds
        )
    ).inserted_primary_key
    assert key is not None
    rows = [
        {"query_id": key[0], "rank": rank, "radiograph_id": i, "similarity": float(similarity)}
        for rank, (i, similarity) in enumerate(hits, start=1)
    ]
    if rows:
        connection.execute(insert(QueryHitRow), rows)
    return int(key[0])


def logged(connection: Connection, limit: int = 50) -> list[LoggedQuery]:
    """Return the latest searches, the newest first."""
    rows = connection.execute(select(QueryRow.__table__).order_by(QueryRow.id.desc()).limit(limit))
    return [
        LoggedQuery(
            row.id,
            row.asked_at,
            row.query,
            row.radiograph_id,
            row.generation,
            row.seconds,
            tuple(
                (hit.radiograph_id, hit.similarity)
                for hit in connection.execute(
                    select(QueryHitRow.__table__)
                    .where(QueryHitRow.query_id == row.id)
                    .order_by(QueryHitRow.rank)
                )
            ),
        )
        for row in rows.all()
    ]


def save_search(
    connection: Connection, name: str, query: Query, case_id: int | None = None
) -> None:
    """Keep a search under a name, in place of an earlier one of that name."""
    name = checked_name(name)
    connection.execute(delete(SavedSearchRow).where(SavedSearchRow.name == name))
    connection.execute(
        insert(SavedSearchRow).values(name=name, query=dict(query), radiograph_id=case_id)
    )


def saved_searches(connection: Connection) -> dict[str, dict[str, Any]]:
    """Return every saved search by name."""
    rows = connection.execute(
        select(SavedSearchRow.name, SavedSearchRow.query).order_by(SavedSearchRow.name)
    )
    return dict(rows.all())


def delete_search(connection: Connection, name: str) -> None:
    """Delete a saved search.

    Raises:
        LibraryError: If there is none of this name.
    """
    done = connection.execute(delete(SavedSearchRow).where(SavedSearchRow.name == name))
    if done.rowcount == 0:
        raise LibraryError(f"There is no saved search {name[:200]!r}.")
