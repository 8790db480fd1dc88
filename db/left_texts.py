"""What people wrote about a case besides its report: notes, and what the history keeps of both."""

import json
from collections.abc import Iterator, Sequence
from typing import Any

from sqlalchemy import Connection, Text, cast, func, or_, select

from db.schema import AlterationRow, CollectedRow, RadiographRow


def texts_of(connection: Connection, ids: Sequence[int]) -> Iterator[str]:
    """Yield every such text of some cases, as it stands in the database's file."""
    row = CollectedRow
    written = select(row.note, row.marks).where(row.radiograph_id.in_(ids))
    aspect = AlterationRow.aspect  # the others hold words of ours alone
    changed = select(AlterationRow.before, AlterationRow.after).where(
        AlterationRow.radiograph_id.in_(ids),
        or_(aspect.in_(("alias", "report")), aspect.startswith("collection/")),
    )
    for note, marks in connection.execute(written):
        yield note
        yield from _stored(marks)
    for before, after in connection.execute(changed):
        yield from _stored(before)
        yield from _stored(after)


def bears_text(connection: Connection, text: str) -> bool:
    """Return whether a case has a text in its notes, its alias or its history."""
    columns = (
        CollectedRow.note,
        cast(CollectedRow.marks, Text),
        RadiographRow.alias,
        cast(AlterationRow.before, Text),
        cast(AlterationRow.after, Text),
    )
    return any(
        connection.scalar(select(1).select_from(_table(column)).where(func.instr(column, text) > 0))
        for column in columns
    )


def _table(column: Any) -> Any:
    return getattr(column, "clause", column).table


def _stored(value: Any) -> Iterator[str]:
    """Yield the texts in a JSON value as JSON writes them, without the quotes."""
    if isinstance(value, str):
        yield json.dumps(value)[1:-1]
    elif isinstance(value, dict):
        for name, one in value.items():
            yield from _stored(name)
            yield from _stored(one)
    elif isinstance(value, list):
        for one in value:
            yield from _stored(one)
