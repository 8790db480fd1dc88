"""Small changes of position and grey level that a radiograph could have had anyway.

Chance and effect are apart: `draw` rolls the dice, `apply` is deterministic. Left and right are
never exchanged, since the heart's side and the side markers mean something.
"""

from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional as F

from daug.radiograph import AIR


@dataclass(frozen=True)
class AugmentationRange:
    """How far each property may move, either way."""

    degrees: float = 5.0
    zoom: float = 0.08  # share of the size
    shift: float = 0.04  # share of the side
    gain: float = 0.1  # share of the contrast
    offset: float = 0.05  # of the full range 2, in brightness
    gamma: float = 0.15  # in the exponent, as log2


@dataclass(frozen=True, eq=False)
class Augmentation:
    """What was drawn for each image of a batch."""

    matrix: Tensor  # (B, 2, 3), from output to input coordinates
    gain: Tensor  # (B, 1, 1, 1)
    offset: Tensor  # (B, 1, 1, 1)
    gamma: Tensor  # (B, 1, 1, 1)


def draw(limits: AugmentationRange, batch: int, generator: torch.Generator) -> Augmentation:
    """Roll the dice for a batch."""

    def uniform(limit: float) -> Tensor:
        return (torch.rand(batch, generator=generator) * 2 - 1) * limit

    angle = torch.deg2rad(uniform(limits.degrees))
    scale = 1 + uniform(limits.zoom)
    cos, sin = angle.cos() * scale, angle.sin() * scale
    # grid_sample's coordinates run from -1 to 1, so a share of the side counts twice.
    across, down = 2 * uniform(limits.shift), 2 * uniform(limits.shift)
    matrix = torch.stack([cos, -sin, across, sin, cos, down], dim=1).reshape(batch, 2, 3)

    def column(values: Tensor) -> Tensor:
        return values.reshape(batch, 1, 1, 1)

    return Augmentation(
        matrix,
        gain=column(1 + uniform(limits.gain)),
        offset=column(2 * uniform(limits.offset)),
        gamma=column(2 ** uniform(limits.gamma)),
    )


def apply(augmentation: Augmentation, images: Tensor) -> Tensor:
    """Return the moved images, (B, 1, H, W) in [-1, 1]; what comes in from outside is air."""
    grid = F.affine_grid(augmentation.matrix, list(images.shape), align_corners=False)
    moved = F.grid_sample(images - AIR, grid, align_corners=False)  # zero outside: air
    level = (moved / 2).clamp(0, 1) ** augmentation.gamma  # in [0, 1]
    return (2 * level * augmentation.gain - 1 + augmentation.offset * (level > 0)).clamp(-1, 1)
