"""Run a drawing to its end and say how long its parts took.

A drawing tells of itself only through its previews. Encoding ended at the last preview that says
that no step is done; without one, encoding is what the first preview took beyond one step.
"""

from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise
from statistics import median
from time import perf_counter

from daug.heatmap import Heatmap, Preview
from daug.workstation import Drawing


@dataclass(frozen=True)
class DrawingSeconds:
    """How long a drawing took on the way up to the noise and on the way down."""

    encode: float
    decode: float


def finish_timed(
    drawing: Drawing,
    on_preview: Callable[[Preview], None] = lambda _: None,
    clock: Callable[[], float] = perf_counter,
) -> tuple[tuple[Heatmap, ...], DrawingSeconds]:
    """Return the maps and the time they took.

    Args:
        on_preview: Told of every step.
        clock: Seconds, rising.
    """
    started = clock()
    marks: list[float] = []
    encoded: float | None = None
    while True:
        try:
            preview = next(drawing)
        except StopIteration as end:
            maps: tuple[Heatmap, ...] = end.value
            break
        marks.append(clock())
        if preview.done == 0:
            encoded = marks[-1] - started
        on_preview(preview)
    whole = clock() - started
    if encoded is None:
        steps = [later - earlier for earlier, later in pairwise(marks)]
        encoded = max(0.0, marks[0] - started - median(steps)) if steps else 0.0
    return maps, DrawingSeconds(encoded, whole - encoded)
