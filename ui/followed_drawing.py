"""A drawing that is watched: told of a few times a second, and stopped between two steps."""

from collections.abc import Callable, Iterator
from threading import Event
from time import monotonic

from daug.heatmap import Heatmap, Preview
from daug.workstation import Drawing
from ui import wording

SURE = 3  # steps, before which nobody can tell how long the rest takes
PREVIEW_SECONDS = 0.25  # between two previews; more would cost the drawing its processor


class FollowedDrawing:
    """Iterate over it for previews; afterwards it holds the maps, or says that it was stopped.

    However the iteration ends (Stop, an error, a browser that went away), the drawing is closed,
    which stops its computation.
    """

    def __init__(
        self, drawing: Drawing, stop: Event, clock: Callable[[], float] = monotonic
    ) -> None:
        """Watch a drawing.

        Args:
            stop: Set by somebody else to end the drawing after the step that is under way.
            clock: Seconds, rising.
        """
        self.heatmaps: tuple[Heatmap, ...] = ()
        self.stopped = False
        self.reached = "step 0"  # in words, as far as it came
        self.seconds_left: float | None = None
        self._drawing = drawing
        self._stop = stop
        self._clock = clock

    def __iter__(self) -> Iterator[Preview]:
        """Yield the first preview, and later ones when the last is old enough."""
        began: float | None = None  # when the way down did: its steps take longer than those up
        shown_at: float | None = None
        try:
            while not self._stop.is_set():
                try:
                    preview = next(self._drawing)
                except StopIteration as end:
                    self.heatmaps = end.value
                    return
                now = self._clock()
                self.reached = wording.step(preview)
                if preview.done == 0 or began is None:
                    began = now
                if preview.done >= SURE:
                    left = preview.total - preview.done
                    self.seconds_left = (now - began) / preview.done * left
                if shown_at is None or now - shown_at >= PREVIEW_SECONDS:
                    shown_at = now
                    yield preview
            self.stopped = True
        finally:
            self._drawing.close()
