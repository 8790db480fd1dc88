"""Write a case into the tables, and everything that hangs on it."""

from collections.abc import Mapping
from typing import Any

from sqlalchemy import Connection, Table, and_, delete, exists, insert, not_, select, update

from daug.case import STATE_OF_LABEL, FindingSource, FindingState, ReportKind
from daug.findings import Finding
from daug.loading.synthetic import SAYS_SYNTHETIC
from daug.radiograph import Pseudonym
from daug.stated_age import years
from db.facts import Facts
from db.preparing import Prepared
from db.schema import (
    FindingRow,
    LibraryRow,
    PatientRow,
    RadiographRow,
    ReportRow,
    StudyRow,
)

TRUST = list(FindingSource)  # most trusted first


def enter(connection: Connection, prepared: Prepared, near: int | None) -> int:
    """Enter a case; return its number. Call inside a transaction, files already in their places."""
    facts, spacing = prepared.facts, prepared.spacing
    case_id = _inserted(
        connection,
        RadiographRow,
        study_id=_study(connection, prepared.pseudonym),
        pixel_digest=prepared.pixel_digest,
        original_digest=prepared.original_digest,
        original_suffix=prepared.original_suffix,
        incoming_digest=prepared.incoming_digest,
        sop_instance=prepared.sop_instance,
        perceptual_hash=prepared.perceptual_hash,
        near_duplicate_of=near,
        height=prepared.height,
        width=prepared.width,
        row_mm=None if spacing is None else spacing.row_mm,
        column_mm=None if spacing is None else spacing.column_mm,
        spacing_plane=None if spacing is None else spacing.plane.value,
        view=prepared.view.value,
        sex=prepared.sex,
        age_years=years(prepared.age_stated),
        age_stated=prepared.age_stated,
        source=facts.source,
        source_id=facts.source_id,
        split=facts.split,
        licence=facts.licence,
        synthetic=facts.synthetic or SAYS_SYNTHETIC in prepared.warnings,
        warnings=list(prepared.warnings),
    )
    if facts.labels:  # each has one source, so it is believed
        rows = [
            {
                "radiograph_id": case_id,
                "finding": finding.value,
                "source": _source(facts, finding).value,
                "state": STATE_OF_LABEL[label].value,
                "believed": True,
            }
            for finding, label in facts.labels.items()
        ]
        connection.execute(insert(FindingRow), rows)
    set_report(connection, case_id, facts.report, facts.report_kind)
    return case_id


def _source(facts: Facts, finding: Finding) -> FindingSource:
    return FindingSource.LABELLED if finding in facts.text_derived else FindingSource.IMPORTED


def grow(connection: Connection) -> None:
    """Count a change of cases, so that whoever searches notices it."""
    connection.execute(update(LibraryRow).values(generation=LibraryRow.generation + 1))


def set_report(connection: Connection, case_id: int, text: str, kind: ReportKind) -> None:
    """Put a text in place of the one that a case has; an empty one leaves none."""
    connection.execute(delete(ReportRow).where(ReportRow.radiograph_id == case_id))
    if text:
        connection.execute(
            insert(ReportRow).values(radiograph_id=case_id, text=text, kind=kind.value)
        )


def set_findings(
    connection: Connection,
    case_id: int,
    states: Mapping[Finding, FindingState],
    source: FindingSource,
) -> None:
    """Write down what one source says about some findings, and who is now believed."""
    for finding, state in states.items():
        connection.execute(
            delete(FindingRow).where(
                FindingRow.radiograph_id == case_id,
                FindingRow.finding == finding.value,
                FindingRow.source == source.value,
            )
        )
        connection.execute(
            insert(FindingRow).values(
                radiograph_id=case_id,
                finding=finding.value,
                source=source.value,
                state=state.value,
                believed=False,
            )
        )
        said = select(FindingRow.source).where(
            FindingRow.radiograph_id == case_id, FindingRow.finding == finding.value
        )
        trusted = min(connection.scalars(said), key=lambda word: TRUST.index(FindingSource(word)))
        connection.execute(
            update(FindingRow)
            .where(FindingRow.radiograph_id == case_id, FindingRow.finding == finding.value)
            .values(believed=FindingRow.source == trusted)
        )


def drop_empty(connection: Connection) -> None:
    """Forget studies without radiographs and patients without studies."""
    empty = not_(exists().where(RadiographRow.study_id == StudyRow.id))
    connection.execute(delete(StudyRow).where(empty))
    nobody = not_(exists().where(and_(StudyRow.patient_id == PatientRow.id)))
    connection.execute(delete(PatientRow).where(nobody))


def _study(connection: Connection, who: Pseudonym) -> int:
    """Return the study's row, made if it is new; without a hash every file is a study."""
    if who.study is not None:
        known = connection.scalar(select(StudyRow.id).where(StudyRow.pseudonym == who.study))
        if known is not None:
            return int(known)
    patient_id = None if who.patient is None else _patient(connection, who.patient)
    return _inserted(
        connection,
        StudyRow,
        patient_id=patient_id,
        pseudonym=who.study,
        study_order=who.study_order,
    )


def _patient(connection: Connection, pseudonym: str) -> int:
    known = connection.scalar(select(PatientRow.id).where(PatientRow.pseudonym == pseudonym))
    return (
        int(known) if known is not None else _inserted(connection, PatientRow, pseudonym=pseudonym)
    )


def _inserted(connection: Connection, row: Any, **values: Any) -> int:
    table: Table = row.__table__
    key = connection.execute(insert(table).values(**values)).inserted_primary_key
    assert key is not None
    return int(key[0])
