"""Draw until enough pictures are no copies, look like a chest, and show what they should."""

import logging
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
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

Agrees = Callable[[DrawRecipe, Mapping[str, float]], bool]  # whether the scores suit the recipe
Marking = Callable[[Picture], Picture]  # what is done to a picture before anybody sees it


SERIES = "series"  # nothing is wrong with it, but with another picture of the same noise


@dataclass(frozen=True, eq=False)
class Drawn:
    """A picture that was kept."""

    recipe: DrawRecipe
    picture: Picture  # (S, S), unmarked
    scores: dict[str, float]  # sigmoid, at t = 0, of the picture as it will be seen
    distances: Distances


@dataclass
class Tally:
    """What became of everything that was drawn."""

    drawn: int = 0
    kept: int = 0
    dropped: Counter[str] = field(default_factory=Counter)  # by reason; a picture can have two

    def to_dict(self) -> dict[str, Any]:
        """Return plain numbers for the report."""
        reasons = ["hash", "features", "strange", "score"]
        if SERIES in self.dropped:
            reasons.append(SERIES)
        return {
            "drawn": self.drawn,
            "kept": self.kept,
            "dropped": {reason: self.dropped[reason] for reason in reasons},
            "dropped_as_copies": self.dropped["copy"],
        }


def select_pictures(
    drawer: Drawer,
    check: CopyCheck,
    plan: Sequence[Kind],
    settings: Settings,
    cache: Path,
    agrees: Agrees | None = None,
    marking: Marking | None = None,
) -> tuple[list[Drawn], Tally]:
    """Return as many pictures of each kind as are wanted, and what became of the others.

    Pictures are tried in the order of their seeds, so the choice is the same the next time. What
    is drawn from the same noise is kept or dropped together.

    Args:
        drawer: With the networks.
        check: Finds copies.
        plan: What is wanted.
        settings: For all of them.
        cache: Folder of drawn pictures.
        agrees: Whether the classifier does; if none, when every aim scores what was asked.
        marking: If given, scores are of the picture marked by it: small pictures score otherwise
            with the mark. The copy check always sees the unmarked one.

    Raises:
        TrainingError: If too few of a kind pass within the tries allowed.
    """

    def reached_all(recipe: DrawRecipe, scores: Mapping[str, float]) -> bool:
        return reached(recipe, scores, settings.asked)

    judge = _Judge(drawer, check, agrees or reached_all, marking)
    tally = Tally()
    kept: list[Drawn] = []
    for kind in plan:
        kept.extend(_fill(judge, kind, settings, cache, tally))
    return kept, tally


@dataclass(frozen=True)
class _Judge:
    """Says what is wrong with a picture."""

    drawer: Drawer
    check: CopyCheck
    agrees: Agrees
    marking: Marking | None

    def __call__(self, recipe: DrawRecipe, picture: Picture) -> tuple[Drawn, list[str]]:
        """Return a picture with what was found of it, and why it is dropped, if it is."""
        seen = picture if self.marking is None else self.marking(picture)
        drawn = Drawn(recipe, picture, self.drawer.scores(seen), self.check.distances(picture))
        reasons = list(self.check.held_out.copied_by(drawn.distances))
        if reasons:
            reasons.append("copy")
        if self.check.held_out.is_strange(drawn.distances):
            reasons.append("strange")
        if not self.agrees(recipe, drawn.scores):
            reasons.append("score")
        return drawn, reasons


def _fill(judge: _Judge, kind: Kind, settings: Settings, cache: Path, tally: Tally) -> list[Drawn]:
    kept: list[Drawn] = []
    most = round(kind.count * settings.tries)
    tried = islice(kind.series(settings.without), most)
    done = 0
    while done < kind.count:
        batch = list(islice(tried, kind.count - done))
        if not batch:
            raise TrainingError(
                f"Only {done} of {kind.count} pictures ({kind.title}) passed among "
                f"{most} that were drawn ({dict(tally.dropped)} dropped so far). Allow more with "
                "--tries, change --scale or --seed, or ask for fewer or a lower --score."
            )
        recipes = [recipe for series in batch for recipe in series]
        pictures = draw_remembered(judge.drawer, recipes, cache)
        for series in batch:
            passed = _passed([judge(recipe, pictures[recipe]) for recipe in series], tally)
            kept.extend(passed)
            done += bool(passed)
        logger.info("%s: %d of %d", kind.title, done, kind.count)
    return kept


def _passed(judged: Sequence[tuple[Drawn, list[str]]], tally: Tally) -> list[Drawn]:
    """Return all pictures of one noise, or none of them; count them either way."""
    tally.drawn += len(judged)
    if not any(reasons for _, reasons in judged):
        tally.kept += len(judged)
        return [drawn for drawn, _ in judged]
    for _, reasons in judged:
        tally.dropped.update(reasons or [SERIES])
    return []
