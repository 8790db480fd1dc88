"""A manifest of drawn radiographs with masks and boxes, of the sources that truths are known of."""

import json
from pathlib import Path

import cv2
import numpy as np

from daug.findings import Finding
from tests.trainers.rows import write_image, write_manifest

ROWS, COLUMNS = 120, 150
COLUMN_NAMES = (
    *("id", "image", "dataset", "patient_id", "split", "view", "age", "boxes", "masks"),
    *Finding,
)


def write_study(folder: Path, *, cohen: int = 8, jsrt: int = 4, normals: int = 3) -> Path:
    """Cohen's with masks, JSRT's with boxes, of which one trained; Kermany's without a finding."""
    lines = []
    for i in range(cohen):
        mask = np.zeros((ROWS, COLUMNS), dtype=np.uint8)
        mask[40:70, 20 + 5 * i : 60 + 5 * i] = 255
        name = f"cohen-{i}"
        names = ["ground_glass"]
        write_image(folder / f"masks/{name}/ground_glass.png", mask)
        if i % 2:
            names.append("pleural_effusion")
            write_image(folder / f"masks/{name}/pleural_effusion.png", np.flipud(mask))
        image = np.where(mask > 0, 180, radiograph(i))
        lines.append(line(folder, name, "cohen", image, masks="|".join(names), Pneumonia="1"))
    for i in range(jsrt):
        box = {"label": "nodule", "x0": 0.2, "y0": 0.3, "x1": 0.4, "y1": 0.5}
        split = ("train", "val", "test", "test")[i % 4]
        text = json.dumps([box])
        name = f"jsrt-{i}"
        lines.append(line(folder, name, "jsrt", radiograph(20 + i), split=split, boxes=text))
    for i in range(normals):
        known = {Finding.NO_FINDING.value: "1"}
        lines.append(line(folder, f"kermany-{i}", "kermany", radiograph(40 + i), **known))
    return write_manifest(folder / "manifest.csv", lines, COLUMN_NAMES)


def radiograph(seed: int) -> np.ndarray:
    """Two dark lungs in a brighter body, with noise."""
    rows, columns = np.mgrid[0:ROWS, 0:COLUMNS]
    image = np.full((ROWS, COLUMNS), 150.0)
    for centre in (45, 105):
        image[((rows - 60) / 45) ** 2 + ((columns - centre) / 22) ** 2 < 1] = 50
    noise = np.random.default_rng(seed).normal(0, 12, image.shape)
    return np.asarray(cv2.GaussianBlur(image + noise, (3, 3), 0).clip(0, 255), dtype=np.uint8)


def line(folder: Path, name: str, source: str, image: np.ndarray, **more: str) -> dict[str, str]:
    """Write an image and return its row."""
    write_image(folder / f"images/{name}.png", image.astype(np.uint8))
    about = {"id": name, "image": f"images/{name}.png", "dataset": source, "view": "PA"}
    return {**about, "split": "test", "patient_id": name, **more}
