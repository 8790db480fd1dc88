"""What a person may do with the case library, as somebody hands it in.

A screen speaks to the library through these two alone, and knows neither database nor networks.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from daug.case import Case, FindingState
from daug.case_edit import Edit
from daug.case_history import Altered, Change
from daug.case_query import CaseFilter, Page
from daug.errors import LibraryError
from daug.findings import Finding
from daug.heatmap import Recipe
from daug.import_report import ImportReport, Progress
from daug.library_verdict import Verdict
from daug.radiograph import Radiograph
from daug.similar_cases import SearchAnswer, SearchKind


@dataclass(frozen=True)
class CaseQuestion:
    """What cases are looked for; a radiograph, a text, or both.

    A case of the library is asked about by its number, and then its embedding is there already.
    """

    radiograph: Radiograph | None = None
    case_id: int | None = None
    text: str = ""
    image_weight: float = 0.5  # of radiograph and text, where there are both, in [0, 1]
    change: Recipe | None = None  # "what looks like this with more of it", or less
    kind: SearchKind = SearchKind.SIMILAR
    wanted: CaseFilter = field(default_factory=CaseFilter)
    k: int = 10
    present: frozenset[Finding] = frozenset()  # in the radiograph, as far as somebody says so
    absent: frozenset[Finding] = frozenset()
    same_patient_too: bool = False
    without_heat: bool = False  # ranked as if no heatmap had been drawn of anything

    def __post_init__(self) -> None:
        if self.radiograph is None and self.case_id is None and not self.text.strip():
            raise LibraryError("There is nothing to look for. Open a radiograph or write a text.")
        if self.change is not None and self.radiograph is None and self.case_id is None:
            raise LibraryError(
                "A change needs a radiograph that is to change. Open one, or leave the change out."
            )
        if not 1 <= self.k <= 1000:
            raise LibraryError(f"Ask for 1 to 1000 cases, got {self.k}.")


@dataclass(frozen=True)
class EmbeddingState:
    """How far the library is embedded by the model in use."""

    embedded: int
    total: int
    running: bool = False
    seconds_left: float | None = None  # None until it can be told
    failed: str = ""  # one sentence, if it stopped

    @property
    def complete(self) -> bool:
        """Whether every case can be found."""
        return self.embedded >= self.total


class CaseDesk(Protocol):
    """Where similar cases are asked for; safe to use from several threads."""

    def ask(self, question: CaseQuestion) -> SearchAnswer:
        """Return the most similar cases, and how to read them; the question goes into the log.

        Raises:
            LibraryError: If the question cannot be answered by this library.
            EmbeddingError: If its parts do not fit together.
        """
        ...

    def priors(self, radiograph: Radiograph) -> list[Case]:
        """Return the patient's other radiographs in the library, the oldest first."""
        ...

    def radiograph(self, case_id: int) -> Radiograph:
        """Return a case's radiograph at full resolution, under the case's alias."""
        ...

    def keep(self, radiograph: Radiograph, path: Path) -> Case:
        """Return the case of a radiograph, entered into the library if it is new.

        Args:
            radiograph: The one that is open.
            path: Its file.

        Raises:
            LibraryError: If the file cannot be entered.
        """
        ...

    def embedding_state(self) -> EmbeddingState:
        """Return how far the library is embedded; until then it is searched as far as it is."""
        ...

    def start_embedding(self) -> None:
        """Embed in the background what is not embedded yet; nothing if that is under way."""
        ...

    def stop_embedding(self) -> None:
        """Stop after the case that is under way; what is done stays."""
        ...

    @property
    def can_rank_without_heat(self) -> bool:
        """Whether `CaseQuestion.without_heat` can be answered."""
        ...

    @property
    def why_no_search(self) -> str:
        """Why nothing can be asked here, in one sentence; empty if something can."""
        ...


