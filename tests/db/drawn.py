"""Small radiographs that nobody took, as files and manifests, and libraries of them."""

import csv
from collections.abc import Mapping
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from daug.findings import Finding
from daug.import_report import ImportReport
from db.library import Library
from db.manifest_source import ManifestSource

Row = Mapping[str, str]


def chest(seed: int, side: int = 96) -> NDArray[np.uint8]:
    """A picture of its own for every seed, gray uint8 (side, side), smooth as tissue is."""
    noise = np.random.default_rng(seed).normal(size=(8, 8)).astype(np.float32)
    smooth = cv2.resize(noise, (side, side), interpolation=cv2.INTER_CUBIC)
    scaled = (smooth - smooth.min()) / (smooth.max() - smooth.min())
    return np.asarray(np.rint(scaled * 255), dtype=np.uint8)


def write_picture(path: Path, seed: int, side: int = 96) -> Path:
    """Write a picture; PNG or JPEG by the name."""
    path.parent.mkdir(parents=True, exist_ok=True)
    assert cv2.imwrite(str(path), chest(seed, side))
    return path


def row(seed: int, **cells: str) -> dict[str, str]:
    """One row of a manifest."""
    return {
        "id": f"id{seed}",
        "image": f"images/{seed}.png",
        "dataset": "drawn",
        "patient_id": f"p{seed}",
        "split": "train",
    } | cells


def write_manifest(folder: Path, rows: list[dict[str, str]]) -> Path:
    """Write a manifest and the pictures that it names, unless they are there."""
    columns = dict.fromkeys([*(name for r in rows for name in r), *Finding])
    for number, one in enumerate(rows):
        image = folder / one["image"]
        if not image.exists() and ".." not in one["image"]:
            seed = one["id"].removeprefix("id")
            write_picture(image, int(seed) if seed.isdecimal() else 10_000 + number)
    path = folder / "manifest.csv"
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, list(columns), restval="")
        writer.writeheader()
        writer.writerows(rows)
    return path


def import_rows(library: Library, folder: Path, rows: list[dict[str, str]]) -> ImportReport:
    """Import drawn radiographs with these facts."""
    manifest = write_manifest(folder, rows)
    return library.import_from(lambda key, spare: ManifestSource(manifest, key))
