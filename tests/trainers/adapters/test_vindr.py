"""VinDr-CXR in both of its forms."""

from pathlib import Path

import numpy as np

from daug.findings import Finding
from tests.daug.loading.dicom_files import write_dicom
from tests.trainers.adapters import layouts
from trainers.adapters.vindr import NO_SIZE, VINDR
from trainers.adapters.writing import write_manifest
from trainers.manifest import read_manifest


def kaggle(root: Path) -> Path:
    """Two images of three readers, their rows not together."""
    layouts.write_lines(
        root / "train.csv",
        layouts.KAGGLE_HEADER,
        "aa,Cardiomegaly,3,R1,10,10,50,30",
        "bb,No finding,14,R1,,,,",
        "aa,Cardiomegaly,3,R2,10,10,50,30",
        "bb,No finding,14,R2,,,,",
        "aa,Pleural effusion,10,R3,60,60,80,70",
        "bb,No finding,14,R3,,,,",
    )
    layouts.pictures(root / "train", "bb.png")
    return root


def film(folder: Path, name: str) -> None:
    """A DICOM file 160 wide and 100 high."""
    folder.mkdir(parents=True, exist_ok=True)
    pixels = np.tile(np.arange(160, dtype=np.uint16) * 10, (100, 1))
    write_dicom(folder, pixels).rename(folder / f"{name}.dicom")


def test_readers_are_merged_and_boxes_measured_in_the_dicoms_pixels(tmp_path: Path) -> None:
    root = kaggle(tmp_path)
    film(root / "train", "aa")
    said = write_manifest(VINDR, root, root / "m.csv")
    rows = {row.id: row for row in read_manifest(root / "m.csv")}
    sick, well = rows["vindr-aa"], rows["vindr-bb"]
    assert sick.labels[Finding.CARDIOMEGALY] == 1
    assert sick.labels[Finding.PLEURAL_EFFUSION] == -1
    assert sick.labels[Finding.NO_FINDING] == 0
    assert well.labels[Finding.NO_FINDING] == 1
    assert Finding.FRACTURE not in sick.labels  # Kaggle's readers were not asked
    (box,) = sick.boxes
    assert (box.x0, box.y0, box.x1, box.y1) == (10 / 160, 0.1, 50 / 160, 0.3)
    assert said["boxes_left_out"] == {"most readers do not see what it shows": 1}
    assert layouts.manifest_lines(root / "m.csv")["vindr-aa"]["width"] == "160"


def test_boxes_on_a_smaller_copy_are_left_out_unless_the_originals_size_is_stated(
    tmp_path: Path,
) -> None:
    root = kaggle(tmp_path)
    layouts.pictures(root / "train", "aa.png")
    assert write_manifest(VINDR, root, root / "m.csv")["boxes_left_out"] == {NO_SIZE: 3}
    layouts.write_lines(root / "train_meta.csv", "image_id,dim0,dim1", "aa,100,200")
    write_manifest(VINDR, root, root / "m.csv")
    (box,) = {row.id: row for row in read_manifest(root / "m.csv")}["vindr-aa"].boxes
    assert (box.x0, box.x1, box.y1) == (0.05, 0.25, 0.3)


def test_physionets_form_brings_its_test_set_and_its_further_labels(tmp_path: Path) -> None:
    notes = tmp_path / "annotations"
    header = "image_id,rad_id,Cardiomegaly,Rib fracture,Lung tumor,COPD,No finding"
    layouts.write_lines(
        notes / "image_labels_train.csv",
        header,
        *("aa,R1,1,0,0,0,0", "aa,R2,1,1,0,0,0", "aa,R3,0,0,0,0,0"),
    )
    layouts.write_lines(
        notes / "annotations_train.csv",
        "image_id,rad_id,class_name,x_min,y_min,x_max,y_max",
        *("aa,R1,Cardiomegaly,16,10,32,20", "aa,R2,Cardiomegaly,16,10,32,20"),
    )
    layouts.write_lines(
        notes / "image_labels_test.csv", header.replace("rad_id,", ""), "cc,0,0,1,1,0"
    )
    film(tmp_path / "train", "aa")
    film(tmp_path / "test", "cc")
    write_manifest(VINDR, tmp_path, tmp_path / "m.csv")
    rows = {row.id: row for row in read_manifest(tmp_path / "m.csv")}
    assert rows["vindr-aa"].labels[Finding.CARDIOMEGALY] == 1
    assert rows["vindr-aa"].labels[Finding.FRACTURE] == -1
    assert rows["vindr-aa"].split in ("train", "val")
    assert len(rows["vindr-aa"].boxes) == 1
    assert rows["vindr-cc"].split == "test"
    assert rows["vindr-cc"].labels[Finding.LUNG_LESION] == 1
    assert Finding.PNEUMONIA not in rows["vindr-cc"].labels
