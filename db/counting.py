"""How many cases a library holds, and of what."""

from typing import Any

from sqlalchemy import Connection, Engine, func, select

from daug.case import FindingState
from daug.findings import Finding
from db.database import reading
from db.schema import (
    EmbeddingModelRow,
    EmbeddingRow,
    FindingRow,
    PatientRow,
    RadiographRow,
    ReportRow,
    StudyRow,
)


def count_everything(engine: Engine) -> dict[str, Any]:
    """Return counts as a document; the four states of a finding add up to all cases."""
    with reading(engine) as connection:
        cases = _count(connection, RadiographRow.id)
        return {
            "cases": cases,
            "patients": _count(connection, PatientRow.id),
            "studies": _count(connection, StudyRow.id),
            "reports": _by(connection, ReportRow.kind),
            "sources": _by(connection, RadiographRow.source),
            "splits": _by(connection, RadiographRow.split),
            "views": _by(connection, RadiographRow.view),
            "synthetic": _count(connection, RadiographRow.id, RadiographRow.synthetic),
            "near_duplicates": _count(
                connection, RadiographRow.id, RadiographRow.near_duplicate_of.is_not(None)
            ),
            "findings": _findings(connection, cases),
            "embeddings": _embeddings(connection),
        }


def _count(connection: Connection, column: Any, *conditions: Any) -> int:
    return int(connection.scalar(select(func.count(column)).where(*conditions)) or 0)


def _by(connection: Connection, column: Any) -> dict[str, int]:
    rows = connection.execute(select(column, func.count()).group_by(column).order_by(column))
    return dict(rows.all())


def _embeddings(connection: Connection) -> dict[str, int]:
    rows = connection.execute(
        select(EmbeddingModelRow.digest, func.count(EmbeddingRow.radiograph_id))
        .outerjoin(EmbeddingRow, EmbeddingRow.model_id == EmbeddingModelRow.id)
        .group_by(EmbeddingModelRow.id)
    )
    return dict(rows.all())


def _findings(connection: Connection, cases: int) -> dict[str, dict[str, int]]:
    counts = {finding.value: {state.value: 0 for state in FindingState} for finding in Finding}
    rows = connection.execute(
        select(FindingRow.finding, FindingRow.state, func.count())
        .where(FindingRow.believed)
        .group_by(FindingRow.finding, FindingRow.state)
    )
    for finding, state, number in rows:
        counts[finding][state] = number
    for states in counts.values():
        spoken_of = sum(n for state, n in states.items() if state != FindingState.NOT_MENTIONED)
        states[FindingState.NOT_MENTIONED] = cases - spoken_of
    return counts
