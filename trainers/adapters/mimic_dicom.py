"""MIMIC-CXR: 377,110 radiographs of 65,379 patients as DICOM files, with their reports.

Traps: its tables name neither view, date, split nor label. Views and dates stand in the DICOM
headers, and for all images at once in the metadata of MIMIC-CXR-JPG, which takes seconds to read
instead of minutes; the official split stands there alone. Views but AP and PA are left out.
"""

from collections.abc import Mapping

from daug.errors import RadiographError
from trainers.adapters.collection import Collection, Place
from trainers.adapters.label_words import LabelWords
from trainers.adapters.mimic_names import (
    CITATION,
    DATASET,
    LICENCE,
    METADATA,
    NO_NAME,
    NO_SPLIT,
    PHYSIONET,
    RECORDS,
    REFERENCE,
    SPLIT,
    TERMS,
    Exposure,
    exposure,
    left_out,
    official_splits,
    sound_names,
)
from trainers.adapters.mimic_record import mimic_record
from trainers.adapters.mimic_reports import Reports, open_reports
from trainers.adapters.record import Adapter, LeftOut, Reading, Record
from trainers.adapters.splits import HASHED

NEEDED = ("dicom_id", "subject_id", "study_id", "path")
NO_HEADER = "its DICOM header cannot be read"
NO_METADATA = "the metadata does not name it"
LAYOUT = (
    f"ROOT holds {RECORDS}, the folder files, and mimic-cxr-reports.zip or the reports unpacked "
    f"from it, in ROOT or beside it. {METADATA} and {SPLIT} from MIMIC-CXR-JPG are used if they "
    "are put there too: the first saves reading each header, the second brings the official "
    "split. Tables may be packed as .gz."
)
Seen = Exposure | str  # what is known of a radiograph, or why it is left out


def read(collection: Collection) -> Reading:
    """Yield every frontal radiograph of the list of records."""
    table = collection.table(RECORDS, layout=LAYOUT)
    split_table = collection.first(SPLIT)
    splits = official_splits(collection, split_table) if split_table else None
    metadata = _metadata(collection)
    with open_reports(collection) as reports:
        for row in collection.rows(table, NEEDED):
            yield _record(collection, row, splits, metadata, reports)


def _record(
    collection: Collection,
    row: Mapping[str, str],
    splits: Mapping[str, str] | None,
    metadata: Mapping[str, Seen] | None,
    reports: Reports,
) -> Record | LeftOut:
    if not sound_names(row):
        return left_out(row, NO_NAME)
    name = row["dicom_id"]
    seen: Seen
    if metadata is None:
        seen = _stated_in_file(collection, row["path"])
    else:
        seen = metadata.get(name, NO_METADATA)
    if isinstance(seen, str):
        return left_out(row, seen)
    split = "" if splits is None else splits.get(name, "")
    if splits is not None and not split:
        return left_out(row, NO_SPLIT)
    report = reports.of(row["subject_id"], row["study_id"])
    return mimic_record(row, row["path"], split, seen, report)


def _metadata(collection: Collection) -> dict[str, Seen] | None:
    """Return what MIMIC-CXR-JPG's table says of each image, None without the table."""
    table = collection.first(METADATA)
    if table is None:
        return None
    rows = collection.rows(table, ("dicom_id", "ViewPosition"))
    return {row["dicom_id"]: exposure(row) for row in rows}


def _stated_in_file(collection: Collection, path: str) -> Seen:
    """Return what a DICOM header says; nothing where the file is missing or outside."""
    from daug.loading.header import read_header  # pydicom, which `--help` need not wait for
    from daug.loading.placement import view_of
    from daug.view import View

    if collection.place(path) is not Place.INSIDE:
        return Exposure()
    try:
        header = read_header(collection.file(path))
    except RadiographError:
        return NO_HEADER
    view = view_of(header)
    coded = "" if view is View.UNKNOWN else view.value
    height, width = header.shape
    return exposure(
        {
            "ViewPosition": header.text("ViewPosition") or coded,
            "StudyDate": header.verbatim("StudyDate"),
            "StudyTime": header.verbatim("StudyTime"),
            "Columns": str(width or ""),
            "Rows": str(height or ""),
        }
    )


MIMIC_CXR = Adapter(
    name="mimic-cxr",
    dataset=DATASET,
    title="MIMIC-CXR, releases 2.0.0 and 2.1.0 (DICOM)",
    licence=LICENCE,
    terms=f"{TERMS} This form has no labels: read them from the reports with `daug label`.",
    citation=CITATION,
    reference=f"{REFERENCE} PhysioNet doi:10.13026/C2JT1Q. {PHYSIONET}",
    words=LabelWords({}, "This form has no labels; `daug label` reads them from the reports."),
    splits=f"the official split if {SPLIT} is there (validate is called val), otherwise {HASHED}",
    layout=LAYOUT,
    read=read,
)
