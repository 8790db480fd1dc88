"""Small folders laid out as the collections are, with real pictures in them."""

import csv
from collections.abc import Mapping, Sequence
from pathlib import Path
from zlib import crc32

from tests.trainers.rows import noise_image, write_image

NIH_HEADER = (
    "Image Index,Finding Labels,Follow-up #,Patient ID,Patient Age,Patient Gender,View Position,"
    "OriginalImage[Width,Height],OriginalImagePixelSpacing[x,y]"
)
NIH_BOXES = "Image Index,Finding Label,Bbox [x,y,w,h],,,"
CHEXPERT_HEADER = (
    "Path,Sex,Age,Frontal/Lateral,AP/PA,No Finding,Enlarged Cardiomediastinum,Cardiomegaly,"
    "Lung Opacity,Lung Lesion,Edema,Consolidation,Pneumonia,Atelectasis,Pneumothorax,"
    "Pleural Effusion,Pleural Other,Fracture,Support Devices"
)
KAGGLE_HEADER = "image_id,class_name,class_id,rad_id,x_min,y_min,x_max,y_max"
COVID_HEADER = (
    "patientid,offset,sex,age,finding,view,modality,date,folder,filename,doi,url,license,"
    "clinical_notes,other_notes,"
)


def write_lines(path: Path, *lines: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


def write_rows(path: Path, header: str, rows: Sequence[Mapping[str, object]]) -> Path:
    """Write rows by the names in a header."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, header.split(","), restval="")
        writer.writeheader()
        writer.writerows(rows)
    return path


def pictures(folder: Path, *names: str, size: int = 32) -> None:
    """Write noise, another one for each name."""
    for name in names:
        write_image(folder / name, noise_image(crc32(name.encode()), size, size))


def manifest_lines(path: Path) -> dict[str, dict[str, str]]:
    """Return a manifest's rows by id."""
    with path.open(newline="", encoding="utf-8") as file:
        return {row["id"]: row for row in csv.DictReader(file)}


def nih(root: Path, *, lists: bool = True) -> Path:
    """Four images of three patients, one box, in two of the archive's folders."""
    write_lines(
        root / "Data_Entry_2017_v2020.csv",
        NIH_HEADER,
        "00000001_000.png,Cardiomegaly|Emphysema,0,1,57,M,PA,2682,2749,0.143,0.143",
        "00000001_001.png,Pleural_Thickening,1,1,058Y,M,AP,2894,2729,0.143,0.143",
        "00000002_000.png,No Finding,0,2,80,F,PA,2500,2048,0.171,0.171",
        "00000003_000.png,Infiltration|Mass,0,3,41,F,PA,2500,2048,0.171,0.171",
    )
    write_lines(
        root / "BBox_List_2017.csv",
        NIH_BOXES,
        "00000003_000.png,Infiltrate,256,512,128.0,256.0,,,",
        "00000003_000.png,Mass,1000,512,128.0,256.0,,,",
    )
    if lists:
        write_lines(root / "train_val_list.txt", "00000001_000.png", "00000001_001.png")
        write_lines(root / "test_list.txt", "00000003_000.png", "00000002_000.png")
    pictures(root / "images_001" / "images", "00000001_000.png", "00000001_001.png")
    pictures(root / "images_002" / "images", "00000002_000.png", "00000003_000.png")
    return root
