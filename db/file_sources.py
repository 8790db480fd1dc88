"""Radiographs in a folder, in a ZIP, or named one by one: pixels, and what DICOM headers say.

Names of files lead nowhere: a ZIP's entries are unpacked under names of our own, one at a time,
and links are not followed.
"""

import stat
import zipfile
import zlib
from collections.abc import Iterator, Sequence
from pathlib import Path, PurePosixPath

from daug.errors import LibraryError
from daug.import_report import Skipped
from db.facts import NOTHING_SAID, Candidate, Facts

MAX_ENTRIES = 200_000
MAX_ENTRY_BYTES = 256 * 2**20  # no image that loading accepts is larger
MAX_RATIO = 100  # unpacked to packed size, above which ...
SMALL_BYTES = 8 * 2**20  # ... an entry must be this small
CHUNK = 2**20
ARCHIVES = (b"PK\x03\x04", b"PK\x05\x06", b"\x1f\x8b", b"7z\xbc\xaf", b"Rar!")
IGNORED = ("__MACOSX", ".DS_Store", "Thumbs.db")


class FilesSource:
    """Files that somebody names; a folder stands for every file below it."""

    def __init__(self, paths: Sequence[Path], facts: Facts = NOTHING_SAID) -> None:
        """List the files.

        Raises:
            LibraryError: If one is not there.
        """
        self._facts = facts
        self._files: list[tuple[str, Path]] = []
        for path in paths:
            if path.is_dir():
                below = sorted(p for p in path.rglob("*") if p.is_symlink() or p.is_file())
                self._files += [(str(p.relative_to(path)), p) for p in below if _wanted(p.name)]
            elif path.exists():
                self._files.append((path.name, path.resolve()))
            else:
                raise LibraryError(f"{path} is not there. Name a file or a folder that is.")
        self.total = len(self._files)

    def __iter__(self) -> Iterator[Candidate | Skipped]:
        for name, path in self._files:
            if path.is_symlink():
                yield Skipped(name, "This is a link to another file; links are not followed.")
            else:
                yield Candidate(name, path, self._facts)


class ZipSource:
    """The files in a ZIP."""

    def __init__(self, path: Path, unpack_to: Path, facts: Facts = NOTHING_SAID) -> None:
        """Read the list of entries.

        Args:
            path: The ZIP.
            unpack_to: A folder for one entry at a time.
            facts: What holds for all of them.

        Raises:
            LibraryError: If it is damaged, or built to fill the disk.
        """
        self._folder, self._facts = unpack_to, facts
        try:
            self._archive = zipfile.ZipFile(path)
        except (OSError, zipfile.BadZipFile, ValueError) as error:
            raise LibraryError(
                f"{path.name}: this is no ZIP that can be read ({error}). Copy it again."
            ) from error
        entries = [entry for entry in self._archive.infolist() if not entry.is_dir()]
        self._entries = [e for e in entries if _wanted(*PurePosixPath(e.filename).parts)]
        packed = sum(entry.compress_size for entry in entries)
        if len(entries) > MAX_ENTRIES or packed > path.stat().st_size:
            raise LibraryError(
                f"{path.name}: the ZIP holds {len(entries)} entries that claim {packed} packed "
                "bytes; it looks built to fill a disk and was not opened. Pack it anew."
            )
        self.total = len(self._entries)

    def __iter__(self) -> Iterator[Candidate | Skipped]:
        with self._archive:
            for number, entry in enumerate(self._entries):
                reason = _refusal(entry)
                target = self._folder / f"entry-{number}"
                if reason is None:
                    reason = self._unpack(entry, target)
                if reason is None:
                    yield Candidate(entry.filename, target, self._facts, passing=True)
                else:
                    target.unlink(missing_ok=True)
                    yield Skipped(entry.filename, reason)

    def _unpack(self, entry: zipfile.ZipInfo, target: Path) -> str | None:
        """Write an entry to a file; return why not, if not."""
        left = entry.file_size
        try:
            with self._archive.open(entry) as source, target.open("wb") as file:
                while chunk := source.read(min(CHUNK, left + 1)):
                    left -= len(chunk)
                    if left < 0:
                        return "The entry is larger than the ZIP says; it was not unpacked."
                    if file.tell() == 0 and chunk.startswith(ARCHIVES):
                        return "Archives in archives are not opened. Unpack it and import that."
                    file.write(chunk)
        except (zipfile.BadZipFile, NotImplementedError, RuntimeError, EOFError, zlib.error):
            return "The entry is damaged, or packed in a way that cannot be read."
        return None


def _refusal(entry: zipfile.ZipInfo) -> str | None:
    """Return why an entry is not unpacked, from the ZIP's list alone."""
    name = PurePosixPath(entry.filename.replace("\\", "/"))
    if name.is_absolute() or ".." in name.parts or ":" in name.parts[0]:
        return "The entry's name leads out of the ZIP; it was not unpacked."
    if stat.S_ISLNK(entry.external_attr >> 16):
        return "This is a link to another file; links are not followed."
    if entry.flag_bits & 1:
        return "The entry is encrypted. Unpack it and import what it holds."
    if entry.file_size > MAX_ENTRY_BYTES:
        return f"The entry unpacks to {entry.file_size // 2**20} MB, more than a radiograph has."
    if entry.file_size > SMALL_BYTES and entry.file_size > MAX_RATIO * entry.compress_size:
        return "The entry is packed far more tightly than an image can be; it was not unpacked."
    return None


def _wanted(*parts: str) -> bool:
    """Whether a path is more than what operating systems leave in folders."""
    return not any(part in IGNORED or part.startswith("._") for part in parts)
