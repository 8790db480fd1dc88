"""VinDr-CXR: 18,000 PA radiographs, those for training read by three radiologists each.

From PhysioNet it comes with 28 labels and a test set that five readers agreed on; on Kaggle
(VinBigData) with 14 labels of the training images, and "No finding" without a box. The rows of an
image's readers do not stand together. Boxes are in pixels of the original, whose size stands in
the DICOM file alone; smaller copies that others made bring it in `train_meta.csv` or in columns
`width` and `height`. Patients are not told apart.
"""

from collections.abc import Iterable, Iterator, Mapping

from daug.errors import RadiographError
from daug.findings import Finding
from trainers.adapters.collection import Collection, Place
from trainers.adapters.label_words import LabelWords
from trainers.adapters.readers import Readings, box_corners, merged_boxes, merged_labels
from trainers.adapters.record import Adapter, LeftOut, Reading, Record
from trainers.adapters.splits import train_or_val
from trainers.manifest import Box

DATASET = "vindr"
KAGGLE, SIZES = "train.csv", "train_meta.csv"
ENDINGS = (".dicom", ".dcm", ".png", ".jpg", ".jpeg")
DICOM_ENDINGS = ENDINGS[:2]
ALONE = "consensus"  # the reader of rows that name none
NO_SIZE = "the size of the original, in whose pixels the box is, is not known"
Size = tuple[int, int]  # width, height
LAYOUT = (
    "From PhysioNet, ROOT holds annotations/image_labels_train.csv, annotations_train.csv, the "
    "same for test, and the folders train and test; from Kaggle, train.csv and the folder train."
)
WORDS = LabelWords(
    {
        "No finding": Finding.NO_FINDING,
        "Atelectasis": Finding.ATELECTASIS,
        "Cardiomegaly": Finding.CARDIOMEGALY,
        "Clavicle fracture": Finding.FRACTURE,
        "Consolidation": Finding.CONSOLIDATION,
        "Edema": Finding.EDEMA,
        "Infiltration": Finding.LUNG_OPACITY,
        "Lung Opacity": Finding.LUNG_OPACITY,
        "Lung cavity": Finding.LUNG_LESION,
        "Lung tumor": Finding.LUNG_LESION,
        "Nodule/Mass": Finding.LUNG_LESION,
        "Pleural effusion": Finding.PLEURAL_EFFUSION,
        "Pleural thickening": Finding.PLEURAL_OTHER,
        "Pneumonia": Finding.PNEUMONIA,
        "Pneumothorax": Finding.PNEUMOTHORAX,
        "Rib fracture": Finding.FRACTURE,
        "Aortic enlargement": None,  # of the aorta alone, not of the mediastinum
        "COPD": None,
        "Calcification": None,
        "Emphysema": None,
        "Enlarged PA": None,
        "ILD": None,
        "Lung cyst": None,
        "Mediastinal shift": None,
        "Other disease": None,
        "Other diseases": None,
        "Other lesion": None,
        "Pulmonary fibrosis": None,
        "Tuberculosis": None,
    },
    "The phrases of the CheXpert labeller (Irvin et al. 2019): infiltrates count as Lung Opacity; "
    "nodules, masses, cavities and tumours as Lung Lesion; pleural thickening as Pleural Other.",
)


def read(collection: Collection) -> Reading:
    """Yield every labelled radiograph of whichever form is there."""
    if collection.first("annotations/image_labels_train.csv"):
        for part in ("train", "test"):
            yield from _from_physionet(collection, part)
    else:
        yield from _from_kaggle(collection)


def _from_physionet(collection: Collection, part: str) -> Reading:
    table = collection.first(f"annotations/image_labels_{part}.csv")
    if table is None:
        return
    images: dict[str, Readings] = {}
    words: list[str] = []
    for row in collection.rows(table, ("image_id", "No finding")):
        words = words or [name for name in row if name not in ("image_id", "rad_id", "")]
        seen = (word for word in words if row[word] in ("1", "1.0"))
        images.setdefault(row["image_id"], Readings()).add(row.get("rad_id") or ALONE, seen)
    annotations = collection.first(f"annotations/annotations_{part}.csv")
    if annotations is not None:
        for row in collection.rows(annotations, ("image_id", "class_name", "x_min")):
            corners = box_corners(row)
            if corners and row["image_id"] in images:
                drawn = (row.get("rad_id") or ALONE, row["class_name"], corners)
                images[row["image_id"]].boxes.append(drawn)
    asked = WORDS.findings(words)
    for name, readings in images.items():
        split = "test" if part == "test" else train_or_val(DATASET, name)
        yield from _merged(collection, part, name, readings, asked, {}, split)


