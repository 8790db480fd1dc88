"""Change what is said about a case; its pixels and its patient stay what they are."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Connection, select, update

from daug.case import LARGEST_AGE, FindingSource, FindingState, ReportKind
from daug.errors import LibraryError
from daug.findings import Finding
from daug.radiograph import View
from db.entering import set_findings, set_report
from db.facts import plain, years
from db.groups import checked_name
from db.schema import RadiographRow

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


def apply_edit(connection: Connection, case_id: int, change: Edit) -> None:
    """Change one case. Call inside a transaction.

    Raises:
        LibraryError: If there is no such case, or another one has the alias.
    """
    row = RadiographRow
    if connection.scalar(select(row.id).where(row.id == case_id)) is None:
        raise LibraryError(f"There is no case {case_id}; nothing was changed.")
    values: dict[str, Any] = {}
    if change.alias is not None:
        values["alias"] = checked_name(change.alias) if change.alias.strip() else None
        other = select(row.id).where(row.alias == values["alias"], row.id != case_id)
        if values["alias"] and (taken := connection.scalar(other)) is not None:
            raise LibraryError(f"Case {taken} is called {values['alias']!r}. Choose another alias.")
    if change.view is not None:
        values["view"] = change.view.value
    if change.sex is not None:
        values["sex"] = change.sex
    if change.age is not None:
        values |= {"age_stated": change.age.strip()[:32], "age_years": years(change.age)}
    if values:
        connection.execute(update(row).where(row.id == case_id).values(**values))
    if change.report is not None:
        set_report(connection, case_id, plain(change.report).strip(), ReportKind.REAL)
    set_findings(connection, case_id, change.findings, FindingSource.MANUAL)
