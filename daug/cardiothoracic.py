"""The cardiothoracic ratio: widest heart over widest inner thorax, with both calipers.

It is a rough measure of the heart's size on an upright PA radiograph of an adult; above 0.5 is
called enlarged. Elsewhere it misleads, so it is withheld, with the reason, where a border is hidden
or the patient stood askew, and it carries an interval only where its error was measured.

Danzer 1919, "The cardiothoracic ratio", American Journal of the Medical Sciences 157, 513-554.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

import numpy as np

from daug.costophrenic import Corner, costophrenic_angles
from daug.organs import ORGANS, OrganMasks
from daug.thorax_symmetry import lung_borders, thorax_symmetry
from daug.view import View

ENLARGED = 0.5
CHILD_BELOW = 16.0  # years; a child's heart is wider for its thorax
MIN_CONFIDENCE = 0.9  # of each organ; see SeenOrgans.confidence
# None of 188 adults with masks drawn by experts (JSRT) lies beyond any of these. They are not even
# about 0 or 1, since the heart takes room from the left lung, mostly at its base.
MIDLINE_OFFSETS = (-0.06, 0.12)  # share of the thorax's width
TILTS = (-13.0, 7.0)  # degrees
LUNG_RATIOS = (0.5, 1.25)  # area of the left lung over that of the right

AP_NOTE = "AP overestimates"
NO_VIEW_NOTE = "view not known"
NO_AGE_NOTE = "age not known"
NO_ERROR_NOTE = "error not measured"
ORGAN_WORDS = {"left_lung": "left lung", "right_lung": "right lung", "heart": "heart"}


@dataclass(frozen=True)
class Caliper:
    """A width between two points, in pixels from the upper left corner of the picture.

    The width is horizontal; the points may lie at different heights, as those of the heart do.
    """

    x0: float  # the border on the left of the picture
    y0: float
    x1: float  # the border on the right
    y1: float

    @property
    def width(self) -> float:
        """Horizontal distance of the two borders."""
        return self.x1 - self.x0

    def scaled(self, across: float, down: float) -> "Caliper":
        """Return the same caliper on a picture of another size."""
        return Caliper(self.x0 * across, self.y0 * down, self.x1 * across, self.y1 * down)


@dataclass(frozen=True)
class RatioError:
    """How far a segmenter's ratios were off on held-out radiographs of upright adults, PA."""

    half_width: float  # the share `coverage` of the ratios was less far off than this
    n: int
    coverage: float = 0.95


@dataclass(frozen=True)
class CardiothoracicRatio:
    """A ratio, or why there is none."""

    value: float | None
    low: float | None  # None without an interval
    high: float | None
    heart: Caliper | None
    thorax: Caliper | None
    note: str = ""  # what to keep in mind when reading the value
    withheld: str = ""  # why there is no value

    @property
    def enlarged(self) -> bool | None:
        """Whether the heart is enlarged by this measure; None if it is withheld."""
        return None if self.value is None else self.value > ENLARGED


def cardiothoracic_ratio(
    organs: OrganMasks,
    *,
    view: View,
    age: float | None = None,
    confidence: Mapping[str, float] | None = None,
    error: RatioError | None = None,
) -> CardiothoracicRatio:
    """Return the cardiothoracic ratio of a radiograph.

    Args:
        organs: Masks on the picture itself, without padding around it, as fine as they can be had.
        view: How the rays went.
        age: Of the patient in years, None if it is not known.
        confidence: Of the segmenter in each organ; None where an expert drew the masks.
        error: Measured on held-out radiographs; without it there is no interval.
    """
    withheld = next(_reasons(organs, view, age, confidence or {}), "")
    heart = heart_caliper(organs) if organs.heart.any() else None
    thorax = thorax_caliper(organs)
    found = CardiothoracicRatio(None, None, None, heart, thorax, withheld=withheld)
    if withheld or heart is None or thorax is None:
        return found
    value = heart.width / thorax.width
    notes = _notes(view, age, error)
    if notes or error is None:
        return replace(found, value=value, note="; ".join(notes))
    low, high = value - error.half_width, value + error.half_width
    return replace(found, value=value, low=max(0.0, low), high=high)


def heart_caliper(organs: OrganMasks) -> Caliper:
    """Return the heart's outermost borders to either side; it must not be empty."""
    columns = np.flatnonzero(organs.heart.any(axis=0))
    x0, x1 = int(columns[0]), int(columns[-1])
    y0, y1 = (float(np.flatnonzero(organs.heart[:, x]).mean()) for x in (x0, x1))
    return Caliper(x0, y0 + 0.5, x1 + 1, y1 + 0.5)


def thorax_caliper(organs: OrganMasks) -> Caliper | None:
    """Return the widest distance between the lungs' outer borders in one row; None without."""
    rows, borders = lung_borders(organs)
    widths = borders[:, 3] - borders[:, 0]
    if not rows.size or widths.max() <= 0:
        return None
    i = int(widths.argmax())
    y = float(rows[i]) + 0.5
    return Caliper(float(borders[i, 0]), y, float(borders[i, 3]), y)


def _notes(view: View, age: float | None, error: RatioError | None) -> list[str]:
    """Return why a value has no interval; empty if it has one."""
    notes = [{View.AP: AP_NOTE, View.UNKNOWN: NO_VIEW_NOTE}.get(view, "")]
    notes.append(NO_AGE_NOTE if age is None else "")
    notes.append(NO_ERROR_NOTE if error is None else "")
    return [note for note in notes if note]


def _reasons(
    organs: OrganMasks, view: View, age: float | None, confidence: Mapping[str, float]
) -> Iterator[str]:
    """Yield why no ratio can be given, the weightiest first."""
    if view is View.LATERAL:
        yield "a lateral view shows no width of the thorax"
    if age is not None and age < CHILD_BELOW:
        yield f"the patient is a child of {age:.0f} years, whose heart is wider for its thorax"
    for name in organs.missing:
        yield f"the {ORGAN_WORDS[name]} was not found"
    yield from _unclear_borders(organs, confidence)
    yield from _askew(organs)


def _unclear_borders(organs: OrganMasks, confidence: Mapping[str, float]) -> Iterator[str]:
    for name in ORGANS:
        if confidence.get(name, 1.0) < MIN_CONFIDENCE:
            yield f"the borders of the {ORGAN_WORDS[name]} are unclear"
    outer = {"left": organs.left_lung[:, -1], "right": organs.right_lung[:, 0]}
    for side, edge in outer.items():
        if edge.any():
            yield f"the picture ends within the {side} lung"
    for name, angle in costophrenic_angles(organs).items():
        if angle.corner is not Corner.SHARP:
            where = ORGAN_WORDS[name].removesuffix(" lung")
            yield f"the {where} costophrenic angle is {angle.corner.value}"


def _askew(organs: OrganMasks) -> Iterator[str]:
    symmetry = thorax_symmetry(organs)
    if symmetry is None:
        yield "the lungs do not lie side by side"
        return
    if not _within(symmetry.lung_ratio, LUNG_RATIOS):
        smaller = "left" if symmetry.lung_ratio < 1 else "right"
        yield f"the {smaller} lung is much smaller than the other, so its border may be hidden"
    if not _within(symmetry.midline_offset, MIDLINE_OFFSETS):
        yield "the patient seems to be turned"
    if not _within(symmetry.tilt_degrees, TILTS):
        yield "the thorax leans to one side"


def _within(value: float, bounds: tuple[float, float]) -> bool:
    low, high = bounds
    return low <= value <= high
