"""CheXpert and CheXpert-small: 224,316 radiographs of 65,240 patients, labels mined from reports.

Traps: paths begin with the release's own folder; the full release comes as four folders called
"CheXpert-v1.0 batch ..."; a blank label is not mentioned, which is not absent; the validation and
test sets are read by radiologists, without blanks; an age of 0 stands for one that is not known,
since all patients are adults.
"""

import re

from daug.findings import Finding
from trainers.adapters.collection import Collection, Place
from trainers.adapters.label_words import EXACT, LabelWords
from trainers.adapters.record import Adapter, LeftOut, Reading, Record
from trainers.manifest import LABELS

DATASET = "chexpert"
TABLES = {"train.csv": "train", "valid.csv": "val", "test.csv": "test"}
PATH = re.compile(r"(?:.*/)?(?P<patient>patient\d+)/(?P<study>study\d+)/(?P<view>[^/]+)")
BATCHES = "CheXpert-v1.0 batch*"
UNDER = ("", "CheXpert-v1.0-small/", "CheXpert-v1.0/")  # ROOT may be the folder or the one above
LAYOUT = (
    "ROOT holds train.csv and, if there, valid.csv and test.csv, with the folders train, valid "
    "and test, or a folder CheXpert-v1.0-small or CheXpert-v1.0 that does."
)
WORDS = LabelWords(
    {**EXACT, "Airspace Opacity": Finding.LUNG_OPACITY},
    "The collection's own columns are the fourteen findings; Airspace Opacity is the name that "
    "its labeller gives to Lung Opacity in some releases.",
)


def read(collection: Collection) -> Reading:
    """Yield every radiograph of the tables that are there."""
    under = next(
        (under for under in UNDER if collection.first(*(under + name for name in TABLES))), ""
    )
    if not under:
        collection.table(*TABLES, layout=LAYOUT)
    bases = _bases(collection, under)
    for name, split in TABLES.items():
        table = collection.first(under + name)
        if table is not None:
            for row in collection.rows(table, ("Path", "Cardiomegaly")):
                yield _record(collection, bases, row, split)


def _record(
    collection: Collection, bases: tuple[str, ...], row: dict[str, str], split: str
) -> Record | LeftOut:
    path = row["Path"]
    match = PATH.fullmatch(path)
    if match is None:
        return LeftOut(path, "its path names no patient and study")
    words = {word: row[word] for word in WORDS.table if row.get(word)}
    if any(value not in LABELS for value in words.values()):
        return LeftOut(path, "a label is not 1, 0, -1 or blank")
    patient, study, name = match["patient"], match["study"], match["view"]
    return Record(
        id=f"{patient}-{study}-{name.rpartition('.')[0] or name}",
        image=_located(collection, bases, path),
        patient=patient,
        split=split,
        view=row.get("AP/PA") or {"Lateral": "L"}.get(row.get("Frontal/Lateral", ""), ""),
        sex={"Female": "F", "Male": "M"}.get(row.get("Sex", ""), ""),
        age=row.get("Age", "").removesuffix(".0") if row.get("Age") not in ("0", "0.0") else "",
        study=f"{patient}-{study}",
        labels={
            found: LABELS[value]
            for word, value in words.items()
            if (found := WORDS.table[word]) is not None
        },
        raw_labels="|".join(f"{word}={LABELS[value]}" for word, value in words.items()),
    )


def _bases(collection: Collection, under: str) -> tuple[str, ...]:
    """Return where the folders train, valid and test may lie, and those that replace them."""
    batches = sorted(path.name for path in (collection.root / under).glob(BATCHES))
    return (under, *(f"{under}{name}/" for name in batches))


def _located(collection: Collection, bases: tuple[str, ...], path: str) -> str:
    """Return where the image of a table's path lies; its most likely place if it is nowhere."""
    first, _, rest = path.partition("/")
    within = path if first in ("train", "valid", "test") else rest
    if ".." in path.split("/") or path.startswith("/"):
        return path  # to be refused by name
    places = [bases[0] + within, *(base + within.partition("/")[2] for base in bases[1:])]
    return next((p for p in places if collection.place(p) is Place.INSIDE), places[0])


CHEXPERT = Adapter(
    name="chexpert",
    dataset=DATASET,
    title="CheXpert and CheXpert-small",
    licence="Stanford University School of Medicine CheXpert Dataset Research Use Agreement",
    terms="Personal, non-commercial research; the images may not be passed on.",
    citation="Irvin et al. 2019, arXiv:1901.07031",
    reference=(
        "Irvin J, Rajpurkar P, Ko M, et al. CheXpert: A Large Chest Radiograph Dataset with "
        "Uncertainty Labels and Expert Comparison. AAAI 2019, arXiv:1901.07031."
    ),
    words=WORDS,
    splits="the collection's own: train.csv is train, valid.csv is val, test.csv (if there) test",
    layout=LAYOUT,
    read=read,
)
