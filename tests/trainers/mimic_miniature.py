"""MIMIC-CXR-JPG in small, of drawn chests: laid out as released, with mined labels and reports.

Labels are as a labeller of reports gives them: a finding is 1 where the report says so, 0 where it
denies it, blank where it says nothing; and No Finding is 1 or blank, never 0.
"""

import csv
import gzip
from pathlib import Path
from zipfile import ZipFile

import cv2
import numpy as np

from daug.findings import Finding
from daug.phantom import DRAWN, draw_phantom
from tests.trainers.adapters.mimic_layout import LABELS, METADATA, SPLIT
from trainers.adapters.mimic_jpg import MIMIC_CXR_JPG
from trainers.adapters.writing import write_manifest

SIDE = 128
PATIENTS = {"train": 56, "validate": 16, "test": 40}  # each with a study of one to three images
NORMAL_SHARE, SHARE = 0.4, 0.5  # of the patients; of the ill ones, those with each finding
DENIED = Finding.PNEUMOTHORAX  # in every report
Line = dict[str, object]


def write_miniature(root: Path) -> Path:
    """Write the collection into a folder and its manifest beside it, and return the manifest."""
    chance = np.random.default_rng(0)
    metadata: list[Line] = []
    splits: list[Line] = []
    labels: list[Line] = []
    root.mkdir(parents=True)
    with ZipFile(root / "mimic-cxr-reports.zip", "w") as reports:
        every = [split for split, patients in PATIENTS.items() for _ in range(patients)]
        for number, split in enumerate(every, start=1):
            findings = _findings(chance)
            names = {"subject_id": 10_000_000 + number, "study_id": 50_000_000 + number}
            study = f"files/p10/p{names['subject_id']}/s{names['study_id']}"
            reports.writestr(f"{study}.txt", _report(findings, number))
            normal = not findings - {Finding.SUPPORT_DEVICES}  # which are no pathology
            seen = [*findings, *[Finding.NO_FINDING] * normal]
            mined = {finding.value: "1.0" for finding in seen}
            labels.append({**names, **mined, DENIED.value: "0.0"})
            for view in ("PA", "AP", "LATERAL")[: 1 + number % 3]:
                image = {"dicom_id": f"{number:08x}-{view.lower()}", **names}
                _draw(root / study / f"{image['dicom_id']}.jpg", number, view, findings)
                metadata.append({**image, "ViewPosition": view})
                splits.append({**image, "split": split})
    _write(root / "mimic-cxr-2.0.0-metadata.csv.gz", METADATA, metadata)
    _write(root / "mimic-cxr-2.0.0-split.csv.gz", SPLIT, splits)
    _write(root / "mimic-cxr-2.0.0-chexpert.csv.gz", LABELS, labels)
    manifest = root.parent / "manifest.csv"
    write_manifest(MIMIC_CXR_JPG, root, manifest)
    return manifest


def _findings(chance: np.random.Generator) -> frozenset[Finding]:
    if chance.random() < NORMAL_SHARE:
        return frozenset()
    found = [finding for finding in DRAWN if chance.random() < SHARE]
    return frozenset(found or [Finding.CONSOLIDATION])


def _draw(path: Path, number: int, view: str, findings: frozenset[Finding]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    pixels = draw_phantom(10 * number + len(view), findings, SIDE).pixels
    assert cv2.imwrite(str(path), np.round((pixels + 1) * 127.5).astype(np.uint8))


def _report(findings: frozenset[Finding], number: int) -> str:
    seen = ", ".join(sorted(finding.value.lower() for finding in findings))
    said = f"There is {seen}." if seen else "The lungs are clear."
    return (
        f" FINAL REPORT\n EXAMINATION: Chest radiograph.\n COMPARISON: None, {number}.\n"
        f" FINDINGS: {said} No pneumothorax.\n IMPRESSION: {said}\n"
    )


def _write(path: Path, columns: str, lines: list[Line]) -> None:
    with gzip.open(path, "wt", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, columns.split(","), restval="")
        writer.writeheader()
        writer.writerows(lines)
