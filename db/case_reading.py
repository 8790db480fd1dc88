"""Rows into cases: four queries for any number of them."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from sqlalchemy import Connection, Row, select

from daug.case import Case, FindingSource, FindingState, ReportKind, Statement
from daug.findings import Finding
from daug.radiograph import PixelSpacing, SpacingPlane
from daug.view import View
from db.schema import (
    CollectedRow,
    CollectionRow,
    FindingRow,
    PatientRow,
    RadiographRow,
    ReportRow,
    StudyRow,
    TaggedRow,
    TagRow,
)

AT_ONCE = 500  # numbers in one query; older SQLite takes 999


def default_alias(case_id: int) -> str:
    """Return what a case is called that nobody has named."""
    return f"case {case_id}"


def read_cases(connection: Connection, ids: Sequence[int]) -> list[Case]:
    """Return cases in the order asked for; numbers without a case are left out."""
    found: dict[int, Case] = {}
    for some in _chunks(ids):
        found |= {case.case_id: case for case in _read(connection, some)}
    return [found[case_id] for case_id in ids if case_id in found]


def _read(connection: Connection, ids: list[int]) -> Iterator[Case]:
    rows = (
        select(
            RadiographRow.__table__,
            PatientRow.pseudonym.label("patient"),
            StudyRow.pseudonym.label("study"),
            StudyRow.study_order.label("study_order"),
            ReportRow.text.label("report"),
            ReportRow.kind.label("report_kind"),
        )
        .join(StudyRow, StudyRow.id == RadiographRow.study_id)
        .outerjoin(PatientRow, PatientRow.id == StudyRow.patient_id)
        .outerjoin(ReportRow, ReportRow.radiograph_id == RadiographRow.id)
        .where(RadiographRow.id.in_(ids))
    )
    findings = _findings(connection, ids)
    tags = _names(connection, select(TaggedRow.radiograph_id, TagRow.name).join(TagRow), ids)
    collections = _names(
        connection, select(CollectedRow.radiograph_id, CollectionRow.name).join(CollectionRow), ids
    )
    for row in connection.execute(rows):
        yield _case(row, findings[row.id], tags[row.id], collections[row.id])


def _case(
    row: Row[Any],
    findings: dict[Finding, Statement],
    tags: tuple[str, ...],
    collections: tuple[str, ...],
) -> Case:
    spacing = None
    if row.row_mm is not None:
        spacing = PixelSpacing(row.row_mm, row.column_mm, SpacingPlane(row.spacing_plane))
    return Case(
        case_id=row.id,
        alias=row.alias or default_alias(row.id),
        pixel_digest=row.pixel_digest,
        height=row.height,
        width=row.width,
        source=row.source,
        source_id=row.source_id,
        split=row.split,
        licence=row.licence,
        patient=row.patient,
        study=row.study,
        study_order=row.study_order,
        view=View(row.view),
        sex=row.sex,
        age=row.age_years,
        age_stated=row.age_stated,
        spacing=spacing,
        findings=findings,
        report=row.report or "",
        report_kind=ReportKind(row.report_kind or ReportKind.NONE),
        synthetic=row.synthetic,
        near_duplicate_of=row.near_duplicate_of,
        tags=tags,
        collections=collections,
        warnings=tuple(row.warnings),
    )


def _findings(connection: Connection, ids: list[int]) -> defaultdict[int, dict[Finding, Statement]]:
    believed: defaultdict[int, dict[Finding, Statement]] = defaultdict(dict)
    rows = select(
        FindingRow.radiograph_id, FindingRow.finding, FindingRow.state, FindingRow.source
    ).where(FindingRow.radiograph_id.in_(ids), FindingRow.believed)
    for case_id, finding, state, source in connection.execute(rows):
        believed[case_id][Finding(finding)] = Statement(FindingState(state), FindingSource(source))
    return believed


def _names(connection: Connection, query: Any, ids: list[int]) -> defaultdict[int, tuple[str, ...]]:
    names: defaultdict[int, tuple[str, ...]] = defaultdict(tuple)
    case_id, name = query.selected_columns
    for number, text in connection.execute(query.where(case_id.in_(ids)).order_by(name)):
        names[number] += (text,)
    return names


def _chunks(ids: Iterable[int]) -> Iterator[list[int]]:
    unique = list(dict.fromkeys(int(case_id) for case_id in ids))
    for start in range(0, len(unique), AT_ONCE):
        yield unique[start : start + AT_ONCE]
