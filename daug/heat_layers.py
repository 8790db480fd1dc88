"""What several maps of one question say together: how stable heat is, and where two ways differ.

All on the model's square, (S, S), above a mark in pixel intensity (full range 2).
"""

from dataclasses import dataclass
from enum import IntEnum
from typing import Any

import numpy as np
from numpy.typing import NDArray

from daug.errors import RecipeError
from daug.heatmap import Heatmap

MOST = 7 / 8  # of the drawings: heat that shows in so many is called stable


@dataclass(frozen=True)
class Stability:
    """How much of what is lit stays lit when the map is drawn from other noise."""

    drawings: int
    mark: float  # above which a pixel is lit, in pixel intensity
    lit: float  # share of the radiograph that is lit in any drawing
    stable: float | None  # of that, the share that is lit in nearly all; None if nothing is lit
    peak: float  # share of the drawings in which the mean map's hottest pixel is lit

    @property
    def in_words(self) -> str:
        """One line for a screen."""
        times = round(self.peak * self.drawings)
        if self.stable is None:
            return f"nothing above the mark in any of {self.drawings} drawings"
        return (
            f"hottest place lit in {times} of {self.drawings} drawings; "
            f"{100 * self.stable:.0f} % of what is lit in any is lit in nearly all"
        )

    def to_dict(self) -> dict[str, Any]:
        """Return plain values for JSON."""
        return dict(self.__dict__)


def stability_of(heatmap: Heatmap, mark: float) -> Stability:
    """Return how stable a map of several seeds is.

    Raises:
        RecipeError: If it has one seed alone.
    """
    drawings = len(heatmap.seed_changes)
    if drawings < 2:
        raise RecipeError("One drawing has no stability. Draw the map with several seeds.")
    seen = heatmap.model_input
    area = (
        slice(seen.top, seen.top + seen.height),
        slice(seen.left, seen.left + seen.width),
    )
    often = heatmap.stability(mark)[area]  # (H', W')
    lit = often > 0
    hottest = np.unravel_index(int(heatmap.heat[area].argmax()), often.shape)
    return Stability(
        drawings=drawings,
        mark=mark,
        lit=float(lit.mean()),
        stable=float((often[lit] >= MOST).mean()) if lit.any() else None,
        peak=float(often[hottest]),
    )


class ShownBy(IntEnum):
    """Which activation lights a pixel."""

    NEITHER = 0
    SOFTMAX = 1
    SIGMOID = 2
    BOTH = 3


def shown_by(
    softmax: NDArray[np.floating],
    sigmoid: NDArray[np.floating],
    softmax_mark: float,
    sigmoid_mark: float,
) -> NDArray[np.uint8]:
    """Return, for each pixel, a ShownBy: the map of where the two ways disagree.

    Args:
        softmax: Heat of the softmax-guided map, (H, W), at least 0.
        sigmoid: Of the sigmoid-guided one, same shape.
        softmax_mark: Above which a pixel is lit.
        sigmoid_mark: Likewise; the two activations move pixels by different amounts.

    Raises:
        RecipeError: If their shapes differ.
    """
    if softmax.shape != sigmoid.shape:
        raise RecipeError(
            f"Two maps of one radiograph are needed, got {softmax.shape} and {sigmoid.shape}."
        )
    lit = (softmax > softmax_mark).astype(np.uint8)
    return np.asarray(lit + 2 * (sigmoid > sigmoid_mark), dtype=np.uint8)
