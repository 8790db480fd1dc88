"""The rows of a manifest that is yet to be trusted: a line that cannot be read stops nothing."""

import csv
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from daug.errors import ManifestError
from daug.findings import Finding
from trainers.manifest import check_columns, read_row


@dataclass(frozen=True, slots=True)
class Entry:
    """One radiograph of a manifest."""

    id: str
    image: Path
    dataset: str
    patient: str  # unique over all data sets
    split: str
    view: str
    labels: Mapping[Finding, int]
    text_derived: frozenset[Finding]  # of the labels, those read from a report
    stem: str  # of the file that its collection calls it by, without the ending


@dataclass(frozen=True)
class Entries:
    """What a manifest holds."""

    rows: tuple[Entry, ...]  # each id once, unless its lines disagree on split or patient
    repeated: int  # further lines that name the same id, image, split and patient
    faults: tuple[str, ...]  # why other lines cannot be used, a sentence each


def read_entries(manifest: Path) -> Entries:
    """Return the rows of a manifest, and what is wrong with other lines.

    Raises:
        ManifestError: If it is no manifest, or none of its lines can be used.
    """
    rows: dict[tuple[str, str, str], Entry] = {}  # what disagrees stays, since it may be a leak
    images: dict[str, Path] = {}
    faults: list[str] = []
    repeated = 0
    try:
        with manifest.open(newline="", encoding="utf-8-sig") as file:
            reader = csv.DictReader(file)
            check_columns(manifest, reader.fieldnames or [])
            for values in reader:
                try:
                    entry = _entry(manifest, reader.line_num, values)
                except ManifestError as error:
                    faults.append(str(error))
                    continue
                if images.setdefault(entry.id, entry.image) != entry.image:
                    faults.append(_two_images(manifest, reader.line_num, entry.id))
                    continue
                key = (entry.id, entry.split, entry.patient)
                repeated += rows.setdefault(key, entry) is not entry
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise ManifestError(f"{manifest.name}: cannot be read as a CSV table: {error}.") from error
    if not rows:
        raise ManifestError(
            f"{manifest.name}: holds no radiograph that can be used. {' '.join(faults[:1])}".strip()
        )
    return Entries(tuple(rows.values()), repeated, tuple(faults))


def _entry(manifest: Path, line: int, values: Mapping[str, str]) -> Entry:
    short = [name for name, text in values.items() if text is None]
    if short:
        raise ManifestError(f"{manifest.name} line {line}: ends before the column {short[0]}.")
    row = read_row(manifest, line, values)
    named = values.get("source_file") or row.image.name
    return Entry(
        id=row.id,
        image=row.image,
        dataset=row.source,
        patient=row.patient,
        split=row.split,
        view=row.view,
        labels=row.labels,
        text_derived=row.text_derived & row.labels.keys(),
        stem=PurePosixPath(named).stem,
    )


def _two_images(manifest: Path, line: int, name: str) -> str:
    return (
        f"{manifest.name} line {line}: id {name} stands for another image already. Give each "
        "radiograph its own id."
    )
