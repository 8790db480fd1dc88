"""Findings that only add density: painted onto any chest whose organs are known, drawn or real."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from daug.errors import RadiographError
from daug.findings import Finding
from daug.organs import Mask, OrganMasks
from daug.phantom.canvas import Layer
from daug.phantom.consolidation import consolidation_density, draw_consolidation
from daug.phantom.devices import device_density, draw_devices
from daug.phantom.effusion import draw_effusion, effusion_density
from daug.phantom.landmarks import Landmarks, find_landmarks
from daug.phantom.nodules import draw_nodules, nodule_density
from daug.radiograph import AIR

LEAST_LIGHT = np.float32(1e-3)  # of 2, where a pixel is all but white
FAINTEST = 0.02  # density that is still drawn, about 2 % of the light; fainter is left out


@dataclass(frozen=True, eq=False)
class Painted:
    """A picture with a finding on it, and exactly where it differs from the one without."""

    pixels: NDArray[np.float32]  # (H, W) in [-1, 1]
    mask: Mask  # (H, W); every pixel outside is the original's, bit for bit


def _nodules(generator: np.random.Generator, landmarks: Landmarks) -> Layer:
    return nodule_density(draw_nodules(generator), landmarks)


def _consolidation(generator: np.random.Generator, landmarks: Landmarks) -> Layer:
    return consolidation_density(draw_consolidation(generator), landmarks)


def _effusion(generator: np.random.Generator, landmarks: Landmarks) -> Layer:
    return effusion_density(draw_effusion(generator), landmarks)


def _devices(generator: np.random.Generator, landmarks: Landmarks) -> Layer:
    return device_density(draw_devices(generator), landmarks)


PAINTERS: Mapping[Finding, Callable[[np.random.Generator, Landmarks], Layer]] = {
    Finding.LUNG_LESION: _nodules,
    Finding.CONSOLIDATION: _consolidation,
    Finding.PLEURAL_EFFUSION: _effusion,
    Finding.SUPPORT_DEVICES: _devices,
}


def paint(
    finding: Finding,
    pixels: NDArray[np.float32],
    organs: OrganMasks,
    generator: np.random.Generator,
) -> Painted:
    """Paint a finding onto a radiograph of a chest that does not show it.

    The finding weakens the light that came through: 1 - (1 - gray) exp(-density), which is right
    where gray levels are about linear in the light, and plausible where they are not. Rows and
    columns at the border that hold nothing but air are padding and stay as they are.

    Args:
        finding: Lung Lesion (nodules), Consolidation, Pleural Effusion or Support Devices.
        pixels: The radiograph, (H, W) in [-1, 1], air dark; the patient's left on the right.
        organs: Where its lungs and heart lie, masks of the same shape.
        generator: Source of all chance.

    Raises:
        RadiographError: If a lung or the heart is missing, the masks have another shape, or the
            finding is one that moves anatomy or is not drawn at all.
    """
    if finding not in PAINTERS:
        raise RadiographError(
            f"{finding} cannot be painted onto a radiograph: it is not drawn here, or it moves "
            f"organs. Choose one of {', '.join(PAINTERS)}."
        )
    if pixels.shape != organs.shape:
        raise RadiographError(
            f"The radiograph measures {pixels.shape} pixels but the masks of its organs "
            f"{organs.shape}. Give masks of the same picture."
        )
    landmarks = find_landmarks(organs)
    gray = np.asarray(pixels, dtype=np.float32)
    density = PAINTERS[finding](generator, landmarks) * _exposed(gray)
    if finding is Finding.PLEURAL_EFFUSION:
        density = np.minimum(density, _up_to_the_heart(gray, organs))
    density = kept(density)
    mask = density > 0
    return Painted(np.where(mask, 1 - (1 - gray) * np.exp(-density), gray), mask)


def kept(density: Layer) -> Layer:
    """Return a density without what is too faint to be seen, so that its mask has an edge."""
    return np.where(density > FAINTEST, density, np.float32(0))


def _up_to_the_heart(gray: NDArray[np.float32], organs: OrganMasks) -> Layer:
    """Return the density that makes each pixel as bright as the heart, where it is not yet.

    Fluid and heart weaken rays alike; more would show the lung's border as an edge in the fluid.
    """
    heart = np.float32(np.median(gray[organs.heart]))
    light = np.maximum(1 - gray, LEAST_LIGHT) / max(1 - heart, LEAST_LIGHT)
    return np.log(light).clip(min=0).astype(np.float32)


def _exposed(pixels: NDArray[np.float32]) -> Mask:
    """Return everything but the rows and columns at the border that show air alone, (H, W)."""
    shows = pixels > AIR
    rows, columns = np.flatnonzero(shows.any(axis=1)), np.flatnonzero(shows.any(axis=0))
    exposed = np.zeros(pixels.shape, dtype=np.bool_)
    if rows.size:
        exposed[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1] = True
    return exposed
