"""What of a case can be changed, aspect by aspect, so that a history can keep and restore it.

    view, sex, age, alias      a column of the case
    report                     {"text": ..., "kind": ...}
    finding/Edema/manual       what one source says of one finding
    tag/teaching               true
    collection/Lesson 1        {"note": ..., "marks": ...}

A value is what JSON can hold, and None where there is nothing. Any number of cases is taken.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from sqlalchemy import Connection, case, delete, func, insert, select, update
from sqlalchemy.orm import aliased

from daug.case import FindingSource, ReportKind
from daug.errors import LibraryError
from daug.findings import Finding
from daug.stated_age import years
from db.entering import TRUST
from db.schema import (
    CollectedRow,
    CollectionRow,
    FindingRow,
    RadiographRow,
    ReportRow,
    TaggedRow,
    TagRow,
)

AT_ONCE = 500  # numbers in one query; older SQLite takes 999

Values = Mapping[int, Any]  # by case


class Aspect(Protocol):
    """One aspect of any case."""

    @property
    def words(self) -> str:
        """What a person calls it."""
        ...

    def read(self, connection: Connection, ids: list[int]) -> dict[int, Any]:
        """Return the values of the cases in which there is something."""
        ...

    def write(self, connection: Connection, values: Values) -> None:
        """Put these values in place of those that are there."""
        ...


def aspect(key: str) -> Aspect:
    """Return the aspect of a key.

    Raises:
        LibraryError: If this program knows none of this name.
    """
    kind, _, rest = key.partition("/")
    made: dict[str, Callable[[], Aspect]] = {
        "alias": lambda: _Column("alias", "alias"),
        "view": lambda: _Column("view", "view"),
        "sex": lambda: _Column("sex", "sex"),
        "age": lambda: _Column("age", "age_stated"),
        "report": _Report,
        "finding": lambda: _Finding(Finding(rest.rpartition("/")[0]), rest.rpartition("/")[2]),
        "tag": lambda: _Tag(rest),
        "collection": lambda: _Collection(rest),
    }
    if kind not in made:
        raise LibraryError(f"The history speaks of {key[:64]!r}, which this program does not know.")
    return made[kind]()


def finding_key(finding: Finding, source: FindingSource = FindingSource.MANUAL) -> str:
    """Return the key of what a source says of a finding."""
    return f"finding/{finding.value}/{source.value}"


def read(connection: Connection, key: str, ids: Sequence[int]) -> dict[int, Any]:
    """Return an aspect of many cases; None where there is nothing."""
    found: dict[int, Any] = {}
    one = aspect(key)
    for some in chunks(ids):
        found |= dict.fromkeys(some) | one.read(connection, some)
    return found


def write(connection: Connection, key: str, values: Values) -> None:
    """Put an aspect of many cases in place of what is there.

    Raises:
        LibraryError: If another case has the alias.
    """
    one = aspect(key)
    if key == "alias":  # two cases may exchange theirs
        one.write(connection, dict.fromkeys(values))
        _refuse_taken(connection, values)
    for some in chunks(values):
        one.write(connection, {case_id: values[case_id] for case_id in some})


def chunks(ids: Any) -> Iterator[list[int]]:
    """Yield each number once, in lists that one query takes."""
    unique = list(dict.fromkeys(int(case_id) for case_id in ids))
    for start in range(0, len(unique), AT_ONCE):
        yield unique[start : start + AT_ONCE]


@dataclass(frozen=True)
class _Column:
    words: str
    column: str

    def read(self, connection: Connection, ids: list[int]) -> dict[int, Any]:
        row = RadiographRow
        query = select(row.id, getattr(row, self.column)).where(row.id.in_(ids))
        return dict(connection.execute(query).all())

    def write(self, connection: Connection, values: Values) -> None:
        for value in dict.fromkeys(values.values()):  # one query a value; many cases share one
            ids = [case_id for case_id, wanted in values.items() if wanted == value]
            changed = update(RadiographRow).where(RadiographRow.id.in_(ids))
            connection.execute(changed.values(**self._columns(value)))

    def _columns(self, value: Any) -> dict[str, Any]:
        stated = {self.column: value}
        return stated | {"age_years": years(value)} if self.column == "age_stated" else stated


@dataclass(frozen=True)
class _Report:
    words: str = "report"

    def read(self, connection: Connection, ids: list[int]) -> dict[int, Any]:
        rows = select(ReportRow.radiograph_id, ReportRow.text, ReportRow.kind).where(
            ReportRow.radiograph_id.in_(ids)
        )
        return {i: {"text": text, "kind": kind} for i, text, kind in connection.execute(rows)}

    def write(self, connection: Connection, values: Values) -> None:
        connection.execute(delete(ReportRow).where(ReportRow.radiograph_id.in_(list(values))))
        rows = [
            {
                "radiograph_id": case_id,
                "text": value["text"],
                "kind": ReportKind(value["kind"]).value,
            }
            for case_id, value in values.items()
            if value is not None
        ]
        if rows:
            connection.execute(insert(ReportRow), rows)


@dataclass(frozen=True)
class _Finding:
    finding: Finding
    source: str

    @property
    def words(self) -> str:
        said = "" if self.source == FindingSource.MANUAL else f" ({self.source})"
        return f"{self.finding.value}{said}"

    def read(self, connection: Connection, ids: list[int]) -> dict[int, Any]:
        row = FindingRow
        query = select(row.radiograph_id, row.state).where(
            row.finding == self.finding.value,
            row.source == self.source,
            row.radiograph_id.in_(ids),
        )
        return dict(connection.execute(query).all())

    def write(self, connection: Connection, values: Values) -> None:
        row, ids = FindingRow, list(values)
        of = (row.finding == self.finding.value, row.radiograph_id.in_(ids))
        connection.execute(delete(row).where(*of, row.source == self.source))
        rows = [
            {
                "radiograph_id": case_id,
                "finding": self.finding.value,
                "source": self.source,
                "state": state,
                "believed": False,
            }
            for case_id, state in values.items()
            if state is not None
        ]
        if rows:
            connection.execute(insert(row), rows)
        connection.execute(update(row).where(*of).values(believed=row.source == _trusted()))


def _trusted() -> Any:
    """Return the query for the source of a finding that is trusted most."""
    other = aliased(FindingRow)
    order = case({source.value: at for at, source in enumerate(TRUST)}, value=other.source)
    return (
        select(other.source)
        .where(other.radiograph_id == FindingRow.radiograph_id, other.finding == FindingRow.finding)
        .order_by(order)
        .limit(1)
        .correlate(FindingRow)
        .scalar_subquery()
    )


@dataclass(frozen=True)
class _Tag:
    name: str

    @property
    def words(self) -> str:
        return f"tag {self.name!r}"

    def read(self, connection: Connection, ids: list[int]) -> dict[int, Any]:
        query = (
            select(TaggedRow.radiograph_id)
            .join(TagRow)
            .where(TagRow.name == self.name, TaggedRow.radiograph_id.in_(ids))
        )
        return dict.fromkeys(connection.scalars(query), True)

    def write(self, connection: Connection, values: Values) -> None:
        number, member = _number(connection, TagRow, self.name, values), TaggedRow
        if number is None:
            return
        connection.execute(
            delete(member).where(member.tag_id == number, member.radiograph_id.in_(list(values)))
        )
        rows = [{"tag_id": number, "radiograph_id": i} for i, value in values.items() if value]
        if rows:
            connection.execute(insert(member), rows)
        _drop_unborne(connection, number)


@dataclass(frozen=True)
class _Collection:
    name: str

    @property
    def words(self) -> str:
        return f"collection {self.name!r}"

    def read(self, connection: Connection, ids: list[int]) -> dict[int, Any]:
        member = CollectedRow
        query = (
            select(member.radiograph_id, member.note, member.marks)
            .join(CollectionRow)
            .where(CollectionRow.name == self.name, member.radiograph_id.in_(ids))
        )
        return {i: {"note": note, "marks": marks} for i, note, marks in connection.execute(query)}

    def write(self, connection: Connection, values: Values) -> None:
        number, member = _number(connection, CollectionRow, self.name, values), CollectedRow
        if number is None:
            return
        connection.execute(
            delete(member).where(
                member.collection_id == number, member.radiograph_id.in_(list(values))
            )
        )
        rows = [
            {"collection_id": number, "radiograph_id": case_id, **value}
            for case_id, value in values.items()
            if value is not None
        ]
        if rows:
            connection.execute(insert(member), rows)


def _number(connection: Connection, group: Any, name: str, values: Values) -> int | None:
    """Return the number of a tag or a collection, which is made if cases are to be in it."""
    number = connection.scalar(select(group.id).where(group.name == name))
    if number is None and any(value is not None for value in values.values()):
        made = connection.execute(insert(group).values(name=name)).inserted_primary_key
        assert made is not None
        number = made[0]
    return number


def _drop_unborne(connection: Connection, number: int) -> None:
    """Forget a tag that no case bears."""
    left = connection.scalar(
        select(func.count()).select_from(TaggedRow).where(TaggedRow.tag_id == number)
    )
    if not left:
        connection.execute(delete(TagRow).where(TagRow.id == number))


def _refuse_taken(connection: Connection, values: Values) -> None:
    """Make sure that nobody else has one of these aliases."""
    row = RadiographRow
    for alias in filter(None, values.values()):
        taken = connection.scalar(select(row.id).where(row.alias == alias))
        if taken is not None:
            raise LibraryError(
                f"Case {taken} is called {alias!r} now. Give it another alias first."
            )
