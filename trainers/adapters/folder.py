"""A plain folder of radiographs: labels from the names of its folders, or from a CSV table.

Folders: `pneumonia/a.png`, `train/NORMAL/b.jpg`, `Cardiomegaly+Edema/c.dcm`. A name says what is
present; of the rest only that "No Finding" is absent. In folders called normal, absent is whatever
other folders name.

Tables: a column `image` (or file, filename, path) with paths from ROOT; findings as columns with
1 / 0 / -1 / blank, or one column `labels` with names between |; and as far as they are there
`patient_id, split, view, sex, age, study_id, study_date, report, license`.
"""

import re
from collections.abc import Iterable, Mapping
from functools import partial
from pathlib import Path, PurePosixPath

from daug.errors import ManifestError
from daug.findings import Finding
from trainers.adapters.collection import Collection
from trainers.adapters.label_words import LabelWords
from trainers.adapters.own_folder import files_below, own_adapter, plain_name
from trainers.adapters.record import Adapter, LeftOut, Reading, Record
from trainers.adapters.splits import HASHED
from trainers.manifest import LABELS

ENDINGS = (".png", ".jpg", ".jpeg", ".tif", ".tiff", ".dcm", ".dicom")
SPLITS = {
    **dict.fromkeys(("train", "training"), "train"),
    **dict.fromkeys(("val", "valid", "validate", "validation", "dev"), "val"),
    **dict.fromkeys(("test", "testing"), "test"),
}
IMAGE_COLUMNS = ("image", "file", "filename", "path")
LABEL_COLUMNS = ("labels", "label", "finding labels", "finding", "findings")
STRENGTH = (0, -1, 1)  # of two labels for one finding the later counts
LAYOUT = "ROOT holds folders with the names of findings, or a table is named with --labels."
WORDS = LabelWords(
    {
        **{finding.lower(): finding for finding in Finding},
        **dict.fromkeys(("normal", "healthy", "no findings"), Finding.NO_FINDING),
        **dict.fromkeys(("effusion", "pleural effusions"), Finding.PLEURAL_EFFUSION),
        **dict.fromkeys(("infiltration", "infiltrate", "opacity"), Finding.LUNG_OPACITY),
        **dict.fromkeys(("airspace opacity", "lung opacities"), Finding.LUNG_OPACITY),
        **dict.fromkeys(("nodule", "mass", "nodule mass"), Finding.LUNG_LESION),
        **dict.fromkeys(("lung nodule", "lung mass", "lesion"), Finding.LUNG_LESION),
        **dict.fromkeys(("pleural thickening",), Finding.PLEURAL_OTHER),
        **dict.fromkeys(("oedema", "pulmonary edema"), Finding.EDEMA),
        **dict.fromkeys(("pulmonary oedema",), Finding.EDEMA),
        **dict.fromkeys(("rib fracture", "fractures"), Finding.FRACTURE),
        **dict.fromkeys(("device", "devices", "support device"), Finding.SUPPORT_DEVICES),
        **dict.fromkeys(("covid", "covid 19", "covid19"), Finding.PNEUMONIA),
        **dict.fromkeys(("bacterial pneumonia", "viral pneumonia"), Finding.PNEUMONIA),
    },
    "The fourteen findings by name, and the words that public collections use for them; - and _ "
    "count as spaces, case does not matter.",
)


def folder_adapter(
    dataset: str, labels: Path | None = None, licence: str = "", citation: str = ""
) -> Adapter:
    """Return an adapter of somebody's own folder.

    Args:
        dataset: What the manifest calls it.
        labels: A table; the names of folders if none.
        licence: Of all images whose row does not say otherwise; "unstated" if blank.
        citation: Whom to name.

    Raises:
        ManifestError: If the name cannot stand in a file's name.
    """
    return own_adapter(
        "folder",
        dataset,
        f"The folder {dataset}",
        words=WORDS,
        splits=(
            "by folders called train, val, test or the table's column split; otherwise "
            f"{HASHED}; by image where no patient is named"
        ),
        layout=LAYOUT,
        read=partial(read_table, table=labels) if labels else read_folders,
        licence=licence,
        citation=citation,
    )


