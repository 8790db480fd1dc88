"""Saving from the tab "Compare": the query or the selected case, with the question as its marks."""

from dataclasses import dataclass
from typing import Any

from daug.case import SearchHit
from ui.compare_controls import QUERY
from ui.comparing import Found
from ui.comparison_trail import Subject, Trail
from ui.keeping import Keeper
from ui.readings import Readings


@dataclass(frozen=True)
class ComparisonKeeper:
    """Saves what is on the screen."""

    keeper: Keeper
    readings: Readings

    def save(
        self,
        what: str,
        collection: str | None,
        note: str,
        trail: Trail,
        found: Found | None,
        selected: int | None,
    ) -> str:
        """Save the query or the selected case, and say what became of it."""
        subject = trail.subject
        if what != QUERY:
            return self.keeper.save_case(selected, collection, note, marks_of(found, selected))
        if subject is not None and subject.case_id is None:
            return self.keeper.save_open(self.readings.get(subject.key), collection, note)
        case_id = subject.case_id if subject else None
        return self.keeper.save_case(case_id, collection, note, marks_of(found, case_id))


def marks_of(found: Found | None, case_id: int | None) -> dict[str, Any]:
    """Return what was being looked at: the question, and where the case stood in its answer."""
    if found is None or found.settings is None:
        return {"view": "compare"}
    hit = next((one for one in found.hits if one.case.case_id == case_id), None)
    return {
        "view": "compare",
        "query": _query(found.subject),
        "question": found.settings.to_dict(),
        "model": found.answer.model_digest if found.answer else "",
        **({} if hit is None else _place(hit)),
    }


def _query(subject: Subject | None) -> dict[str, Any]:
    if subject is None:
        return {"text only": True}
    return {"opened file": True} if subject.case_id is None else {"case_id": subject.case_id}


def _place(hit: SearchHit) -> dict[str, Any]:
    return {"rank": hit.rank, "similarity": hit.similarity}
