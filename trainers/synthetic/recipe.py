"""What is to be drawn from nothing but noise: everything that decides a synthetic radiograph."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from daug.errors import RecipeError
from daug.findings import Activation, Direction
from daug.schedule import TIMESTEPS

STOCHASTIC = "Euler ancestral"  # by eye: DDIM's pictures are flatter for the same number of steps


@dataclass(frozen=True)
class Aim:
    """One super-class that a picture is guided towards, or away from."""

    super_class: str
    direction: Direction = Direction.MORE
    activation: Activation = Activation.SOFTMAX
    scale: float = 10.0  # s, weight of the classifier's gradient

    def __post_init__(self) -> None:
        if not 0 <= self.scale < float("inf"):
            raise RecipeError(f"scale must be 0 or more, got {self.scale}.")


@dataclass(frozen=True)
class DrawRecipe:
    """Everything that, beside the bundle, decides a synthetic radiograph."""

    seed: int
    aims: tuple[Aim, ...] = ()  # none: unconditional
    num_steps: int = 50  # how many times the networks are asked
    scheduler: str = STOCHASTIC
    guided_below: int = TIMESTEPS  # the classifier is asked only where t is smaller

    def __post_init__(self) -> None:
        if not 0 <= self.seed < 2**62:
            raise RecipeError(f"seed must be in 0..2^62 - 1, got {self.seed}.")
        if not 1 <= self.num_steps <= TIMESTEPS:
            raise RecipeError(f"num_steps must be in 1..{TIMESTEPS}, got {self.num_steps}.")
        if len({aim.super_class for aim in self.aims}) < len(self.aims):
            raise RecipeError("A picture is guided by each super-class at most once.")

    @property
    def title(self) -> str:
        """What the picture is called."""
        words = {Direction.MORE: "towards", Direction.LESS: "away from"}
        said = [f"{words[aim.direction]} {aim.super_class}" for aim in self.aims]
        whole = " and ".join(said) or "unconditional"
        return whole[0].upper() + whole[1:]

    def to_dict(self) -> dict[str, Any]:
        """Return plain values for JSON."""
        return {**asdict(self), "aims": [asdict(aim) for aim in self.aims]}

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> "DrawRecipe":
        """Return the recipe that `to_dict` wrote.

        Raises:
            RecipeError: If a field is missing, unknown or out of range.
        """
        try:
            aims = tuple(_aim(aim) for aim in values["aims"])
            return cls(**{**values, "aims": aims})
        except (KeyError, TypeError, ValueError) as error:
            raise RecipeError(f"This is no recipe of a synthetic radiograph: {error}.") from error


def _aim(values: Mapping[str, Any]) -> Aim:
    return Aim(
        **{
            **values,
            "direction": Direction(values["direction"]),
            "activation": Activation(values["activation"]),
        }
    )


def reached(recipe: DrawRecipe, scores: Mapping[str, float], asked: float) -> bool:
    """Return whether the classifier believes in every aim as much as was asked.

    Args:
        recipe: Without an aim, everything is reached.
        scores: Sigmoid scores at t = 0 by super-class.
        asked: A score is enough from here on, in [0, 1]; for less of a class, 1 - score.
    """

    def wanted(aim: Aim) -> float:
        score = scores[aim.super_class]
        return score if aim.direction is Direction.MORE else 1 - score

    return all(wanted(aim) >= asked for aim in recipe.aims)
