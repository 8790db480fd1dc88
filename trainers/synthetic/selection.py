"""Draw until enough pictures are no copies, look like a chest, and show what they should."""

import logging
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import Any

from daug.errors import TrainingError
from trainers.synthetic.copy_check import CopyCheck, Distances
from trainers.synthetic.drawing import Drawer, Picture, draw_remembered
from trainers.synthetic.plan import Kind, Settings
from trainers.synthetic.recipe import DrawRecipe, reached

logger = logging.getLogger(__name__)


@dataclass(frozen=True, eq=False)
class Drawn:
    """A picture that was kept."""

    recipe: DrawRecipe
    picture: Picture  # (S, S), unmarked
    scores: dict[str, float]  # sigmoid, at t = 0
    distances: Distances


@dataclass
class Tally:
    """What became of everything that was drawn."""

    drawn: int = 0
    kept: int = 0
    dropped: Counter[str] = field(default_factory=Counter)  # by reason; a picture can have two

    def to_dict(self) -> dict[str, Any]:
        """Return plain numbers for the report."""
        reasons = ("hash", "features", "strange", "score")
        return {
            "drawn": self.drawn,
            "kept": self.kept,
            "dropped": {reason: self.dropped[reason] for reason in reasons},
            "dropped_as_copies": self.dropped["copy"],
        }


def select_pictures(
    drawer: Drawer, check: CopyCheck, plan: Sequence[Kind], settings: Settings, cache: Path
) -> tuple[list[Drawn], Tally]:
    """Return as many pictures of each kind as are wanted, and what became of the others.

    Pictures are tried in the order of their seeds, so the choice is the same the next time.

    Raises:
        TrainingError: If too few of a kind pass within the tries allowed.
    """
    tally = Tally()
    kept: list[Drawn] = []
    for kind in plan:
        kept.extend(_fill(drawer, check, kind, settings, cache, tally))
    return kept, tally


def _fill(
    drawer: Drawer, check: CopyCheck, kind: Kind, settings: Settings, cache: Path, tally: Tally
) -> list[Drawn]:
    kept: list[Drawn] = []
    most = round(kind.count * settings.tries)
    recipes = islice(kind.recipes(settings.without), most)
    while len(kept) < kind.count:
        batch = list(islice(recipes, kind.count - len(kept)))
        if not batch:
            raise TrainingError(
                f"Only {len(kept)} of {kind.count} pictures ({kind.first.title}) passed among "
                f"{most} that were drawn ({dict(tally.dropped)} dropped so far). Allow more with "
                "--tries, change --scale or --seed, or ask for fewer or a lower --score."
            )
        pictures = draw_remembered(drawer, batch, cache)
        for recipe in batch:
            drawn, reasons = _judge(drawer, check, recipe, pictures[recipe], settings)
            tally.drawn += 1
            tally.dropped.update(reasons)
            if not reasons:
                kept.append(drawn)
                tally.kept += 1
        logger.info("%s: %d of %d", kind.first.title, len(kept), kind.count)
    return kept


def _judge(
    drawer: Drawer, check: CopyCheck, recipe: DrawRecipe, picture: Picture, settings: Settings
) -> tuple[Drawn, list[str]]:
    """Return a picture with what was found of it, and why it is dropped, if it is."""
    drawn = Drawn(recipe, picture, drawer.scores(picture), check.distances(picture))
    reasons = list(check.held_out.copied_by(drawn.distances))
    if reasons:
        reasons.append("copy")
    if check.held_out.is_strange(drawn.distances):
        reasons.append("strange")
    if not reached(recipe, drawn.scores, settings.asked):
        reasons.append("score")
    return drawn, reasons
