"""Everything that is known of one case, as HTML of our own in which each word is escaped."""

from collections.abc import Mapping, Sequence
from typing import Any

from daug.case import Case, FindingSource, FindingState
from daug.findings import Finding
from ui.case_pane import SHOWS_NOBODY, seen_from, who
from ui.report_markup import report_html, text_html

SAID_BY = {
    FindingSource.MANUAL: "by hand",
    FindingSource.IMPORTED: "data set",
    FindingSource.LABELLED: "from the report",
}


def facts_html(case: Case, patients: Sequence[Case], notes: Mapping[str, tuple[str, Any]]) -> str:
    """Return facts, findings, notes and report of a case.

    Args:
        case: The case.
        patients: All cases of its patient in their order, the case with them.
        notes: The note and the marks that it bears, by collection.
    """
    rows = [_row(name, value) for name, value in _facts(case, patients) if value]
    rows += [_row(f"In {name!r}", _note(*note)) for name, note in notes.items()]
    warnings = "".join(f'<div class="warning">{text_html(one)}</div>' for one in case.warnings)
    return (
        f'{warnings}<div class="heading">Report</div>{report_html(case)}'
        f'<div class="heading">Findings</div>{_findings(case)}'
        f'<div class="heading">{text_html(case.alias)}</div>'
        f'<table class="facts">{"".join(rows)}</table>'
    )


def _facts(case: Case, patients: Sequence[Case]) -> list[tuple[str, str]]:
    place = [one.case_id for one in patients].index(case.case_id) + 1 if patients else 1
    spacing = case.spacing
    return [
        ("Shows", SHOWS_NOBODY if case.synthetic else ""),
        ("View", seen_from(case.view).removeprefix("view ")),
        ("Patient", f"{who(case)}; radiograph {place} of {max(1, len(patients))} here"),
        ("Source", " · ".join(filter(None, (case.source, case.source_id, case.split)))),
        ("Licence", case.licence),
        ("Pixels", f"{case.width} × {case.height}"),
        (
            "Spacing",
            "" if spacing is None else f"{spacing.row_mm:.3g} × {spacing.column_mm:.3g} mm",
        ),
        ("Tags", ", ".join(case.tags)),
        ("Looks like", f"case {case.near_duplicate_of}" if case.near_duplicate_of else ""),
        ("Number", f"case {case.case_id}"),
    ]


def _note(note: str, marks: Any) -> str:
    marked = " (with marks)" if marks else ""
    return f"{note or 'no note'}{marked}"


def _findings(case: Case) -> str:
    lines = []
    for state in (FindingState.PRESENT, FindingState.UNCERTAIN, FindingState.ABSENT):
        named = [
            f"{text_html(finding.value)} <i>{SAID_BY[case.findings[finding].source]}</i>"
            for finding in Finding
            if finding in case.findings and case.state(finding) is state
        ]
        if named:
            lines.append(
                f'<div class="told {state.value}"><b>{state.value.capitalize()}</b> '
                f"{', '.join(named)}</div>"
            )
    if not lines:
        return '<div class="faint">Nothing is known of any finding.</div>'
    return "".join([*lines, '<div class="faint">Others are not mentioned.</div>'])


def _row(name: str, value: str) -> str:
    return f"<tr><td>{text_html(name)}</td><td>{text_html(value)}</td></tr>"
