"""A counterfactual heatmap, the recipe that redraws it, and what a screen sees of it on the way.

Jin et al. 2024, "DAug", arXiv:2412.04828, section 3; the default reference is ours.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from daug.errors import RecipeError
from daug.findings import Activation, Direction
from daug.radiograph import ModelInput

MOST_SMOOTHING = 0.1  # of the side; beyond, a map of a lung is one blot
DITHER = 0.02  # standard deviation, in pixel intensity (full range 2)


class Encoder(StrEnum):
    """How a radiograph is carried up to the noise level."""

    GAUSSIAN = "gaussian"  # white noise from the recipe's seed
    # The denoiser's own noise: nothing is left to chance with seed 0. Any other seed first adds
    # noise of DITHER to the radiograph, too little to be seen, to ask whether the map hangs on it.
    DDIM = "ddim"


class Reference(StrEnum):
    """What the counterfactual is compared with."""

    CONTROL = "control"  # the unguided reconstruction from the same noise
    INPUT = "input"  # the radiograph, as in the paper; shows what the model fails to rebuild, too


class Region(StrEnum):
    """Where the guidance may change the picture; elsewhere the counterfactual is the control."""

    PICTURE = "picture"  # everywhere, as in the paper
    CHEST = "chest"  # lungs, heart and all between them
    LUNGS = "lungs"
    SITE = "site"  # one of these, by where findings of the super-class occur


@dataclass(frozen=True)
class Recipe:
    """Everything that, beside the radiograph and the bundle, decides what a heatmap looks like."""

    super_class: str
    direction: Direction = Direction.MORE
    activation: Activation = Activation.SOFTMAX
    noise_level: int = 500  # L, in noising steps of the schedule; larger forgets more anatomy
    scale: float = 100.0  # s, weight of the classifier's gradient; 0 only rebuilds the radiograph
    num_steps: int = 25  # how many times the networks are asked on the way down
    encoder: Encoder = Encoder.GAUSSIAN
    reference: Reference = Reference.CONTROL
    seeds: tuple[int, ...] = (0,)  # one map for each, then their mean
    scheduler: str = "DDIM"  # the way down; see daug.sampler.SCHEDULERS
    within: Region = Region.PICTURE  # needs lungs and heart to be found; else the whole picture
    smoothing: float = 0.0  # sigma of the heat's Gaussian, in shares of the model's side

    def __post_init__(self) -> None:
        if not 0 < self.num_steps <= self.noise_level:
            raise RecipeError(
                f"num_steps must be in 1..noise_level ({self.noise_level}), got {self.num_steps}."
            )
        if not 0 <= self.scale < float("inf"):
            raise RecipeError(f"scale must be 0 or more, got {self.scale}.")
        if not self.seeds or len(set(self.seeds)) != len(self.seeds):
            raise RecipeError(f"seeds must be given and differ, got {self.seeds}.")
        if any(not 0 <= seed < 2**63 for seed in self.seeds):
            raise RecipeError(f"seeds must be in 0..2^63 - 1, got {self.seeds}.")
        if not 0 <= self.smoothing <= MOST_SMOOTHING:
            raise RecipeError(f"smoothing must be in 0..{MOST_SMOOTHING}, got {self.smoothing}.")

    def to_dict(self) -> dict[str, Any]:
        """Return plain values for JSON."""
        return {**asdict(self), "seeds": list(self.seeds)}

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> "Recipe":
        """Return the recipe that `to_dict` wrote.

        Raises:
            RecipeError: If a field is missing, unknown or out of range.
        """
        try:
            return cls(
                **{
                    **values,
                    "direction": Direction(values["direction"]),
                    "activation": Activation(values["activation"]),
                    "encoder": Encoder(values["encoder"]),
                    "reference": Reference(values["reference"]),
                    "seeds": tuple(values["seeds"]),
                    "within": Region(values.get("within", Region.PICTURE)),  # older ones lack it
                }
            )
        except (KeyError, TypeError, ValueError) as error:
            raise RecipeError(f"The recipe cannot be read: {error}.") from error


def heat_of(change: NDArray[np.float32], smoothing: float) -> NDArray[np.float32]:
    """Return the heat of one change, smoothed: how much each place changes, either way.

    A finding changes a patch in which pixels rise and fall by turns, so that the amount of change
    is smoothed and not the change itself, whose signs would cancel.

    Args:
        change: Signed, (S, S).
        smoothing: As in Recipe.
    """
    heat = np.abs(change)
    if smoothing == 0:
        return heat
    sigma = smoothing * change.shape[0]
    smooth = cv2.GaussianBlur(heat, (0, 0), sigma, borderType=cv2.BORDER_CONSTANT)
    return np.asarray(smooth, dtype=np.float32)


@dataclass(frozen=True, eq=False)
class Scores:
    """The classifier's opinion on one image at t = 0; model scores, not chances of disease."""

    names: tuple[str, ...]  # the offered super-classes
    logits: NDArray[np.float64]  # (C,)

    @property
    def sigmoid(self) -> dict[str, float]:
        """Each class by itself, in (0, 1)."""
        probabilities = 1 / (1 + np.exp(-self.logits))
        return dict(zip(self.names, map(float, probabilities), strict=True))

    @property
    def softmax(self) -> dict[str, float]:
        """Each class's share among the offered ones; the shares add up to 1."""
        weights = np.exp(self.logits - self.logits.max())
        return dict(zip(self.names, map(float, weights / weights.sum()), strict=True))

    def wanted(self, recipe: Recipe) -> float:
        """Return what the recipe's guidance raises: p or 1 - p under its activation."""
        shares = self.softmax if recipe.activation is Activation.SOFTMAX else self.sigmoid
        p = shares[recipe.super_class]
        return p if recipe.direction is Direction.MORE else 1 - p


