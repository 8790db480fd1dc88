"""MIMIC-CXR-JPG: 377,110 radiographs of 65,379 patients, labels mined from reports.

Traps: release 2.1.0 keeps "2.0.0" in the names of its tables; labels are of studies, not of
images; eight studies have none; a view may stand in the coded meaning alone; times are numbers
that lost the noughts in front; the reports come with MIMIC-CXR. Views but AP and PA are left out.
"""

from collections.abc import Mapping

from trainers.adapters.collection import Collection
from trainers.adapters.mimic_labels import WORDS, LabelTables
from trainers.adapters.mimic_names import (
    CITATION,
    DATASET,
    LICENCE,
    METADATA,
    NO_NAME,
    NO_SPLIT,
    PHYSIONET,
    REFERENCE,
    SPLIT,
    TERMS,
    exposure,
    left_out,
    official_splits,
    sound_names,
    study_folder,
)
from trainers.adapters.mimic_record import mimic_record
from trainers.adapters.mimic_reports import Reports, open_reports
from trainers.adapters.record import Adapter, LeftOut, Reading, Record

NEEDED = ("dicom_id", "subject_id", "study_id", "ViewPosition")
LAYOUT = (
    f"ROOT holds {METADATA} and {SPLIT}, the folder files, and if there "
    "mimic-cxr-2.0.0-chexpert.csv, mimic-cxr-2.0.0-negbio.csv and "
    "mimic-cxr-2.1.0-test-set-labeled.csv; tables may be packed as .gz. Reports are taken from "
    "mimic-cxr-reports.zip, or unpacked from it, in ROOT or beside it."
)


def read(collection: Collection) -> Reading:
    """Yield every frontal radiograph of the metadata."""
    table = collection.table(METADATA, layout=LAYOUT)
    splits = official_splits(collection, collection.table(SPLIT, layout=LAYOUT))
    labels = LabelTables(collection)
    with open_reports(collection) as reports:
        for row in collection.rows(table, NEEDED):
            yield _record(row, splits, labels, reports)


def _record(
    row: Mapping[str, str], splits: Mapping[str, str], labels: LabelTables, reports: Reports
) -> Record | LeftOut:
    if not sound_names(row):
        return left_out(row, NO_NAME)
    seen = exposure(row)
    if isinstance(seen, str):
        return left_out(row, seen)
    name, patient, study = row["dicom_id"], row["subject_id"], row["study_id"]
    split = splits.get(name)
    if not split:
        return left_out(row, NO_SPLIT)
    said = labels.of(study)
    if said.wrong:
        return left_out(row, said.wrong)
    image = f"{study_folder(patient, study)}/{name}.jpg"
    return mimic_record(row, image, split, seen, reports.of(patient, study), said)


MIMIC_CXR_JPG = Adapter(
    name="mimic-cxr-jpg",
    dataset=DATASET,
    title="MIMIC-CXR-JPG, releases 2.0.0 and 2.1.0",
    licence=LICENCE,
    terms=TERMS,
    citation=f"{CITATION}; arXiv:1901.07042",
    reference=(
        "Johnson AEW, Pollard TJ, Greenbaum NR, et al. MIMIC-CXR-JPG, a large publicly available "
        "database of labeled chest radiographs. arXiv:1901.07042 (2019); PhysioNet "
        f"doi:10.13026/8360-t248 (2.0.0), doi:10.13026/jsn5-t979 (2.1.0). {REFERENCE} {PHYSIONET}"
    ),
    words=WORDS,
    splits=(
        "the collection's own, its validate called val; studies that a radiologist labelled for "
        "release 2.1.0 bear his labels alone, all others CheXpert's, or NegBio's where CheXpert "
        "does not name the study"
    ),
    layout=LAYOUT,
    read=read,
)
