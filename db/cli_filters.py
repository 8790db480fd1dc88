"""Which cases a command means: the options of a filter, and the filter that they make."""

from datetime import datetime
from typing import TYPE_CHECKING, Annotated

import typer

from daug.errors import LibraryError
from daug.findings import Finding
from db.cli_options import finding_named

if TYPE_CHECKING:
    from daug.case_query import CaseFilter
    from daug.view import View

DAY = "%Y-%m-%d"

Findings = Annotated[list[str] | None, typer.Option(help="A finding; may be repeated.")]
Words = Annotated[str, typer.Option("--words", help='Words of the report; "a phrase" in quotes.')]
Views = Annotated[list[str] | None, typer.Option("--view", help="PA, AP or lateral.")]
Sex = Annotated[str, typer.Option(help="F, M or O.")]
MinAge = Annotated[float | None, typer.Option(min=0, help="Years.")]
MaxAge = Annotated[float | None, typer.Option(min=0, help="Years.")]
Sources = Annotated[list[str] | None, typer.Option("--source", help="A data set.")]
Splits = Annotated[list[str] | None, typer.Option("--split", help="A split of it.")]
Tags = Annotated[list[str] | None, typer.Option("--tag", help="A tag that cases bear.")]
Collection = Annotated[str, typer.Option(help="The cases of this collection.")]
AddedFrom = Annotated[
    datetime | None, typer.Option("--added-from", formats=[DAY], help="First day of entry, UTC.")
]
AddedTo = Annotated[
    datetime | None, typer.Option("--added-to", formats=[DAY], help="Last day of entry, UTC.")
]
Patient = Annotated[str, typer.Option(help="The cases of this pseudonym.")]


def case_filter(
    present: list[str] | None,
    absent: list[str] | None,
    words: str,
    view: list[str] | None,
    sex: str,
    min_age: float | None,
    max_age: float | None,
    source: list[str] | None,
    split: list[str] | None,
    tag: list[str] | None,
    collection: str,
    patient: str,
    added_from: datetime | None = None,
    added_to: datetime | None = None,
) -> "CaseFilter":
    """Return the filter that options ask for.

    Raises:
        LibraryError: If a word means nothing, or the options contradict each other.
    """
    from daug.case_query import CaseFilter

    return CaseFilter(
        present=findings_named(present),
        absent=findings_named(absent),
        views=frozenset(map(view_named, view or ())),
        sex=sex.upper(),
        min_age=min_age,
        max_age=max_age,
        sources=frozenset(source or ()),
        splits=frozenset(split or ()),
        tags=frozenset(tag or ()),
        collection=collection,
        words=words,
        patient=patient,
        added_from=None if added_from is None else added_from.date(),
        added_to=None if added_to is None else added_to.date(),
    )


def findings_named(words: list[str] | None) -> frozenset[Finding]:
    """Return the findings of these names.

    Raises:
        LibraryError: If there is none of a name.
    """
    return frozenset(map(finding_named, words or ()))


def view_named(word: str) -> "View":
    """Return the view that a word means; nothing means not known.

    Raises:
        LibraryError: If it means none.
    """
    from daug.view import View

    found = View.stated(word)
    if found is View.UNKNOWN and word:
        raise LibraryError(f"{word!r} is no view. Choose PA, AP or lateral.")
    return found
