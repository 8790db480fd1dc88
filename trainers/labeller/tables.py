"""Labels from text in a table: `daug label`.

The table is a CSV file with a column of reports, for instance a manifest; a text file with a report
a line; or a folder of text files, a report each. Which labels were read from text stands in the
column `text_derived`, so that results can be told with and without.
"""

import csv
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

from daug.errors import ManifestError
from trainers.labeller.labeller import Labeller
from trainers.labeller.rows import COLUMNS, LabelledRow, labelled_row
from trainers.labeller.rules import WORD_OF_LABEL
from trainers.manifest_copy import Line, column_names, write_copy, write_lines

KINDS = (".csv", ".txt")
AT_ONCE = 256  # reports, so that a network can read them in batches


@dataclass(frozen=True)
class LabelRequest:
    """What somebody asks to be labelled."""

    table: Path  # a CSV file, a text file, or a folder of text files
    output: Path  # a CSV file
    column: str = "report"
    fill_blanks: bool = False  # keep every label that the table has


def label_table(request: LabelRequest, labeller: Labeller) -> dict[str, Any]:
    """Write a copy of the table with labels read from its reports, and return counts.

    Raises:
        ManifestError: If the table cannot be read or has no such column, or the copy cannot be
            written.
    """
    rows: Counter[str] = Counter()
    labels: Counter[tuple[str, str]] = Counter()

    def changed(lines: Iterable[Line]) -> Iterator[Line]:
        for row in _labelled(lines, labeller, request):
            rows[row.outcome] += 1
            rows["contradicted"] += row.contradicted
            labels.update((name, WORD_OF_LABEL[label]) for name, label in row.given.items())
            yield row.line

    _check_files(request)
    try:
        if request.table.suffix.lower() == ".csv":
            _label_csv(request, changed)
        else:
            lines = _text_lines(request.table, request.column)
            write_lines(request.output, ("id", request.column, *COLUMNS), changed(lines))
    except (UnicodeDecodeError, csv.Error) as error:
        raise ManifestError(
            f"{request.table.name} cannot be read ({error}). Save it as UTF-8."
        ) from error
    return {
        "output": str(request.output),
        "labeller": labeller.name,
        "contradicted": rows.pop("contradicted", 0),  # labels kept out, see `labelled_row`
        "rows": dict(sorted(rows.items())),
        "findings": {
            name: {word: labels[name, word] for word in WORD_OF_LABEL.values()}
            for name in COLUMNS[:-1]
        },
    }


def _check_files(request: LabelRequest) -> None:
    table = request.table
    if not table.is_dir() and table.suffix.lower() not in KINDS:
        raise ManifestError(
            f"{table.name} is neither a table nor text. Give a .csv file, a .txt file or a folder "
            "of .txt files."
        )
    if request.output.resolve() == table.resolve():
        raise ManifestError(f"{table.name} would be replaced. Name another file for the copy.")


def _labelled(
    lines: Iterable[Line], labeller: Labeller, request: LabelRequest
) -> Iterator[LabelledRow]:
    lines = iter(lines)
    while batch := list(islice(lines, AT_ONCE)):
        reports = [line.get(request.column) or "" for line in batch]
        for line, labels in zip(batch, labeller.label(reports), strict=True):
            yield labelled_row(line, request.column, labels, fill_blanks=request.fill_blanks)


def _label_csv(request: LabelRequest, changed: Callable[[Iterable[Line]], Iterator[Line]]) -> None:
    try:
        columns = column_names(request.table)
    except OSError as error:
        raise ManifestError(f"{request.table} cannot be read ({error}).") from error
    if request.column not in columns:
        raise ManifestError(
            f"{request.table.name}: has no column {request.column}. Name the column of the "
            f"reports with --column; there is {', '.join(columns) or 'none'}."
        )
    write_copy(request.table, request.output, COLUMNS, changed)


def _text_lines(source: Path, column: str) -> Iterator[Line]:
    """Yield a line for every report, named by its file or by its place in the file.

    Raises:
        ManifestError: If there is none, or one cannot be read.
    """
    try:
        if source.is_dir():
            files = sorted(path for path in source.rglob("*.txt") if path.is_file())
            texts = [(str(path.relative_to(source).with_suffix("")), path) for path in files]
            if not files:
                raise ManifestError(f"{source}: holds no .txt file. Give reports as text files.")
            for name, path in texts:
                yield {"id": name, column: path.read_text(encoding="utf-8-sig")}
        else:
            with source.open(encoding="utf-8-sig") as file:
                for number, report in enumerate(file, 1):
                    yield {"id": str(number), column: report.strip()}
    except OSError as error:
        raise ManifestError(f"{source} cannot be read ({error}).") from error
