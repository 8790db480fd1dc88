"""What similar cases are looked for of, and how one came there: the way back.

opened in Read -> hit 4 of it -> hit 2 of that; Back goes left.
"""

from dataclasses import dataclass

LONGEST = 50  # steps back that are kept


@dataclass(frozen=True)
class Subject:
    """A radiograph that is open, by its key, or a case of the library, by its number."""

    key: str | None = None
    case_id: int | None = None


@dataclass(frozen=True)
class Trail:
    """The subjects so far; the last is compared. None at all means that only a text is."""

    opened: str | None = None  # what was open in Read when the trail began
    steps: tuple[Subject, ...] = ()

    @property
    def subject(self) -> Subject | None:
        """What is compared now."""
        return self.steps[-1] if self.steps else None

    @property
    def can_go_back(self) -> bool:
        """Whether there was something before."""
        return len(self.steps) > 1

    def begun_with(self, opened: str | None) -> "Trail":
        """Return this trail if it began with what is open in Read, else a new one that does."""
        if opened == self.opened:
            return self
        return Trail(opened, (Subject(key=opened),) if opened else ())

    def on_to(self, case_id: int) -> "Trail":
        """Return the trail with a case as what is compared next."""
        step = Subject(case_id=case_id)
        if self.subject == step:
            return self
        return Trail(self.opened, (*self.steps, step)[-LONGEST:])

    def back(self) -> "Trail":
        """Return the trail without its last step, if there is one before it."""
        return Trail(self.opened, self.steps[:-1]) if self.can_go_back else self
