"""What becomes of the files of an import: how far it is, and the table at its end."""

from dataclasses import dataclass, field


@dataclass(frozen=True)
class Skipped:
    """A file that became no case, and why, in one sentence."""

    file: str
    reason: str


@dataclass(frozen=True)
class Known:
    """A file that came before, byte for byte."""

    file: str
    case_id: int


@dataclass(frozen=True)
class Progress:
    """How far an import has come; everything counted is safely on the disk."""

    done: int  # files looked at
    total: int
    imported: int
    seconds: float

    @property
    def rate(self) -> float:
        """Files a second."""
        return self.done / self.seconds if self.seconds > 0 else 0.0

    @property
    def seconds_left(self) -> float:
        """At the rate so far; infinite before the first file."""
        return (self.total - self.done) / self.rate if self.done else float("inf")


@dataclass
class ImportReport:
    """What became of every file."""

    imported: list[int] = field(default_factory=list)  # numbers of the new cases
    skipped: list[Skipped] = field(default_factory=list)
    duplicates: list[Known] = field(default_factory=list)  # files whose pixels are there already
    near_duplicates: list[tuple[str, int, int]] = field(default_factory=list)  # file, case, like
    conflicts: list[Known] = field(default_factory=list)  # also among the skipped
    warned: list[tuple[str, int, tuple[str, ...]]] = field(default_factory=list)
    seconds: float = 0.0

    @property
    def done(self) -> int:
        """How many files were looked at."""
        return len(self.imported) + len(self.skipped) + len(self.duplicates)

    def add(self, other: "ImportReport") -> None:
        """Take over what became of some more files."""
        self.imported += other.imported
        self.skipped += other.skipped
        self.duplicates += other.duplicates
        self.near_duplicates += other.near_duplicates
        self.conflicts += other.conflicts
        self.warned += other.warned
