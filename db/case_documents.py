"""Cases as the documents that `--json` prints."""

from typing import Any

from daug.case import Case
from daug.import_report import ImportReport


def case_document(case: Case) -> dict[str, Any]:
    """Return everything about a case."""
    spacing = case.spacing
    return {
        "case_id": case.case_id,
        "alias": case.alias,
        "patient_id": case.patient,
        "study_id": case.study,
        "study_order": case.study_order,
        "view": case.view.value,
        "sex": case.sex,
        "age": case.age,
        "age_stated": case.age_stated,
        "source": case.source,
        "source_id": case.source_id,
        "split": case.split,
        "licence": case.licence,
        "findings": findings_document(case),
        "report": case.report,
        "report_kind": case.report_kind.value,
        "synthetic": case.synthetic,
        "near_duplicate_of": case.near_duplicate_of,
        "tags": list(case.tags),
        "collections": list(case.collections),
        "warnings": list(case.warnings),
        "pixel_digest": case.pixel_digest,
        "height": case.height,
        "width": case.width,
        "spacing_mm": None if spacing is None else [spacing.row_mm, spacing.column_mm],
        "spacing_plane": None if spacing is None else spacing.plane.value,
    }


def findings_document(case: Case) -> dict[str, dict[str, str]]:
    """Return state and source of each finding that somebody spoke of."""
    return {
        finding.value: {"state": said.state.value, "source": said.source.value}
        for finding, said in case.findings.items()
    }


def import_document(report: ImportReport) -> dict[str, Any]:
    """Return what became of every file of an import."""
    return {
        "imported": len(report.imported),
        "skipped": [{"file": s.file, "reason": s.reason} for s in report.skipped],
        "duplicates": len(report.duplicates),
        "seconds": report.seconds,
        "files_per_second": report.done / report.seconds if report.seconds else 0.0,
        "case_ids": report.imported,
        "duplicate_files": [{"file": k.file, "case_id": k.case_id} for k in report.duplicates],
        "near_duplicates": [
            {"file": file, "case_id": case_id, "like": like}
            for file, case_id, like in report.near_duplicates
        ],
        "conflicts": [{"file": k.file, "case_id": k.case_id} for k in report.conflicts],
        "warnings": [
            {"file": file, "case_id": case_id, "warnings": list(warnings)}
            for file, case_id, warnings in report.warned
        ],
    }
