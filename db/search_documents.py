"""Answers to searches as documents for programs, and as lines for a terminal."""

from collections.abc import Mapping
from typing import Any

from daug.case import Case, SearchHit
from daug.case_desk import CaseQuestion, EmbeddingState
from daug.findings import Finding
from daug.question_document import question_document
from daug.similar_cases import BaseRate, Comparison, Count, SearchAnswer
from db.case_documents import findings_document

NOTHING_ALIKE = "Nothing like this in the library."
SHORT = 60  # characters of a report in a line


def answer_document(
    question: CaseQuestion, answer: SearchAnswer, state: EmbeddingState
) -> dict[str, Any]:
    """Return an answer with everything that is needed to read it."""
    weights = {"image_weight": answer.image_weight, "text_weight": answer.text_weight}
    radiograph = question.radiograph
    digest = {"pixel_digest": None if radiograph is None else radiograph.digest}
    asked_for = question_document(question) | weights | digest
    floor = answer.floor
    return {
        "query": asked_for | {"model_digest": answer.model_digest},
        "patient_excluded": answer.patient_excluded,
        "unlike_anything": answer.unlike_anything,
        "floor": None if floor is None else {"similarity": floor.similarity, "n": floor.n},
        "hits": [
            _hit(hit, comparison)
            for hit, comparison in zip(answer.hits, answer.comparisons, strict=True)
        ],
        "base_rates": [_rate(rate) for rate in answer.base_rates],
        "allowed": answer.allowed,
        "embedded": state.embedded,
        "total": state.total,
    }


def answer_lines(question: CaseQuestion, answer: SearchAnswer, state: EmbeddingState) -> list[str]:
    """Return an answer as a person reads it on a terminal."""
    lines = []
    if not state.complete:
        lines.append(
            f"Only {state.embedded} of {state.total} cases can be found: `daug library reindex` "
            "embeds the others."
        )
    if answer.unlike_anything and answer.floor is not None:
        lines.append(
            f"{NOTHING_ALIKE} The nearest case is less similar than {answer.floor.similarity:.3f}, "
            f"as only {answer.floor.percentile:g} % of {answer.floor.n} of its own cases are."
        )
    if answer.image_weight is not None and answer.text_weight is not None:
        lines.append(
            f"The radiograph counts {answer.image_weight:.2f}, the text {answer.text_weight:.2f}."
        )
    if answer.patient_excluded:
        lines.append("Radiographs of the same patient are left out.")
    lines += [_line(hit) for hit in answer.hits] or ["No case fits."]
    found = [rate for rate in answer.base_rates if rate.hits.present]
    lines += [f"{rate.finding}: {rate.sentence}" for rate in found]
    if denied := [rate.finding.value for rate in answer.base_rates if not rate.hits.present]:
        lines.append(f"Absent in all hits that are labelled for it: {', '.join(denied)}")
    return lines


def asked(query: Mapping[str, Any]) -> str:
    """Return a question's document in one line."""
    parts = [str(query.get("kind", ""))]
    if query.get("case_id") is not None:
        parts.append(f"case {query['case_id']}")
    elif query.get("radiograph"):
        parts.append("a radiograph")
    if query.get("text"):
        parts.append(repr(query["text"]))
    if change := query.get("change"):
        parts.append(f"{change['direction']} {change['super_class']}")
    parts += [f"{name} {value}" for name, value in (query.get("filters") or {}).items()]
    return ", ".join(part for part in parts if part)


def _hit(hit: SearchHit, comparison: Comparison) -> dict[str, Any]:
    case = hit.case
    return {
        "rank": hit.rank,
        "case_id": case.case_id,
        "similarity": hit.similarity,
        "patient_id": case.patient,
        "findings": findings_document(case),
        "source": case.source,
        "report": case.report,
        "report_kind": case.report_kind.value,
        "synthetic": case.synthetic,
        "alias": case.alias,
        "view": case.view.value,
        "shared": _names(comparison.shared),
        "differing": _names(comparison.differing),
    }


def _rate(rate: BaseRate) -> dict[str, Any]:
    return {
        "finding": rate.finding.value,
        "hits": _count(rate.hits),
        "library": _count(rate.library),
        "sentence": rate.sentence,
    }


def _count(count: Count) -> dict[str, int]:
    return {"present": count.present, "labelled": count.labelled}


def _names(findings: frozenset[Finding]) -> list[str]:
    return sorted(finding.value for finding in findings)


def _line(hit: SearchHit) -> str:
    case = hit.case
    said = " ".join(case.report.split())
    report = f"  {said[: SHORT - 1]}…" if len(said) > SHORT else f"  {said}"
    return (
        f"{hit.rank:4d}  {hit.similarity:6.3f}  {case.alias:<16}  {_where_from(case):<20}  "
        f"{', '.join(sorted(case.present)) or '-'}{report}".rstrip()
    )


def _where_from(case: Case) -> str:
    return f"{case.source or '-'}{', synthetic' if case.synthetic else ''}"
