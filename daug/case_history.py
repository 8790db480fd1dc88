"""What was changed in the case library, when, and whether it was taken back."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any


@dataclass(frozen=True)
class Change:
    """One step of the history, of however many cases; undoing it is a step of its own."""

    number: int
    made_at: datetime  # UTC
    what: str  # for a person to read; never a text or an alias of a case
    cases: int  # how many it changed, as far as they are still there
    undoes: int | None = None  # the change that this one takes back
    undone_by: int | None = None  # the change that takes this one back; None where it holds


@dataclass(frozen=True)
class Altered:
    """What one change did to one aspect of one case."""

    case_id: int
    aspect: str  # in words: "Edema", "view", "tag teaching"
    before: Any  # what JSON can hold; None for nothing
    after: Any
