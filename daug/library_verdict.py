"""What a look through a case library found."""

from dataclasses import dataclass, field


@dataclass
class Verdict:
    """What was found."""

    cases: int = 0
    problems: list[str] = field(default_factory=list)  # a sentence each
    repaired: list[str] = field(default_factory=list)

    @property
    def consistent(self) -> bool:
        """Whether there is no problem left."""
        return not self.problems
