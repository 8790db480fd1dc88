"""The COVID-19 image data collection (Cohen et al.): several hundred images out of publications.

Traps: CT among the radiographs; a diagnosis is either one word or a path as
Pneumonia/Viral/COVID-19; the first releases spell columns otherwise; every image has a licence of
its own, often none; the notes are in part history, not a description of the image. The manifest
calls the data set `cohen`, the name by which its licence is known to the trainers.
"""

import re
from collections.abc import Mapping

from daug.findings import Finding
from trainers.adapters.collection import Collection
from trainers.adapters.label_words import DISEASES, LabelWords
from trainers.adapters.record import Adapter, LeftOut, Reading, Record
from trainers.adapters.splits import HASHED

DATASET = "cohen"
TABLE = "metadata.csv"
UNSETTLED = {"todo", "Unknown", ""}
NOT_STATED = {"", "?"}
SECTIONS = {"clinical_notes": "clinical_notes", "notes": "clinical_notes", "other_notes": "other"}
LAYOUT = "ROOT holds metadata.csv and the folder images, as the collection's repository does."
PNEUMONIAS = (
    "Pneumonia",
    *("Viral", "COVID-19", "SARS", "MERS", "MERS-CoV", "Varicella", "Influenza", "H1N1", "Herpes"),
    *("Bacterial", "Streptococcus", "Klebsiella", "E.Coli", "Legionella", "Chlamydophila"),
    *("Mycoplasma", "Mycoplasma Bacterial Pneumonia", "Nocardia", "Staphylococcus", "MRSA"),
    *("Fungal", "Pneumocystis", "Aspergillosis", "Lipoid", "Aspiration"),
)
WORDS = LabelWords(
    {
        "No Finding": Finding.NO_FINDING,
        **dict.fromkeys(PNEUMONIAS, Finding.PNEUMONIA),
        "ARDS": None,
        "Tuberculosis": None,
        "todo": None,
        "Unknown": None,
    },
    "The collection's own hierarchy, which puts these causes under Pneumonia. The label is the "
    "patient's diagnosis, not what one image shows.",
)


def read(collection: Collection) -> Reading:
    """Yield every radiograph; computed tomography is left out."""
    table = collection.table(TABLE, layout=LAYOUT)
    rows = [
        {name.lower(): text.strip() for name, text in row.items()}
        for row in collection.rows(table, ("filename", "finding", "view"))
    ]
    first = _first_days(rows)
    for row in rows:
        name = row["filename"]
        if row.get("modality", "X-ray") not in ("X-ray", ""):
            yield LeftOut(name, f"it is no radiograph but {row['modality']}")
        elif row["view"] in ("Axial", "Coronal"):
            yield LeftOut(name, "it is no radiograph but a section")
        elif not name:
            yield LeftOut(row.get("patientid", ""), "no file is named")
        else:
            yield _record(row, first)


def _record(row: Mapping[str, str], first: Mapping[str, int]) -> Record:
    words = [word.strip() for word in re.split(r"[/,]", row["finding"])]
    patient = row.get("patientid", "")
    day = _day(row)
    order = "" if day is None else str(day - first[patient])
    sections = {SECTIONS[name]: row[name] for name in SECTIONS if row.get(name)}
    return Record(
        id=row["filename"].replace("/", "%2F"),
        image=f"{row.get('folder') or 'images'}/{row['filename']}",
        patient=patient,
        view="" if row["view"] in NOT_STATED else row["view"],
        sex="" if row.get("sex") in NOT_STATED else row.get("sex", ""),
        age="" if row.get("age") in NOT_STATED else row.get("age", ""),
        study=f"{patient}-day{order}" if patient and order else "",
        study_order=order,
        labels=_labels(words),
        raw_labels=row["finding"],
        unknown_words=WORDS.unknown(word for word in words if word),
        report=sections.get("clinical_notes", ""),
        report_sections=sections,
        licence=row.get("license") or "unstated",
        citation=row.get("doi") or row.get("url") or "",
    )


def _labels(words: list[str]) -> dict[Finding, int]:
    """A diagnosis says that something is found, and of the fourteen at most that it is pneumonia.

    "No Finding" says that no disease is seen; nothing is known of devices.
    """
    if set(words) <= UNSETTLED:
        return {}
    present = WORDS.findings(words)
    if Finding.NO_FINDING in present:
        return {Finding.NO_FINDING: 1, **dict.fromkeys(DISEASES, 0)}
    return {Finding.NO_FINDING: 0, **dict.fromkeys(present, 1)}


def _first_days(rows: list[dict[str, str]]) -> dict[str, int]:
    """Return the first day of each patient, counted as the collection does, which may be < 0."""
    first: dict[str, int] = {}
    for row in rows:
        day = _day(row)
        if day is not None:
            patient = row.get("patientid", "")
            first[patient] = min(day, first.get(patient, day))
    return first


def _day(row: Mapping[str, str]) -> int | None:
    text = row.get("offset", "")
    return int(text) if re.fullmatch(r"-?\d{1,5}", text) else None


COVID = Adapter(
    name="covid",
    dataset=DATASET,
    title="COVID-19 image data collection",
    licence="unstated",
    terms="Each image has its own licence, many of them non-commercial or none: see the column.",
    citation="Cohen et al. 2020, arXiv:2006.11988",
    reference=(
        "Cohen JP, Morrison P, Dao L, Roth K, Duong TQ, Ghassemi M. COVID-19 Image Data "
        "Collection: Prospective Predictions Are the Future. arXiv:2006.11988, 2020. Each image "
        "is to be credited to its publication, which the column citation names."
    ),
    words=WORDS,
    splits=HASHED,
    layout=LAYOUT,
    read=read,
)
