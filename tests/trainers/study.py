"""A small study: radiographs to learn from, to watch and to score, of the healthy and the ill."""

from pathlib import Path

import numpy as np

from daug.findings import Finding
from tests.trainers.rows import write_image, write_manifest
from tests.trainers.test_clip_training import labels_of, picture


def write_study(folder: Path) -> Path:
    """50 radiographs to learn from, 10 to watch, 46 to score; half of each are ill."""
    lines = []
    splits = ["train"] * 50 + ["val"] * 10 + ["test"] * 46
    for i, split in enumerate(splits):
        ill = i % 2 == 1
        write_image(folder / f"images/r{i:03}.png", np.kron(picture(i, ill), np.ones((4, 4))))
        labels = {f.value: str(v) for f, v in labels_of(ill).items()}
        report = "FINDINGS: Patchy opacity in one lung." if ill and i % 4 == 1 else ""
        name = f"r{i:03}"
        line = {"id": name, "image": f"images/{name}.png", "split": split, "report": report}
        lines.append({**line, **labels})
    columns = ("id", "image", "dataset", "patient_id", "split", "report", *Finding)
    return write_manifest(folder / "manifest.csv", lines[::-1], columns)
