"""Maps that never look for disease: what any method has to beat.

Much disease is in the middle of the lungs, so a map that always points there scores well.
"""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from daug.organs import OrganMasks
from daug.radiograph import ModelInput
from trainers.evaluation.localisation.area import area_of

FindOrgans = Callable[[ModelInput], OrganMasks | None]

SPREAD = 0.25  # of the Gaussian, as a share of the radiograph's height and width
CHANCE_DRAWS = 8  # averaged for each radiograph


def centre(seen: ModelInput) -> NDArray[np.float32]:
    """Return a Gaussian in the middle of the radiograph, (S, S)."""
    heat = np.zeros(seen.pixels.shape, dtype=np.float32)
    down, across = (_bell(length) for length in (seen.height, seen.width))
    heat[area_of(seen)] = down[:, None] * across[None, :]
    return heat


def chance(seen: ModelInput, seed: int) -> NDArray[np.float32]:
    """Return several uniformly random maps, (CHANCE_DRAWS, S, S)."""
    generator = np.random.default_rng(seed)
    return generator.random((CHANCE_DRAWS, *seen.pixels.shape), dtype=np.float32)


def lungs(seen: ModelInput, find_organs: FindOrgans) -> NDArray[np.float32] | None:
    """Return 1 in both lungs and 0 elsewhere, (S, S), or None where no lung is found."""
    organs = find_organs(seen)
    if organs is None or not organs.lungs.any():
        return None
    return organs.lungs.astype(np.float32)


def _bell(length: int) -> NDArray[np.float32]:
    places = (np.arange(length, dtype=np.float32) + 0.5) / length - 0.5
    return np.asarray(np.exp(-((places / SPREAD) ** 2) / 2), dtype=np.float32)
