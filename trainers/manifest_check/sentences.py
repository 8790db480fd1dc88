"""What was found in a manifest, in words."""

from trainers.manifest_check.checking import Checked
from trainers.manifest_check.leaks import Leak
from trainers.manifest_check.overlaps import Overlap

SHOWN = 3  # examples of a fault
LEAKS = (
    ("patient", "patient", "patients"),
    ("pixels", "group of identical images", "groups of identical images"),
)


def summary(checked: Checked) -> list[str]:
    """Return sentences on the images, the worst first."""
    rows = checked.rows
    missing, broken = checked.unseen(missing=True), checked.unseen(missing=False)
    patients = len({row.patient for row in rows})
    lines = [f"{_n(len(rows), 'radiograph')} of {_n(patients, 'patient')}."]
    lines += leak_sentences(checked)
    if missing:
        lines.append(f"{_n(len(missing), 'missing image')}: {_ids([r.id for r, _ in missing])}.")
    if broken:
        lines.append(f"{_n(len(broken), 'unreadable image')}: {broken[0][1]}")
    if checked.entries.faults:
        lines.append(
            f"{_n(len(checked.entries.faults), 'unusable line')}: {checked.entries.faults[0]}"
        )
    if checked.entries.repeated:
        lines.append(
            f"{_n(checked.entries.repeated, 'line')} left out for repeating an id and image."
        )
    if checked.identical:
        extra = sum(len(group) - 1 for group in checked.identical)
        first = [rows[place].id for place in checked.identical[0]]
        lines.append(f"{_n(extra, 'image')} with the pixels of an earlier one: {_ids(first)}.")
    if checked.near:
        across = len(checked.near_across_splits)
        lines.append(
            f"{_n(len(checked.near), 'pair')} of images that look almost the same, {across} of "
            "them in different splits."
        )
    lines += [overlap_sentence(overlap) for overlap in checked.overlaps]
    if checked.laterals:
        lines.append(f"{_n(checked.laterals, 'lateral radiograph')}: neither train nor score.")
    if read := checked.text_derived.total():
        lines.append(f"{_n(read, 'label')} read from reports by a program.")
    return lines


def leak_sentences(checked: Checked) -> list[str]:
    """Return a sentence on the patients in several splits, and one on the pixels; none if none."""
    return [
        f"{len(leaks)} {one if len(leaks) == 1 else many} in more than one split, for instance "
        f"{_example(leaks[0])}."
        for kind, one, many in LEAKS
        if (leaks := [leak for leak in checked.leaks if leak.kind == kind])
    ]


def overlap_sentence(overlap: Overlap) -> str:
    """Return what two data sets have in common."""
    a, b = overlap.datasets
    names = f", {_n(overlap.same_name, 'name')} in common" if overlap.known else ""
    found = (
        f"{_n(overlap.identical, 'pair')} of identical and {overlap.near} of nearly identical "
        f"images{names}"
    )
    return " ".join(filter(None, (f"{a} and {b}:", overlap.known, f"{found}.")))


def _example(leak: Leak) -> str:
    who = f"{leak.patient} " if leak.kind == "patient" else ""
    return f"{who}in {' and '.join(leak.splits)} ({_ids(list(leak.ids))})"


def _ids(ids: list[str]) -> str:
    more = len(ids) - SHOWN
    return ", ".join(ids[:SHOWN]) + (f" and {more} more" if more > 0 else "")


def _n(count: int, noun: str) -> str:
    return f"{count} {noun}{'' if count == 1 else 's'}"
