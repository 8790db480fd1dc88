"""Findings painted onto real normal radiographs, as further examples to train on.

`daug data paint` writes a copy of a manifest with further rows, each a radiograph called normal
with a nodule, a consolidation, an effusion or devices painted on it. What is painted stands in
the column `painted`; such rows are in split `train` alone, and `read_manifest` refuses others.
"""

import logging
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from daug.anatomy import Anatomist, open_anatomist
from daug.bundle import read_bundle
from daug.errors import BundleError, ManifestError
from daug.findings import Finding
from daug.phantom import PAINTERS
from trainers.made_labels import ASSUMED_COLUMN, PAINTED_COLUMN, PAINTED_SPLIT
from trainers.manifest import Row, read_manifest
from trainers.manifest_copy import Line, column_names, image_folders, write_copy
from trainers.painted_lines import (
    PAINTED_FOLDER,
    PaintedCopy,
    PaintedNormal,
    is_absent,
    is_normal,
    normal_line,
    painted_line,
)
from trainers.painting_rows import CannotPaint, NormalChest, open_normal, paint_normal, save_painted

logger = logging.getLogger(__name__)

MANIFEST = "manifest.csv"  # in the output's folder
TOLD_EVERY = 200  # radiographs


@dataclass(frozen=True)
class PaintRequest:
    """What somebody asks to be painted."""

    manifest: Path
    folder: Path  # of the copy and the painted images
    bundle: Path  # whose anatomy model finds lungs and heart
    findings: tuple[Finding, ...] = tuple(PAINTERS)
    sources: tuple[str, ...] = ()  # empty: all
    per_normal: float = 1.0  # share of the normals that get one copy with each finding
    seed: int = 0
    without_devices: tuple[str, ...] = ()  # sources whose normals show none, in any view

    def __post_init__(self) -> None:
        unknown = [finding.value for finding in self.findings if finding not in PAINTERS]
        if unknown or not self.findings:
            raise ManifestError(
                f"{', '.join(unknown) or 'Nothing'} cannot be painted. Choose among "
                f"{', '.join(PAINTERS)}."
            )
        if not 0 <= self.per_normal <= 1:
            raise ManifestError(
                f"The share of normals to be painted on must be 0 to 1, got {self.per_normal}."
            )


def paint_findings(request: PaintRequest) -> dict[str, Any]:
    """Write painted radiographs and then the copy of the manifest; return counts by source.

    Raises:
        BundleError: If the bundle has no anatomy model.
        ManifestError: If the manifest cannot be read, has nothing to paint on, or the folder is
            the manifest's own or holds another manifest.
    """
    anatomist = open_anatomist(read_bundle(request.bundle))
    if anatomist is None:
        raise BundleError(
            f"{request.bundle} has no anatomy model. Add one with `daug bundle add-anatomy`."
        )
    rows = read_manifest(request.manifest)
    _check_folder(request, rows)
    normals = [row for row in rows if _wanted(row, request)]
    counts: dict[str, Counter[str]] = {row.source: Counter() for row in normals}
    painted = _paint_all(anatomist, normals, request, counts)
    by_finding = Counter(copy.finding.value for one in painted.values() for copy in one.copies)
    if not by_finding:
        raise ManifestError(
            f"{request.manifest.name}: nothing was painted, since no radiograph of split "
            f"{PAINTED_SPLIT} is labelled normal, large enough and shows lungs and heart "
            f"({_told(counts)}). Name other sources, or check its labels."
        )
    _write_manifest(request, painted)
    return {
        "output": str(request.folder / MANIFEST),
        "seed": request.seed,
        "per_normal": request.per_normal,
        "painted": dict(by_finding),
        "sources": {source: dict(sorted(count.items())) for source, count in counts.items()},
    }


def _wanted(row: Row, request: PaintRequest) -> bool:
    of_source = not request.sources or row.source in request.sources
    return of_source and row.split == PAINTED_SPLIT and is_normal(row)


def _check_folder(request: PaintRequest, rows: Sequence[Row]) -> None:
    """Refuse what would lose or mix up files, before anything is written."""
    folder, manifest = request.folder, request.manifest
    if folder.resolve() == manifest.parent.resolve():
        raise ManifestError(f"{folder} is the manifest's own folder. Name another one.")
    try:
        if any(row.painted for row in rows) or PAINTED_FOLDER in image_folders(manifest):
            raise ManifestError(
                f"{manifest.name} holds painted radiographs already. Paint on the manifest that it "
                "was made of, with all findings at once."
            )
        old = folder / MANIFEST
        if old.exists() and PAINTED_COLUMN not in column_names(old):
            raise ManifestError(
                f"{old} was not written by this command and would be lost. Name another folder."
            )
        (folder / PAINTED_FOLDER).mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise ManifestError(f"{folder} cannot be written to ({error}). Name another.") from error


def _paint_all(
    anatomist: Anatomist,
    normals: Sequence[Row],
    request: PaintRequest,
    counts: dict[str, Counter[str]],
) -> dict[str, PaintedNormal]:
    """Paint on each normal; return those that can be painted on by their ids."""
    painted: dict[str, PaintedNormal] = {}
    for number, row in enumerate(normals, start=1):
        try:
            chest = open_normal(anatomist, row)
        except CannotPaint as reason:
            counts[row.source][str(reason)] += 1
        else:
            counts[row.source]["normals"] += 1
            painted[row.id] = _paint_one(chest, request, counts[row.source])
        if number % TOLD_EVERY == 0 or number == len(normals):
            logger.info("%d of %d normal radiographs", number, len(normals))
    return painted


def _paint_one(chest: NormalChest, request: PaintRequest, count: Counter[str]) -> PaintedNormal:
    absent, copies = [], []
    for finding in request.findings:
        if not is_absent(chest.row, finding, request.without_devices):
            count[f"{finding}: may be there already"] += 1
            continue
        absent.append(finding)
        try:
            pixels = paint_normal(chest, finding, request.seed, request.per_normal)
        except CannotPaint as reason:
            count[f"{finding}: {reason}"] += 1
            continue
        if pixels is not None:
            copy = PaintedCopy(chest.row.id, finding)
            save_painted(request.folder / copy.image, pixels, finding)
            count[f"painted {finding}"] += 1
            copies.append(copy)
    return PaintedNormal(tuple(absent), tuple(copies))


def _write_manifest(request: PaintRequest, painted: dict[str, PaintedNormal]) -> None:
    def lines(originals: Iterator[Line]) -> Iterable[Line]:
        more: dict[str, Line] = {}  # a manifest may name a radiograph twice
        for values in originals:
            found = painted.get(values["id"])
            if found is None:
                yield {**values, PAINTED_COLUMN: "", ASSUMED_COLUMN: ""}
                continue
            normal = normal_line(values, found.absent)
            yield normal
            for copy in found.copies:
                more.setdefault(copy.id, painted_line(normal, copy))
        yield from more.values()

    findings = [finding.value for finding in request.findings]
    columns = [*findings, Finding.NO_FINDING.value, PAINTED_COLUMN, ASSUMED_COLUMN]
    write_copy(request.manifest, request.folder / MANIFEST, columns, lines)


def _told(counts: dict[str, Counter[str]]) -> str:
    total = sum(counts.values(), Counter[str]())
    return ", ".join(f"{n} {reason}" for reason, n in sorted(total.items())) or "none found"
