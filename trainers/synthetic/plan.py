"""How many radiographs of which kind are to be drawn, and the recipes to try for each."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace

from daug.bundle import Bundle
from daug.errors import RecipeError
from trainers.synthetic.recipe import Aim, DrawRecipe

UNCONDITIONAL = "unconditional"
SEEDS_APART = 100_000  # between kinds, so that no two pictures of a plan grow from the same noise


@dataclass(frozen=True)
class Kind:
    """Some pictures that differ in nothing but their seeds."""

    count: int
    first: DrawRecipe  # its seed is the first that is tried
    later: tuple[DrawRecipe, ...] = ()  # of the same noise each time: the same anatomy, changed

    @property
    def title(self) -> str:
        """What the pictures are called."""
        return ", then ".join(recipe.title for recipe in (self.first, *self.later))

    def recipes(self, without: Sequence[int] = ()) -> Iterator[DrawRecipe]:
        """Yield the first recipes to try, seed after seed, without some left out by eye."""
        return (series[0] for series in self.series(without))

    def series(self, without: Sequence[int] = ()) -> Iterator[tuple[DrawRecipe, ...]]:
        """Yield what is drawn from the same noise, in its order, seed after seed."""
        for seed in range(self.first.seed, self.first.seed + SEEDS_APART):
            if seed not in without:
                yield tuple(replace(recipe, seed=seed) for recipe in (self.first, *self.later))


@dataclass(frozen=True)
class Settings:
    """What all pictures of a plan have in common."""

    seed: int = 0
    scale: float = 10.0
    guided_below: int = 1000
    num_steps: int = 50
    asked: float = 0.5  # sigmoid score that a guided picture must reach
    tries: float = 6.0  # at most so many pictures are drawn for each that is wanted
    without: tuple[int, ...] = field(default=())  # seeds left out by eye


def even_plan(bundle: Bundle, count: int, settings: Settings) -> list[Kind]:
    """Return as many pictures towards each offered super-class, and the rest unconditional."""
    names = [card.name for card in bundle.offered]
    each = count // (len(names) + 1)
    wanted = {UNCONDITIONAL: count - each * len(names), **dict.fromkeys(names, each)}
    return _kinds(bundle, {kind: n for kind, n in wanted.items() if n}, settings)


def parse_plan(bundle: Bundle, text: str, settings: Settings) -> list[Kind]:
    """Return the plan that a person wrote.

    Args:
        bundle: Knows which super-classes are offered.
        text: For instance "unconditional:6, pleural:4, pleural+atelectasis:2".
        settings: For all of them.

    Raises:
        RecipeError: If a word is not understood, or a super-class is not offered.
    """
    wanted: dict[str, int] = {}
    for part in filter(None, (word.strip() for word in text.split(","))):
        kind, colon, number = part.rpartition(":")
        if not colon or not number.strip().isdecimal() or int(number) < 1:
            raise RecipeError(
                f"{part!r} is not understood. Write what to draw and how many, for instance "
                f"{UNCONDITIONAL}:6,pleural:4,pleural+atelectasis:2."
            )
        wanted[kind.strip()] = wanted.get(kind.strip(), 0) + int(number)
    if not wanted:
        raise RecipeError("The plan is empty. Name at least one kind of picture and how many.")
    return _kinds(bundle, wanted, settings)


def _kinds(bundle: Bundle, wanted: dict[str, int], settings: Settings) -> list[Kind]:
    return [
        Kind(
            count,
            DrawRecipe(
                seed=settings.seed + index * SEEDS_APART,
                aims=_aims(bundle, words, settings.scale),
                num_steps=settings.num_steps,
                guided_below=settings.guided_below,
            ),
        )
        for index, (words, count) in enumerate(wanted.items())
    ]


def _aims(bundle: Bundle, words: str, scale: float) -> tuple[Aim, ...]:
    if words.casefold() == UNCONDITIONAL:
        return ()
    return tuple(Aim(bundle.card(word.strip()).name, scale=scale) for word in words.split("+"))
