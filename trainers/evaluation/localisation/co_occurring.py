"""Real radiographs on which two different findings are drawn: does a map of one light up the other?

    off-target = mean heat in what is drawn of the other / mean heat in what was asked about

As in the phantom's rows (`off_target`), whose findings occur together as often as is wanted; here
are the few real ones. Pixels that lie in both drawings count for what was asked about.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from daug.bundle import Bundle
from daug.findings import Activation, Direction
from daug.organs import Mask
from trainers.evaluation.localisation.kinds import DAUG, Kind
from trainers.evaluation.localisation.scorable import part_of
from trainers.evaluation.localisation.truths import LUNG_LESION, OPACITY, Case
from trainers.manifest import Row
from trainers.truth_masks import boxes_on_square, mask_on_square

# What may be drawn beside a truth, and the super-class that it belongs to.
DRAWN_MASKS = {
    "ground_glass": OPACITY,
    "consolidation": OPACITY,
    "pleural_effusion": "Pleural",
    "support_device": "Support Device",
}
DRAWN_BOXES = {
    "nodule": LUNG_LESION,
    "mass_lesion": LUNG_LESION,
    "Mass": LUNG_LESION,
    "Pneumonia": OPACITY,
    "Atelectasis": "Atelectasis",
    "Effusion": "Pleural",
    "Cardiomegaly": "Enlarged Cardiomediastinum / Cardiomegaly",
}


@dataclass(frozen=True)
class OffTarget:
    """Where a map of one finding lies on a radiograph that shows another one as well."""

    row_id: str
    patient: str
    truth: str  # what was asked about
    other: str  # super-class of what else is drawn
    by_activation: Mapping[Activation, float]  # off-target of the map with less of the finding


def drawn_classes(row: Row) -> set[str]:
    """Return the super-classes of everything that is drawn on a radiograph."""
    masks = {DRAWN_MASKS[name] for name in row.masks if name in DRAWN_MASKS}
    return masks | {DRAWN_BOXES[box.label] for box in row.boxes if box.label in DRAWN_BOXES}


def off_target(case: Case, maps: Mapping[Kind, NDArray[np.float32]]) -> list[OffTarget]:
    """Return how a case's own maps treat whatever else is drawn on it."""
    own = case.truth.super_class
    kinds = {act: Kind(DAUG, own, Direction.LESS, act) for act in Activation}
    if not all(kind in maps for kind in kinds.values()):
        return []
    found = []
    for other in sorted(drawn_classes(case.row) - {own}):
        there = _drawn(case, other)
        beside = there & ~case.inside
        heat = {act: maps[kind][0] for act, kind in kinds.items()}
        if beside.any() and all(h[case.inside].any() and h[beside].any() for h in heat.values()):
            quotients = {
                act: float(h[beside].mean() / h[case.inside].mean()) for act, h in heat.items()
            }
            found.append(
                OffTarget(case.row.id, case.row.patient, case.truth.name, other, quotients)
            )
    return found


def search(rows: Iterable[Row], bundle: Bundle) -> list[dict[str, object]]:
    """Return, for each pair of findings drawn on one radiograph, how many there are and may score.

    Args:
        rows: Of a manifest.
        bundle: Says what trained its models.
    """
    counts: dict[tuple[str, str, str], list[int]] = {}
    for row in rows:
        classes = sorted(drawn_classes(row))
        for i, first in enumerate(classes):
            for second in classes[i + 1 :]:
                number = counts.setdefault((row.source, first, second), [0, 0])
                number[0] += 1
                number[1] += part_of(row, bundle) is not None
    return [
        {"source": source, "pair": [first, second], "radiographs": all_, "held_out": held_out}
        for (source, first, second), (all_, held_out) in sorted(counts.items())
    ]


def _drawn(case: Case, super_class: str) -> Mask:
    height, width = case.radiograph.pixels.shape
    size = case.inside.shape[0]
    boxes = [box for box in case.row.boxes if DRAWN_BOXES.get(box.label) == super_class]
    inside = boxes_on_square(boxes, height, width, size)
    for name, path in case.row.masks.items():
        if DRAWN_MASKS.get(name) == super_class:
            inside = inside | mask_on_square(path, size)
    return inside
