"""Patients and pixels that are in more than one split: scores on them say nothing."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from trainers.manifest_check.entries import Entry


@dataclass(frozen=True)
class Leak:
    """What is in more than one split."""

    kind: str  # "patient" or "pixels"
    patient: str  # of the first radiograph
    splits: tuple[str, ...]
    ids: tuple[str, ...]


def leaking_patients(rows: Sequence[Entry]) -> list[Leak]:
    """Return the patients whose radiographs are in more than one split."""
    by_patient: dict[str, list[Entry]] = {}
    for row in rows:
        by_patient.setdefault(row.patient, []).append(row)
    return [leak for group in by_patient.values() if (leak := _leak("patient", group))]


def leaking_pixels(rows: Sequence[Entry], groups: Iterable[Sequence[int]]) -> list[Leak]:
    """Return the groups of identical images that are in more than one split.

    Args:
        rows: The radiographs.
        groups: Places of those with identical pixels.
    """
    found = (_leak("pixels", [rows[place] for place in group]) for group in groups)
    return [leak for leak in found if leak]


def _leak(kind: str, group: Sequence[Entry]) -> Leak | None:
    splits = tuple(sorted({row.split for row in group}))
    if len(splits) < 2:
        return None
    return Leak(kind, group[0].patient, splits, tuple(row.id for row in group))
