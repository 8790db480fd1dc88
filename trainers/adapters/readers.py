"""Several readers of one image, merged: labels by majority, boxes that overlap by their mean.

A finding that most readers see is present, one that nobody sees is absent, and one that some but
not most see is uncertain. Boxes are kept for what most readers see; those of different readers
that overlap become one, since a reader's hand decides the edge, not the disease.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from daug.findings import Finding
from trainers.adapters.label_words import LabelWords
from trainers.manifest import Box

SAME_PLACE = 0.4  # intersection over union from which two readers' boxes mean one thing
Corners = tuple[float, float, float, float]  # x0, y0, x1, y1


@dataclass
class Readings:
    """What the readers of one image wrote; boxes in pixels of the original."""

    words: dict[str, set[str]] = field(default_factory=dict)  # by reader; empty: nothing seen
    boxes: list[tuple[str, str, Corners]] = field(default_factory=list)  # reader, word, where

    def add(self, reader: str, words: Iterable[str]) -> None:
        """Take down what a reader saw."""
        self.words.setdefault(reader, set()).update(words)

    @property
    def majority(self) -> set[str]:
        """The words of more than half of the readers."""
        counts = Counter(word for words in self.words.values() for word in words)
        return {word for word, count in counts.items() if 2 * count > len(self.words)}


def merged_labels(
    readings: Readings, words: LabelWords, asked: Iterable[Finding]
) -> dict[Finding, int]:
    """Return 1 where most readers see a finding, 0 where none does, else -1.

    Args:
        readings: What the readers wrote.
        words: What it means; two words of one reader for one finding count once.
        asked: The findings that every reader was asked for.
    """
    seen = [words.findings(of_reader) for of_reader in readings.words.values()]
    labels = {}
    for finding in (f for f in Finding if f in set(asked)):
        votes = sum(finding in of_reader for of_reader in seen)
        labels[finding] = 1 if 2 * votes > len(seen) else -1 if votes else 0
    return labels


def merged_boxes(readings: Readings, width: float, height: float) -> tuple[list[Box], list[str]]:
    """Return the boxes of what most readers see, and why others were left out.

    Args:
        readings: What the readers drew, in pixels.
        width: Of the original, in pixels.
        height: Of the original, in pixels.
    """
    boxes: list[Box] = []
    left_out: list[str] = []
    by_word: dict[str, list[tuple[str, Corners]]] = {}
    for reader, word, corners in readings.boxes:
        if word in readings.majority:
            by_word.setdefault(word, []).append((reader, corners))
        else:
            left_out.append("most readers do not see what it shows")
    for word, drawn in sorted(by_word.items()):
        for corners in one_box_a_place(drawn):
            x0, y0, x1, y1 = _within(corners, width, height)
            if x0 < x1 and y0 < y1:
                boxes.append(Box(word, x0, y0, x1, y1))
            else:
                left_out.append("the box does not lie in the image")
    return boxes, left_out


def one_box_a_place(drawn: Sequence[tuple[str, Corners]]) -> list[Corners]:
    """Return one box, the mean, for boxes of different readers that overlap by SAME_PLACE.

    Each box joins the place whose first box it overlaps most, largest boxes first; two boxes of
    one reader are two things.
    """
    places: list[dict[str, Corners]] = []  # by reader
    for reader, box in sorted(drawn, key=lambda one: (-_area(one[1]), one)):
        free = [place for place in places if reader not in place]
        best = max(free, key=lambda place: overlap(next(iter(place.values())), box), default=None)
        if best is not None and overlap(next(iter(best.values())), box) >= SAME_PLACE:
            best[reader] = box
        else:
            places.append({reader: box})
    return [_mean(list(place.values())) for place in places]


def overlap(a: Corners, b: Corners) -> float:
    """Return the intersection over the union of two boxes, 0 to 1."""
    wide = min(a[2], b[2]) - max(a[0], b[0])
    high = min(a[3], b[3]) - max(a[1], b[1])
    shared = max(wide, 0.0) * max(high, 0.0)
    whole = _area(a) + _area(b) - shared
    return shared / whole if whole > 0 else 0.0


def box_corners(row: Mapping[str, str]) -> Corners | None:
    """Return a row's box in pixels, None if it is blank or no box."""
    try:
        x0, y0, x1, y1 = (float(row[side]) for side in ("x_min", "y_min", "x_max", "y_max"))
    except (KeyError, ValueError):
        return None
    return (x0, y0, x1, y1) if x0 < x1 and y0 < y1 else None


def _area(box: Corners) -> float:
    return max(box[2] - box[0], 0.0) * max(box[3] - box[1], 0.0)


def _mean(boxes: Sequence[Corners]) -> Corners:
    x0, y0, x1, y1 = (sum(side) / len(boxes) for side in zip(*boxes, strict=True))
    return x0, y0, x1, y1


def _within(box: Corners, width: float, height: float) -> Corners:
    """Return a box as fractions, cut to the image."""
    x0, y0, x1, y1 = box[0] / width, box[1] / height, box[2] / width, box[3] / height
    return max(x0, 0.0), max(y0, 0.0), min(x1, 1.0), min(y1, 1.0)
