"""Everything that is checked of one manifest."""

import os
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from daug.findings import Finding
from daug.view import View
from trainers.manifest_check.alike import NearPair, near_pairs, same_digest
from trainers.manifest_check.counts import Counts, count
from trainers.manifest_check.entries import Entries, Entry, read_entries
from trainers.manifest_check.leaks import Leak, leaking_patients, leaking_pixels
from trainers.manifest_check.looking import Look, Seen, Unseen, look_at_all
from trainers.manifest_check.overlaps import Overlap, overlaps

MOST_WORKERS = 8
Progress = Callable[[int, int], None]  # images done, of how many


@dataclass(frozen=True, eq=False)
class Checked:
    """What was found in a manifest."""

    manifest: Path
    entries: Entries
    looks: tuple[Look, ...]  # one for each row
    identical: list[tuple[int, ...]]  # places of rows with identical pixels, group by group
    near: list[NearPair]  # places of rows that look almost the same, of each group its first
    leaks: list[Leak]
    overlaps: list[Overlap]
    counts: Mapping[tuple[str, str], Counts]  # by data set and split

    @property
    def rows(self) -> tuple[Entry, ...]:
        """The radiographs."""
        return self.entries.rows

    def unseen(self, *, missing: bool) -> list[tuple[Entry, str]]:
        """Return the radiographs that are not there, or cannot be read, and why."""
        pairs = zip(self.rows, self.looks, strict=True)
        return [
            (row, look.reason)
            for row, look in pairs
            if isinstance(look, Unseen) and look.missing == missing
        ]

    @property
    def laterals(self) -> int:
        """How many radiographs are lateral ones."""
        return sum(View.stated(row.view) is View.LATERAL for row in self.rows)

    @property
    def text_derived(self) -> Counter[Finding]:
        """How many labels of each finding a program read from reports."""
        return Counter(finding for row in self.rows for finding in row.text_derived)

    @property
    def near_across_splits(self) -> list[NearPair]:
        """The near pairs of which one is in another split than the other."""
        rows = self.rows
        return [p for p in self.near if rows[p.first].split != rows[p.second].split]


def usual_workers() -> int:
    """Return how many threads decode unless told otherwise."""
    return min(MOST_WORKERS, len(os.sched_getaffinity(0)))


def check_manifest(manifest: Path, workers: int, on_progress: Progress) -> Checked:
    """Read a manifest, decode every image once, and compare all with all.

    Args:
        manifest: A CSV table.
        workers: Threads.
        on_progress: Told how many images are decoded.

    Raises:
        ManifestError: If it is no manifest, or none of its lines can be used.
    """
    entries = read_entries(manifest)
    rows = entries.rows
    images = [row.image for row in rows]
    looks = tuple(look_at_all(images, workers, lambda done: on_progress(done, len(images))))
    identical = same_digest(look.digest if isinstance(look, Seen) else None for look in looks)
    near = _near(looks, identical, workers)
    places = [(pair.first, pair.second) for pair in near]
    return Checked(
        manifest=manifest,
        entries=entries,
        looks=looks,
        identical=identical,
        near=near,
        leaks=[*leaking_patients(rows), *leaking_pixels(rows, identical)],
        overlaps=overlaps(rows, identical, places),
        counts=count(rows),
    )


def _near(
    looks: tuple[Look, ...], identical: list[tuple[int, ...]], workers: int
) -> list[NearPair]:
    """Return the near pairs; of identical images only the first is compared."""
    repeats = {place for group in identical for place in group[1:]}
    seen = {
        place: look.words
        for place, look in enumerate(looks)
        if isinstance(look, Seen) and place not in repeats
    }
    if not seen:
        return []
    places = list(seen)
    found = near_pairs(np.array(list(seen.values())), workers)
    return [NearPair(pair.bits, places[pair.first], places[pair.second]) for pair in found]
