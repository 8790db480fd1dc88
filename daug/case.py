"""A case of the library: one radiograph, what is known about it, and where it came from.

A finding that nobody spoke of is "not mentioned", never absent; and who is shown is a keyed hash.
Nothing here knows about databases, files or networks.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from types import MappingProxyType

from daug.errors import LibraryError
from daug.findings import Finding
from daug.radiograph import PixelSpacing
from daug.stated_age import LARGEST_AGE
from daug.view import View


class FindingState(StrEnum):
    """What is known about one finding in one case."""

    PRESENT = "present"
    ABSENT = "absent"
    UNCERTAIN = "uncertain"
    NOT_MENTIONED = "not mentioned"


class FindingSource(StrEnum):
    """Who says so. Where sources differ, the one named first is believed."""

    MANUAL = "manual"  # a person, in this library
    IMPORTED = "imported"  # the data set
    LABELLED = "labelled"  # our labeller, from the report


class ReportKind(StrEnum):
    """What the text of a case is."""

    REAL = "real"  # written by a person about this radiograph
    TEMPLATE = "template"  # made from the labels; it says nothing that they do not
    NONE = "none"


STATE_OF_LABEL = {
    1: FindingState.PRESENT,
    0: FindingState.ABSENT,
    -1: FindingState.UNCERTAIN,
}
LABEL_OF_STATE = {state: label for label, state in STATE_OF_LABEL.items()}


@dataclass(frozen=True)
class Statement:
    """What is believed about a finding, and on whose word."""

    state: FindingState
    source: FindingSource


@dataclass(frozen=True)
class Case:
    """One radiograph of the library with everything that a list, a filter or a hit shows of it."""

    case_id: int
    alias: str  # what a screen calls it; never a name
    pixel_digest: str  # of the decoded pixels, as `Radiograph.digest`
    height: int  # rows of the radiograph as it is shown
    width: int
    source: str = ""  # the data set or hospital it came from
    source_id: str = ""  # its id in that data set's manifest
    split: str = ""
    licence: str = ""
    patient: str | None = None  # keyed hash
    study: str | None = None  # keyed hash
    study_order: str | None = None  # sorts the studies of one patient
    view: View = View.UNKNOWN
    sex: str = ""  # F, M, O or nothing
    age: float | None = None  # years
    age_stated: str = ""  # as the source has it, for instance "mid 50s"
    spacing: PixelSpacing | None = None
    findings: Mapping[Finding, Statement] = field(default_factory=dict)
    report: str = ""
    report_kind: ReportKind = ReportKind.NONE
    synthetic: bool = False  # made by a model: shows nobody
    near_duplicate_of: int | None = None  # an earlier case that looks almost the same
    tags: tuple[str, ...] = ()
    collections: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()  # what loading had to say about the file

    def __post_init__(self) -> None:
        if self.age is not None and not 0 <= self.age <= LARGEST_AGE:
            raise LibraryError(f"An age must be within 0 and {LARGEST_AGE} years, got {self.age}.")
        if bool(self.report) != (self.report_kind is not ReportKind.NONE):
            raise LibraryError(
                f"{self.alias}: a report needs a text and a kind (real or template), or neither."
            )
        object.__setattr__(self, "findings", MappingProxyType(dict(self.findings)))

    def state(self, finding: Finding) -> FindingState:
        """Return what is believed about a finding."""
        statement = self.findings.get(finding)
        return FindingState.NOT_MENTIONED if statement is None else statement.state

    def with_state(self, state: FindingState) -> frozenset[Finding]:
        """Return the findings that are in this state."""
        return frozenset(finding for finding in Finding if self.state(finding) is state)

    @property
    def present(self) -> frozenset[Finding]:
        """The findings that are there."""
        return self.with_state(FindingState.PRESENT)

    @property
    def absent(self) -> frozenset[Finding]:
        """The findings that somebody said are not there."""
        return self.with_state(FindingState.ABSENT)

    @property
    def uncertain(self) -> frozenset[Finding]:
        """The findings that may be there."""
        return self.with_state(FindingState.UNCERTAIN)

    @property
    def not_mentioned(self) -> frozenset[Finding]:
        """The findings of which nothing is known."""
        return self.with_state(FindingState.NOT_MENTIONED)

    @property
    def labels(self) -> dict[Finding, int]:
        """1 present, 0 absent, -1 uncertain, as `SuperClass.state` reads them; unknown left out."""
        return {
            finding: LABEL_OF_STATE[self.state(finding)]
            for finding in Finding
            if self.state(finding) in LABEL_OF_STATE
        }


@dataclass(frozen=True)
class SearchHit:
    """A case that a search brought, and how like the query it is."""

    case: Case
    rank: int  # from 1
    similarity: float  # cosine, in [-1, 1]

    def __post_init__(self) -> None:
        if self.rank < 1 or not -1.001 <= self.similarity <= 1.001:
            raise LibraryError(
                f"A hit needs a rank from 1 and a cosine in [-1, 1], got rank {self.rank} and "
                f"similarity {self.similarity}."
            )
