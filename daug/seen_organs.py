"""What a segmenter says of one picture: how likely each pixel belongs to each organ.

Masks come from it at any resolution. They are cut at one half after the probabilities were
enlarged, so their borders are finer than the model's pixels; widths are best measured on those.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property

import cv2
import numpy as np
from numpy.typing import NDArray

from daug.errors import RadiographError
from daug.organs import ORGANS, Mask, OrganMasks
from daug.radiograph import ModelInput

MIN_SHARE = 0.002  # of the picture; what is smaller is no organ


@dataclass(frozen=True, eq=False)
class SeenOrgans:
    """Lungs and heart of one picture on the model's square, as far as a segmenter sees them."""

    probability: NDArray[np.float32]  # (3, S, S) in [0, 1], in the order of ORGANS

    def __post_init__(self) -> None:
        shape = self.probability.shape
        if len(shape) != 3 or shape[0] != len(ORGANS) or shape[1] != shape[2]:
            raise RadiographError(
                f"Probabilities of {len(ORGANS)} organs on a square are needed, got shape {shape}."
            )

    @cached_property
    def organs(self) -> OrganMasks:
        """Masks on the model's square, (S, S)."""
        return _masks(self.probability)

    @cached_property
    def confidence(self) -> dict[str, float]:
        """How sure the segmenter is of each organ, in [0, 1]; 0 where it found none.

        It is the Dice overlap between the probabilities and the mask that was made of them: 1 if
        every pixel is certain, less for blurred borders and for what lies apart from the organ.
        """
        pairs = zip(self.organs.by_name.items(), self.probability, strict=True)
        return {
            name: float(2 * p[mask].sum() / max(p.sum() + mask.sum(), 1))
            for (name, mask), p in pairs
        }

    def finer(self, factor: int) -> OrganMasks:
        """Return masks on a square of `factor` times the model's side."""
        side = self.probability.shape[1] * factor
        linear = cv2.INTER_LINEAR
        return _masks(cv2.resize(p, (side, side), interpolation=linear) for p in self.probability)

    def on_radiograph(self, model_input: ModelInput, shape: tuple[int, int]) -> OrganMasks:
        """Return masks on the radiograph's own pixels.

        Args:
            model_input: What the segmenter saw; says where the radiograph lies on the square.
            shape: Rows and columns of the radiograph.
        """
        return _masks(model_input.to_radiograph(p, shape) for p in self.probability)


def clean_mask(mask: Mask) -> Mask:
    """Return the largest connected part of a mask, its holes filled; nothing if it is tiny."""
    count, labels, stats, _ = cv2.connectedComponentsWithStats(mask.astype(np.uint8))
    if count < 2:
        return np.zeros_like(mask)
    areas = stats[1:, cv2.CC_STAT_AREA]
    if areas.max() < MIN_SHARE * mask.size:
        return np.zeros_like(mask)
    largest = (labels == 1 + int(areas.argmax())).astype(np.uint8)
    outlines, _ = cv2.findContours(largest, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
    cv2.drawContours(largest, outlines, -1, 1, cv2.FILLED)
    return np.asarray(largest, dtype=np.bool_)


def _masks(probabilities: Iterable[NDArray[np.floating]]) -> OrganMasks:
    return OrganMasks(*(clean_mask(p > 0.5) for p in probabilities))
