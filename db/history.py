"""What was changed, by what, and back again: every step of it one number, for any number of cases.

Undoing writes what was there before, and is a step itself, so that undoing it does the step anew.
What somebody changed since is never written over: undoing is refused, and says which step to undo
first. What a history holds of a case hangs on the case, and goes with it.
"""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from sqlalchemy import Connection, delete, func, insert, not_, select

from daug.case_history import Altered, Change
from daug.errors import LibraryError
from db.aspects import aspect, chunks, read, write
from db.schema import AlterationRow, ChangeRow, CollectedRow, CollectionRow, RadiographRow

ROWS = 2000  # alterations written in one statement

State = dict[str, dict[int, Any]]  # value by aspect and case


class Step:
    """A change that is under way; its number is known once it is over."""

    def __init__(self) -> None:
        self.number: int | None = None  # stays None where nothing was different afterwards


@contextmanager
def recorded(
    connection: Connection,
    ids: Sequence[int],
    keys: Sequence[str],
    what: str,
    *,
    undoes: int | None = None,
) -> Iterator[Step]:
    """Write down what the block changes of some aspects of some cases.

    Args:
        connection: Inside a transaction.
        ids: The cases.
        keys: The aspects; see `db.aspects`.
        what: For a person to read; never a text or an alias of a case.
        undoes: The change that is taken back.
    """
    step, before, collections = Step(), _state(connection, ids, keys), _collections(connection)
    yield step
    after = _state(connection, ids, keys)
    rows = [
        {"radiograph_id": case_id, "aspect": key, "before": value, "after": after[key][case_id]}
        for key, values in before.items()
        for case_id, value in values.items()
        if value != after[key][case_id]
    ]
    if rows:
        made = sorted(_collections(connection) - collections)
        values = {"what": what, "made": made, "undoes": undoes}
        key = connection.execute(insert(ChangeRow).values(**values)).inserted_primary_key
        assert key is not None
        step.number = int(key[0])
        for start in range(0, len(rows), ROWS):
            some = [{"change_id": step.number, **row} for row in rows[start : start + ROWS]]
            connection.execute(insert(AlterationRow), some)


def change(
    connection: Connection, ids: Sequence[int], wanted: Mapping[str, Any], what: str
) -> int | None:
    """Give many cases the same value in some aspects; return the change's number.

    Args:
        connection: Inside a transaction.
        ids: The cases.
        wanted: The value by aspect.
        what: For a person to read.

    Returns:
        None if all of it was so already.

    Raises:
        LibraryError: If a case is not there.
    """
    refuse_missing(connection, ids)
    with recorded(connection, ids, list(wanted), what) as step:
        for key, value in wanted.items():
            write(connection, key, dict.fromkeys(ids, value))
    return step.number


def undo(connection: Connection, number: int) -> int:
    """Write what was there before a change; return the number of the change that this is.

    Raises:
        LibraryError: If there is no such change, it is undone already, or what it changed was
            changed since.
    """
    row = connection.execute(
        select(ChangeRow.what, ChangeRow.made).where(ChangeRow.id == number)
    ).one_or_none()
    if row is None:
        raise LibraryError(f"The history has no change {number}; its cases may have been removed.")
    undone_by = _undone_by(connection).get(number)
    if undone_by is not None:
        raise LibraryError(
            f"Change {number} was undone already. Undo change {undone_by} to have it again."
        )
    before, after = _kept(connection, number)
    ids = list(dict.fromkeys(case_id for values in before.values() for case_id in values))
    _refuse_overwriting(connection, number, after)
    with recorded(connection, ids, list(before), f"undone: {row.what}", undoes=number) as step:
        for key, values in before.items():
            write(connection, key, values)
        _drop_made(connection, row.made)
    if step.number is None:  # only where a change noted what was no change
        raise LibraryError(f"Nothing of change {number} is left to undo.")
    return step.number


def changes(connection: Connection, limit: int) -> list[Change]:
    """Return the latest changes, the newest first."""
    undone_by = _undone_by(connection)
    row, of = ChangeRow, AlterationRow
    cases = (
        select(func.count(func.distinct(of.radiograph_id)))
        .where(of.change_id == row.id)
        .scalar_subquery()
    )
    rows = select(row.id, row.made_at, row.what, cases, row.undoes).order_by(row.id.desc())
    return [
        Change(number, made_at, what, count, undoes, undone_by.get(number))
        for number, made_at, what, count, undoes in connection.execute(rows.limit(limit))
    ]


