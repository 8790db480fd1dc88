"""What a manifest says of normal radiographs and of their painted copies.

A normal radiograph shows none of the findings that are painted; where its source says nothing of
one, its 0 is assumed, and marked so. Not so devices: a radiograph may be called normal in
spite of electrodes and lines. They are rare on PA views, whose patients can stand, and common on
AP views, of which nothing is assumed unless somebody knows better of a source.
"""

import hashlib
import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass

from daug.findings import Finding
from daug.view import View
from trainers.anatomy.reading import view_of
from trainers.made_labels import ASSUMED_COLUMN, PAINTED_COLUMN
from trainers.manifest import Row

PAINTED_FOLDER = "painted"
MOST_LETTERS = 100  # of an id in a file's name
NOT_OF_THE_COPY = ("masks", "boxes", "report", "raw_labels", "severity")  # told of the original
OPACITIES = (Finding.LUNG_LESION, Finding.CONSOLIDATION)  # each is a Lung Opacity, in CheXpert


@dataclass(frozen=True)
class PaintedCopy:
    """A finding that was painted onto a normal radiograph."""

    original: str  # its row's id
    finding: Finding

    @property
    def id(self) -> str:
        """The id of the copy's row."""
        return f"{self.original}+{_slug(self.finding)}"

    @property
    def image(self) -> str:
        """Where the copy's image lies, relative to the manifest; whatever letters the id has."""
        plain = re.sub(r"[^A-Za-z0-9._-]", "_", self.original)[:MOST_LETTERS]
        if plain != self.original:  # then another id might become the same
            plain += "-" + hashlib.sha256(self.original.encode()).hexdigest()[:8]
        return f"{PAINTED_FOLDER}/{plain}-{_slug(self.finding)}.png"


@dataclass(frozen=True)
class PaintedNormal:
    """What became of a normal radiograph."""

    absent: tuple[Finding, ...]  # of those that were asked for; they may be painted
    copies: tuple[PaintedCopy, ...]


def is_normal(row: Row) -> bool:
    """Return whether a row is called normal, and shows nothing but perhaps devices."""
    shown = {finding for finding, label in row.labels.items() if label == 1}
    return Finding.NO_FINDING in shown <= {Finding.NO_FINDING, Finding.SUPPORT_DEVICES}


def is_absent(row: Row, finding: Finding, without_devices: Collection[str]) -> bool:
    """Return whether a normal radiograph is known or assumed not to show a finding.

    Args:
        row: The normal radiograph.
        finding: One that can be painted.
        without_devices: Sources on which devices are assumed absent in any view.
    """
    if finding in row.labels:
        return row.labels[finding] == 0
    devices = finding is Finding.SUPPORT_DEVICES
    return not devices or view_of(row) is View.PA or row.source in without_devices


def normal_line(values: Mapping[str, str], absent: Collection[Finding]) -> dict[str, str]:
    """Return a normal radiograph's line, in which absent findings have a 0.

    Args:
        values: Its line in the manifest.
        absent: Findings that are known or assumed to be absent.
    """
    assumed = [finding.value for finding in absent if not (values.get(finding) or "").strip()]
    marks = {PAINTED_COLUMN: "", ASSUMED_COLUMN: "|".join(assumed)}
    return {**values, **dict.fromkeys(assumed, "0"), **marks}


def painted_line(normal: Mapping[str, str], copy: PaintedCopy) -> dict[str, str]:
    """Return the line of a painted copy.

    Args:
        normal: The line of the normal radiograph, from `normal_line`.
        copy: What was painted.
    """
    finding = copy.finding
    line = {**normal, **{name: "" for name in NOT_OF_THE_COPY if name in normal}}
    line |= {"id": copy.id, "image": copy.image, finding.value: "1", PAINTED_COLUMN: finding.value}
    if finding is not Finding.SUPPORT_DEVICES:  # a device is not a disease
        line[Finding.NO_FINDING.value] = "0"
    if finding in OPACITIES and Finding.LUNG_OPACITY.value in line:
        line[Finding.LUNG_OPACITY.value] = ""  # its 0 would contradict the painted finding
    assumed = [name for name in normal[ASSUMED_COLUMN].split("|") if name and name != finding]
    return {**line, ASSUMED_COLUMN: "|".join(assumed)}


def _slug(finding: Finding) -> str:
    return finding.value.lower().replace(" ", "-")
