"""What the words of a report are read as, on the way to phrases about findings."""

from collections.abc import Mapping
from dataclasses import dataclass

from daug.case import FindingState
from daug.findings import Finding
from daug.phrases.cues import Cue


@dataclass(frozen=True)
class Mention:
    """A finding is named, or an abnormality that is none of the fourteen."""

    finding: Finding | None
    state: FindingState  # where nothing denies or doubts it


@dataclass(frozen=True)
class Unsaid:
    """Says something only where it is denied: "no acute disease"."""

    finding: Finding
    state: FindingState  # where it is denied


@dataclass(frozen=True, eq=False)
class Organ:
    """What a report calls normal, enlarged or clear, and what that says of a finding."""

    finding: Finding
    meanings: Mapping[str, FindingState]  # by the name of the verdict
    reach: int = 12  # words from it to a verdict behind it
    joined: bool = False  # an organ only where another follows: "cardiac and mediastinal contours"


@dataclass(frozen=True)
class Verdict:
    """What is said of an organ."""

    name: str  # as in the file organs.toml


Meaning = Mention | Unsaid | Organ | Verdict | Cue


@dataclass(frozen=True)
class Item:
    """Words with a meaning: tokens from `start` to before `end`."""

    meaning: Meaning
    start: int
    end: int


@dataclass
class Draft:
    """A phrase whose state may still change: tokens from `start` to before `end`."""

    start: int
    end: int
    finding: Finding | None  # None: an abnormality that is none of the fourteen
    state: FindingState
