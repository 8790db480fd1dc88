"""A collection's folder: its tables and images, and nothing outside it.

Adapters open files through this alone. A path that a table names is refused if it is absolute,
holds `..`, or follows a symbolic link out of the folder.
"""

import csv
import gzip
import os
import stat
import zlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from enum import Enum
from functools import lru_cache
from pathlib import Path
from typing import IO

from daug.errors import ManifestError

FOLDERS_REMEMBERED = 4096  # a collection names the images of a folder one after the other


class Place(Enum):
    """Where a path leads."""

    INSIDE = "a file inside the folder"
    MISSING = "the image is not there"
    OUTSIDE = "the image's path leads out of the collection's folder"


class Collection:
    """The folder that a person names, and what lies in it."""

    def __init__(self, root: Path) -> None:
        """Look at a folder.

        Raises:
            ManifestError: If it is none.
        """
        if not root.is_dir():
            raise ManifestError(f"{root} is no folder. Name the folder of the collection.")
        self.root = Path(os.path.realpath(root))
        self._folder = lru_cache(FOLDERS_REMEMBERED)(self._look_at_folder)

    def place(self, path: str) -> Place:
        """Say where a path from the collection's folder leads, following links."""
        if not self._plain(path):
            return Place.OUTSIDE
        folder = self._folder(os.path.dirname(path))  # noqa: PTH120 - half a million of them
        return folder if folder is not Place.INSIDE else self._look_at(path, stat.S_ISREG)

    def file(self, path: str) -> Path:
        """Return a file of the collection, to be opened.

        Raises:
            ManifestError: If it is missing or outside.
        """
        place = self.place(path)
        if place is not Place.INSIDE:
            raise ManifestError(
                f"{path} cannot be read: it is missing, no plain file, or a link that leads out "
                f"of {self.root}. Put the file itself there."
            )
        return self.root / path

    def first(self, *names: str) -> str | None:
        """Return the first of some files that is there, as it is or packed as .gz."""
        for name in names:
            for path in (name, f"{name}.gz"):
                if os.path.lexists(self.root / path):
                    return path
        return None

    def table(self, *names: str, layout: str) -> str:
        """Return the first of some tables that is there.

        Raises:
            ManifestError: If none is; `layout` says what was expected.
        """
        name = self.first(*names)
        if name is None:
            raise ManifestError(
                f"{self.root} holds none of {', '.join(names)} (or packed as .gz). {layout}"
            )
        return name

    def rows(self, name: str, needed: Sequence[str] = ()) -> Iterator[dict[str, str]]:
        """Yield the rows of a CSV table, packed or not, one at a time; spaces round names go.

        Raises:
            ManifestError: If it cannot be read or lacks a column.
        """
        try:
            with self._opened(name) as file:
                reader = csv.reader(file)
                columns = [column.strip() for column in next(reader, [])]
                missing = [column for column in needed if column not in columns]
                if missing:
                    raise ManifestError(
                        f"{name}: lacks the columns {', '.join(missing)}. It has "
                        f"{', '.join(columns) or 'none'}."
                    )
                for cells in reader:
                    if cells:
                        cells += [""] * (len(columns) - len(cells))
                        yield dict(zip(columns, cells, strict=False))
        except (OSError, EOFError, zlib.error, UnicodeDecodeError, csv.Error) as error:
            raise ManifestError(f"{name}: cannot be read as a CSV table: {error}.") from error

    def lines(self, name: str) -> list[str]:
        """Return the lines of a list, without blank ones.

        Raises:
            ManifestError: If it cannot be read.
        """
        try:
            with self._opened(name) as file:
                return [line.strip() for line in file if line.strip()]
        except (OSError, EOFError, zlib.error, UnicodeDecodeError) as error:
            raise ManifestError(f"{name}: cannot be read: {error}.") from error

    def by_name(self, *patterns: str) -> Mapping[str, str]:
        """Return the path of each file in the folders that match, by its name; the first wins."""
        found: dict[str, str] = {}
        for pattern in patterns:
            folders = [self.root] if pattern == "." else sorted(self.root.glob(pattern))
            for folder in folders:
                below = folder.relative_to(self.root).as_posix()
                if below != "." and self._folder(below) is not Place.INSIDE:
                    continue
                with os.scandir(folder) as entries:
                    for entry in entries:
                        path = entry.name if below == "." else f"{below}/{entry.name}"
                        found.setdefault(entry.name, path)
        return found

    def _opened(self, name: str) -> IO[str]:
        path = self.file(name)
        if name.endswith(".gz"):
            return gzip.open(path, "rt", newline="", encoding="utf-8-sig")
        return path.open(newline="", encoding="utf-8-sig")

    @staticmethod
    def _plain(path: str) -> bool:
        parts = path.replace("\\", "/").split("/")
        return bool(path) and not (path[0] in "/\\" or ".." in parts or "\0" in path)

    def _look_at_folder(self, folder: str) -> Place:
        """Look at a folder and, by way of the memory, at all above it."""
        if not folder:
            return Place.INSIDE
        above = self._folder(os.path.dirname(folder))  # noqa: PTH120
        return above if above is not Place.INSIDE else self._look_at(folder, stat.S_ISDIR)

    def _look_at(self, path: str, is_wanted: Callable[[int], bool]) -> Place:
        """Look at a path whose folder is known to lie inside."""
        whole = f"{self.root}/{path}"
        try:
            mode = os.lstat(whole).st_mode
            if stat.S_ISLNK(mode):
                if not Path(os.path.realpath(whole)).is_relative_to(self.root):
                    return Place.OUTSIDE
                mode = os.stat(whole).st_mode  # noqa: PTH116
        except (OSError, ValueError):  # also a name that no disk can hold
            return Place.MISSING
        return Place.INSIDE if is_wanted(mode) else Place.MISSING
