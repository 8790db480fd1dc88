"""NIH ChestX-ray14: 112,120 frontal radiographs of 30,805 patients, labels mined from reports.

Traps: the header's unquoted brackets make eleven columns; the box table says "Infiltrate" and
its boxes are in pixels of the released 1,024 x 1,024 images, which it is not told; the oldest
label file writes ages as 058Y.
"""

from collections import defaultdict
from collections.abc import Mapping

from daug.findings import Finding
from trainers.adapters.collection import Collection
from trainers.adapters.label_words import LabelWords, closed_labels
from trainers.adapters.record import Adapter, LeftOut, Reading, Record
from trainers.adapters.splits import train_or_val
from trainers.manifest import Box

DATASET = "nih"
SIDE = 1024  # pixels of the frame that boxes are in
LABELS = ("Data_Entry_2017_v2020.csv", "Data_Entry_2017.csv")
BOXES, TRAIN_LIST, TEST_LIST = "BBox_List_2017.csv", "train_val_list.txt", "test_list.txt"
NEEDED = ("Image Index", "Finding Labels", "Patient ID")
LAYOUT = (
    "ROOT holds Data_Entry_2017_v2020.csv, images_001/images to images_012/images (or images), "
    "and if there BBox_List_2017.csv, train_val_list.txt, test_list.txt."
)
WORDS = LabelWords(
    {
        "No Finding": Finding.NO_FINDING,
        "Atelectasis": Finding.ATELECTASIS,
        "Cardiomegaly": Finding.CARDIOMEGALY,
        "Consolidation": Finding.CONSOLIDATION,
        "Edema": Finding.EDEMA,
        "Effusion": Finding.PLEURAL_EFFUSION,
        "Infiltration": Finding.LUNG_OPACITY,
        "Infiltrate": Finding.LUNG_OPACITY,  # in the table of boxes
        "Mass": Finding.LUNG_LESION,
        "Nodule": Finding.LUNG_LESION,
        "Pleural_Thickening": Finding.PLEURAL_OTHER,
        "Pneumonia": Finding.PNEUMONIA,
        "Pneumothorax": Finding.PNEUMOTHORAX,
        "Emphysema": None,
        "Fibrosis": None,
        "Hernia": None,
    },
    "The phrases of the CheXpert labeller (Irvin et al. 2019): infiltrates count as Lung Opacity, "
    "nodules and masses as Lung Lesion, pleural thickening as Pleural Other.",
)
ASKED = frozenset(found for found in WORDS.table.values() if found)


def read(collection: Collection) -> Reading:
    """Yield every radiograph of the label file."""
    table = collection.table(*LABELS, layout=LAYOUT)
    boxes: dict[str, list[Box]] = defaultdict(list)
    for name, box in _boxes(collection):
        if isinstance(box, LeftOut):
            yield box
        else:
            boxes[name].append(box)
    official = _official(collection)
    images = collection.by_name("images_*/images", "images*", ".")
    for row in collection.rows(table, NEEDED):
        name = row["Image Index"]
        patient = row["Patient ID"]
        if official and name not in official:
            yield LeftOut(name, "it is in neither of the official lists")
            continue
        split = official.get(name, "")
        words = [word.strip() for word in row["Finding Labels"].split("|") if word.strip()]
        present = WORDS.findings(words)
        yield Record(
            id=name.rpartition(".")[0] or name,
            image=images.get(name, f"images/{name}"),
            patient=patient,
            split=train_or_val(DATASET, patient) if split == "train" else split,
            view=row.get("View Position", ""),
            sex=row.get("Patient Gender", ""),
            age=_years(row.get("Patient Age", "")),
            width=row.get("OriginalImage[Width", ""),
            height=row.get("Height]", ""),
            study=f"{patient}-{row.get('Follow-up #', '')}",
            study_order=row.get("Follow-up #", ""),
            labels=closed_labels(present, ASKED) if words else {},
            raw_labels=row["Finding Labels"],
            unknown_words=WORDS.unknown(words),
            boxes=tuple(boxes.get(name, ())),
        )


def _boxes(collection: Collection) -> "list[tuple[str, Box | LeftOut]]":
    """Return the experts' boxes, each with its image's name."""
    table = collection.first(BOXES)
    if table is None:
        return []
    found: list[tuple[str, Box | LeftOut]] = []
    for row in collection.rows(table, ("Image Index", "Finding Label", "Bbox [x", "y", "w", "h]")):
        name = row["Image Index"]
        try:
            x, y, w, h = (float(row[side]) / SIDE for side in ("Bbox [x", "y", "w", "h]"))
            sound = 0 <= x < x + w <= 1 and 0 <= y < y + h <= 1
        except ValueError:
            sound = False
        box = Box(row["Finding Label"], x, y, x + w, y + h) if sound else None
        found.append((name, box or LeftOut(name, "the box does not lie in the image", a_box=True)))
    return found


def _official(collection: Collection) -> Mapping[str, str]:
    """Return the split of each image by the official lists; empty unless both are there."""
    train, test = collection.first(TRAIN_LIST), collection.first(TEST_LIST)
    if train is None or test is None:
        return {}
    return {
        **dict.fromkeys(collection.lines(train), "train"),
        **dict.fromkeys(collection.lines(test), "test"),
    }


def _years(age: str) -> str:
    """Return 58 for 058Y; ages in other units stay as they are."""
    return str(int(age[:-1])) if age.endswith("Y") and age[:-1].isdecimal() else age


NIH = Adapter(
    name="nih",
    dataset=DATASET,
    title="NIH ChestX-ray14",
    licence="NIH-CC",
    terms="No restriction on use; credit the NIH Clinical Center and cite the paper.",
    citation="Wang et al. 2017, arXiv:1705.02315",
    reference=(
        "Wang X, Peng Y, Lu L, Lu Z, Bagheri M, Summers RM. ChestX-ray8: Hospital-scale Chest "
        "X-ray Database and Benchmarks on Weakly-Supervised Classification and Localization of "
        "Common Thorax Diseases. CVPR 2017, arXiv:1705.02315. Provided by the NIH Clinical Center."
    ),
    words=WORDS,
    splits=(
        "test by test_list.txt, and a tenth of the patients of train_val_list.txt, by a hash, as "
        "val; without the lists all by a hash of the patient (80/10/10 %)"
    ),
    layout=LAYOUT,
    read=read,
)
