"""Change what is said about a case; its pixels and its patient stay what they are."""

from typing import Any

from sqlalchemy import Connection, select, update

from daug.case import FindingSource, ReportKind
from daug.case_edit import Edit
from daug.errors import LibraryError
from daug.stated_age import years
from db.aspects import finding_key
from db.entering import set_findings, set_report
from db.facts import plain
from db.groups import checked_name
from db.schema import RadiographRow


def aspects_of(change: Edit) -> list[str]:
    """Return the keys of what an edit may change, as `db.aspects` has them."""
    named = ("alias", "view", "sex", "age", "report")
    plain_ones = [name for name in named if getattr(change, name) is not None]
    return plain_ones + [finding_key(finding) for finding in change.findings]


def said_of(change: Edit) -> str:
    """Return an edit in words that tell no text of a case: "report; Edema: present"."""
    told = [key for key in aspects_of(change) if "/" not in key]
    told += [f"{finding}: {state}" for finding, state in change.findings.items()]
    return "; ".join(told)


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
