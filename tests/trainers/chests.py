"""A study of drawn chests, and an anatomist that reads their grey levels."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from daug.findings import Finding
from daug.organs import ORGANS, OrganMasks
from daug.seen_organs import SeenOrgans
from tests.daug.drawn_chest import DrawnChest
from tests.trainers.rows import write_image, write_manifest

LEVELS = {"left_lung": 30, "right_lung": 70, "heart": 230}
BODY = 150
SIDE = 240


def drawn_radiograph(organs: OrganMasks) -> NDArray[np.uint8]:
    picture = np.full(organs.shape, BODY, dtype=np.uint8)
    for name, mask in organs.by_name.items():
        picture[mask] = LEVELS[name]
    return picture


def write_chest(folder: Path, name: str, chest: DrawnChest) -> dict[str, str]:
    """Write image and masks; return what a manifest says of them."""
    organs = chest.organs()
    write_image(folder / f"images/{name}.png", drawn_radiograph(organs))
    for organ, mask in organs.by_name.items():
        write_image(folder / f"masks/{name}/{organ}.png", mask.astype(np.uint8) * 255)
    line = {"id": name, "image": f"images/{name}.png", "masks": "|".join(ORGANS)}
    return {**line, "view": "PA", "age": "50"}


def write_chests(folder: Path, splits: Sequence[str]) -> Path:
    """Write a manifest of chests whose hearts grow from 0.38 to 0.62 of the thorax."""
    lines = []
    for i, split in enumerate(splits):
        share = 0.7 * (0.38 + 0.24 * i / max(1, len(splits) - 1))
        heart = (0.55 - share / 2, 0.55 + share / 2)
        line = write_chest(folder, f"c{i:02}", DrawnChest(side=SIDE, heart=heart))
        lines.append({**line, "split": split, Finding.NO_FINDING.value: "1"})
    return write_manifest(folder / "manifest.csv", lines, (*COLUMNS, "masks"))


COLUMNS = ("id", "image", "dataset", "patient_id", "split", "view", "age", "license", *Finding)


@dataclass(frozen=True)
class LevelReader:
    """Knows an organ by its grey level; stands for a segmenter that makes no mistakes."""

    image_size: int = 128

    def look_at_all(self, pixels: NDArray[np.float32]) -> list[SeenOrgans]:
        levels = (pixels + 1) * 127.5
        near = [np.abs(levels - LEVELS[organ]) < 15 for organ in ORGANS]
        return [SeenOrgans(p) for p in np.stack(near, axis=1).astype(np.float32)]
