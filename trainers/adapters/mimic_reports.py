"""Where the reports of MIMIC-CXR lie, and one of them after the other.

They come as mimic-cxr-reports.zip or unpacked from it, within the collection's folder or beside it,
since MIMIC-CXR-JPG is released without them. The archive is never unpacked: a report is read from
it by the name that its patient and study give it, so what else it may hold is not looked at.
"""

import os
import zlib
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from zipfile import BadZipFile, ZipFile

from daug.errors import ManifestError
from trainers.adapters.collection import Collection, Place
from trainers.adapters.mimic_names import report_path
from trainers.adapters.report_sections import report_sections

ARCHIVE, UNPACKED = "mimic-cxr-reports.zip", "mimic-cxr-reports"
OTHER_FORM = "mimic-cxr"  # its folder beside that of MIMIC-CXR-JPG
LONGEST = 1_000_000  # bytes; the longest reports have a few thousand


@dataclass(frozen=True)
class Report:
    """What was written about a study; blank if there is nothing."""

    text: str = ""
    sections: Mapping[str, str] = field(default_factory=dict)


class Reports:
    """The reports of all studies, wherever they are."""

    def __init__(self, folders: list[tuple[Collection, str]], archive: ZipFile | None) -> None:
        """Take folders that hold `files`, each with what goes before it, and an archive."""
        self._folders = folders
        self._archive = archive
        self._last = ("", Report())  # a study's images stand together in the tables

    def of(self, patient: str, study: str) -> Report:
        """Return a study's report.

        Raises:
            ManifestError: If it is there and cannot be read.
        """
        if self._last[0] != study:
            text = self._text(patient, study)
            self._last = (study, Report(text.strip(), report_sections(text)))
        return self._last[1]

    def _text(self, patient: str, study: str) -> str:
        path = report_path(patient, study)
        for collection, before in self._folders:
            if collection.place(before + path) is Place.INSIDE:
                return _text(_unpacked(collection, before + path))
        return _text(_packed(self._archive, path)) if self._archive else ""


@contextmanager
def open_reports(collection: Collection) -> Iterator[Reports]:
    """Find the reports of a collection; there may be none.

    Raises:
        ManifestError: If there is an archive that is none.
    """
    folders = [(collection, before) for before in ("", f"{UNPACKED}/")]
    beside = _folders_beside(collection.root)
    folders += [(Collection(folder), "") for folder in beside]
    archives = [folder / ARCHIVE for folder in (collection.root.parent, *beside)]
    if collection.first(ARCHIVE) == ARCHIVE:
        archives.insert(0, collection.file(ARCHIVE))
    with ExitStack() as open_files:
        archive = next((_opened(path) for path in archives if path.is_file()), None)
        if archive:
            open_files.enter_context(archive)
        there = [(place, before) for place, before in folders if _has_files(place, before)]
        yield Reports(there, archive)


def _folders_beside(root: Path) -> list[Path]:
    """Return the folders where reports are mostly kept, also as PhysioNet's own tree has them."""
    above = root.parent
    releases = sorted((above.parent / OTHER_FORM).glob("*"), reverse=True)  # .../mimic-cxr/2.1.0
    return [
        folder
        for folder in (above / UNPACKED, above / OTHER_FORM, *releases)
        if folder.is_dir() and folder != root
    ]


def _has_files(collection: Collection, before: str) -> bool:
    return os.path.isdir(collection.root / before / "files")  # noqa: PTH112


def _opened(path: Path) -> ZipFile:
    try:
        return ZipFile(path)
    except (OSError, BadZipFile, ValueError) as error:
        raise ManifestError(
            f"{path} cannot be read as a ZIP archive ({error}). Download it again, or remove it."
        ) from error


def _unpacked(collection: Collection, path: str) -> bytes:
    try:
        with collection.file(path).open("rb") as file:
            return _whole(path, file.read(LONGEST + 1))
    except OSError as error:
        raise ManifestError(
            f"{path} cannot be read ({error}). Unpack the reports again."
        ) from error


def _packed(archive: ZipFile, path: str) -> bytes:
    try:
        with archive.open(path) as file:
            return _whole(path, file.read(LONGEST + 1))
    except KeyError:
        return b""
    # NotImplementedError: an unknown compression; RuntimeError, above it: a password is needed.
    except (OSError, EOFError, BadZipFile, zlib.error, RuntimeError) as error:
        raise ManifestError(
            f"{archive.filename}: {path} cannot be read ({error}). Download the archive again."
        ) from error


def _whole(path: str, content: bytes) -> bytes:
    if len(content) > LONGEST:
        raise ManifestError(
            f"{path} is longer than {LONGEST} bytes, so it is no report. Download the reports "
            "again from their source."
        )
    return content


def _text(content: bytes) -> str:
    return content.decode("utf-8", errors="replace")
