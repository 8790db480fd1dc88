"""Manifests with one fault each, and one without any."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from tests.trainers.rows import COLUMNS, write_image, write_manifest
from trainers.manifest_check.checking import Checked, check_manifest

SIDE = 160
Line = dict[str, str]


def picture(seed: int) -> NDArray[np.uint8]:
    """A few soft blobs, other ones for each seed, so that hashes differ as radiographs' do."""
    chance = np.random.default_rng(seed)
    rows, columns = np.mgrid[0:SIDE, 0:SIDE] / SIDE
    total = np.zeros((SIDE, SIDE))
    for _ in range(40):
        y, x, width, height = chance.random(4)
        total += (height - 0.5) * np.exp(
            -((rows - y) ** 2 + (columns - x) ** 2) / (0.002 + 0.02 * width)
        )
    total = (total - total.min()) / (total.max() - total.min())
    return np.asarray(20 + 200 * total, dtype=np.uint8)


def lines(count: int = 6) -> list[Line]:
    """Radiographs of as many patients in three splits of one data set."""
    splits = ("train", "val", "test")
    return [
        {"id": f"r{n}", "image": f"r{n}.png", "split": splits[n % 3], "view": "PA", "Edema": "1"}
        for n in range(count)
    ]


def written(folder: Path, rows: Sequence[Line], columns: Sequence[str] = COLUMNS) -> Path:
    """Write a manifest and a picture for each image that it names and that is not there."""
    for number, row in enumerate(rows):
        image = folder / row["image"]
        if ".." not in row["image"] and not image.exists():
            write_image(image, picture(number))
    return write_manifest(folder / "m.csv", rows, columns)


def checked(manifest: Path) -> Checked:
    return check_manifest(manifest, 2, lambda done, total: None)
