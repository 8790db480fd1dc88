"""How similar cases are looked for, as the controls of the tab "Compare" have it."""

from dataclasses import dataclass, replace
from typing import Any

from daug.bundle import Bundle
from daug.case_desk import CaseQuestion
from daug.case_query import CaseFilter
from daug.findings import Direction, Finding
from daug.heatmap import Recipe
from daug.question_document import filter_document
from daug.radiograph import Radiograph
from daug.similar_cases import SearchKind
from ui import wording
from ui.case_filter_controls import filter_of

AS_IT_IS = ""  # no super-class: the radiograph as it is


@dataclass(frozen=True)
class Settings:
    """Everything that is asked beside the radiograph itself."""

    kind: SearchKind
    text: str
    image_weight: float
    change: tuple[str, Direction] | None  # only imagined
    shows: frozenset[Finding]  # in an opened file, as somebody says
    k: int
    same_patient_too: bool
    without_heat: bool
    wanted: CaseFilter

    def with_the_other_ranking(self) -> "Settings":
        """Return the same question, ranked the other way: with the heatmap or without it."""
        return replace(self, without_heat=not self.without_heat)

    def question(
        self,
        bundle: Bundle,
        *,
        radiograph: Radiograph | None = None,
        case_id: int | None = None,
        present: frozenset[Finding] = frozenset(),
        absent: frozenset[Finding] = frozenset(),
    ) -> CaseQuestion:
        """Return what the library is asked.

        Args:
            radiograph: That is compared, if it is no case.
            case_id: Of the case that is compared.
            present: The findings that it is known to show.
            absent: Those that it is known not to show.

        Raises:
            LibraryError: If nothing is asked, or things that exclude each other.
            RecipeError: If the bundle cannot draw the change.
        """
        return CaseQuestion(
            radiograph=radiograph,
            case_id=case_id,
            text=self.text,
            image_weight=self.image_weight,
            change=self._recipe(bundle),
            kind=self.kind,
            wanted=self.wanted,
            k=self.k,
            present=present,
            absent=absent,
            same_patient_too=self.same_patient_too,
            without_heat=self.without_heat,
        )

    @property
    def imagined(self) -> str:
        """What is only imagined of the query, in words; empty if nothing is."""
        if self.change is None:
            return ""
        return f"compared as imagined with {wording.title(*self.change)}"

    def to_dict(self) -> dict[str, Any]:
        """Return plain values for JSON: what was asked, in the words of the screen."""
        change = None if self.change is None else [self.change[0], self.change[1].value]
        return {
            "kind": self.kind.value,
            "text": self.text,
            "image_weight": self.image_weight,
            "change": change,
            "shows": sorted(self.shows),
            "k": self.k,
            "same_patient_too": self.same_patient_too,
            "without_heat": self.without_heat,
            "filters": filter_document(self.wanted),
        }

    def _recipe(self, bundle: Bundle) -> Recipe | None:
        return None if self.change is None else bundle.recipe_for(*self.change)


def settings_of(*values: Any) -> Settings:
    """Return the settings that the controls have.

    Args:
        values: Of `CompareControls.settings`, in their order, then those of the filter.

    Raises:
        LibraryError: If the filter contradicts itself.
    """
    kind, text, percent, name, sign, shows, k, same_patient, without_heat, *filtered = values
    return Settings(
        kind=SearchKind(kind),
        text=(text or "").strip(),
        image_weight=percent / 100,
        change=None if name in (AS_IT_IS, None) else (name, Direction(sign)),
        shows=frozenset(Finding(one) for one in shows or ()),
        k=int(k),
        same_patient_too=bool(same_patient),
        without_heat=bool(without_heat),
        wanted=filter_of(*filtered),
    )
