"""The changes of many radiographs at once: the engine's maps without its previews.

The engine draws one radiograph for a person who watches; a data set wants many per second. Same
networks, same recipes, same maps; the rows of a batch are radiographs, each with its control.

Wolleb et al. 2022, "Diffusion Models for Medical Anomaly Detection", arXiv:2203.04306.
"""

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from daug.bundled_models import Models
from daug.errors import EngineError, RecipeError
from daug.guidance import Wanted, confine_eps, guide_eps, wanted_gradient
from daug.guided_region import region_mask
from daug.heatmap import Encoder, Recipe, Reference, Region
from daug.precision import FastNetworks
from daug.sampler import encode_ddim, encode_gaussian, shaken, white_noise
from daug.scheduler_way import find_way


class HeatDrawer:
    """Draws the same maps of one batch of radiographs after the other."""

    def __init__(
        self,
        models: Models,
        recipes: Sequence[Recipe],
        device: torch.device,
        *,
        fast: bool = True,
    ) -> None:
        """Prepare networks and way.

        Args:
            models: The bundle's networks.
            recipes: They may differ in super-class, direction, activation and scale alone.
            device: Where to compute.
            fast: As in the engine.

        Raises:
            RecipeError: If a recipe cannot be drawn, or they differ in more.
        """
        self.recipes, self.device = tuple(recipes), device
        first = self.recipes[0]
        if any(_shared(recipe) != _shared(first) for recipe in self.recipes):
            raise RecipeError(
                "Maps that are drawn together must agree in noise level, steps, encoder, "
                "reference, seeds and scheduler. Draw them one after the other."
            )
        self.encoder, self.seeds = first.encoder, first.seeds
        self.from_input = first.reference is Reference.INPUT
        self.models = models
        self.regions = [models.region_of(recipe) for recipe in self.recipes]
        bundle = models.bundle
        classes = [card.name for card in bundle.classes]
        offered = [card.offered for card in bundle.classes]
        self.wanted = Wanted.from_recipes(self.recipes, classes, offered).to(device)
        self.alpha_bar = models.alpha_bar.to(device)
        self.networks = FastNetworks(models, device, fast=fast)
        self.way = find_way(first.scheduler, self.alpha_bar, first.noise_level, first.num_steps)

    def draw(self, x_0: Tensor) -> Tensor:
        """Return the signed change of every radiograph under every recipe, (B, M, S, S).

        Args:
            x_0: Model inputs, (B, 1, S, S) in [-1, 1].

        Raises:
            EngineError: If a value is no longer a number.
        """
        regions = self._regions(x_0)
        x_0 = x_0.to(self.device)
        changes = torch.stack([self._draw(x_0, seed, regions) for seed in self.seeds]).mean(dim=0)
        if not bool(changes.isfinite().all()):
            raise EngineError(
                "A map holds values that are not numbers. Lower the guidance scale or take more "
                "steps."
            )
        return changes.cpu()

    def _regions(self, x_0: Tensor) -> Tensor | None:
        """Return where each row may be changed, (B, M, 1, S, S); None if everywhere."""
        if set(self.regions) == {Region.PICTURE}:
            return None
        all_organs = self.models.find_all_organs(x_0[:, 0].cpu().numpy())
        whole = np.ones(x_0.shape[2:], dtype=np.float32)
        found = [[region_mask(one, organs) for one in self.regions] for organs in all_organs]
        stack = np.stack([[whole if one is None else one for one in row] for row in found])
        return torch.from_numpy(stack)[:, :, None].to(self.device)

    def _draw(self, x_0: Tensor, seed: int, regions: Tensor | None) -> Tensor:
        has_control = not self.from_input or regions is not None
        rows = len(self.recipes) + has_control  # of one radiograph, its control first
        x_t = self._encode(x_0, seed).repeat_interleave(rows, dim=0)  # (B rows, 1, S, S)
        guided = torch.ones(len(x_0), rows, dtype=torch.bool, device=self.device)
        guided[:, : rows - len(self.recipes)] = False
        guided = guided.reshape(-1)
        wanted = self.wanted.repeat(len(x_0))

        def denoiser(x: Tensor, t: int) -> Tensor:
            eps = self._eps(x, t)
            time = torch.tensor(t, device=self.device)
            gradient, _ = wanted_gradient(self.networks.noisy_logits, x[guided], time, wanted)
            eps[guided] = guide_eps(eps[guided], gradient, wanted.scale, self.alpha_bar[t])
            if has_control:
                by_radiograph = eps.unflatten(0, (len(x_0), rows))
                ours, control = by_radiograph[:, 1:], by_radiograph[:, :1]
                by_radiograph[:, 1:] = confine_eps(ours, control, regions)
            return eps

        for step in self.way.decode(denoiser, x_t, [seed] * len(x_t)):
            x = step.x
        final = x.clamp(-1, 1)[:, 0].unflatten(0, (len(x_0), rows))  # (B, rows, S, S)
        reference = x_0 if self.from_input else final[:, :1]  # (B, 1, S, S)
        return torch.sub(final[:, -len(self.recipes) :], reference)

    def _encode(self, x_0: Tensor, seed: int) -> Tensor:
        falling = self.way.timesteps
        if self.encoder is Encoder.DDIM:
            *_, x_t = encode_ddim(self._eps, shaken(x_0, seed), self.alpha_bar, falling)
            return x_t
        # The noise of a seed is that of the engine: one picture of it for every radiograph.
        return encode_gaussian(x_0, white_noise(x_0, seed), self.alpha_bar, falling[0])

    def _eps(self, x: Tensor, t: int) -> Tensor:
        return self.networks.eps(x, torch.tensor(t, device=self.device), self.alpha_bar[t])


def _shared(recipe: Recipe) -> tuple[object, ...]:
    return (
        *(recipe.noise_level, recipe.num_steps, recipe.encoder, recipe.reference),
        *(recipe.seeds, recipe.scheduler),
    )
