"""What the words of a report are read as, on the way to phrases about findings."""

from dataclasses import dataclass

from daug.case import FindingState
from daug.findings import Finding
from daug.phrases.negation_words import Cue
from daug.phrases.organ_words import Organ


@dataclass(frozen=True)
class Mention:
    """A finding is named."""

    finding: Finding
    state: FindingState  # where nothing denies or doubts it


@dataclass(frozen=True)
class Unsaid:
    """Says something only where it is denied: "no acute disease"."""

    finding: Finding
    state: FindingState  # where it is denied


@dataclass(frozen=True)
class Verdict:
    """What is said of an organ."""

    name: str  # of `daug.phrases.organ_words.VERDICTS`


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
    finding: Finding
    state: FindingState