class CaseLibrary(Protocol):
    """The cases themselves: looked through, changed, added and removed."""

    def page(
        self,
        wanted: CaseFilter | None = None,
        *,
        limit: int = 50,
        after: int | None = None,
        newest_first: bool = True,
    ) -> Page:
        """Return one page of the cases that a filter lets through; `after` is the page before."""
        ...

    def count(self, wanted: CaseFilter | None = None) -> int:
        """Return how many cases a filter lets through."""
        ...

    def cases(self, ids: Sequence[int]) -> list[Case]:
        """Return cases in the order asked for; numbers without a case are left out."""
        ...

    def case(self, case_id: int) -> Case:
        """Return one case.

        Raises:
            LibraryError: If there is none of this number.
        """
        ...

    def same_patient(self, case_id: int) -> list[Case]:
        """Return all cases of a case's patient, the oldest study first."""
        ...

    def thumbnail(self, case: Case) -> Path:
        """Return the small picture of a case, a JPEG."""
        ...

    def original(self, case_id: int) -> Path:
        """Return the de-identified file of a case."""
        ...

    def edit(self, case_id: int, change: Edit) -> Case:
        """Change what is said about one case."""
        ...

    def ids(self, wanted: CaseFilter | None = None) -> NDArray[np.int64]:
        """Return the numbers of all cases that a filter lets through, rising."""
        ...

    def sources(self) -> dict[str, int]:
        """Return how many cases come from each data set or hospital, by name."""
        ...

    @property
    def generation(self) -> int:
        """A number that grows with every change of cases, findings, tags or embeddings."""
        ...

    def edit_many(self, ids: Sequence[int], states: Mapping[Finding, FindingState]) -> int | None:
        """Give the same states to findings of many cases at once; return the change's number.

        Returns:
            None if all of it was so already.

        Raises:
            LibraryError: If a case is not there; then nothing is changed.
        """
        ...

    def history(self, limit: int = 50) -> list[Change]:
        """Return the latest changes of labels and facts, tags and collections, newest first."""
        ...

    def alterations(self, change: int, limit: int = 100) -> list[Altered]:
        """Return what a change did to each case, before and after."""
        ...

    def undo(self, change: int) -> int:
        """Restore what was before a change; undoing the number that this returns redoes it.

        Raises:
            LibraryError: If something that it changed was changed since; then nothing is changed.
        """
        ...

    def collect(self, name: str, case_id: int, note: str = "", marks: Any = None) -> None:
        """Put a case into a collection with a note and marks, in place of those it has there.

        Args:
            name: The collection, which is made if it is new.
            case_id: The case.
            note: Plain text of at most 10,000 characters.
            marks: What JSON can hold.

        Raises:
            LibraryError: If there is no such case, or a name, a note or marks cannot be kept.
        """
        ...

    def collected(self, name: str) -> list[tuple[int, str, Any]]:
        """Return the cases of a collection in their order, each with its note and marks.

        Raises:
            LibraryError: If there is no such collection.
        """
        ...

    def notes_of(self, case_id: int) -> dict[str, tuple[str, Any]]:
        """Return the note and the marks that a case bears, by collection."""
        ...

    def add_to(self, what: str, name: str, ids: Sequence[int]) -> None:
        """Give cases a tag, or put them into a collection; `what` is "tag" or "collection"."""
        ...

    def take_from(self, what: str, name: str, ids: Sequence[int]) -> None:
        """Take a tag from cases, or cases out of a collection."""
        ...

    def group_sizes(self, what: str) -> dict[str, int]:
        """Return how many cases bear each tag, or are in each collection, by name."""
        ...

    def remove(self, ids: Sequence[int]) -> None:
        """Remove cases with all that hangs on them."""
        ...

    def import_files(
        self,
        paths: Sequence[Path],
        *,
        split: str | None = None,
        dataset: str = "",
        stop: Callable[[], bool] = lambda: False,
        on_progress: Callable[[Progress], None] | None = None,
    ) -> ImportReport:
        """Import a manifest, a ZIP, a folder or files; safe to interrupt and repeat.

        Args:
            paths: A manifest or a ZIP alone, or anything else together.
            split: Of a manifest: only this one.
            dataset: Of files: what to call their source.
            stop: Asked after every batch whether to leave it at that.
            on_progress: Told how far it is, after every batch.

        Raises:
            LibraryError: If the source cannot be read.
        """
        ...

    def verify(self, *, deep: bool = False, repair: bool = False) -> Verdict:
        """Check the library, and mend it on request."""
        ...

    def save_search(self, name: str, query: Mapping[str, Any], case_id: int | None = None) -> None:
        """Keep a search under a name, in place of an earlier one of that name."""
        ...

    def saved_searches(self) -> dict[str, dict[str, Any]]:
        """Return every saved search by name."""
        ...

    def delete_search(self, name: str) -> None:
        """Delete a saved search."""
        ...
