"""Cases as a manifest and their files, which trains, scores and can be imported again."""

import csv
import io
import shutil
from collections.abc import Sequence
from pathlib import Path

from daug.case import Case, FindingSource
from daug.errors import LibraryError
from daug.findings import Finding
from daug.notice import NOTICE
from daug.view import View
from db.library import Library
from db.manifest_source import TEXT_COLUMN

COLUMNS = (
    *("id", "image", "dataset", "patient_id", "study_id", "study_order", "split", "view", "sex"),
    *("age", "width", "height", *Finding, TEXT_COLUMN, "report", "report_kind"),
    *("license", "synthetic", "tags"),
)
COMPUTED = ("=", "+", "-", "@", "\t", "\r")  # how a cell begins that a spreadsheet would compute
MANIFEST, IMAGES, NOTE = "manifest.csv", "images", "README.txt"
AT_ONCE = 500


def export_cases(library: Library, ids: Sequence[int], folder: Path) -> int:
    """Write cases into a new folder; return how many.

    Patients bear the library's keyed hashes, ages and sexes are told, and so are reports: look
    through the reports before you hand the folder on.

    Raises:
        LibraryError: If the folder holds something or cannot be written, or a file is missing.
    """
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        if any(folder.iterdir()):
            raise LibraryError(f"{folder} is not empty. Name a new folder for the export.")
        (folder / IMAGES).mkdir()
        table = io.StringIO(newline="")
        writer = csv.writer(table)
        writer.writerow(COLUMNS)
        written = 0
        for start in range(0, len(ids), AT_ONCE):
            for case in library.cases(ids[start : start + AT_ONCE]):
                original = library.original(case.case_id)
                image = f"{IMAGES}/{case.case_id:07d}{original.suffix}"
                shutil.copyfile(original, folder / image)
                writer.writerow([_guarded(cell) for cell in _row(case, image)])
                written += 1
        (folder / NOTE).write_text(f"{NOTICE}\n", encoding="utf-8")
        (folder / MANIFEST).write_text(table.getvalue(), encoding="utf-8", newline="")
    except OSError as error:
        raise LibraryError(
            f"{error.filename or folder} cannot be written or read ({error.strerror}). Check that "
            "the disk has room, and run `daug library verify`."
        ) from error
    return written


def _row(case: Case, image: str) -> list[str]:
    labels = case.labels
    return [
        case.source_id or str(case.case_id),
        image,
        case.source,
        case.patient or "",
        case.study or "",
        case.study_order or "",
        case.split,
        "" if case.view is View.UNKNOWN else case.view.value,
        case.sex,
        case.age_stated,
        str(case.width),
        str(case.height),
        *(str(labels.get(finding, "")) for finding in Finding),
        "|".join(f for f in labels if case.findings[f].source is FindingSource.LABELLED),
        case.report,
        case.report_kind.value if case.report else "",
        case.licence,
        "1" if case.synthetic else "",
        "|".join(case.tags),
    ]


def _guarded(cell: str) -> str:
    """Return a cell that no spreadsheet computes; importing takes the apostrophe off again."""
    computed = cell.startswith(COMPUTED) and cell != "-1"  # a label, and no formula
    return f"'{cell}" if computed else cell
