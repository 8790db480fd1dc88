"""What every labeller of reports can do, whether it goes by rules or by a network."""

from collections.abc import Mapping, Sequence
from typing import Protocol

from daug.findings import Finding

Labels = Mapping[Finding, int]  # 1 present, 0 absent, -1 uncertain; not mentioned is left out


class Labeller(Protocol):
    """Reads reports."""

    @property
    def name(self) -> str:
        """What tables call it."""

    def label(self, reports: Sequence[str]) -> list[Labels]:
        """Return the labels of each report, in their order."""
