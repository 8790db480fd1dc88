"""Radiographs that a manifest lists, with everything that it says about each.

Columns: `id, image, dataset, patient_id, split`, and as far as they are there `view, sex, age,
report, report_kind, license, synthetic, study_id, study_date, study_order` and the fourteen
findings with 1 present / 0 absent / -1 uncertain / blank not known; `text_derived` names those that
a program read from the report, parted by |. A row that cannot be used is skipped with its reason;
the others are imported all the same. Images lie in the manifest's folder, or in one that a link in
this very folder leads to, and no path leads out of there.
"""

import csv
import re
from collections.abc import Iterator, Mapping
from pathlib import Path, PurePosixPath

from daug.case import ReportKind
from daug.errors import LibraryError
from daug.findings import Finding
from daug.import_report import Skipped
from daug.loading.identity import pseudonym
from daug.radiograph import Pseudonym
from daug.view import View
from db.facts import Candidate, Facts, plain, sex_from

TEXT_COLUMN = "text_derived"
NEEDED_COLUMNS = ("id", "image", "dataset", "patient_id", "split")
LABELS = {"1": 1, "1.0": 1, "0": 0, "0.0": 0, "-1": -1, "-1.0": -1}
GUARDED = re.compile(r"'(?=[=+\-@\t\r])")  # put before what a spreadsheet would compute
ORDER_DIGITS = 16
YES = {"1", "true", "yes"}


class ManifestSource:
    """The rows of one manifest."""

    def __init__(self, path: Path, identity_key: bytes, split: str | None = None) -> None:
        """Read the table; images are opened later.

        Args:
            path: The CSV table; image paths are relative to its folder.
            identity_key: The library's secret, under which patients are hashed.
            split: Only rows of this split; all if none.

        Raises:
            LibraryError: If the table cannot be read, lacks a column or has no such split.
        """
        self._folder = path.parent
        self._key = identity_key
        try:
            with path.open(newline="", encoding="utf-8-sig") as file:
                reader = csv.DictReader(file)
                missing = [c for c in NEEDED_COLUMNS if c not in (reader.fieldnames or ())]
                rows = list(reader)
        except (OSError, UnicodeDecodeError, csv.Error) as error:
            raise LibraryError(f"{path.name}: cannot be read as a CSV table: {error}.") from error
        if missing:
            raise LibraryError(
                f"{path.name}: lacks {', '.join(missing)}. A manifest needs "
                f"{', '.join(NEEDED_COLUMNS)}."
            )
        self._rows = [row for row in rows if split is None or row["split"] == split]
        if not self._rows:
            splits = ", ".join(sorted({str(row["split"]) for row in rows})) or "no row"
            raise LibraryError(
                f"{path.name}: no radiograph is in split {split or 'any'}; the manifest has "
                f"{splits}."
            )
        self.total = len(self._rows)

    def __iter__(self) -> Iterator[Candidate | Skipped]:
        return map(self._candidate, self._rows)

    def _candidate(self, row: Mapping[str, str]) -> Candidate | Skipped:
        image = PurePosixPath((row["image"] or "").replace("\0", ""))
        if not image.parts or image.is_absolute() or ".." in image.parts:
            return Skipped(
                str(image),
                "The image path must be relative to the manifest's folder and inside it.",
            )
        path = self._folder / image
        if not path.resolve().is_relative_to(self._reach(image)):
            return Skipped(str(image), "The image path leads out of the manifest's folder.")
        labels = {f: (row.get(f) or "").strip() for f in Finding}
        wrong = {f: text for f, text in labels.items() if text and text not in LABELS}
        if wrong:
            finding, text = next(iter(wrong.items()))
            return Skipped(str(image), f"{finding} is {text!r}, but must be 1, 0, -1 or blank.")
        report, kind = _report(row)
        read_by_program = _text(row, TEXT_COLUMN).split("|")
        facts = Facts(
            source=plain(row["dataset"] or ""),
            source_id=plain(row["id"] or ""),
            split=plain(row["split"] or ""),
            licence=_text(row, "license"),
            pseudonym=self._pseudonym(row),
            view=View.stated(_text(row, "view")),
            sex=sex_from(_text(row, "sex")),
            age_stated=_text(row, "age")[:32],
            labels={f: LABELS[text] for f, text in labels.items() if text},
            text_derived=frozenset(f for f in Finding if f.value in read_by_program),
            report=report,
            report_kind=kind,
            synthetic=_text(row, "synthetic").lower() in YES,
        )
        return Candidate(str(image), path, facts)

    def _reach(self, image: PurePosixPath) -> Path:
        """Return the folder that an image must lie in: the manifest's, or where a link in it leads.

        Programs put such links beside a manifest that lies apart from its images.
        """
        first = self._folder / image.parts[0]
        linked = len(image.parts) > 1 and first.is_symlink()
        return (first if linked else self._folder).resolve()

    def _pseudonym(self, row: Mapping[str, str]) -> Pseudonym:
        """Return who and which visit; the visit's order from its date or its number."""
        patient, order = _text(row, "patient_id"), _text(row, "study_order")
        date = _text(row, "study_date").replace("-", "")
        visit = _text(row, "study_id") or date or order
        dataset = _text(row, "dataset")
        hashed = pseudonym(
            self._key,
            patient_id=patient,
            issuer=f"dataset {dataset}",
            study_uid=f"{dataset}/{patient}/{visit}" if visit else "",
            study_date=date,
            study_time="",
        )
        if hashed.study_order is None and order.isdecimal() and len(order) <= ORDER_DIGITS:
            return Pseudonym(hashed.patient, hashed.study, order.zfill(ORDER_DIGITS))
        return hashed


def _text(row: Mapping[str, str], column: str) -> str:
    return GUARDED.sub("", plain(row.get(column) or ""), count=1).strip()


def _report(row: Mapping[str, str]) -> tuple[str, ReportKind]:
    """Return the text and what it is; a text of which nothing is said was written by a person."""
    text = _text(row, "report")
    if not text:
        return "", ReportKind.NONE
    template = _text(row, "report_kind").lower() == ReportKind.TEMPLATE
    return text, ReportKind.TEMPLATE if template else ReportKind.REAL
