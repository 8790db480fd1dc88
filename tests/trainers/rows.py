"""Rows and manifests that tests make up."""

import csv
from collections.abc import Mapping, Sequence
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from daug.findings import Finding
from trainers.manifest import Row

COLUMNS = ("id", "image", "dataset", "patient_id", "split", "view", "age", "license", *Finding)


def row(
    name: str = "a",
    labels: Mapping[Finding, int] | None = None,
    *,
    source: str = "one",
    patient: str = "",
    split: str = "test",
) -> Row:
    return Row(
        id=name,
        image=Path(f"{name}.png"),
        source=source,
        patient=f"{source}/{patient or name}",
        split=split,
        view="PA",
        age="",
        licence="",
        labels=labels or {},
    )


def write_manifest(
    path: Path,
    lines: Sequence[Mapping[str, str]],
    columns: Sequence[str] = COLUMNS,
    encoding: str = "utf-8",
) -> Path:
    """Write a manifest whose lines have an id, an image and a source unless they say otherwise."""
    with path.open("w", newline="", encoding=encoding) as file:
        writer = csv.DictWriter(file, columns, restval="", extrasaction="ignore")
        writer.writeheader()
        for line in lines:
            name = line.get("id", "a")
            usual = {"id": name, "image": f"{name}.png", "dataset": "one", "split": "test"}
            writer.writerow({**usual, "patient_id": name, **line})
    return path


def noise_image(seed: int, rows: int = 120, columns: int = 120) -> NDArray[np.uint8]:
    return np.random.default_rng(seed).integers(0, 256, (rows, columns), dtype=np.uint8)


def write_image(path: Path, image: NDArray[np.uint8]) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    assert cv2.imwrite(str(path), image)
    return path
