"""A file that is not whole yet, and what is needed to go on with it.

NAME.partial       the bytes so far
NAME.partial.json  where they are from, and what the file was known by
"""

import json
from io import RawIOBase
from pathlib import Path
from typing import Any

from trainers.fetching.record import RemoteFile


class Partial:
    """The beginning of a file, kept through interruptions."""

    def __init__(self, folder: Path, file: RemoteFile) -> None:
        """Look for it in a collection's folder."""
        self.file = file
        self.path = folder / f"{file.name}.partial"
        self.notes = folder / f"{file.name}.partial.json"

    @property
    def size(self) -> int:
        """Bytes so far."""
        return self.path.stat().st_size if self.path.is_file() else 0

    def validator(self) -> str:
        """Return what the file was known by when it was begun; blank if by nothing."""
        return str(self._noted().get("validator", ""))

    def can_go_on(self) -> bool:
        """Whether a rest may be added: it is the same file for sure, or its checksum will tell."""
        noted = self._noted()
        same_place = noted.get("url") == self.file.url
        return same_place and bool(noted.get("validator") or self.file.checksum)

    def note(self, validator: str) -> None:
        """Keep what the file is known by, before its first byte is written."""
        text = json.dumps({"url": self.file.url, "validator": validator})
        partial = self.notes.with_name(f"{self.notes.name}.new")
        partial.write_text(text, encoding="utf-8")
        partial.replace(self.notes)

    def open(self) -> RawIOBase:
        """Return it opened at its end, unbuffered: what is received is on record at once."""
        return self.path.open("ab", buffering=0)

    def restart(self) -> None:
        """Give up what there is."""
        self.path.unlink(missing_ok=True)
        self.notes.unlink(missing_ok=True)

    def become(self, path: Path) -> None:
        """Take the file's own name, now that it is whole."""
        self.path.replace(path)
        self.notes.unlink(missing_ok=True)

    def _noted(self) -> dict[str, Any]:
        try:
            noted = json.loads(self.notes.read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return {}  # without notes it is begun anew
        return noted if isinstance(noted, dict) else {}
