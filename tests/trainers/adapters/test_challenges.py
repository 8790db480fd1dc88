"""RSNA pneumonia and SIIM pneumothorax, as Kaggle gives them."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from daug.findings import Finding
from tests.trainers.adapters import layouts
from trainers.adapters.rsna import RSNA
from trainers.adapters.siim import SIDE, SIIM, box_round
from trainers.adapters.writing import write_manifest
from trainers.manifest import read_manifest


def test_rsna_calls_an_opacity_suspicious_not_proven(tmp_path: Path) -> None:
    layouts.write_lines(
        tmp_path / "stage_2_train_labels.csv",
        "patientId,x,y,width,height,Target",
        *("aa,256,512,128,256,1", "aa,512,512,128,256,1", "bb,,,,,0", "cc,,,,,0"),
    )
    layouts.write_lines(
        tmp_path / "stage_2_detailed_class_info.csv",
        "patientId,class",
        *("aa,Lung Opacity", "aa,Lung Opacity", "bb,Normal", "cc,No Lung Opacity / Not Normal"),
    )
    said = write_manifest(RSNA, tmp_path, tmp_path / "m.csv", keep_missing=True)
    rows = {row.id: row for row in read_manifest(tmp_path / "m.csv")}
    assert said["rows"] == 3
    assert said["skipped"] == {}
    sick, well, other = rows["rsna-aa"], rows["rsna-bb"], rows["rsna-cc"]
    assert [(b.x0, b.y0, b.x1, b.y1) for b in sick.boxes] == [
        (0.25, 0.5, 0.375, 0.75),
        (0.5, 0.5, 0.625, 0.75),
    ]
    assert (sick.labels[Finding.LUNG_OPACITY], sick.labels[Finding.PNEUMONIA]) == (1, -1)
    assert (well.labels[Finding.NO_FINDING], well.labels[Finding.PNEUMONIA]) == (1, 0)
    assert other.labels[Finding.NO_FINDING] == 0
    assert Finding.PNEUMONIA not in other.labels


def test_siim_names_only_pneumothorax_and_finds_images_in_their_folders(tmp_path: Path) -> None:
    layouts.write_lines(
        tmp_path / "train-rle.csv", "ImageId, EncodedPixels", "aa, -1", "bb, 1024 512 512 512"
    )
    layouts.write_lines(tmp_path / "dicom-images-train" / "1.2" / "1.3" / "aa.dcm", "x")
    layouts.write_lines(tmp_path / "dicom-images-train" / "1.4" / "1.5" / "bb.dcm", "x")
    assert write_manifest(SIIM, tmp_path, tmp_path / "m.csv")["skipped"] == {}
    rows = {row.id: row for row in read_manifest(tmp_path / "m.csv")}
    assert dict(rows["siim-aa"].labels) == {Finding.PNEUMOTHORAX: 0}
    assert rows["siim-bb"].labels[Finding.PNEUMOTHORAX] == 1
    (box,) = rows["siim-bb"].boxes  # the upper half of columns 1 and 2
    assert (box.x0, box.y0, box.x1, box.y1) == (1 / SIDE, 0, 3 / SIDE, 0.5)


@given(st.lists(st.tuples(st.integers(0, 3000), st.integers(1, 3000)), min_size=1, max_size=6))
def test_the_box_is_the_smallest_round_the_unpacked_outline(runs: list[tuple[int, int]]) -> None:
    flat, end = np.zeros(SIDE * SIDE, bool), 0
    for skip, length in runs:
        flat[end + skip : end + skip + length] = True
        end += skip + length
    mask = flat.reshape(SIDE, SIDE).T  # the runs go down the columns
    rows, columns = np.flatnonzero(mask.any(1)), np.flatnonzero(mask.any(0))
    box = box_round(" ".join(f"{skip} {length}" for skip, length in runs))
    assert box is not None
    assert (box.x0 * SIDE, box.x1 * SIDE) == (columns[0], columns[-1] + 1)
    assert (box.y0 * SIDE, box.y1 * SIDE) == (rows[0], rows[-1] + 1)


@pytest.mark.parametrize("outline", ["", "1", "1 2 3", "a b", "-3 4", "1048576 1", "5 0"])
def test_an_outline_that_is_none_gives_no_box(outline: str) -> None:
    assert box_round(outline) is None
