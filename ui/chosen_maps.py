"""Which maps a panel shows: those that somebody names, or the bundle's own choice."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from daug.bundle import Bundle, ClassCard
from daug.errors import RecipeError
from daug.findings import Activation, Direction, Finding
from daug.heatmap import Recipe, Scores

DISEASES = 3  # columns beside "+ No Finding"
MOST_COLUMNS = 8  # more cannot be read on one page
MINUS_SIGNS = ("-", "−", "–")  # as typed, and as typeset text pastes it
EXAMPLE = "no finding:+,cardiomegaly:-"


@dataclass(frozen=True)
class Ask:
    """One column of a panel: a word for a super-class, and more or less of it."""

    word: str
    direction: Direction


def default_asks(bundle: Bundle, scores: Scores) -> tuple[Ask, ...]:
    """Return "+ No Finding" and the three best-measured other super-classes.

    A disease that the classifier sees (its score is above its operating point) is asked for
    less of, any other for more of.

    Args:
        scores: Of the radiograph itself.
    """
    normal = [card for card in bundle.offered if Finding.NO_FINDING in card.findings]
    diseases = [card for card in bundle.offered if Finding.NO_FINDING not in card.findings]
    best = sorted(diseases, key=_least_telling)[:DISEASES]  # a stable sort: ties keep their order
    return (
        *(Ask(card.name, Direction.MORE) for card in normal),
        *(Ask(card.name, _direction(card, scores.sigmoid[card.name])) for card in best),
    )


def parse_asks(text: str) -> tuple[Ask, ...]:
    """Return the columns that a person names, as in "no finding:+,cardiomegaly:-".

    Raises:
        RecipeError: If a part lacks its super-class or its sign, or there are too many.
    """
    asks = tuple(_ask(part) for part in text.split(","))
    if len(asks) > MOST_COLUMNS:
        raise RecipeError(
            f"{len(asks)} maps were named, but a panel holds at most {MOST_COLUMNS} columns. "
            "Draw two panels."
        )
    return asks


def panel_recipes(bundle: Bundle, asks: Sequence[Ask], **changes: Any) -> tuple[Recipe, ...]:
    """Return a softmax and a sigmoid recipe for each column.

    Args:
        changes: Fields of the recipe that differ from the bundle's own.

    Raises:
        RecipeError: If a word means no super-class that is offered, or two mean the same column.
    """
    columns = [(bundle.card(ask.word).name, ask.direction) for ask in asks]
    for place, (name, direction) in enumerate(columns):
        if (name, direction) in columns[:place]:
            raise RecipeError(
                f"{direction.sign} {name} was named twice. Name each map once; its softmax and "
                "its sigmoid version are drawn together."
            )
    return tuple(
        bundle.recipe_for(name, direction, activation, **changes)
        for name, direction in columns
        for activation in (Activation.SOFTMAX, Activation.SIGMOID)
    )


def _ask(part: str) -> Ask:
    word, colon, sign = (piece.strip() for piece in part.rpartition(":"))
    signs = {"+": Direction.MORE, **dict.fromkeys(MINUS_SIGNS, Direction.LESS)}
    if not colon or not word or sign not in signs:
        raise RecipeError(
            f"{part.strip()!r} names no map. Write a super-class, a colon and + or -, "
            f"with commas between maps: {EXAMPLE!r}."
        )
    return Ask(word, signs[sign])


def _least_telling(card: ClassCard) -> tuple[bool, float]:
    measured = any(metrics.enough for metrics in card.metrics)
    return (not measured, -card.best_measured_auroc)


def _direction(card: ClassCard, score: float) -> Direction:
    seen = card.operating_point is not None and score > card.operating_point
    return Direction.LESS if seen else Direction.MORE
