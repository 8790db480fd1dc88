"""Phantoms as rows and pixels, as the trainers of denoiser and classifier take radiographs.

Which seeds train and which are held out is fixed here, so that no score can meet a phantom that
anything was trained on.
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from daug.findings import Finding
from daug.phantom import CoOccurrence, draw_phantom, labels_of
from trainers.manifest import Row

SOURCE = "phantom"
LICENCE = "Apache-2.0"  # drawn by DAug itself
FIRST_SEEDS = {"train": 0, "val": 1_000_000_000, "test": 2_000_000_000, "off-target": 3_000_000_000}
MOST_PHANTOMS = 1_000_000_000  # of a split; the next one's seeds begin there
LABEL_DICE = 0x1ABE1  # apart from the dice of bodies and findings


@dataclass(frozen=True, eq=False)
class PhantomSet:
    """Phantoms of one split with their labels."""

    rows: list[Row]
    pixels: NDArray[np.uint8]  # (N, S, S)


def draw_set(split: str, count: int, rates: CoOccurrence, size: int) -> PhantomSet:
    """Return the first phantoms of a split, with findings at some rates.

    A phantom's body hangs on its seed alone, so sets of different rates show the same bodies.

    Args:
        split: One of `FIRST_SEEDS`.
        count: How many, N.
        rates: Which findings go together.
        size: Side S in pixels.
    """
    rows, pixels = [], np.empty((count, size, size), dtype=np.uint8)
    for index in range(count):
        seed = FIRST_SEEDS[split] + index
        findings = rates.draw(np.random.default_rng((seed, LABEL_DICE)))
        phantom = draw_phantom(seed, findings, size)
        pixels[index] = np.round((phantom.pixels + 1) * 127.5)
        rows.append(phantom_row(seed, split, findings))
    return PhantomSet(rows, pixels)


def phantom_row(seed: int, split: str, findings: frozenset[Finding]) -> Row:
    """Return what a manifest would say of a phantom: every label is known."""
    name = f"{SOURCE}-{seed}"
    return Row(
        id=name,
        image=Path(name),
        source=SOURCE,
        patient=name,
        split=split,
        view="PA",
        age="",
        licence=LICENCE,
        labels=labels_of(findings),
    )
