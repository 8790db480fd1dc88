"""Where disease really is: what experts have drawn on radiographs, and the question it answers."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from daug.bundle import Bundle
from daug.loading import load_radiograph
from daug.organs import Mask
from daug.radiograph import ModelInput, Radiograph
from trainers.evaluation.localisation.area import area_of
from trainers.evaluation.localisation.scorable import Part, part_of
from trainers.manifest import Box, Row
from trainers.pixels import MIN_SOURCE_SIDE
from trainers.truth_masks import boxes_on_square, mask_on_square

LUNG_LESION = "Lung Lesion"
OPACITY = "Consolidation / Edema / Pneumonia"


@dataclass(frozen=True)
class Truth:
    """One kind of drawing in one data set."""

    name: str  # "source:what"
    super_class: str
    mask: str = ""  # name of the drawn mask, or
    labels: frozenset[str] = frozenset()  # labels of the drawn boxes

    @property
    def source(self) -> str:
        """The data set."""
        return self.name.split(":")[0]

    def boxes(self, row: Row) -> list[Box]:
        """Return the boxes of a radiograph that this truth is made of."""
        return [box for box in row.boxes if box.label in self.labels]

    def drawn_on(self, row: Row) -> bool:
        """Whether a radiograph bears this truth."""
        return row.source == self.source and (self.mask in row.masks or bool(self.boxes(row)))


TRUTHS = (
    Truth("jsrt:nodule", LUNG_LESION, labels=frozenset({"nodule"})),
    Truth("nih:mass_box", LUNG_LESION, labels=frozenset({"mass_lesion", "Mass"})),
    Truth("cohen:ground_glass", OPACITY, mask="ground_glass"),
    Truth("cohen:consolidation", OPACITY, mask="consolidation"),
    Truth("nih:pneumonia_box", OPACITY, labels=frozenset({"Pneumonia"})),
)


@dataclass(frozen=True, eq=False)
class Case:
    """One radiograph that a truth is drawn on."""

    truth: Truth
    row: Row
    part: Part
    seen: ModelInput
    inside: Mask  # (S, S), what was drawn, on the model's square

    @property
    def radiograph(self) -> Radiograph:
        """The radiograph, read again each time: many of them need not fit into memory."""
        return load_radiograph(self.row.image)

    @property
    def area(self) -> tuple[slice, slice]:
        """Where the radiograph lies on the model's square; the padding around it never counts."""
        return area_of(self.seen)

    @property
    def truth_pixels(self) -> Mask:
        """What was drawn, on the radiograph's own part of the square, (h, w)."""
        return self.inside[self.area]

    @property
    def area_fraction(self) -> float:
        """How much of the radiograph was drawn on."""
        return float(self.truth_pixels.mean())


def find_cases(
    rows: Sequence[Row],
    bundle: Bundle,
    parts: Sequence[Part] = tuple(Part),
    truths: Sequence[Truth] = TRUTHS,
) -> list[Case]:
    """Return the radiographs that a bundle may be scored on, truth by truth.

    Thumbnails are left out, since they are blurred at any model size, and so is a radiograph on
    which everything is drawn, since there a map cannot miss.

    Args:
        rows: Of a manifest.
        bundle: Says what its models were trained on, and how large a radiograph is to them.
        parts: Which of tuning and figure is wanted.
        truths: Which drawings are looked for.

    Raises:
        ManifestError: If a mask cannot be read.
        RadiographError: If an image cannot be read.
    """
    offered = {card.name for card in bundle.offered}
    cases = []
    for truth in truths:
        if truth.super_class not in offered:
            continue
        for row in rows:
            part = part_of(row, bundle) if truth.drawn_on(row) else None
            if part is not None and part in parts:
                case = _case(truth, row, part, bundle.image_size)
                if case is not None:
                    cases.append(case)
    return cases


def _case(truth: Truth, row: Row, part: Part, size: int) -> Case | None:
    radiograph = load_radiograph(row.image)
    if min(radiograph.pixels.shape) < MIN_SOURCE_SIDE:
        return None
    height, width = radiograph.pixels.shape
    inside: NDArray[np.bool_]
    if truth.mask:
        inside = mask_on_square(row.masks[truth.mask], size)
    else:
        inside = boxes_on_square(truth.boxes(row), height, width, size)
    case = Case(truth, row, part, radiograph.model_input(size), inside)
    return case if 0 < case.area_fraction < 1 else None
