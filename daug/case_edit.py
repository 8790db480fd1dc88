"""What a person may change about a case; its pixels and its patient stay what they are."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from daug.case import FindingState
from daug.errors import LibraryError
from daug.findings import Finding
from daug.stated_age import LARGEST_AGE, years
from daug.view import View

DEFAULT_ALIAS = re.compile(r"case \d+", re.IGNORECASE)


@dataclass(frozen=True)
class Edit:
    """What is to be changed; None leaves a thing as it is."""

    alias: str | None = None  # nothing gives back the one that the case had at first
    view: View | None = None
    sex: str | None = None  # F, M, O or nothing
    age: str | None = None  # years, or as in "mid 50s"; nothing means not known
    report: str | None = None  # nothing deletes it
    findings: Mapping[Finding, FindingState] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if self.sex not in {None, "", "F", "M", "O"}:
            raise LibraryError(f"The sex is F, M, O or not known (blank), got {self.sex!r}.")
        if self.age and years(self.age) is None:
            raise LibraryError(
                f"{self.age!r} is no age. Give years from 0 to {LARGEST_AGE}, or for instance "
                "'mid 50s'."
            )
        if self.alias and DEFAULT_ALIAS.fullmatch(self.alias.strip()):
            raise LibraryError(
                f"{self.alias!r} is what another case may be called by its number. "
                "Choose another alias."
            )
