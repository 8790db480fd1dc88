"""The plain files in a ZIP archive, one after the other, refusing whatever else is in it."""

import stat
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import IO

from trainers.fetching.fault import FetchError


def zip_members(archive: Path) -> Iterator[tuple[str, IO[bytes]]]:
    """Yield the name and content of every file.

    Raises:
        FetchError: If an entry is a link.
        zipfile.BadZipFile: If it is damaged; reading the content may tell by other errors.
    """
    with zipfile.ZipFile(archive) as opened:
        for entry in opened.infolist():
            if stat.S_ISLNK(entry.external_attr >> 16):
                raise FetchError(
                    f"{archive.name}: {entry.filename[:100]!r} is a link or no plain file. Nothing "
                    "was unpacked."
                )
            if not entry.is_dir():
                with opened.open(entry) as content:
                    yield entry.filename, content
