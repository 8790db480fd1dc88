"""The radiographs that people have open, kept by the server and named to the browser by a key.

Pixels never go through the browser's own memory, and a bounded number is kept: the one that was
looked at longest ago is closed first.
"""

import secrets
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from threading import Event, Lock

from daug.cardiothoracic import CardiothoracicRatio
from daug.heatmap import Heatmap, Recipe, Scores
from daug.input_check import InputCheck
from daug.map_reading import MapReading
from daug.radiograph import ModelInput, Radiograph
from ui.look import USUAL, Layer, Show
from ui.patient_group import compared_with, group_in

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
        self,
        radiograph: Radiograph,
        seen: ModelInput,
        scores: Scores,
        path: Path | None = None,
        check: InputCheck | None = None,
    ) -> None:
        self.filed = radiograph  # as its file says
        self.radiograph = radiograph  # as the reader compares it
        self.path = path  # of its file, for as long as that is at hand
        self.check = check  # None where the models have no input check
        self.seen = seen
        self.scores = scores
        self.heatmaps: tuple[Heatmap, ...] = ()  # the pair of one question, softmax first
        self.figure: tuple[Heatmap, ...] = ()  # the maps of Figure 2
        self.drawings: tuple[Heatmap, ...] = ()  # the pair, drawn from several seeds
        self.turn: Turn | None = None
        self.show = Show.HEAT
        self.layer = Layer.MAP
        self.look = USUAL
        self.ratio: CardiothoracicRatio | None = None  # of the radiograph itself, in its group
        self._measured: dict[tuple[str, Recipe], MapReading] = {}  # by group
        self._lock = Lock()

    @property
    def doubts(self) -> tuple[str, ...]:
        """What the input check has against the radiograph, one sentence each."""
        return () if self.check is None or self.check.ok else self.check.reasons

    @property
    def doubted(self) -> Radiograph:
        """The radiograph with the input check's doubts first among its warnings."""
        warnings = (*self.doubts, *self.radiograph.warnings)
        return replace(self.radiograph, warnings=warnings) if self.doubts else self.radiograph

    @property
    def group(self) -> str:
        """Whom the radiograph is compared with."""
        return group_in(self.radiograph)

    def compare_with(self, group: str) -> None:
        """Compare the radiograph with another group of normals; no map changes."""
        self.radiograph = compared_with(self.filed, group)

    def measured(self, recipe: Recipe) -> MapReading | None:
        """Return what was measured of a map, for the group of now; None if nothing was yet."""
        return self._measured.get((self.group, recipe))

    def keep_measured(self, recipe: Recipe, read: MapReading) -> None:
        """Keep what was measured of a map for as long as the radiograph is open."""
        self._measured[self.group, recipe] = read

    def settle_layer(self) -> None:
        """Go back from the layer of stability to the maps, where that was not drawn of them."""
        drawn = all(self.drawn_often(one.recipe) is not None for one in self.heatmaps)
        if self.layer is Layer.STABILITY and not (self.heatmaps and drawn):
            self.layer = Layer.MAP

    def drawn_often(self, recipe: Recipe) -> Heatmap | None:
        """Return a map that was drawn from several seeds, by the recipe that drew it once."""
        return next((one for one in self.drawings if same_but_seeds(one.recipe, recipe)), None)

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


def same_but_seeds(one: Recipe, other: Recipe) -> bool:
    """Whether two recipes differ in their seeds at most."""
    return replace(one, seeds=other.seeds) == other


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
