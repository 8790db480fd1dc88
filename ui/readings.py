"""The radiographs that people have open, kept by the server and named to the browser by a key.

Pixels never go through the browser's own memory, and a bounded number is kept: the one that was
looked at longest ago is closed first.
"""

import secrets
from collections import OrderedDict
from threading import Event, Lock

from daug.heatmap import Heatmap, Scores
from daug.radiograph import ModelInput, Radiograph

MOST_OPEN = 8  # about 300 MB at full resolution


class Reading:
    """One opened radiograph, and the last maps that were drawn of it."""

    def __init__(self, radiograph: Radiograph, seen: ModelInput, scores: Scores) -> None:
        self.radiograph = radiograph
        self.seen = seen
        self.scores = scores
        self.heatmaps: tuple[Heatmap, ...] = ()
        self.stop = Event()  # set by the Stop button, read between two steps of a drawing


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
                oldest.stop.set()
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
            reading.stop.set()
