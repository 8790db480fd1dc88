"""Where somebody is in a list of cases: the filter, the page, what is selected, what is open."""

from dataclasses import dataclass, replace

from daug.case import Case
from daug.case_query import CaseFilter

SIZES = (24, 48)  # cases of a page
EVERY = CaseFilter()


@dataclass(frozen=True)
class Browsed:
    """One person's place; a page begins behind the last case of the one before."""

    wanted: CaseFilter = EVERY
    size: int = SIZES[0]
    starts: tuple[int | None, ...] = (None,)  # behind which case each page begins, up to this one
    ids: tuple[int, ...] = ()  # of this page
    following: int | None = None  # behind which case the next page begins
    total: int = 0  # cases that the filter lets through
    chosen: frozenset[int] = frozenset()
    opened: Case | None = None  # as it was when it was opened

    @property
    def page(self) -> int:
        """Its number, from 1."""
        return len(self.starts)

    @property
    def pages(self) -> int:
        """How many there are."""
        return max(1, -(-self.total // self.size))

    def at_first_page(self, wanted: CaseFilter | None = None, size: int | None = None) -> "Browsed":
        """Return the first page, of another filter or another size if one is given."""
        return replace(self, wanted=wanted or self.wanted, size=size or self.size, starts=(None,))

    def older(self) -> "Browsed":
        """Return the page that follows, or this one if it is the last."""
        if self.following is None:
            return self
        return replace(self, starts=(*self.starts, self.following))

    def newer(self) -> "Browsed":
        """Return the page before, or this one if it is the first."""
        return replace(self, starts=self.starts[:-1] or (None,))
