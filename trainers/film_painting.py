"""Findings painted onto films as they were exposed and printed, rather than as phantoms are.

The painters suppose that light and gray level go together up to white, as on a phantom. On many
real films the heart is mid-gray, and the lungs are little darker: there a consolidation painted
in full would outshine the heart. So a film is first brought to a phantom's contrast between lungs
and heart, and what was painted is brought back.

Fluid is painted by what the tissue around it is like: as bright as the heart, or as what lies
below the lungs if that is darker, with ribs and grain still to be seen in it.
"""

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from daug.errors import RadiographError
from daug.findings import Finding
from daug.organs import Mask, OrganMasks
from daug.phantom import Painted, paint
from daug.radiograph import AIR

Gray = NDArray[np.float32]  # (H, W) in [-1, 1]
WHITE = 1.0

MOST_LIGHT = 0.4  # through the heart, as a share of that through the lungs; phantoms .31 to .42
GRAIN = 0.03  # sigma below which texture is kept in fluid, in shares of the picture's width
BELOW = 0.12  # of the lungs' height: the band under them that fluid is compared with
LEAST_PIXELS = 20  # of it


@dataclass(frozen=True)
class Exposure:
    """How a film's gray levels go with those that the painters expect."""

    white: float  # the film's gray level where no light comes through; 1 on a phantom

    def expected(self, gray: Gray) -> Gray:
        """Return a film as the painters expect it, (H, W); air stays air."""
        return (gray.clip(max=self.white) - np.float32(AIR)) * self._stretch + np.float32(AIR)

    def on_film(self, expected: Gray) -> Gray:
        """Return expected gray levels as they are on the film, (H, W)."""
        return (expected - np.float32(AIR)) / self._stretch + np.float32(AIR)

    @property
    def _stretch(self) -> np.float32:
        return np.float32((WHITE - AIR) / (self.white - AIR))


def paint_film(
    finding: Finding, film: Gray, organs: OrganMasks, generator: np.random.Generator
) -> Painted:
    """Paint a finding onto a real radiograph, as `daug.phantom.paint` does onto a phantom.

    Args:
        finding: One of `daug.phantom.PAINTERS`.
        film: The radiograph, (H, W) in [-1, 1].
        organs: Where its lungs and heart lie, (H, W).
        generator: Source of all chance.

    Raises:
        RadiographError: If the painter refuses, or the lungs are no darker than the heart.
    """
    if finding is Finding.SUPPORT_DEVICES:  # metal is white on any film
        return paint(finding, film, organs, generator)
    exposure = exposure_of(film, organs)
    gray = exposure.expected(film)
    if finding is Finding.PLEURAL_EFFUSION:
        painted = _fluid(gray, organs, generator)
    else:
        painted = paint(finding, gray, organs, generator)
    mask = painted.mask & (film < exposure.white)
    return Painted(np.where(mask, exposure.on_film(painted.pixels), film), mask)


def exposure_of(film: Gray, organs: OrganMasks) -> Exposure:
    """Return how a film was exposed, by its lungs and heart; a contrasty film is left as it is.

    Raises:
        RadiographError: If an organ is missing, or the lungs are no darker than the heart.
    """
    lungs = organs.lungs & ~organs.heart
    if not lungs.any() or not organs.heart.any():
        raise RadiographError("Lungs and heart are needed to tell how a radiograph was exposed.")
    dark, bright = float(np.median(film[lungs])), float(np.median(film[organs.heart]))
    if dark >= bright:
        raise RadiographError(
            "The lungs are no darker than the heart, so this is no usual radiograph of a chest. "
            "Check whether it is inverted, and its masks."
        )
    # the white for which (white - bright) is MOST_LIGHT of (white - dark)
    return Exposure(min(WHITE, (bright - MOST_LIGHT * dark) / (1 - MOST_LIGHT)))


def _fluid(gray: Gray, organs: OrganMasks, generator: np.random.Generator) -> Painted:
    """Paint an effusion whose density hangs on the lung's light, not on each rib's."""
    smooth = np.where(organs.lungs, _blurred_inside(gray, organs.lungs), gray)
    painted = paint(Finding.PLEURAL_EFFUSION, smooth, organs, generator)
    limit = np.maximum(smooth, np.float32(_below_lungs(gray, organs)))
    level = np.minimum(painted.pixels, limit)
    light = (1 - level) / np.maximum(1 - smooth, np.float32(1e-3))  # share that the fluid lets by
    mask = painted.mask & (light < 1)
    return Painted(np.where(mask, 1 - (1 - gray) * light, gray), mask)


def _blurred_inside(gray: Gray, mask: Mask) -> Gray:
    """Return what is smooth of a picture inside a mask, without what lies outside it, (H, W)."""
    sigma = GRAIN * gray.shape[1]
    weight = cv2.GaussianBlur(mask.astype(np.float32), (0, 0), sigma)
    blurred = cv2.GaussianBlur(np.where(mask, gray, np.float32(0)), (0, 0), sigma)
    return np.asarray(blurred / np.maximum(weight, np.float32(1e-6)), dtype=np.float32)


def _below_lungs(gray: Gray, organs: OrganMasks) -> float:
    """Return how bright the tissue just below the lungs is; white where none is on the film."""
    rows = np.flatnonzero(organs.lungs.any(axis=1))
    reach = max(1, round(BELOW * (rows[-1] - rows[0])))
    lower = organs.lungs.copy()
    lower[: (rows[0] + rows[-1]) // 2] = False
    shifted = np.zeros_like(lower)
    shifted[reach:] = lower[:-reach]
    band = shifted & ~organs.chest
    return float(np.median(gray[band])) if band.sum() >= LEAST_PIXELS else WHITE
