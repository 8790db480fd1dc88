"""Tags and collections: words that cases bear, and sets that somebody puts together."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Connection, delete, func, insert, select

from daug.errors import LibraryError
from db.aspects import chunks
from db.history import refuse_missing
from db.schema import (
    NAME,
    CollectedRow,
    CollectionRow,
    TaggedRow,
    TagRow,
)


def add_to(connection: Connection, what: str, name: str, ids: Sequence[int]) -> None:
    """Give cases a tag or put them into a collection, which is made if it is new.

    Raises:
        LibraryError: If the name is empty or too long, or a case is not there.
    """
    group, member, key = _tables(what)
    name = checked_name(name)
    refuse_missing(connection, ids)
    number = connection.scalar(select(group.id).where(group.name == name))
    if number is None:
        made = connection.execute(insert(group).values(name=name)).inserted_primary_key
        assert made is not None
        number = made[0]
    there = set(connection.scalars(select(member.radiograph_id).where(key == number)))
    rows = [{key.key: number, "radiograph_id": i} for i in dict.fromkeys(ids) if i not in there]
    if rows:
        connection.execute(insert(member), rows)


def take_from(connection: Connection, what: str, name: str, ids: Sequence[int]) -> None:
    """Take a tag from cases, or cases out of a collection; a tag that nobody bears goes.

    Raises:
        LibraryError: If there is no such tag or collection.
    """
    group, member, key = _tables(what)
    number = connection.scalar(select(group.id).where(group.name == name))
    if number is None:
        raise LibraryError(f"There is no {what} {name[:NAME]!r}.")
    for some in chunks(ids):
        connection.execute(delete(member).where(key == number, member.radiograph_id.in_(some)))
    left = connection.scalar(select(func.count()).select_from(member).where(key == number))
    if what == "tag" and not left:
        connection.execute(delete(group).where(group.id == number))


def delete_group(connection: Connection, what: str, name: str) -> None:
    """Delete a tag or a collection; its cases stay.

    Raises:
        LibraryError: If there is none of this name.
    """
    group, _, _ = _tables(what)
    if connection.execute(delete(group).where(group.name == name)).rowcount == 0:
        raise LibraryError(f"There is no {what} {name[:NAME]!r}.")


def sizes(connection: Connection, what: str) -> dict[str, int]:
    """Return how many cases bear each tag, or are in each collection, by name."""
    group, member, key = _tables(what)
    rows = connection.execute(
        select(group.name, func.count(member.radiograph_id))
        .outerjoin(member, key == group.id)
        .group_by(group.id)
        .order_by(group.name)
    )
    return dict(rows.all())


def members(connection: Connection, what: str, name: str) -> list[int]:
    """Return the cases that bear a tag or are in a collection; none where there is none."""
    group, member, _ = _tables(what)
    inside = select(member.radiograph_id).join(group).where(group.name == name)
    return list(connection.scalars(inside.order_by(member.radiograph_id)))


def checked_name(name: str) -> str:
    """Return a name without its margins.

    Raises:
        LibraryError: If it is empty, longer than 200 characters or holds control characters.
    """
    name = name.strip()
    if not 0 < len(name) <= NAME or not name.isprintable():
        raise LibraryError(f"A name has 1 to {NAME} printable characters, got {len(name)}.")
    return name


def _tables(what: str) -> tuple[Any, Any, Any]:
    if what == "tag":
        return TagRow, TaggedRow, TaggedRow.tag_id
    return CollectionRow, CollectedRow, CollectedRow.collection_id
