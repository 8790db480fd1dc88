"""What somebody wrote and drew on a case in a collection: a note, and marks as JSON holds them."""

import json
from collections.abc import Mapping
from typing import Any

from sqlalchemy import Connection, select

from daug.errors import LibraryError
from db.aspects import write
from db.facts import plain
from db.groups import checked_name
from db.history import refuse_missing
from db.schema import NAME, CollectedRow, CollectionRow

LONGEST_NOTE = 10_000  # characters
LARGEST_MARKS = 2**18  # characters of their JSON

Collected = tuple[int, str, Any]  # case, note, marks


def collect(connection: Connection, name: str, case_id: int, note: str, marks: Any) -> None:
    """Put a case into a collection with a note and marks, in place of those that it has there.

    Args:
        connection: Inside a transaction.
        name: The collection, which is made if it is new.
        case_id: The case.
        note: Plain text.
        marks: What JSON can hold.

    Raises:
        LibraryError: If there is no such case, the name is none, the note or the marks are too
            large, or the marks are no JSON.
    """
    refuse_missing(connection, [case_id])
    name, note = checked_name(name), plain(note).strip()
    if len(note) > LONGEST_NOTE:
        raise LibraryError(
            f"A note has at most {LONGEST_NOTE:,} characters, got {len(note):,}. Shorten it."
        )
    try:
        size = len(json.dumps(marks, allow_nan=False))
    except (TypeError, ValueError, RecursionError) as error:
        raise LibraryError(f"Marks must be what JSON can hold ({error}).") from error
    if size > LARGEST_MARKS:
        raise LibraryError(
            f"Marks take at most {LARGEST_MARKS:,} characters as JSON, got {size:,}. Draw fewer."
        )
    write(connection, f"collection/{name}", {case_id: {"note": note, "marks": _plain(marks)}})


def collected(connection: Connection, name: str) -> list[Collected]:
    """Return the cases of a collection in their order, each with its note and marks.

    Raises:
        LibraryError: If there is no such collection.
    """
    number = connection.scalar(select(CollectionRow.id).where(CollectionRow.name == name))
    if number is None:
        raise LibraryError(f"There is no collection {name[:NAME]!r}.")
    row = CollectedRow
    rows = select(row.radiograph_id, row.note, row.marks).where(row.collection_id == number)
    inside = connection.execute(rows.order_by(row.radiograph_id))
    return [(case_id, note, marks) for case_id, note, marks in inside]


def notes_of(connection: Connection, case_id: int) -> dict[str, tuple[str, Any]]:
    """Return the note and the marks that a case bears, by collection."""
    row = CollectedRow
    rows = select(CollectionRow.name, row.note, row.marks).join(CollectionRow)
    named = rows.where(row.radiograph_id == case_id).order_by(CollectionRow.name)
    return {name: (note, marks) for name, note, marks in connection.execute(named)}


def _plain(value: Any) -> Any:
    """Return what JSON holds, with texts that any database takes."""
    if isinstance(value, str):
        return plain(value)
    if isinstance(value, Mapping):
        return {plain(str(name)): _plain(one) for name, one in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(one) for one in value]
    return value
