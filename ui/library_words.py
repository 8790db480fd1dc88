"""What the tab "Library" says of the library and of what was done to it, in sentences."""

from collections.abc import Sequence
from datetime import UTC

from daug.case_desk import CaseDesk, CaseLibrary
from daug.case_history import Altered, Change
from daug.case_query import CaseFilter
from daug.import_report import ImportReport, Progress
from ui.compared_words import time_left

EMPTY = "The library is empty. Import radiographs: the tab Import, above."
ONLY_SYNTHETIC = (
    "Every case here is synthetic: drawn by a model, it shows nobody, and what is learnt from it "
    "holds for no patient. Real ones come in through Import, above: your own files, or a public "
    "data set such as NIH ChestX-ray14, CheXpert, MIMIC-CXR, PadChest, VinDr-CXR or Open-i, which "
    "their owners hand out under their terms, with a manifest that lists them."
)
BACKUP = (
    "A backup is one file with everything, the identity key too: "
    "daug library backup library.tar --library FOLDER. To have it back: "
    "daug library restore library.tar --library NEW-FOLDER. Keep it as safe as the library."
)
MOST_ROWS = 500  # of the table at the end of an import

Row = list[str]


def holds(library: CaseLibrary, desk: CaseDesk | None) -> str:
    """Return how many cases there are, and how many of them can be found by likeness."""
    total = library.count()
    told = f"{total:,} case{'' if total == 1 else 's'} in the library."
    if desk is None or not total:
        return told
    if desk.why_no_search:
        return f"{told} Similar cases cannot be searched: {desk.why_no_search}"
    state = desk.embedding_state()
    if state.failed:
        return f"{told} {state.failed}"
    if state.complete and not state.running:
        return f"{told} All of them can be found by likeness."
    left = "" if state.seconds_left is None else f", about {time_left(state.seconds_left)} left"
    going = f"; embedding goes on{left}" if state.running else ""
    return f"{told} {state.embedded:,} of {state.total:,} can be found by likeness{going}."


def remark(library: CaseLibrary) -> str:
    """Return what a person must know of what the library holds; empty if nothing."""
    if not library.page(limit=1).ids:
        return EMPTY
    real = library.page(CaseFilter(synthetic=False), limit=1).ids
    return "" if real else ONLY_SYNTHETIC


def how_far(progress: Progress) -> str:
    """Return how far an import is, how fast it goes and how long it will take."""
    left = progress.seconds_left
    ending = "" if left == float("inf") else f", about {time_left(left)} left"
    return (
        f"{progress.done:,} of {progress.total:,} files, {progress.rate:.0f} a second{ending}. "
        f"{progress.imported:,} new cases so far, all of them safe on the disk."
    )


def imported(report: ImportReport, *, stopped: bool) -> str:
    """Return what became of the files of an import."""
    parts = [f"{len(report.imported):,} new cases"]
    parts += [f"{len(report.duplicates):,} there already"] if report.duplicates else []
    parts += [f"{len(report.skipped):,} skipped"] if report.skipped else []
    parts += [f"{len(report.near_duplicates):,} almost like others"] * bool(report.near_duplicates)
    ending = "Stopped; import the same again to go on. " if stopped else ""
    rows = _number_of_rows(report)
    cut = "" if rows <= MOST_ROWS else f" The table shows the first {MOST_ROWS} of {rows:,} rows."
    return f"{ending}{', '.join(parts)}, in {time_left(report.seconds)}.{cut}"


def table(report: ImportReport) -> list[Row]:
    """Return a row for every file of which something is to be said: file, what, why."""
    conflicts = {one.file for one in report.conflicts}
    rows = [
        [one.file, "conflict" if one.file in conflicts else "skipped", one.reason]
        for one in report.skipped
    ]
    rows += [
        [file, "almost the same", f"Entered as case {case_id}; it looks almost like case {like}."]
        for file, case_id, like in report.near_duplicates
    ]
    rows += [
        [file, "warning", f"Entered as case {case_id}. {' '.join(warnings)}"]
        for file, case_id, warnings in report.warned
    ]
    rows += [
        [one.file, "there already", f"Case {one.case_id} shows exactly these pixels."]
        for one in report.duplicates
    ]
    return rows[:MOST_ROWS]


def change_line(change: Change) -> str:
    """Return a change in one line: number, when, what, of how many cases, whether it holds."""
    when = change.made_at.replace(tzinfo=UTC).astimezone().strftime("%Y-%m-%d %H:%M")
    cases = f"{change.cases:,} case{'' if change.cases == 1 else 's'}"
    ending = "" if change.undone_by is None else f" (undone by {change.undone_by})"
    return f"{change.number} · {when} · {change.what} · {cases}{ending}"


def alteration_rows(altered: Sequence[Altered]) -> list[Row]:
    """Return what a change did, as rows: case, what, before, after."""
    return [
        [f"case {one.case_id}", one.aspect, _value(one.before), _value(one.after)]
        for one in altered
    ]


def _value(value: object) -> str:
    """Return a value of the history as a person reads it."""
    if isinstance(value, dict):
        if "text" in value:
            return str(value["text"])
        return f"in it, note: {value['note']}" if value.get("note") else "in it"
    if value is None:
        return "nothing"
    return "yes" if value is True else str(value) or "not known"


def _number_of_rows(report: ImportReport) -> int:
    said = len(report.skipped) + len(report.near_duplicates) + len(report.warned)
    return said + len(report.duplicates)
