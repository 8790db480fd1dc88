"""The manifest as the tables need it: frontal views of the chosen sources, and blanks explained.

Labels mined from reports say "No Finding" only where it holds and are blank where a finding is not
mentioned, so "No Finding" would never be absent. What such labels entail is therefore written out:
by the definition of Irvin et al. 2019, "CheXpert", arXiv:1901.07031, section 3, "No Finding" is
present if and only if no pathology is present or uncertain; support devices are no pathology.
Whatever is filled in is named in the column `assumed`.
"""

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from enum import StrEnum
from pathlib import Path
from typing import Any

from daug.errors import ManifestError
from daug.findings import Finding
from trainers.adapters.label_words import DISEASES
from trainers.made_labels import ASSUMED_COLUMN, TEXT_COLUMN
from trainers.manifest import LABELS, Row, read_manifest
from trainers.manifest_copy import Line, write_copy
from trainers.text_labels import count_text_labels

LEARNT_FROM, TEST_SPLIT = ("train", "val"), "test"
SPLITS = (*LEARNT_FROM, TEST_SPLIT)
FRONTAL = ("AP", "PA", "FRONTAL")  # first words of what a frontal view is called


class Blanks(StrEnum):
    """What a finding counts as that a radiograph's labels do not mention."""

    UNKNOWN = "unknown"  # left out of training and scores, but for what "No Finding" entails
    ABSENT = "absent"  # as in much published work on labels mined from reports


def prepare_manifest(
    manifest: Path, output: Path, sources: Sequence[str], blanks: Blanks
) -> dict[str, Any]:
    """Write the manifest that everything is trained and scored on, and return what it holds.

    Args:
        manifest: The original; it stays as it is.
        output: The copy, in a folder of its own, from which links lead to the images.
        sources: Data sets to keep.
        blanks: What a blank label counts as.

    Raises:
        ManifestError: If the manifest cannot be read or trained on, or a split is empty.
    """
    read_manifest(manifest)  # says what is wrong with it, in the original's own lines
    told: Counter[str] = Counter()

    def changed(lines: Iterable[Line]) -> Iterator[Line]:
        for line in lines:
            if line["dataset"] not in sources:
                told["other_sources"] += 1
            elif not is_frontal(line.get("view") or ""):
                told["not_frontal"] += 1
            else:
                filled = fill_blanks(line, blanks)
                told["labels_filled"] += sum(filled.get(f, "") != line.get(f, "") for f in Finding)
                yield filled

    write_copy(manifest, output, [*Finding, ASSUMED_COLUMN, TEXT_COLUMN], changed)
    rows = read_manifest(output)
    check_three_splits(manifest, rows)
    reported = sum(bool(row.report) for row in rows)
    by_split = dict(sorted(Counter(row.split for row in rows).items()))
    left_out = {name: told[name] for name in ("other_sources", "not_frontal")}
    patients = len({row.patient for row in rows})
    return {
        "radiographs": by_split,
        "patients": patients,
        "reports": reported,
        "left_out": left_out,
        "labels_filled": told["labels_filled"],
        "labels_from_text": sum(count_text_labels(rows).values()),
        "sources": sorted({row.source for row in rows}),
    }


def is_frontal(view: str) -> bool:
    """Return whether a view's name says frontal, or says nothing."""
    words = re.findall("[A-Z]+", view.upper())
    return not view.strip() or words[:1] in ([word] for word in FRONTAL)


def fill_blanks(line: Line, blanks: Blanks) -> Line:
    """Return a manifest's line with 0 for the blanks that count as absent, named in `assumed`."""
    labels = {f: LABELS[text] for f in Finding if (text := (line.get(f) or "").strip())}
    filled = absent_blanks(labels, blanks)
    earlier = [name for name in (line.get(ASSUMED_COLUMN) or "").split("|") if name]
    read = [name for name in (line.get(TEXT_COLUMN) or "").split("|") if name]
    return {
        **line,
        **dict.fromkeys(filled, "0"),
        ASSUMED_COLUMN: "|".join(dict.fromkeys([*earlier, *filled])),
        # What follows from labels that were read from a report was read there as well.
        TEXT_COLUMN: "|".join(dict.fromkeys([*read, *(filled if read else ())])),
    }


def absent_blanks(labels: Mapping[Finding, int], blanks: Blanks) -> list[Finding]:
    """Return the findings without a label that count as absent, in their usual order.

    Uncertain labels stay uncertain, and a radiograph without any label stays without.
    """
    absent: set[Finding] = set()
    if labels.get(Finding.NO_FINDING) == 1:
        absent.update(DISEASES)
    elif any(labels.get(finding) == 1 for finding in DISEASES):
        absent.add(Finding.NO_FINDING)
    if blanks is Blanks.ABSENT and labels:
        absent.update(Finding)
    return [finding for finding in Finding if finding in absent and finding not in labels]


def frontal_rows(rows: Iterable[Row], sources: Sequence[str], blanks: Blanks) -> list[Row]:
    """Return the rows that the written manifest will hold, with their labels."""
    return [
        replace(row, labels={**row.labels, **dict.fromkeys(absent_blanks(row.labels, blanks), 0)})
        for row in rows
        if row.source in sources and is_frontal(row.view)
    ]


def check_three_splits(manifest: Path, rows: Sequence[Row]) -> None:
    """Refuse a manifest in which one of the three splits has no frontal radiograph.

    Raises:
        ManifestError: If that is so.
    """
    there = {row.split for row in rows}
    lacking = [split for split in SPLITS if split not in there]
    if lacking:
        raise ManifestError(
            f"{manifest.name}: split {' and '.join(lacking)} holds no frontal radiograph of the "
            f"chosen sources. {', '.join(SPLITS)} are needed: to learn from, to watch, to score."
        )
