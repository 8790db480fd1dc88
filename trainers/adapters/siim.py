"""SIIM-ACR Pneumothorax Segmentation: images of NIH ChestX-ray14 with outlined pneumothoraces.

Traps: the column of outlines has a space before its name; an image has a row for each outline;
run lengths go down the columns of a 1,024 x 1,024 image, each start counted from the end of the
run before; -1 is no pneumothorax; every image lies in folders of its own. The manifest holds the
smallest box round each outline.
"""

from daug.findings import Finding
from trainers.adapters.collection import Collection
from trainers.adapters.label_words import LabelWords
from trainers.adapters.record import Adapter, LeftOut, Reading, Record
from trainers.adapters.splits import HASHED
from trainers.manifest import Box

DATASET = "siim"
SIDE = 1024
NONE = "-1"
TABLES = ("train-rle.csv", "stage_2_train.csv")
LAYOUT = "ROOT holds train-rle.csv or stage_2_train.csv, and the folder dicom-images-train."
WORDS = LabelWords(
    {"Pneumothorax": Finding.PNEUMOTHORAX, "no Pneumothorax": None},
    "The challenge labels pneumothorax alone; of everything else nothing is known.",
)


def read(collection: Collection) -> Reading:
    """Yield every image that was looked at for a pneumothorax."""
    table = collection.table(*TABLES, layout=LAYOUT)
    outlines: dict[str, list[str]] = {}
    for row in collection.rows(table, ("ImageId", "EncodedPixels")):
        outlines.setdefault(row["ImageId"], []).append(row["EncodedPixels"].strip())
    images = collection.by_name("dicom-images-train/*/*", "dicom-images-train")
    for name, runs in outlines.items():
        drawn = [outline for outline in runs if outline != NONE]
        boxes = [box_round(outline) for outline in drawn]
        for box in boxes:
            if box is None:
                yield LeftOut(name, "the outline cannot be read", a_box=True)
        present = bool(drawn)
        yield Record(
            id=name,
            image=images.get(f"{name}.dcm", f"dicom-images-train/{name}.dcm"),
            width=str(SIDE),
            height=str(SIDE),
            labels={
                Finding.PNEUMOTHORAX: int(present),
                **({Finding.NO_FINDING: 0} if present else {}),
            },
            raw_labels="Pneumothorax" if present else "no Pneumothorax",
            boxes=tuple(box for box in boxes if box),
        )


def box_round(outline: str) -> Box | None:
    """Return the smallest box round run lengths, None if they are none of the image's."""
    try:
        numbers = [int(number) for number in outline.split()]
    except ValueError:
        return None
    if not numbers or len(numbers) % 2 or min(numbers) < 0:
        return None
    end, columns, rows = 0, set[int](), set[int]()
    for skip, length in zip(numbers[::2], numbers[1::2], strict=True):
        start, end = end + skip, end + skip + length
        if length == 0 or end > SIDE * SIDE:
            return None
        first, last = divmod(start, SIDE), divmod(end - 1, SIDE)
        columns |= {first[0], last[0]}
        rows |= {first[1], last[1]} if first[0] == last[0] else {0, SIDE - 1}
    x0, x1 = min(columns) / SIDE, (max(columns) + 1) / SIDE
    return Box("Pneumothorax", x0, min(rows) / SIDE, x1, (max(rows) + 1) / SIDE)


SIIM = Adapter(
    name="siim",
    dataset=DATASET,
    title="SIIM-ACR Pneumothorax Segmentation",
    licence="Kaggle competition rules; images NIH-CC",
    terms="Research and teaching, non-commercial; credit the NIH Clinical Center, SIIM and ACR.",
    citation="SIIM-ACR 2019; Wang et al. 2017, arXiv:1705.02315",
    reference=(
        "Society for Imaging Informatics in Medicine, American College of Radiology. SIIM-ACR "
        "Pneumothorax Segmentation, Kaggle 2019. Images: Wang et al. 2017, ChestX-ray8, CVPR, "
        "arXiv:1705.02315."
    ),
    words=WORDS,
    splits=f"{HASHED}, here of the image, since patients are not told apart",
    layout=LAYOUT,
    read=read,
)
