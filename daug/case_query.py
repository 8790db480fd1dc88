"""Which cases are meant: a filter, and one screenful of what it lets through."""

from dataclasses import dataclass, field
from datetime import date

from daug.errors import LibraryError
from daug.findings import Finding
from daug.view import View


@dataclass(frozen=True)
class CaseFilter:
    """What a case must be; nothing asked means every case."""

    present: frozenset[Finding] = frozenset()  # all of them
    absent: frozenset[Finding] = frozenset()  # said to be absent, all of them
    views: frozenset[View] = frozenset()  # one of them
    sex: str = ""
    min_age: float | None = None  # years; a case of unknown age is left out
    max_age: float | None = None
    sources: frozenset[str] = frozenset()
    splits: frozenset[str] = frozenset()
    tags: frozenset[str] = frozenset()  # all of them
    collection: str = ""
    words: str = ""  # in the report, all of them
    patient: str = ""  # keyed hash: only this one
    without_patient: str = ""  # keyed hash: everybody else
    synthetic: bool | None = None
    near_duplicates: bool | None = None
    added_from: date | None = None  # first day of entry into the library, in UTC
    added_to: date | None = None  # last day, which counts as well

    def __post_init__(self) -> None:
        if self.present & self.absent:
            both = ", ".join(sorted(self.present & self.absent))
            raise LibraryError(f"{both} cannot be both present and absent.")
        if self.min_age is not None and self.max_age is not None and self.min_age > self.max_age:
            raise LibraryError(f"No age is from {self.min_age} to {self.max_age}.")
        first, last = self.added_from, self.added_to
        if first is not None and last is not None and first > last:
            raise LibraryError(f"No day is from {first} to {last}.")


@dataclass(frozen=True)
class Page:
    """One screenful of cases."""

    ids: list[int]
    next_after: int | None  # hand this in for the page that follows; None on the last one
    limit: int = field(default=0)
