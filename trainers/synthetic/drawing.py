"""Radiographs from pure noise, unconditional or guided by the classifier.

    rows    pictures of one batch, (B, 1, S, S); one at a time on a CPU, where a batch is no
            quicker and would change the last bit of a float, and so now and then a grey level
    S       side of the model's square, in pixels

Dhariwal & Nichol 2021, "Diffusion Models Beat GANs on Image Synthesis", arXiv:2105.05233, alg. 1.
"""

import hashlib
import json
import logging
from collections.abc import Iterator, Sequence
from itertools import groupby
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from daug.bundled_models import Models
from daug.errors import EngineError
from daug.guidance import Wanted, guide_eps, wanted_gradient
from daug.heatmap import Recipe
from daug.precision import FastNetworks
from daug.scheduler_way import find_way
from trainers.pixels import to_model_range
from trainers.synthetic.recipe import DrawRecipe

logger = logging.getLogger(__name__)

ROWS_AT_ONCE = {"cpu": 1, "cuda": 64}
OTHER_DICE = 1 << 62  # the steps' noise is not the noise that the walk begins with
LOG_EVERY = 10  # pictures

Picture = NDArray[np.uint8]


class Drawer:
    """Draws with the networks of one bundle, in float32, so that a picture can be drawn again."""

    def __init__(self, models: Models, device: torch.device) -> None:
        self.models, self.device = models, device
        self.alpha_bar = models.alpha_bar.to(device)
        self.networks = FastNetworks(models, device, fast=False)
        self.classes = [card.name for card in models.bundle.classes]
        self.offered = [card.offered for card in models.bundle.classes]

    def draw(self, recipes: Sequence[DrawRecipe]) -> Iterator[tuple[DrawRecipe, Picture]]:
        """Yield each recipe with its picture, 8-bit gray (S, S), in their order.

        The same recipe gives the same picture; on an accelerator, which draws many at once, now
        and then a pixel differs by one grey level.

        Raises:
            RecipeError: If a recipe asks for what the bundle does not offer; before any work.
            EngineError: If a value is no longer a number.
        """
        self._wanted(recipes)
        for _, alike in groupby(recipes, lambda r: (r.num_steps, r.scheduler, r.guided_below)):
            rows = list(alike)
            at_once = ROWS_AT_ONCE[self.device.type]
            for start in range(0, len(rows), at_once):
                batch = rows[start : start + at_once]
                yield from zip(batch, self._draw_batch(batch), strict=True)

    def scores(self, picture: NDArray[np.uint8]) -> dict[str, float]:
        """Return the sigmoid score of each offered super-class at t = 0."""
        x_0 = to_model_range(picture[None]).to(self.device)
        values = torch.sigmoid(self.networks.clean_logits(x_0)[0]).tolist()
        return {
            name: value
            for name, value, offered in zip(self.classes, values, self.offered, strict=True)
            if offered
        }

    def _wanted(self, recipes: Sequence[DrawRecipe]) -> tuple[Wanted, Tensor] | None:
        """Return what is wanted, one entry for each aim, and the row of each, (aims,)."""
        aims = [(row, aim) for row, recipe in enumerate(recipes) for aim in recipe.aims]
        if not aims:
            return None
        asked = [Recipe(a.super_class, a.direction, a.activation, scale=a.scale) for _, a in aims]
        wanted = Wanted.from_recipes(asked, self.classes, self.offered)
        return wanted.to(self.device), torch.tensor([row for row, _ in aims], device=self.device)

    def _draw_batch(self, batch: Sequence[DrawRecipe]) -> list[Picture]:
        first, size = batch[0], self.models.bundle.image_size
        steps = len(self.alpha_bar)
        way = find_way(first.scheduler, self.alpha_bar, steps, first.num_steps)
        wanted = self._wanted(batch)
        noise = [
            torch.randn(1, size, size, generator=torch.Generator().manual_seed(recipe.seed))
            for recipe in batch
        ]

        def denoiser(x: Tensor, t: int) -> Tensor:
            time = torch.tensor(t, device=self.device)
            eps = self.networks.eps(x, time, self.alpha_bar[t])
            if wanted is None or t >= first.guided_below:
                return eps
            return self._lean(eps, x, time, *wanted)

        x_t = torch.stack(noise).to(self.device)
        for step in way.decode(denoiser, x_t, [recipe.seed | OTHER_DICE for recipe in batch]):
            if not bool(step.x.isfinite().all()):
                raise EngineError(
                    f"Step {step.index + 1} of {first.num_steps} (t = {step.t}) gave values that "
                    "are not numbers, so nothing was drawn. Lower the guidance scale."
                )
        images = step.x[:, 0].clamp(-1, 1).cpu().numpy()
        return list(np.round((images + 1) * 127.5).astype(np.uint8))

    def _lean(self, eps: Tensor, x: Tensor, time: Tensor, wanted: Wanted, rows: Tensor) -> Tensor:
        """Lean every row by the sum of its aims, each with its own scale."""
        gradient, _ = wanted_gradient(self.networks.noisy_logits, x[rows], time, wanted)
        weighed = wanted.scale[:, None, None, None] * gradient
        total = torch.zeros_like(x).index_add_(0, rows, weighed)
        return guide_eps(eps, total, torch.ones(len(x), device=x.device), self.alpha_bar[time])


def draw_remembered(
    drawer: Drawer, recipes: Sequence[DrawRecipe], cache: Path
) -> dict[DrawRecipe, Picture]:
    """Draw what the cache does not hold yet, each kept as soon as it is there."""
    cache.mkdir(parents=True, exist_ok=True)
    paths = {recipe: cache / f"{_key(drawer, recipe)}.npy" for recipe in recipes}
    missing = [recipe for recipe, path in paths.items() if not path.exists()]
    for number, (recipe, picture) in enumerate(drawer.draw(missing), start=1):
        partial = paths[recipe].with_suffix(".partial.npy")
        np.save(partial, picture)
        partial.replace(paths[recipe])
        if number % LOG_EVERY == 0:
            logger.info("%d of %d pictures drawn", number, len(missing))
    return {recipe: np.load(path) for recipe, path in paths.items()}


def _key(drawer: Drawer, recipe: DrawRecipe) -> str:
    whole = [drawer.models.bundle.digest, recipe.to_dict()]
    return "drawn-" + hashlib.sha256(json.dumps(whole, sort_keys=True).encode()).hexdigest()[:24]
