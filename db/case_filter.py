"""Which cases are meant: a filter that yields numbers, for lists and before searches.

Lists are paged by key: a page begins behind the last case of the one before, so that the
thousandth page costs what the first does, and nothing is shown twice when cases are added.
"""

from datetime import datetime, time
from typing import Any

from sqlalchemy import ColumnElement, Select, false, func, select, true

from daug.case_query import CaseFilter
from daug.findings import Finding
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


def conditions(wanted: CaseFilter) -> list[ColumnElement[bool]]:
    """Return what `radiographs` must satisfy."""
    row = RadiographRow
    asked: list[ColumnElement[bool]] = []
    asked += [_finding(finding, "present") for finding in sorted(wanted.present)]
    asked += [_finding(finding, "absent") for finding in sorted(wanted.absent)]
    if wanted.views:
        asked.append(row.view.in_(sorted(view.value for view in wanted.views)))
    if wanted.sex:
        asked.append(row.sex == wanted.sex)
    if wanted.min_age is not None:
        asked.append(row.age_years >= wanted.min_age)
    if wanted.max_age is not None:
        asked.append(row.age_years <= wanted.max_age)
    if wanted.sources:
        asked.append(row.source.in_(sorted(wanted.sources)))
    if wanted.splits:
        asked.append(row.split.in_(sorted(wanted.splits)))
    for tag in sorted(wanted.tags):
        tagged = select(TaggedRow.radiograph_id).join(TagRow).where(TagRow.name == tag)
        asked.append(row.id.in_(tagged))
    if wanted.collection:
        collected = select(CollectedRow.radiograph_id).join(CollectionRow)
        asked.append(row.id.in_(collected.where(CollectionRow.name == wanted.collection)))
    if wanted.words:
        found = cases_with_words(wanted.words)
        asked.append(false() if found is None else row.id.in_(found))
    if wanted.patient:
        asked.append(row.study_id.in_(_studies_of(wanted.patient)))
    if wanted.without_patient:
        asked.append(row.study_id.not_in(_studies_of(wanted.without_patient)))
    if wanted.synthetic is not None:
        asked.append(row.synthetic == wanted.synthetic)
    if wanted.near_duplicates is not None:
        is_near = row.near_duplicate_of.is_not(None)
        asked.append(is_near if wanted.near_duplicates else ~is_near)
    if wanted.added_from is not None:
        asked.append(row.added_at >= datetime.combine(wanted.added_from, time.min))
    if wanted.added_to is not None:
        asked.append(row.added_at <= datetime.combine(wanted.added_to, time.max))
    return asked


def ids_query(wanted: CaseFilter) -> Select[int]:
    """Return the query for the numbers of all cases that a filter lets through, rising."""
    return select(RadiographRow.id).where(*conditions(wanted)).order_by(RadiographRow.id)


def page_query(
    wanted: CaseFilter, limit: int, after: int | None = None, *, newest_first: bool = True
) -> Select[int]:
    """Return the query for one page and the first number of the next."""
    query = select(RadiographRow.id).where(*conditions(wanted))
    if newest_first:
        query = query.order_by(RadiographRow.id.desc())
        behind: ColumnElement[bool] = true() if after is None else RadiographRow.id < after
    else:
        query = query.order_by(RadiographRow.id)
        behind = true() if after is None else RadiographRow.id > after
    return query.where(behind).limit(limit + 1)


def count_query(wanted: CaseFilter) -> Select[int]:
    """Return the query for how many cases a filter lets through."""
    return select(func.count()).select_from(RadiographRow).where(*conditions(wanted))


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