def _from_kaggle(collection: Collection) -> Reading:
    table = collection.table(KAGGLE, layout=LAYOUT)
    images: dict[str, Readings] = {}
    words: set[str] = set()
    sizes = _stated_sizes(collection)
    for row in collection.rows(table, ("image_id", "class_name", "rad_id", "x_min", "y_max")):
        word, name = row["class_name"], row["image_id"]
        words.add(word)
        readings = images.setdefault(name, Readings())
        readings.add(row["rad_id"], (word,))
        corners = box_corners(row)
        if corners:
            readings.boxes.append((row["rad_id"], word, corners))
        if stated := _whole(row, "width", "height"):
            sizes[name] = stated
    for name, readings in images.items():
        yield from _merged(collection, "train", name, readings, WORDS.findings(words), sizes, "")


def _merged(
    collection: Collection,
    folder: str,
    name: str,
    readings: Readings,
    asked: Iterable[Finding],
    sizes: Mapping[str, Size],
    split: str,
) -> Reading:
    """Yield an image's record, and before it the boxes that it lost."""
    places = [f"{folder}/{name}{ending}" for ending in ENDINGS]
    image = next((p for p in places if collection.place(p) is Place.INSIDE), places[0])
    size = sizes.get(name) or (_size_in_file(collection, image) if readings.boxes else None)
    boxes: list[Box] = []
    if readings.boxes:
        drawn = len(readings.boxes)
        boxes, lost = merged_boxes(readings, *size) if size else ([], [NO_SIZE] * drawn)
        yield from (LeftOut(name, reason, a_box=True) for reason in lost)
    all_words = sorted({word for words in readings.words.values() for word in words})
    yield Record(
        id=name,
        image=image,
        split=split,
        view="PA",
        width=str(size[0]) if size else "",
        height=str(size[1]) if size else "",
        labels=merged_labels(readings, WORDS, asked),
        raw_labels="|".join(_votes(readings, all_words)),
        unknown_words=WORDS.unknown(all_words),
        boxes=tuple(boxes),
    )


def _votes(readings: Readings, words: Iterable[str]) -> Iterator[str]:
    """Yield each word with how many of the readers wrote it, as "Nodule/Mass=2/3"."""
    for word in words:
        votes = sum(word in of_reader for of_reader in readings.words.values())
        yield f"{word}={votes}/{len(readings.words)}"


def _stated_sizes(collection: Collection) -> dict[str, Size]:
    table = collection.first(SIZES)
    if table is None:
        return {}
    rows = collection.rows(table, ("image_id", "dim0", "dim1"))
    stated = ((row["image_id"], _whole(row, "dim1", "dim0")) for row in rows)
    return {name: size for name, size in stated if size}


def _size_in_file(collection: Collection, image: str) -> Size | None:
    """Return the size in a DICOM header; a picture may have been made smaller."""
    from daug.loading.header import read_header  # pydicom, which `--help` need not wait for

    if not image.endswith(DICOM_ENDINGS) or collection.place(image) is not Place.INSIDE:
        return None
    try:
        height, width = read_header(collection.file(image)).shape
    except RadiographError:
        return None
    return (width, height) if width and height else None


def _whole(row: Mapping[str, str], width: str, height: str) -> Size | None:
    try:
        size = int(float(row[width])), int(float(row[height]))
    except (KeyError, ValueError, OverflowError):
        return None
    return size if min(size) > 0 else None


VINDR = Adapter(
    name="vindr",
    dataset=DATASET,
    title="VinDr-CXR (PhysioNet) and VinBigData Chest X-ray (Kaggle)",
    licence="PhysioNet Credentialed Health Data Use Agreement 1.5.0; on Kaggle its rules",
    terms="Research and teaching under the agreement that each user signs; not to be passed on.",
    citation="Nguyen et al. 2022, doi:10.1038/s41597-022-01498-w",
    reference=(
        "Nguyen HQ, Lam K, Le LT, et al. VinDr-CXR: An open dataset of chest X-rays with "
        "radiologist's annotations. Scientific Data 9, 429 (2022), "
        "doi:10.1038/s41597-022-01498-w; PhysioNet doi:10.13026/3akn-b287."
    ),
    words=WORDS,
    splits=(
        "from PhysioNet its own test set, and a tenth of its training images, by a hash, as val; "
        "from Kaggle all by a hash (80/10/10 %); by image, since patients are not told apart"
    ),
    layout=LAYOUT,
    read=read,
)
