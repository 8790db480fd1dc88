"""What would be fetched: sizes, licence and checksums, and whether the disk holds it."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from trainers.fetching.fault import FetchError
from trainers.fetching.partial import Partial
from trainers.fetching.record import ByHand, Download, RemoteFile


@dataclass(frozen=True)
class Plan:
    """A collection, the folder it comes to, and what of it is there."""

    download: Download
    folder: Path
    files: tuple[RemoteFile, ...]
    unpack: bool = False

    @property
    def missing(self) -> tuple[RemoteFile, ...]:
        """The files that have to be fetched, or fetched further."""
        return tuple(file for file in self.files if not (self.folder / file.name).exists())

    @property
    def bytes_to_fetch(self) -> int:
        """Bytes still to come, as far as sizes are known."""
        return sum(max(0, (file.size or 0) - self._so_far(file)) for file in self.missing)

    @property
    def by_hand(self) -> tuple[ByHand, ...]:
        """The files that only a person can fetch and that are not there."""
        return tuple(f for f in self.download.by_hand if not (self.folder / f.name).exists())

    def room_needed(self) -> int:
        """Bytes that the disk must have left; what is unpacked is at least as large as packed."""
        unpacked = sum(
            file.size or 0
            for file in self.files
            if self.unpack and not (self.folder / file.unpack_to).exists()
        )
        return self.bytes_to_fetch + unpacked

    def check_room(self, free: int) -> None:
        """Refuse to begin what cannot end.

        Raises:
            FetchError: If the disk has less left than is needed.
        """
        if self.room_needed() > free:
            raise FetchError(
                f"{self.download.name} needs {amount(self.room_needed())}, but the disk of "
                f"{self.folder} has {amount(free)} left. Make room, name another folder, or fetch "
                "less at once with --only."
            )

    def document(self) -> dict[str, Any]:
        """Return all of it, for a program."""
        return {
            "name": self.download.name,
            "title": self.download.title,
            "folder": str(self.folder),
            "licence": self.download.licence,
            "terms": self.download.terms,
            "citation": self.download.citation,
            "page": self.download.page,
            "bytes_to_fetch": self.bytes_to_fetch,
            "files": [
                {
                    "name": file.name,
                    "url": file.url,
                    "bytes": file.size,
                    "bytes_are_exact": file.size is not None and file.size_is_exact,
                    "checksum": file.published,
                    "there": (self.folder / file.name).exists(),
                    "bytes_so_far": self._so_far(file),
                }
                for file in self.files
            ],
            "by_hand": [file.name for file in self.by_hand],
        }

    def sentences(self) -> str:
        """Return what a person should know before agreeing."""
        lines = [
            f"{self.download.title}, from {self.download.page}.",
            f"Licence: {self.download.licence}. {self.download.terms}",
            f"Cite: {self.download.citation}",
            *(self._line(file) for file in self.files),
            f"To fetch into {self.folder}: {len(self.missing)} of {len(self.files)} files, "
            f"{self._amount_to_fetch()}.",
        ]
        return "\n".join([*lines, *self.by_hand_sentences()])

    def by_hand_sentences(self) -> list[str]:
        """Return what a person has to do beside it, if anything."""
        if not self.by_hand:
            return []
        names = (file.name + ("" if file.needed else " (optional)") for file in self.by_hand)
        return [
            f"To be fetched by hand from {self.download.page} into {self.folder}: "
            f"{', '.join(names)}."
        ]

    def _so_far(self, file: RemoteFile) -> int:
        return Partial(self.folder, file).size

    def _line(self, file: RemoteFile) -> str:
        if (self.folder / file.name).exists():
            state = ", is there"
        elif so_far := self._so_far(file):
            state = f", {amount(so_far)} are there"
        else:
            state = ""
        return f"  {file.name}: {_size(file)}, {file.published}{state}"

    def _amount_to_fetch(self) -> str:
        unknown = [file.name for file in self.missing if file.size is None]
        known = amount(self.bytes_to_fetch)
        if not unknown:
            return known
        return f"{known} and {', '.join(unknown)}, whose size is not told before"


def chosen_files(download: Download, only: Sequence[str]) -> tuple[RemoteFile, ...]:
    """Return the files that somebody names; all if nobody names any.

    Raises:
        FetchError: If the collection does not have one.
    """
    names = {file.name for file in download.files}
    for name in only:
        if name not in names:
            raise FetchError(
                f"{download.name} has no file {name!r} to fetch. It has {', '.join(sorted(names))}."
            )
    return tuple(file for file in download.files if not only or file.name in only)


def amount(count: int) -> str:
    """Return bytes as people say them; 1 MB is a million."""
    for unit, size in (("GB", 10**9), ("MB", 10**6), ("kB", 10**3)):
        if count >= size:
            return f"{count / size:.1f} {unit}"
    return f"{count} bytes"


def _size(file: RemoteFile) -> str:
    if file.size is None:
        return "size not told"
    return amount(file.size) if file.size_is_exact else f"about {amount(file.size)}"