def alterations(connection: Connection, number: int, limit: int) -> list[Altered]:
    """Return what a change did, case by case."""
    row = AlterationRow
    rows = (
        select(row.radiograph_id, row.aspect, row.before, row.after)
        .where(row.change_id == number)
        .order_by(row.radiograph_id, row.aspect)
        .limit(limit)
    )
    return [
        Altered(case_id, aspect(key).words, before, after)
        for case_id, key, before, after in connection.execute(rows)
    ]


def drop_empty_changes(connection: Connection) -> None:
    """Forget the changes whose cases are all gone."""
    altered = select(AlterationRow.change_id).where(AlterationRow.change_id == ChangeRow.id)
    connection.execute(delete(ChangeRow).where(not_(altered.exists())))


def refuse_missing(connection: Connection, ids: Sequence[int]) -> None:
    """Make sure that all cases are there.

    Raises:
        LibraryError: If one is not.
    """
    row = RadiographRow
    for some in chunks(ids):
        there = set(connection.scalars(select(row.id).where(row.id.in_(some))))
        if missing := sorted(set(some) - there):
            raise LibraryError(f"There is no case {missing[0]}; nothing was changed.")


def _state(connection: Connection, ids: Sequence[int], keys: Sequence[str]) -> State:
    return {key: read(connection, key, ids) for key in keys}


def _collections(connection: Connection) -> set[str]:
    return set(connection.scalars(select(CollectionRow.name)))


def _kept(connection: Connection, number: int) -> tuple[State, State]:
    """Return what was before a change and after it."""
    before: State = {}
    after: State = {}
    row = AlterationRow
    query = select(row.aspect, row.radiograph_id, row.before, row.after)
    for key, case_id, old, new in connection.execute(query.where(row.change_id == number)):
        before.setdefault(key, {})[case_id] = old
        after.setdefault(key, {})[case_id] = new
    return before, after


def _undone_by(connection: Connection) -> dict[int, int]:
    """Return which change holds each undone one back; undoing that one frees it again."""
    row = ChangeRow
    holding: dict[int, int] = {}
    query = select(row.id, row.undoes).where(row.undoes.is_not(None)).order_by(row.id.desc())
    for number, undoes in connection.execute(query):
        if number not in holding:  # it was not undone itself
            holding.setdefault(int(undoes or 0), number)
    return holding


def _refuse_overwriting(connection: Connection, number: int, after: State) -> None:
    """Make sure that everything is still as a change left it."""
    later = _later(connection, number)
    others = [
        (case_id, key)
        for key, values in after.items()
        for case_id, now in read(connection, key, list(values)).items()
        if now != values[case_id] or (case_id, key) in later
    ]
    if not others:
        return
    case_id, key = others[0]
    more = "" if len(others) == 1 else f" (and {len(others) - 1} more)"
    where = f"{aspect(key).words} of case {case_id}{more}"
    since = [later[one] for one in others if one in later]
    if since:
        raise LibraryError(
            f"Change {number} cannot be undone: change {max(since)} has changed {where} since, and "
            f"that would be lost. Undo change {max(since)} first."
        )
    raise LibraryError(
        f"Change {number} cannot be undone: {where} has been changed since, outside this history. "
        "Change it by hand."
    )


def _later(connection: Connection, number: int) -> dict[tuple[int, str], int]:
    """Return the last change after this one that holds, by case and aspect.

    A later change that was undone, and the change that undid it, are as if they had never been.
    """
    row, undone = AlterationRow, _undone_by(connection)
    query = (
        select(row.radiograph_id, row.aspect, ChangeRow.id, ChangeRow.undoes)
        .join(ChangeRow, ChangeRow.id == row.change_id)
        .where(ChangeRow.id > number)
        .order_by(ChangeRow.id)
    )
    return {
        (case_id, key): later
        for case_id, key, later, undoes in connection.execute(query)
        if later not in undone and not (undoes is not None and undoes > number)
    }


def _drop_made(connection: Connection, names: Sequence[str]) -> None:
    """Delete the collections that a change had made, where nothing else has come into them."""
    row = CollectionRow
    inside = Counter(
        connection.scalars(select(row.name).join(CollectedRow).where(row.name.in_(names)))
    )
    empty = [name for name in names if not inside[name]]
    connection.execute(delete(row).where(row.name.in_(empty)))