def read_folders(collection: Collection) -> Reading:
    """Yield every image; its labels are in the names of the folders that it lies in."""
    named = WORDS.findings(
        word
        for path in files_below(collection)
        for folder in _folders(path)
        for word in _words(folder)
    )
    for path in files_below(collection):
        if not path.lower().endswith(ENDINGS):
            yield LeftOut(path, f"its name does not end as an image's ({', '.join(ENDINGS)})")
            continue
        folders = [folder for folder in _folders(path) if folder.lower() not in SPLITS]
        words = [word for folder in folders for word in _words(folder)]
        yield Record(
            id=plain_name(path),
            image=path,
            split=next((SPLITS[f.lower()] for f in _folders(path) if f.lower() in SPLITS), ""),
            labels=named_labels(WORDS.findings(words), named),
            raw_labels="|".join(folders),
            unknown_words=WORDS.unknown(words),
        )


def read_table(collection: Collection, table: Path) -> Reading:
    """Yield every image that a table lists.

    Raises:
        ManifestError: If it names no image or no label column.
    """
    beside = Collection(table.parent)
    columns = list(next(beside.rows(table.name), {}))
    image = _column(columns, IMAGE_COLUMNS)
    listed = _column(columns, LABEL_COLUMNS)
    by_column = {c: f for c in columns if (f := WORDS.table.get(_word(c))) is not None}
    if image is None or not (listed or by_column):
        raise ManifestError(
            f"{table.name}: needs a column {' or '.join(IMAGE_COLUMNS)}, and findings as columns "
            f"or a column labels. It has {', '.join(columns) or 'no row'}."
        )
    lists = (_words(row[listed], "|,;") for row in beside.rows(table.name) if listed)
    named = WORDS.findings(word for words in lists for word in words)
    for row in beside.rows(table.name):
        yield _of_row(row, row[image].strip(), row[listed] if listed else "", by_column, named)


def _of_row(
    row: Mapping[str, str],
    image: str,
    listed: str,
    by_column: Mapping[str, Finding],
    named: set[Finding],
) -> Record | LeftOut:
    values = {column: row[column].strip() for column in by_column if row[column].strip()}
    if any(value not in LABELS for value in values.values()):
        return LeftOut(image, "a label is not 1, 0, -1 or blank")
    other = {name.lower(): text.strip() for name, text in row.items()}
    words = _words(listed, "|,;")
    split = other.get("split", "")
    return Record(
        id=plain_name(image),
        image=image,
        patient=other.get("patient_id", "") or other.get("patient", ""),
        split=SPLITS.get(split.lower(), split),
        view=other.get("view", ""),
        sex=other.get("sex", ""),
        age=other.get("age", ""),
        study=other.get("study_id", ""),
        study_date=other.get("study_date", ""),
        study_order=other.get("study_order", ""),
        labels={
            **named_labels(WORDS.findings(words), named),
            **_by_finding((by_column[column], LABELS[text]) for column, text in values.items()),
        },
        raw_labels=listed,
        unknown_words=WORDS.unknown(words),
        report=other.get("report", ""),
        licence=other.get("license", "") or other.get("licence", ""),
    )


def named_labels(present: set[Finding], named_anywhere: set[Finding]) -> dict[Finding, int]:
    """Return what names alone say: what is not named is absent only where nothing is found."""
    if not present:
        return {}
    if Finding.NO_FINDING in present:
        return {**dict.fromkeys(named_anywhere, 0), Finding.NO_FINDING: 1}
    return {Finding.NO_FINDING: 0, **dict.fromkeys(present, 1)}


def _by_finding(values: Iterable[tuple[Finding, int]]) -> dict[Finding, int]:
    """Return one label a finding where several columns (Mass, Nodule) mean the same one."""
    labels: dict[Finding, int] = {}
    for finding, value in values:
        labels[finding] = max(value, labels.get(finding, value), key=STRENGTH.index)
    return labels


def _folders(path: str) -> tuple[str, ...]:
    return PurePosixPath(path).parts[:-1]


def _words(text: str, parted_by: str = "+,;&|") -> list[str]:
    return [word for part in re.split(f"[{re.escape(parted_by)}]", text) if (word := _word(part))]


def _word(text: str) -> str:
    return re.sub(r"[\s_/-]+", " ", text).strip().lower()


def _column(columns: Iterable[str], names: tuple[str, ...]) -> str | None:
    """Return the first column that has one of some names, in the order of the names."""
    by_name = {column.lower().strip(): column for column in columns}
    return next((by_name[name] for name in names if name in by_name), None)
