"""What was received, kept beside it, so that a second run can tell whether it is still that."""

import json
from pathlib import Path
from typing import Any

from trainers.fetching.fault import FetchError
from trainers.fetching.record import RemoteFile

RECEIPT_FILE = "daug-receipt.json"


class Receipt:
    """The file daug-receipt.json of a collection's folder."""

    def __init__(self, folder: Path) -> None:
        """Read it, if it is there.

        Raises:
            FetchError: If it cannot be read.
        """
        self.path = folder / RECEIPT_FILE
        try:
            text = self.path.read_text(encoding="utf-8") if self.path.exists() else "{}"
            document = json.loads(text)
            files = document.get("files", {})
            self._files: dict[str, dict[str, Any]] = {n: dict(v) for n, v in files.items()}
        except (OSError, ValueError, AttributeError, TypeError) as error:
            raise FetchError(
                f"{self.path} cannot be read ({error}). Remove it; the files beside it are then "
                "taken as they are."
            ) from error

    def of(self, file: RemoteFile) -> dict[str, Any]:
        """Return what is kept of a file; nothing if it was never received."""
        return self._files.get(file.name, {})

    def keep(self, file: RemoteFile, **values: Any) -> None:
        """Keep what is known of a file, beside what was known before.

        Raises:
            FetchError: If it cannot be written.
        """
        self._files[file.name] = {**self.of(file), **values}
        partial = self.path.with_name(f"{self.path.name}.partial")
        text = json.dumps({"files": dict(sorted(self._files.items()))}, indent=2)
        try:
            partial.write_text(f"{text}\n", encoding="utf-8")
            partial.replace(self.path)
        except OSError as error:
            raise FetchError(f"{self.path} cannot be written ({error}). Make room.") from error
