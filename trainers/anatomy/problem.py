"""Train the anatomy model: lungs and heart as overlapping masks.

The loss is the binary cross-entropy of every pixel plus one minus the soft Dice of every organ
(Milletari et al. 2016, "V-Net", arXiv:1606.04797): the first makes probabilities, the second keeps
a small organ from being outvoted by its background.
"""

import logging
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional as F

from daug.anatomy_network import AnatomyConfig, AnatomyNet, load_anatomy, save_anatomy
from daug.errors import TrainingError
from daug.organs import ORGANS
from trainers.anatomy.disturbances import add_borders, add_objects, change_levels, degrade
from trainers.anatomy.opacities import paint_fluid, paint_opacities
from trainers.anatomy.surroundings import add_surroundings
from trainers.anatomy.warping import WarpRange, draw_warp, warp
from trainers.pixels import to_model_range

logger = logging.getLogger(__name__)

PLAIN_SHARE = 0.1  # of the examples, shown as they are


@dataclass(frozen=True)
class AnatomySettings:
    """What the anatomy model sees in training."""

    sources: tuple[str, ...]
    warp: WarpRange = field(default_factory=WarpRange)
    plain_share: float = PLAIN_SHARE


@dataclass(frozen=True, eq=False)
class Examples:
    """Radiographs and what experts have drawn on them, on a square of any side."""

    pixels: NDArray[np.uint8]  # (N, S, S)
    masks: NDArray[np.uint8]  # (N, 3, S, S), 0 or 255, in the order of ORGANS


class AnatomyProblem:
    """The anatomy model, its batches and its loss."""

    name = "anatomy"

    def __init__(
        self,
        examples: Examples,
        held_out: Examples,
        config: AnatomyConfig,
        settings: AnatomySettings,
    ) -> None:
        """Prepare a training.

        Args:
            examples: To learn from, at least as large as the model's square.
            held_out: To watch, of exactly the model's size.
            config: Shape of the network.
            settings: What it sees.
        """
        self.examples, self.held_out, self.settings = examples, held_out, settings
        self.network = AnatomyNet(config)
        self.model: nn.Module = self.network

    def start_from(self, folder: Path) -> None:
        """Take over the weights of an earlier model of the same shape.

        Raises:
            TrainingError: If it has another shape.
        """
        earlier = load_anatomy(folder)
        if earlier.config != self.network.config:
            raise TrainingError(
                f"{folder.name} holds an anatomy model of another shape ({earlier.config}) than "
                f"this preset's ({self.network.config}). Choose the preset that made it."
            )
        self.network.load_state_dict(earlier.state_dict())

    def draw_batch(self, size: int, generator: torch.Generator) -> tuple[Tensor, ...]:
        """Return images (B, 1, S, S) in [-1, 1] and masks (B, 3, S, S) in [0, 1]."""
        drawn = [self._example(generator) for _ in range(size)]
        images, masks = (np.stack(parts) for parts in zip(*drawn, strict=True))
        return torch.from_numpy(images)[:, None], torch.from_numpy(masks)

    def loss(self, model: nn.Module, batch: tuple[Tensor, ...]) -> Tensor:
        """Return cross-entropy plus one minus soft Dice."""
        images, masks = batch
        logits = model(images).float()
        entropy = F.binary_cross_entropy_with_logits(logits, masks)
        both = (logits.sigmoid() * masks).sum(dim=(2, 3))
        either = (logits.sigmoid() + masks).sum(dim=(2, 3))
        loss: Tensor = entropy + 1 - ((2 * both + 1) / (either + 1)).mean()
        return loss

    def terms(self, batch: tuple[Tensor, ...]) -> Tensor:
        """Return the number of examples."""
        return torch.tensor(len(batch[0]))

    @torch.no_grad()
    def report(self, folder: Path, step: int) -> dict[str, Any]:
        """Return the mean Dice of each organ on held-out radiographs, without cleaning."""
        found = self.network(to_model_range(self.held_out.pixels)) > 0
        drawn = torch.from_numpy(self.held_out.masks) > 127
        both = 2 * (found & drawn).sum(dim=(2, 3)).float()
        dice = both / (found.sum(dim=(2, 3)) + drawn.sum(dim=(2, 3))).clamp(min=1)
        return {
            f"dice {name}": round(float(value), 4)
            for name, value in zip(ORGANS, dice.mean(dim=0), strict=True)
        }

    def save(self, folder: Path) -> None:
        """Write the network with its configuration."""
        save_anatomy(self.network, folder / "anatomy")

    def _example(self, generator: torch.Generator) -> tuple[NDArray[np.float32], ...]:
        """Return one image, (S, S) in [-1, 1], and its masks, (3, S, S) in [0, 1]."""
        seed, which = (int(v) for v in torch.randint(2**31, (2,), generator=generator))
        dice = np.random.default_rng(seed)
        i, size = which % len(self.examples.pixels), self.network.config.image_size
        limits = self.settings.warp
        plain = dice.random() < self.settings.plain_share
        if plain:
            limits = WarpRange((0, 0), 0, 0, 0, 0, (0, 0))
        places = draw_warp(limits, self.examples.masks[i, -1], size, dice)
        goes_on = bool(dice.random() < 0.5)
        picture = warp(self.examples.pixels[i], places, goes_on=goes_on)
        moved = np.stack([warp(mask, places) for mask in self.examples.masks[i]])
        image, masks = (np.asarray(v / 255, dtype=np.float32) for v in (picture, moved))
        if not plain:
            image = disturb(image, masks, dice)
        return 2 * image.clip(0, 1) - 1, masks


def disturb(
    image: NDArray[np.float32], masks: NDArray[np.float32], dice: np.random.Generator
) -> NDArray[np.float32]:
    """Return an image in [0, 1] as another source might show it; its masks change in place."""
    add_surroundings(image, masks, dice)
    paint_opacities(image, masks, dice)
    paint_fluid(image, masks, dice)
    image = change_levels(image, dice)
    add_objects(image, dice)
    image = degrade(image, dice)
    add_borders(image, masks, dice)
    return image
