"""A question about similar cases as a document, to be logged, saved and asked again.

A radiograph from outside of the library is in no document: whoever asks again opens it again.
"""

from collections.abc import Mapping
from dataclasses import fields
from functools import cache
from typing import TYPE_CHECKING, Any

from daug.case_desk import CaseQuestion
from daug.case_query import CaseFilter
from daug.errors import LibraryError, RecipeError
from daug.findings import Finding
from daug.heatmap import Recipe
from daug.radiograph import Radiograph
from daug.similar_cases import SearchKind

if TYPE_CHECKING:
    from pydantic import TypeAdapter

PATIENTS = ("patient", "without_patient")  # fields of a filter that tell whom somebody looked for


def filter_document(wanted: CaseFilter) -> dict[str, Any]:
    """Return what a filter asks, as JSON can hold it; what it does not ask is left out."""
    values = _filters().dump_python(wanted, mode="json", exclude_defaults=True)
    return {k: sorted(v) if isinstance(v, list) else v for k, v in values.items()}


def filter_from(document: Mapping[str, Any]) -> CaseFilter:
    """Return the filter of a document.

    Raises:
        LibraryError: If it asks what this program does not know, or contradicts itself.
    """
    from pydantic import ValidationError

    unknown = set(document) - {field.name for field in fields(CaseFilter)}
    if unknown:
        raise LibraryError(
            f"The filter asks for {', '.join(sorted(unknown))}, which this program does not know."
        )
    try:
        return _filters().validate_python(dict(document))
    except ValidationError as error:
        first = error.errors()[0]
        name = ".".join(map(str, first["loc"]))
        raise LibraryError(f"The filter cannot be read: {name}: {first['msg']}.") from error


def question_document(question: CaseQuestion) -> dict[str, Any]:
    """Return a question as JSON can hold it, but for a radiograph that is no case."""
    change = question.change
    return {
        "kind": question.kind.value,
        "text": question.text,
        "case_id": question.case_id,
        "image_weight": question.image_weight,
        "change": None if change is None else change.to_dict(),
        "filters": filter_document(question.wanted),
        "k": question.k,
        "present": sorted(finding.value for finding in question.present),
        "absent": sorted(finding.value for finding in question.absent),
        "same_patient_too": question.same_patient_too,
        "without_heat": question.without_heat,
    }


def question_from(
    document: Mapping[str, Any],
    *,
    radiograph: Radiograph | None = None,
    case_id: int | None = None,
    text: str | None = None,
) -> CaseQuestion:
    """Return the question of a document, about another radiograph, case or text if one is given.

    Raises:
        LibraryError: If it cannot be read, or starts from a radiograph and none is given.
    """
    try:
        change = document.get("change")
        if radiograph is None and case_id is None:
            case_id = document.get("case_id")
        return CaseQuestion(
            radiograph=radiograph,
            case_id=case_id,
            text=str(document.get("text", "")) if text is None else text,
            image_weight=float(document.get("image_weight", 0.5)),
            change=None if change is None else Recipe.from_dict(change),
            kind=SearchKind(document.get("kind", SearchKind.SIMILAR)),
            wanted=filter_from(document.get("filters", {})),
            k=int(document.get("k", 10)),
            present=frozenset(map(Finding, document.get("present", ()))),
            absent=frozenset(map(Finding, document.get("absent", ()))),
            same_patient_too=bool(document.get("same_patient_too", False)),
            without_heat=bool(document.get("without_heat", False)),
        )
    except (AttributeError, RecipeError, TypeError, ValueError) as error:
        raise LibraryError(f"The search cannot be read: {error}.") from error


@cache
def _filters() -> "TypeAdapter[CaseFilter]":
    from pydantic import TypeAdapter  # a tenth of a second that most commands do without

    return TypeAdapter(CaseFilter)
