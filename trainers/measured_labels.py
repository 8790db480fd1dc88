"""Labels measured by the anatomy model: a heart wider than half of the thorax is enlarged.

`daug data measure-heart` writes a copy of a manifest in which radiographs of adults, PA, whose
ratio is not withheld, get a label for Cardiomegaly where their source gave none. What was measured
stands in the column `measured`, so that results can be told with and without.

A model that learnt from such labels must not be judged by the ratio.
"""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any

from daug.anatomy import Anatomist, open_anatomist
from daug.bundle import read_bundle
from daug.cardiothoracic import CHILD_BELOW, ENLARGED, CardiothoracicRatio
from daug.errors import BundleError, ManifestError
from daug.findings import Finding
from daug.stated_age import years
from daug.view import View
from trainers.anatomy.reading import look_at_rows, ratio_of, view_of
from trainers.made_labels import MEASURED_COLUMN
from trainers.manifest import Row, read_manifest
from trainers.manifest_copy import Line, write_copy
from trainers.pixels import MIN_SOURCE_SIDE

ABSENT_BELOW = 0.48  # between it and ENLARGED the measurement's error decides, so nothing is said
RATIO_COLUMN = "cardiothoracic_ratio"
NO_LABEL = ""


class OwnLabels(StrEnum):
    """What becomes of a label that the source gave."""

    KEEP = "keep"  # measure only where there is none
    REPLACE = "replace"  # the measurement stands where it says something else


@dataclass(frozen=True)
class HeartRequest:
    """What somebody asks to be measured."""

    manifest: Path
    output: Path  # a CSV file
    bundle: Path  # whose anatomy model measures
    sources: tuple[str, ...] = ()  # empty: all
    own_labels: OwnLabels = OwnLabels.KEEP
    adults: tuple[str, ...] = ()  # sources of adults only, where rows without an age count as such
    present_above: float = ENLARGED
    absent_below: float = ABSENT_BELOW

    def __post_init__(self) -> None:
        if not 0 < self.absent_below <= self.present_above < 1:
            raise ManifestError(
                f"The limits of the ratio must rise within 0 and 1, got absent below "
                f"{self.absent_below} and present above {self.present_above}."
            )


def measure_heart(request: HeartRequest) -> dict[str, Any]:
    """Write the copy of a manifest, and return counts by source.

    Raises:
        BundleError: If the bundle has no anatomy model.
        ManifestError: If the manifest cannot be read, no radiograph in it is an adult's, PA, or
            the copy cannot be written.
    """
    anatomist = open_anatomist(read_bundle(request.bundle))
    if anatomist is None:
        raise BundleError(
            f"{request.bundle} has no anatomy model. Add one with `daug bundle add-anatomy`."
        )
    rows = read_manifest(request.manifest)
    adults = [row for row in rows if _adult_pa(row, request)]
    if not adults:
        raise ManifestError(
            f"{request.manifest.name}: no radiograph is known to be an adult's, PA. State view and "
            "age, or name sources of adults with --adults."
        )
    ratios = _ratios(anatomist, adults)
    counts: dict[str, Counter[str]] = {row.source: Counter() for row in adults}
    labels: dict[str, str] = {}
    for row in adults:
        ratio = ratios.get(row.id)
        labels[row.id] = _decide(row, ratio, request, counts[row.source])
    _write_copy(request, ratios, {row: label for row, label in labels.items() if label})
    return {
        "output": str(request.output),
        "own_labels": request.own_labels.value,
        "present_above": request.present_above,
        "absent_below": request.absent_below,
        "sources": {source: dict(sorted(count.items())) for source, count in counts.items()},
    }


def measured_label(ratio: CardiothoracicRatio, request: HeartRequest) -> str:
    """Return "1", "0", or "" where the ratio is withheld or between the limits."""
    if ratio.value is None or request.absent_below <= ratio.value <= request.present_above:
        return NO_LABEL
    return "1" if ratio.value > request.present_above else "0"


def _adult_pa(row: Row, request: HeartRequest) -> bool:
    if request.sources and row.source not in request.sources:
        return False
    age = years(row.age)
    adult = row.source in request.adults if age is None else age >= CHILD_BELOW
    return adult and view_of(row) is View.PA


def _ratios(anatomist: Anatomist, rows: Sequence[Row]) -> dict[str, CardiothoracicRatio]:
    """Return the ratio of each radiograph that is large enough, by its id."""
    return {
        found.row.id: ratio_of(found)
        for found in look_at_rows(anatomist, rows)
        if min(found.organs.shape) >= MIN_SOURCE_SIDE
    }


def _decide(
    row: Row, ratio: CardiothoracicRatio | None, request: HeartRequest, count: Counter[str]
) -> str:
    """Return the label to be written, nothing to leave the row as it is, and count why."""
    if ratio is None:
        count["too small"] += 1
        return NO_LABEL
    if ratio.value is None:
        count[f"withheld: {ratio.withheld}"] += 1
        return NO_LABEL
    label = measured_label(ratio, request)
    word = {"1": "present", "0": "absent", NO_LABEL: "between"}[label]
    own = row.labels.get(Finding.CARDIOMEGALY)
    if own is None:
        count[f"measured {word}"] += 1
        return label
    count[f"own {own}, measured {word}"] += 1
    if request.own_labels is OwnLabels.REPLACE and label and label != str(own):
        count["replaced"] += 1
        return label
    return NO_LABEL


def _write_copy(
    request: HeartRequest, ratios: Mapping[str, CardiothoracicRatio], labels: Mapping[str, str]
) -> None:
    def changed(originals: Iterator[Line]) -> Iterator[Line]:
        for values in originals:
            name = values["id"]
            yield _changed(values, labels.get(name, NO_LABEL), ratios.get(name))

    columns = (Finding.CARDIOMEGALY.value, MEASURED_COLUMN, RATIO_COLUMN)
    write_copy(request.manifest, request.output, columns, changed)


def _changed(
    values: Mapping[str, str], label: str, ratio: CardiothoracicRatio | None
) -> dict[str, str]:
    changed = {**values, MEASURED_COLUMN: "", RATIO_COLUMN: ""}
    if ratio is not None and ratio.value is not None:
        changed[RATIO_COLUMN] = f"{ratio.value:.4f}"
    if label:
        measured = [Finding.CARDIOMEGALY.value]
        changed[Finding.CARDIOMEGALY.value] = label
        if label == "1" and changed.get(Finding.NO_FINDING.value, "") in ("1", "1.0"):
            changed[Finding.NO_FINDING.value] = ""  # it would contradict the measurement
            measured.append(Finding.NO_FINDING.value)
        changed[MEASURED_COLUMN] = "|".join(measured)
    return changed
