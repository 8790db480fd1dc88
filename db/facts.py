"""What is said about a radiograph besides its pixels, and how differently it is said."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from daug.case import ReportKind
from daug.findings import Finding
from daug.radiograph import Pseudonym
from daug.view import View

SEXES = {"m": "M", "male": "M", "f": "F", "female": "F", "o": "O", "other": "O"}

NOBODY = Pseudonym()


@dataclass(frozen=True)
class Facts:
    """What a manifest, a folder or a person says; empty where nothing was said."""

    source: str = ""
    source_id: str = ""
    split: str = ""
    licence: str = ""
    pseudonym: Pseudonym = NOBODY
    view: View = View.UNKNOWN
    sex: str = ""  # F, M, O or nothing
    age_stated: str = ""
    labels: Mapping[Finding, int] = field(default_factory=dict)  # 1 / 0 / -1, unknown left out
    text_derived: frozenset[Finding] = frozenset()  # of the labels, those read from a report
    report: str = ""
    report_kind: ReportKind = ReportKind.NONE
    synthetic: bool = False


NOTHING_SAID = Facts()


@dataclass(frozen=True)
class Candidate:
    """A file that may become a case."""

    name: str  # what it is called in lists of what was skipped
    path: Path
    facts: Facts = NOTHING_SAID
    passing: bool = False  # unpacked for us alone; deleted once it is read


def sex_from(stated: str) -> str:
    """Return F, M, O or nothing."""
    return SEXES.get(stated.strip().lower(), "")


def plain(text: str) -> str:
    """Return a text without what no database takes: NULs and halves of characters."""
    return text.replace("\0", "").encode("utf-8", "replace").decode("utf-8")
