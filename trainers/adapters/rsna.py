"""RSNA Pneumonia Detection Challenge: 26,684 images of NIH ChestX-ray14, read by radiologists.

Traps: `patientId` names an image, not a patient; an image has a row for each box; all images are
of NIH ChestX-ray14, so that a model trained on the one is not scored on the other.
"""

from daug.findings import Finding
from trainers.adapters.collection import Collection
from trainers.adapters.label_words import LabelWords
from trainers.adapters.record import Adapter, LeftOut, Reading, Record
from trainers.adapters.splits import HASHED
from trainers.manifest import Box

DATASET = "rsna"
SIDE = 1024  # pixels of every image, in which boxes are given
BOXES, CLASSES = "stage_2_train_labels.csv", "stage_2_detailed_class_info.csv"
LAYOUT = f"ROOT holds {BOXES}, {CLASSES} and the folder stage_2_train_images, as on Kaggle."
WORDS = LabelWords(
    {
        "Normal": Finding.NO_FINDING,
        "Lung Opacity": Finding.LUNG_OPACITY,
        "No Lung Opacity / Not Normal": None,
    },
    "Shih et al. 2019: Lung Opacity is an opacity suspicious for pneumonia, which is why "
    "Pneumonia is uncertain there and absent on normal images.",
)
LABELS = {
    "Normal": {Finding.NO_FINDING: 1, Finding.LUNG_OPACITY: 0, Finding.PNEUMONIA: 0},
    "Lung Opacity": {Finding.NO_FINDING: 0, Finding.LUNG_OPACITY: 1, Finding.PNEUMONIA: -1},
    "No Lung Opacity / Not Normal": {Finding.NO_FINDING: 0, Finding.LUNG_OPACITY: 0},
}


def read(collection: Collection) -> Reading:
    """Yield every image that has a class."""
    boxes: dict[str, list[Box]] = {}
    for row in collection.rows(
        collection.table(BOXES, layout=LAYOUT), ("patientId", "x", "y", "width", "height")
    ):
        if row["x"]:
            box = _box(row)
            if box is None:
                why = "the box does not lie in the image"
                yield LeftOut(row["patientId"], why, a_box=True)
            else:
                boxes.setdefault(row["patientId"], []).append(box)
    seen: set[str] = set()
    for row in collection.rows(collection.table(CLASSES, layout=LAYOUT), ("patientId", "class")):
        name, word = row["patientId"], row["class"]
        if name not in seen:  # one row for each box
            seen.add(name)
            yield Record(
                id=name,
                image=f"stage_2_train_images/{name}.dcm",
                width=str(SIDE),
                height=str(SIDE),
                labels=LABELS.get(word, {}),
                raw_labels=word,
                unknown_words=WORDS.unknown((word,)),
                boxes=tuple(boxes.get(name, ())),
            )


def _box(row: dict[str, str]) -> Box | None:
    try:
        x, y, w, h = (float(row[side]) / SIDE for side in ("x", "y", "width", "height"))
    except ValueError:
        return None
    sound = 0 <= x < x + w <= 1 and 0 <= y < y + h <= 1
    return Box("Lung Opacity", x, y, x + w, y + h) if sound else None


RSNA = Adapter(
    name="rsna",
    dataset=DATASET,
    title="RSNA Pneumonia Detection Challenge",
    licence="Kaggle competition rules; images NIH-CC",
    terms="Research and teaching, non-commercial; credit the NIH Clinical Center, RSNA and STR.",
    citation="Shih et al. 2019, doi:10.1148/ryai.2019180041",
    reference=(
        "Shih G, Wu CC, Halabi SS, et al. Augmenting the National Institutes of Health Chest "
        "Radiograph Dataset with Expert Annotations of Possible Pneumonia. Radiology: Artificial "
        "Intelligence 1(1), 2019, doi:10.1148/ryai.2019180041. Images: Wang et al. 2017, "
        "arXiv:1705.02315."
    ),
    words=WORDS,
    splits=f"{HASHED}, here of the image, since patients are not told apart",
    layout=LAYOUT,
    read=read,
)
