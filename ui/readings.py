"""The radiographs that people have open, kept by the server and named to the browser by a key.

Pixels never go through the browser's own memory, and a bounded number is kept: the one that was
looked at longest ago is closed first.
"""

import secrets
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from threading import Event, Lock

from daug.heatmap import Heatmap, Recipe, Scores
from daug.radiograph import ModelInput, Radiograph
from ui.look import USUAL, Show

MOST_OPEN = 8  # about 300 MB at full resolution


@dataclass(eq=False)
class Turn:
    """Something that was asked for, from the click until it is drawn or given up."""

    recipes: tuple[Recipe, ...]
    stop: Event = field(default_factory=Event)  # read between two steps of the drawing
    begun: bool = False


class Reading:
    """One opened radiograph, what was drawn of it last, and what is asked of it now.

    Only the last thing that was asked is drawn: asking again stops what is under way.
    """

    def __init__(
        self, radiograph: Radiograph, seen: ModelInput, scores: Scores, path: Path | None = None
    ) -> None:
        self.radiograph = radiograph
        self.path = path  # of its file, for as long as that is at hand
        self.seen = seen
        self.scores = scores
        self.heatmaps: tuple[Heatmap, ...] = ()  # the pair of one question, softmax first
        self.figure: tuple[Heatmap, ...] = ()  # the maps of Figure 2
        self.turn: Turn | None = None
        self.show = Show.HEAT
        self.look = USUAL
        self._lock = Lock()

    def ask(self, recipes: Sequence[Recipe]) -> None:
        """Ask for maps, instead of what was asked before."""
        with self._lock:
            self._stop()
            self.turn = Turn(tuple(recipes))

    def take(self, recipes: Sequence[Recipe]) -> Turn | None:
        """Return the turn to draw these maps, or None if they are no longer what is asked."""
        with self._lock:
            turn = self.turn
            if turn is None or turn.begun or turn.recipes != tuple(recipes):
                return None
            turn.begun = True
            return turn

    def stop(self) -> None:
        """Have what is being drawn stop after its step."""
        with self._lock:
            self._stop()

    def _stop(self) -> None:
        if self.turn is not None:
            self.turn.stop.set()


class Readings:
    """All open radiographs; safe to use from several threads."""

    def __init__(self, most: int = MOST_OPEN) -> None:
        self._most = most
        self._readings: OrderedDict[str, Reading] = OrderedDict()
        self._lock = Lock()

    def open(self, reading: Reading) -> str:
        """Keep a reading and return its key, which cannot be guessed."""
        key = secrets.token_urlsafe(16)
        with self._lock:
            self._readings[key] = reading
            while len(self._readings) > self._most:
                _, oldest = self._readings.popitem(last=False)
                oldest.stop()
        return key

    def get(self, key: str | None) -> Reading | None:
        """Return a reading, or None if there is none or it was closed to make room."""
        with self._lock:
            if key is None or key not in self._readings:
                return None
            self._readings.move_to_end(key)
            return self._readings[key]

    def close(self, key: str | None) -> None:
        """Forget a reading and stop what is being drawn of it."""
        with self._lock:
            reading = self._readings.pop(key, None) if key else None
        if reading is not None:
            reading.stop()
