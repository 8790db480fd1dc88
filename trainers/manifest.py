"""The table that every training, evaluation and import reads: one radiograph a row.

Columns: `id, image, dataset, patient_id, split, view, age`, the fourteen findings with
1 present / 0 absent / -1 uncertain / blank not known, `license`, `masks` and `boxes` where experts
have drawn what is where, and more that others use. Image paths are relative to the manifest's
folder.
"""

import csv
import json
import logging
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

from daug.errors import ManifestError
from daug.findings import Finding, State, SuperClass
from daug.view import View
from trainers.made_labels import (
    ASSUMED_COLUMN,
    MEASURED_COLUMN,
    TEXT_COLUMN,
    named_findings,
    painted_finding,
)

logger = logging.getLogger(__name__)

NEEDED_COLUMNS = ("id", "image", "dataset", "patient_id", "split")
LABELS = {"1": 1, "1.0": 1, "0": 0, "0.0": 0, "-1": -1, "-1.0": -1}


@dataclass(frozen=True)
class Box:
    """A rectangle that an expert drew, as fractions of the image's width (x) and height (y)."""

    label: str
    x0: float
    y0: float
    x1: float
    y1: float


@dataclass(frozen=True)
class Row:
    """One radiograph of a manifest."""

    id: str
    image: Path
    source: str  # the data set it is from
    patient: str  # unique over all sources
    split: str
    view: str
    age: str
    licence: str
    labels: Mapping[Finding, int]  # 1 present, 0 absent, -1 uncertain; unknown is left out
    report: str = ""  # as its source gives it
    boxes: tuple[Box, ...] = ()
    masks: Mapping[str, Path] = field(default_factory=dict)  # what is marked -> PNG, image's size
    painted: Finding | None = None  # onto a normal radiograph; see trainers.made_labels
    measured: frozenset[Finding] = frozenset()  # whose label was measured
    assumed: frozenset[Finding] = frozenset()  # whose absence was assumed
    text_derived: frozenset[Finding] = frozenset()  # whose label a program read from the report

    def state(self, super_class: SuperClass) -> State:
        """Return what the labels say about a super-class."""
        return super_class.state(self.labels)


def read_manifest(path: Path) -> list[Row]:
    """Return every row of a manifest.

    Raises:
        ManifestError: If the file is not a manifest, a label is not 1, 0, -1 or blank, an id
            stands for two images, a path leaves the manifest's folder, a patient is in two
            splits, or a painted finding is outside the training split.
    """
    try:
        with path.open(newline="", encoding="utf-8-sig") as file:
            reader = csv.DictReader(file)
            check_columns(path, reader.fieldnames or [])
            rows = [read_row(path, reader.line_num, values) for values in reader]
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise ManifestError(f"{path.name}: cannot be read as a CSV table: {error}.") from error
    if not rows:
        raise ManifestError(f"{path.name}: holds no radiograph.")
    check_splits(path, rows)
    return drop_repeats(path, rows)


def check_columns(path: Path, columns: Sequence[str]) -> None:
    """Refuse a table without the columns that everything rests on."""
    missing = [name for name in NEEDED_COLUMNS if name not in columns]
    if missing or not any(finding in columns for finding in Finding):
        wanted = ", ".join(missing) or "any of the fourteen findings"
        raise ManifestError(
            f"{path.name}: lacks {wanted}. A manifest needs {', '.join(NEEDED_COLUMNS)} "
            "and at least one finding column."
        )


def drop_repeats(path: Path, rows: Iterable[Row]) -> list[Row]:
    """Keep the first of the rows that name the same image under the same id.

    Collections that were gathered twice hold such rows; counting them twice would weigh them
    double in training and in every score.

    Raises:
        ManifestError: If one id stands for two images.
    """
    first: dict[str, Row] = {}
    for row in rows:
        if first.setdefault(row.id, row).image != row.image:
            raise ManifestError(
                f"{path.name}: id {row.id} stands for two images, {first[row.id].image.name} and "
                f"{row.image.name}. Give each radiograph its own id."
            )
    return list(first.values())


def check_splits(path: Path, rows: Iterable[Row]) -> None:
    """Refuse a patient who is in two splits, since that would falsify every score."""
    split_of: dict[str, str] = {}
    leaks = {r.patient for r in rows if split_of.setdefault(r.patient, r.split) != r.split}
    if leaks:
        raise ManifestError(
            f"{path.name}: {len(leaks)} patients are in more than one split, for instance "
            f"{min(leaks)}. Split by patient, so that no score is measured on training data."
        )


