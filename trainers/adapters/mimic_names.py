"""What MIMIC-CXR and MIMIC-CXR-JPG have in common: names, views, dates, splits, terms.

A patient's folder lies in that of the first two digits of the patient's number:
`files/p10/p10000032/s50414267`, with the study's report beside it as `s50414267.txt`.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass

from trainers.adapters.collection import Collection
from trainers.adapters.record import LeftOut

DATASET = "mimic"  # of both forms: the patients are the same
RECORDS = "cxr-record-list.csv"
METADATA = "mimic-cxr-2.0.0-metadata.csv"  # release 2.1.0 keeps the names of 2.0.0
SPLIT = "mimic-cxr-2.0.0-split.csv"
SPLITS = {"train": "train", "validate": "val", "test": "test"}
FRONTAL = {"antero-posterior": "AP", "postero-anterior": "PA"}
NUMBER = re.compile(r"[0-9]{8}")
IMAGE = re.compile(r"[0-9A-Za-z-]{1,64}")
LATERAL = "it is a lateral view"
OBLIQUE = "its view is neither AP nor PA"
NO_VIEW = "its view is not stated"
NO_NAME = "its numbers of patient, study or image are none of MIMIC-CXR"
NO_SPLIT = "the collection's split does not name it"
LICENCE = "PhysioNet Credentialed Health Data License 1.5.0"
TERMS = (
    "Scientific research by those whom PhysioNet has given access; neither images nor reports, nor "
    "this manifest, may be passed on, and nobody may be sought in them."
)
CITATION = "Johnson et al. 2019, doi:10.1038/s41597-019-0322-0"
PHYSIONET = (
    "Goldberger AL, Amaral LAN, Glass L, et al. PhysioBank, PhysioToolkit, and PhysioNet. "
    "Circulation 101, e215-e220 (2000)."
)
REFERENCE = (
    "Johnson AEW, Pollard TJ, Berkowitz SJ, et al. MIMIC-CXR, a de-identified publicly available "
    "database of chest radiographs with free-text reports. Scientific Data 6, 317 (2019), "
    "doi:10.1038/s41597-019-0322-0."
)


@dataclass(frozen=True, slots=True)
class Exposure:
    """What is known of a radiograph beside its name; blank where nothing is."""

    view: str = ""
    study_order: str = ""
    width: str = ""
    height: str = ""


def sound_names(row: Mapping[str, str]) -> bool:
    """Whether a row's patient, study and image are named as in MIMIC-CXR, without a path."""
    return bool(
        NUMBER.fullmatch(row["subject_id"])
        and NUMBER.fullmatch(row["study_id"])
        and IMAGE.fullmatch(row["dicom_id"])
    )


def study_folder(patient: str, study: str) -> str:
    """Return where the images of a study lie."""
    return f"files/p{patient[:2]}/p{patient}/s{study}"


def report_path(patient: str, study: str) -> str:
    """Return where the report of a study lies."""
    return f"{study_folder(patient, study)}.txt"


def exposure(row: Mapping[str, str]) -> Exposure | str:
    """Return what a row of the metadata says, or why its radiograph is left out."""
    view = frontal_view(row["ViewPosition"], row.get("ViewCodeSequence_CodeMeaning", ""))
    if view not in FRONTAL.values():
        return view
    order = study_order(row.get("StudyDate", ""), row.get("StudyTime", ""))
    return Exposure(view, order, row.get("Columns", ""), row.get("Rows", ""))


def frontal_view(position: str, meaning: str) -> str:
    """Return AP or PA, or why a radiograph is left out.

    Args:
        position: View Position (0018,5101).
        meaning: Code Meaning of View Code Sequence (0054,0220), asked where the former is blank.
    """
    stated = position.strip().upper() or meaning.strip().lower()
    view = FRONTAL.get(stated, stated)
    if view in FRONTAL.values():
        return view
    if "LATERAL" in view.upper() or view in ("LL", "RL"):
        return LATERAL
    return OBLIQUE if view else NO_VIEW


def study_order(date: str, time: str) -> str:
    """Return YYYYMMDDHHMMSS, blank without a date.

    Adapters state this and no study date: where a date is stated the case library orders by the
    day, and patients in intensive care have several studies a day.

    Args:
        date: Study Date (0008,0020), shifted for each patient.
        time: Study Time (0008,0030) as a number, so that noughts in front of it may be lost.
    """
    seconds = time.partition(".")[0].zfill(6)
    if not (NUMBER.fullmatch(date) and seconds.isdecimal() and len(seconds) == 6):
        return date + "000000" if NUMBER.fullmatch(date) else ""
    return date + seconds


def official_splits(collection: Collection, table: str) -> dict[str, str]:
    """Return the split of each image; blank stands for one that is no split."""
    rows = collection.rows(table, ("dicom_id", "split"))
    return {row["dicom_id"]: SPLITS.get(row["split"], "") for row in rows}


def left_out(row: Mapping[str, str], reason: str) -> LeftOut:
    """Return a row of a table as what the manifest will not hold."""
    return LeftOut(f"p{row['subject_id']}/s{row['study_id']}/{row['dicom_id']}", reason)