@dataclass(frozen=True)
class HeatStatistics:
    """Size of the change over the radiograph's own area, in pixel intensity (full range 2)."""

    mean: float
    p99: float
    max: float


@dataclass(frozen=True, eq=False)
class Heatmap:
    """Where and how a radiograph would change if it showed more, or less, of a super-class.

    All maps are (S, S) on the model's square; `model_input` brings them back.
    """

    recipe: Recipe
    pixel_digest: str
    bundle_digest: str
    model_input: ModelInput
    seed_changes: NDArray[np.float32]  # (seeds, S, S), counterfactual minus reference
    counterfactual: NDArray[np.float32]  # mean over seeds, in [-1, 1]
    reference: NDArray[np.float32]  # mean over seeds, in [-1, 1]
    scores_input: Scores
    scores_before: Scores  # of the reference, mean over seeds
    scores_after: Scores  # of the counterfactual, mean over seeds
    step_logits: NDArray[np.float32]  # (num_steps, C), of x_t on the way down, mean over seeds
    region: NDArray[np.float32] | None = None  # (S, S), share of the guidance; None: 1 everywhere

    @property
    def change(self) -> NDArray[np.float32]:
        """The signed map: mean over seeds of counterfactual minus reference, (S, S)."""
        return np.asarray(self.seed_changes.mean(axis=0), dtype=np.float32)

    @property
    def heat(self) -> NDArray[np.float32]:
        """The absolute change, smoothed as the recipe has it, (S, S) in [0, 2]."""
        return heat_of(self.change, self.recipe.smoothing)

    def stability(self, mark: float) -> NDArray[np.float32]:
        """Return the share of seeds whose heat is above the mark, (S, S) in [0, 1]."""
        lit = [heat_of(change, self.recipe.smoothing) > mark for change in self.seed_changes]
        return np.asarray(np.mean(lit, axis=0), dtype=np.float32)

    @property
    def statistics(self) -> HeatStatistics:
        """Mean, 99th percentile and maximum of the heat where the radiograph is."""
        area = self.model_input
        inside = self.heat[area.top : area.top + area.height, area.left : area.left + area.width]
        return HeatStatistics(
            float(inside.mean()), float(np.percentile(inside, 99)), float(inside.max())
        )


@dataclass(frozen=True, eq=False)
class Preview:
    """How far the maps are; what a screen shows while it waits."""

    done: int  # steps of the way down, over all seeds; 0 until the radiograph is encoded
    total: int
    t: int  # the timestep just left, or on the way up just reached
    changes: NDArray[np.float32]  # (maps, S, S), what is believed so far
    encoded: int = 0  # steps of the way up, where the encoder takes any
    encode_total: int = 0
