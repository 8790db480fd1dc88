"""Which cases are meant: a filter that yields numbers, for lists and before searches.

Lists are paged by key: a page begins behind the last case of the one before, so that the
thousandth page costs what the first does, and nothing is shown twice when cases are added.
"""

from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import ColumnElement, Select, false, func, select, true

from daug.errors import LibraryError
from daug.findings import Finding
from daug.radiograph import View
from db.report_words import cases_with_words
from db.schema import (
    CollectedRow,
    CollectionRow,
    FindingRow,
    PatientRow,
    RadiographRow,
    StudyRow,
    TaggedRow,
    TagRow,
)


@dataclass(frozen=True)
class CaseFilter:
    """What a case must be; nothing asked means every case."""

    present: frozenset[Finding] = frozenset()  # all of them
    absent: frozenset[Finding] = frozenset()  # said to be absent, all of them
    views: frozenset[View] = frozenset()  # one of them
    sex: str = ""
    min_age: float | None = None  # years; a case of unknown age is left out
    max_age: float | None = None
    sources: frozenset[str] = frozenset()
    splits: frozenset[str] = frozenset()
    tags: frozenset[str] = frozenset()  # all of them
    collection: str = ""
    words: str = ""  # in the report, all of them
    patient: str = ""  # keyed hash: only this one
    without_patient: str = ""  # keyed hash: everybody else
    synthetic: bool | None = None
    near_duplicates: bool | None = None

    def __post_init__(self) -> None:
        if self.present & self.absent:
            both = ", ".join(sorted(self.present & self.absent))
            raise LibraryError(f"{both} cannot be both present and absent.")
        if self.min_age is not None and self.max_age is not None and self.min_age > self.max_age:
            raise LibraryError(f"No age is from {self.min_age} to {self.max_age}.")

    def conditions(self) -> list[ColumnElement[bool]]:
        """Return what `radiographs` must satisfy."""
        row = RadiographRow
        asked: list[ColumnElement[bool]] = []
        asked += [_finding(finding, "present") for finding in sorted(self.present)]
        asked += [_finding(finding, "absent") for finding in sorted(self.absent)]
        if self.views:
            asked.append(row.view.in_(sorted(view.value for view in self.views)))
        if self.sex:
            asked.append(row.sex == self.sex)
        if self.min_age is not None:
            asked.append(row.age_years >= self.min_age)
        if self.max_age is not None:
            asked.append(row.age_years <= self.max_age)
        if self.sources:
            asked.append(row.source.in_(sorted(self.sources)))
        if self.splits:
            asked.append(row.split.in_(sorted(self.splits)))
        for tag in sorted(self.tags):
            tagged = select(TaggedRow.radiograph_id).join(TagRow).where(TagRow.name == tag)
            asked.append(row.id.in_(tagged))
        if self.collection:
            collected = select(CollectedRow.radiograph_id).join(CollectionRow)
            asked.append(row.id.in_(collected.where(CollectionRow.name == self.collection)))
        if self.words:
            found = cases_with_words(self.words)
            asked.append(false() if found is None else row.id.in_(found))
        if self.patient:
            asked.append(row.study_id.in_(_studies_of(self.patient)))
        if self.without_patient:
            asked.append(row.study_id.not_in(_studies_of(self.without_patient)))
        if self.synthetic is not None:
            asked.append(row.synthetic == self.synthetic)
        if self.near_duplicates is not None:
            is_near = row.near_duplicate_of.is_not(None)
            asked.append(is_near if self.near_duplicates else ~is_near)
        return asked


@dataclass(frozen=True)
class Page:
    """One screenful of cases."""

    ids: list[int]
    next_after: int | None  # hand this in for the page that follows; None on the last one
    limit: int = field(default=0)


def ids_query(wanted: CaseFilter) -> Select[int]:
    """Return the query for the numbers of all cases that a filter lets through, rising."""
    return select(RadiographRow.id).where(*wanted.conditions()).order_by(RadiographRow.id)


def page_query(
    wanted: CaseFilter, limit: int, after: int | None = None, *, newest_first: bool = True
) -> Select[int]:
    """Return the query for one page and the first number of the next."""
    query = select(RadiographRow.id).where(*wanted.conditions())
    if newest_first:
        query = query.order_by(RadiographRow.id.desc())
        behind: ColumnElement[bool] = true() if after is None else RadiographRow.id < after
    else:
        query = query.order_by(RadiographRow.id)
        behind = true() if after is None else RadiographRow.id > after
    return query.where(behind).limit(limit + 1)


def count_query(wanted: CaseFilter) -> Select[int]:
    """Return the query for how many cases a filter lets through."""
    return select(func.count()).select_from(RadiographRow).where(*wanted.conditions())


def _finding(finding: Finding, state: str) -> ColumnElement[bool]:
    return (
        select(FindingRow.radiograph_id)
        .where(
            FindingRow.finding == finding.value,
            FindingRow.state == state,
            FindingRow.believed == true(),
            FindingRow.radiograph_id == RadiographRow.id,
        )
        .exists()
    )


def _studies_of(patient: str) -> Select[Any]:
    return select(StudyRow.id).join(PatientRow).where(PatientRow.pseudonym == patient)
