"""Data sets of one manifest that hold the same images.

Some collections are known to be made of others' images, under other names: a model that was
trained on the one has seen the other. Others turn out to be when their pixels are compared.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from trainers.manifest_check.entries import Entry

Pair = tuple[str, str]  # two data sets in alphabetical order

KNOWN: Mapping[Pair, str] = {
    ("nih", "rsna"): (
        "All images of RSNA's pneumonia challenge are images of NIH ChestX-ray14 under other names "
        "(Shih et al. 2019, Radiology: Artificial Intelligence 1:e180041)."
    ),
    ("nih", "siim"): (
        "The images of SIIM-ACR's pneumothorax challenge are images of NIH ChestX-ray14 under "
        "other names (Filice et al. 2020, Journal of Digital Imaging 33:490)."
    ),
    ("rsna", "siim"): (
        "Both challenges took their images from NIH ChestX-ray14, so that they may share some."
    ),
}


@dataclass(frozen=True)
class Overlap:
    """What two data sets of the manifest have in common."""

    datasets: Pair
    known: str  # a sentence on what is known of them, blank if nothing is
    same_name: int  # radiographs of either that the other calls alike; only where known
    identical: int  # pairs with identical pixels
    near: int  # pairs that look almost the same


def overlaps(
    rows: Sequence[Entry], identical: Iterable[Sequence[int]], near: Iterable[tuple[int, int]]
) -> list[Overlap]:
    """Return each pair of data sets that is known to overlap, or does.

    Args:
        rows: The radiographs.
        identical: Places of those with identical pixels, group by group.
        near: Places of two that look almost the same.
    """
    present = {row.dataset for row in rows}
    same = Counter(
        pair
        for group in identical
        for place, one in enumerate(group)
        for other in group[place + 1 :]
        if (pair := _pair(rows, one, other))
    )
    alike = Counter(pair for one, other in near if (pair := _pair(rows, one, other)))
    known = {pair for pair in KNOWN if set(pair) <= present}
    return [
        Overlap(pair, KNOWN.get(pair, ""), _same_names(rows, pair), same[pair], alike[pair])
        for pair in sorted(known | set(same) | set(alike))
    ]


def _pair(rows: Sequence[Entry], one: int, other: int) -> Pair | None:
    a, b = sorted((rows[one].dataset, rows[other].dataset))
    return (a, b) if a != b else None


def _same_names(rows: Sequence[Entry], pair: Pair) -> int:
    """Count names that both use; elsewhere equal names, as image1, mean nothing."""
    if pair not in KNOWN:
        return 0
    first, second = ({row.stem for row in rows if row.dataset == name} for name in pair)
    return len(first & second)