def select(
    rows: Iterable[Row], *, splits: Sequence[str] = (), sources: Sequence[str] = ()
) -> list[Row]:
    """Return the rows of some splits and sources but lateral views; an empty choice means all.

    The networks know frontal radiographs alone; a view that is not stated is taken for one.

    Raises:
        ManifestError: If nothing is left.
    """
    rows = list(rows)
    of_any_view = [
        row
        for row in rows
        if (not splits or row.split in splits) and (not sources or row.source in sources)
    ]
    chosen = [row for row in of_any_view if View.stated(row.view) is not View.LATERAL]
    if laterals := len(of_any_view) - len(chosen):
        logger.info("%d lateral radiographs are left out", laterals)
    if not chosen:
        raise ManifestError(
            f"No frontal radiograph is in split {'/'.join(splits) or 'any'} of source "
            f"{'/'.join(sources) or 'any'}; the manifest has splits "
            f"{', '.join(sorted({r.split for r in rows}))} and sources "
            f"{', '.join(sorted({r.source for r in rows}))}."
        )
    return chosen


def read_row(path: Path, line: int, values: Mapping[str, str]) -> Row:
    """Return the radiograph in one line of a manifest.

    Raises:
        ManifestError: If something in it cannot be; the message names the line.
    """
    image = PurePosixPath(values["image"] or "")
    if not image.parts or image.is_absolute() or ".." in image.parts:
        raise ManifestError(
            f"{path.name} line {line}: image path {str(image)!r} must be relative to the "
            "manifest's folder and stay inside it."
        )
    where = f"{path.name} line {line}"
    return Row(
        id=values["id"],
        image=path.parent / image,
        source=values["dataset"],
        patient=f"{values['dataset']}/{values['patient_id'] or values['id']}",
        split=values["split"],
        view=values.get("view") or "",
        age=values.get("age") or "",
        licence=values.get("license") or "",
        labels=_labels(path, line, values),
        report=(values.get("report") or "").strip(),
        boxes=_boxes(path, line, values.get("boxes") or ""),
        masks=_masks(path, line, values),
        painted=painted_finding(where, values),
        measured=named_findings(where, values, MEASURED_COLUMN),
        assumed=named_findings(where, values, ASSUMED_COLUMN),
        text_derived=named_findings(where, values, TEXT_COLUMN),
    )


def _boxes(path: Path, line: int, text: str) -> tuple[Box, ...]:
    if not text.strip():
        return ()
    try:
        boxes = tuple(
            Box(str(box["label"]), *(float(box[side]) for side in ("x0", "y0", "x1", "y1")))
            for box in json.loads(text)
        )
    except (KeyError, TypeError, ValueError) as error:
        raise ManifestError(
            f"{path.name} line {line}: the boxes cannot be read ({error!r}). They are a JSON list "
            "of objects with label, x0, y0, x1 and y1."
        ) from error
    for box in boxes:
        if not (0 <= box.x0 < box.x1 <= 1 and 0 <= box.y0 < box.y1 <= 1):
            raise ManifestError(
                f"{path.name} line {line}: the box of {box.label} must lie in the image, with x0 "
                "below x1 and y0 below y1 as fractions of its width and height."
            )
    return boxes


def _masks(path: Path, line: int, values: Mapping[str, str]) -> dict[str, Path]:
    """Masks lie in `masks/<id>/<name>.png` beside the manifest."""
    names = [name.strip() for name in (values.get("masks") or "").split("|") if name.strip()]
    for part in (*names, values["id"]) if names else ():
        if "/" in part or "\\" in part or part in (".", ".."):
            raise ManifestError(
                f"{path.name} line {line}: {part!r} cannot be part of a mask's path. Names of "
                "masks and ids must be plain file names."
            )
    return {name: path.parent / "masks" / values["id"] / f"{name}.png" for name in names}


def _labels(path: Path, line: int, values: Mapping[str, str]) -> dict[Finding, int]:
    labels: dict[Finding, int] = {}
    for finding in Finding:
        text = (values.get(finding) or "").strip()
        if not text:
            continue
        if text not in LABELS:
            raise ManifestError(
                f"{path.name} line {line}: {finding} is {text!r}, but must be 1, 0, -1 or blank."
            )
        labels[finding] = LABELS[text]
    return labels
