"""From a radiograph and recipes to heatmaps: encode once, decode all maps in one batch.

    rows    for each seed the unguided control, then one row for each recipe
    x_t     (rows, 1, S, S), always float32; the networks compute in whatever is fast here

Wolleb et al. 2022, "Diffusion Models for Medical Anomaly Detection", arXiv:2203.04306.
Jin et al. 2024, "DAug", arXiv:2412.04828, section 3.
"""

from collections.abc import Generator, Iterator, Sequence
from dataclasses import dataclass, field, replace
from itertools import islice
from typing import TypedDict

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from daug.bundled_models import Models
from daug.errors import EngineError, RecipeError
from daug.guidance import Wanted, confine_eps, guide_eps, wanted_gradient
from daug.guided_region import region_mask
from daug.heatmap import Encoder, Heatmap, Preview, Recipe, Reference, Region, Scores
from daug.precision import FastNetworks
from daug.radiograph import ModelInput, Radiograph
from daug.sampler import Step, encode_ddim, encode_gaussian, shaken, white_noise
from daug.scheduler_way import Way, find_way

MAX_ROWS = {"cpu": 32, "cuda": 512}  # rows of one batch; several seeds share it where they fit


@dataclass(frozen=True, eq=False)
class Walk:
    """What the recipes of one batch have in common, ready to go."""

    way: Way
    encoder: Encoder
    seeds: tuple[int, ...]
    recipes: tuple[Recipe, ...]
    wanted: Wanted  # one row for each recipe
    regions: Tensor | None  # (recipes, 1, S, S), share of the guidance; None: 1 everywhere


@dataclass(eq=False)
class Traces:
    """What one walk leaves behind: (seeds, ...) each."""

    controls: list[Tensor] = field(default_factory=list)  # (1, S, S) each
    results: list[Tensor] = field(default_factory=list)  # (recipes, S, S) each
    step_logits: list[Tensor] = field(default_factory=list)  # (steps, recipes, C) each


class Engine:
    """Draws heatmaps with the networks of one bundle on one device."""

    def __init__(self, models: Models, device: torch.device, *, fast: bool = True) -> None:
        """Prepare the networks.

        Args:
            models: The bundle's networks, in float32.
            device: Where to compute.
            fast: Compute in bfloat16 where this machine is quicker at it; else in float32.
        """
        self.models, self.device = models, device
        self.alpha_bar = models.alpha_bar.to(device)
        self.networks = FastNetworks(models, device, fast=fast)
        self.offered = tuple(card.offered for card in models.bundle.classes)
        self.names = tuple(card.name for card in models.bundle.offered)

    def score(self, radiograph: Radiograph) -> Scores:
        """Return the classifier's opinion on a radiograph at t = 0."""
        x_0 = self._images(radiograph.model_input(self.models.bundle.image_size))
        return self._scores(x_0)[0]

    def draw_heatmaps(
        self, radiograph: Radiograph, recipes: Sequence[Recipe]
    ) -> Generator[Preview, None, tuple[Heatmap, ...]]:
        """Draw one heatmap for each recipe, in their order.

        Recipes that differ in super-class, direction, activation, scale or reference alone share
        one encoding and one batch. Closing the generator stops the computation within a step.

        Yields:
            A Preview after each step of the way up, if the encoder takes any, and once the
            radiograph is encoded (all with done = 0); then one after each step of the way down.

        Returns:
            The heatmaps.

        Raises:
            RecipeError: If a recipe cannot be drawn by this bundle.
            EngineError: If a value is no longer a number; it names the step.
        """
        if not recipes:
            raise RecipeError("No heatmap was asked for. Name at least one super-class.")
        model_input = radiograph.model_input(self.models.bundle.image_size)
        regions = self._regions(model_input, recipes)
        walks = self._plan(recipes, regions)  # before the first step: a bad recipe costs nothing
        x_0 = self._images(model_input)
        scores_input = self._scores(x_0)[0]
        total = sum(len(walk.seeds) * len(walk.way.timesteps) for walk in walks)
        done = 0
        drawn: dict[Recipe, Heatmap] = {}
        for walk in walks:
            traces = Traces()
            for preview in self._walk(walk, x_0, traces, done, total):
                yield preview
                done = preview.done
            for recipe, parts in zip(walk.recipes, self._parts(walk, traces, x_0), strict=True):
                drawn[recipe] = Heatmap(
                    recipe=recipe,
                    pixel_digest=radiograph.digest,
                    bundle_digest=self.models.bundle.digest,
                    model_input=model_input,
                    scores_input=scores_input,
                    region=regions[self.models.region_of(recipe)],
                    **parts,
                )
        return tuple(drawn[recipe] for recipe in recipes)

    def _regions(self, model_input: ModelInput, recipes: Sequence[Recipe]) -> "_Regions":
        """Look where lungs and heart are, if a recipe asks for it."""
        asked = {self.models.region_of(recipe) for recipe in recipes}
        if asked == {Region.PICTURE}:
            return {Region.PICTURE: None}
        organs = self.models.find_organs(model_input)
        return {region: region_mask(region, organs) for region in asked}

    def _plan(self, recipes: Sequence[Recipe], regions: "_Regions") -> list[Walk]:
        groups: dict[tuple[object, ...], list[Recipe]] = {}
        for recipe in dict.fromkeys(recipes):
            key = (
                *(recipe.scheduler, recipe.noise_level, recipe.num_steps),
                *(recipe.encoder, recipe.seeds),
            )
            groups.setdefault(key, []).append(recipe)
        return [self._walk_of(group, regions) for group in groups.values()]

    def _walk_of(self, group: Sequence[Recipe], regions: "_Regions") -> Walk:
        first = group[0]
        classes = [card.name for card in self.models.bundle.classes]
        wanted = Wanted.from_recipes(group, classes, self.offered)
        return Walk(
            way=find_way(first.scheduler, self.alpha_bar, first.noise_level, first.num_steps),
            encoder=first.encoder,
            seeds=first.seeds,
            recipes=tuple(group),
            wanted=wanted.to(self.device),
            regions=self._stacked([regions[self.models.region_of(recipe)] for recipe in group]),
        )

    def _stacked(self, regions: Sequence[NDArray[np.float32] | None]) -> Tensor | None:
        """Return the regions of a walk's recipes, (recipes, 1, S, S); None if none is limited."""
        if all(region is None for region in regions):
            return None
        whole = np.ones((self.models.bundle.image_size,) * 2, dtype=np.float32)
        stack = np.stack([whole if region is None else region for region in regions])
        return torch.from_numpy(stack)[:, None].to(self.device)

    def _walk(
        self, walk: Walk, x_0: Tensor, traces: Traces, done: int, total: int
    ) -> Iterator[Preview]:
        """Encode and decode all seeds, a batch of seeds at a time."""
        rows_per_seed = 1 + len(walk.recipes)
        at_once = max(1, MAX_ROWS[self.device.type] // rows_per_seed)
        seeds = iter(walk.seeds)
        while batch := tuple(islice(seeds, at_once)):
            starts: list[Tensor] = []
            for preview in self._encode(walk, x_0, batch, starts):
                yield replace(preview, done=done, total=total)
            x_t = torch.cat(starts).repeat_interleave(rows_per_seed, dim=0)  # (rows, 1, S, S)
            step = Step(-1, walk.way.timesteps[0], x_t, x_t)
            yield self._preview(walk, step, len(batch), done, total)
            logits: list[Tensor] = []
            denoiser = _GuidedDenoiser(self.networks, self.alpha_bar, walk, len(batch), logits)
            row_seeds = [seed for seed in batch for _ in range(rows_per_seed)]
            for step in walk.way.decode(denoiser, x_t, row_seeds):
                self._check(step, len(walk.way.timesteps))
                done += len(batch)
                yield self._preview(walk, step, len(batch), done, total)
            final = step.x.clamp(-1, 1)[:, 0].reshape(len(batch), rows_per_seed, *x_0.shape[-2:])
            by_seed = torch.stack(logits).reshape(
                len(logits), len(batch), len(walk.recipes), -1
            )  # (steps, seeds, recipes, C)
            traces.controls.extend(final[:, :1])
            traces.results.extend(final[:, 1:])
            traces.step_logits.extend(by_seed.transpose(0, 1))

    def _encode(
        self, walk: Walk, x_0: Tensor, seeds: Sequence[int], starts: list[Tensor]
    ) -> Iterator[Preview]:
        """Append an x_t at the start of the way down for each seed, (1, 1, S, S) each."""
        falling = walk.way.timesteps
        if walk.encoder is Encoder.GAUSSIAN:
            for seed in seeds:
                noise = white_noise(x_0, seed)
                starts.append(encode_gaussian(x_0, noise, self.alpha_bar, falling[0]))
            return
        nothing_yet = np.zeros((len(walk.recipes), *x_0.shape[-2:]), dtype=np.float32)
        reached: list[Tensor] = []
        for x_t in encode_ddim(
            self._eps, torch.cat([shaken(x_0, seed) for seed in seeds]), self.alpha_bar, falling
        ):
            reached.append(x_t)
            t = falling[-len(reached)]
            yield Preview(0, 0, t, nothing_yet, len(reached), len(falling))
        starts.extend(reached[-1].split(1))

    def _eps(self, x: Tensor, t: int) -> Tensor:
        return self.networks.eps(x, torch.tensor(t, device=self.device), self.alpha_bar[t])

    def _parts(self, walk: Walk, traces: Traces, x_0: Tensor) -> Iterator["_Parts"]:
        controls = torch.stack(traces.controls)  # (seeds, 1, S, S)
        results = torch.stack(traces.results)  # (seeds, recipes, S, S)
        step_logits = torch.stack(traces.step_logits).mean(dim=0)  # (steps, recipes, C)
        for index, recipe in enumerate(walk.recipes):
            result = results[:, index : index + 1]  # (seeds, 1, S, S)
            reference = x_0.expand_as(result) if recipe.reference is Reference.INPUT else controls
            yield {
                "seed_changes": _array((result - reference)[:, 0]),
                "counterfactual": _array(result.mean(dim=0)[0]),
                "reference": _array(reference.mean(dim=0)[0]),
                "scores_before": _mean(self._scores(reference)),
                "scores_after": _mean(self._scores(result)),
                "step_logits": _array(step_logits[:, index]),
            }

    def _preview(self, walk: Walk, step: Step, seeds: int, done: int, total: int) -> Preview:
        rows = step.x_0.clamp(-1, 1)[:, 0].reshape(seeds, -1, *step.x_0.shape[-2:])
        changes = (rows[:, 1:] - rows[:, :1]).mean(dim=0)
        return Preview(done, total, step.t, _array(changes))

    @torch.no_grad()
    def _scores(self, images: Tensor) -> list[Scores]:
        z = self.networks.clean_logits(images)[:, torch.tensor(self.offered)]
        return [Scores(self.names, row.cpu().double().numpy()) for row in z]

    def _images(self, model_input: ModelInput) -> Tensor:
        return torch.from_numpy(model_input.pixels)[None, None].to(self.device)

    def _check(self, step: Step, num_steps: int) -> None:
        if not bool(step.x.isfinite().all()):
            raise EngineError(
                f"Step {step.index + 1} of {num_steps} (t = {step.t}) gave values that are not "
                "numbers, so no map was drawn. Lower the guidance scale or take more steps."
            )


class _GuidedDenoiser:
    """Finds eps for all rows; leans every row but the controls towards what it wants."""

    def __init__(
        self,
        networks: FastNetworks,
        alpha_bar: Tensor,
        walk: Walk,
        seeds: int,
        logits: list[Tensor],
    ) -> None:
        self.networks, self.alpha_bar, self.logits = networks, alpha_bar, logits
        self.wanted = walk.wanted.repeat(seeds)
        self.regions = walk.regions
        self.shape = (seeds, 1 + len(walk.recipes))  # of each seed its control first
        guided = torch.ones(self.shape, dtype=torch.bool)
        guided[:, 0] = False
        self.guided = guided.reshape(-1).to(alpha_bar.device)

    def __call__(self, x_t: Tensor, t: int) -> Tensor:
        alpha_bar, time = self.alpha_bar[t], torch.tensor(t, device=x_t.device)
        eps = self.networks.eps(x_t, time, alpha_bar)
        gradient, z = wanted_gradient(
            self.networks.noisy_logits, x_t[self.guided], time, self.wanted
        )
        self.logits.append(z[:, self.wanted.trained])
        eps[self.guided] = guide_eps(eps[self.guided], gradient, self.wanted.scale, alpha_bar)
        rows = eps.unflatten(0, self.shape)  # (seeds, 1 + recipes, 1, S, S)
        rows[:, 1:] = confine_eps(rows[:, 1:], rows[:, :1], self.regions)
        return eps


_Regions = dict[Region, NDArray[np.float32] | None]


class _Parts(TypedDict):
    """What a walk gives a heatmap."""

    seed_changes: NDArray[np.float32]
    counterfactual: NDArray[np.float32]
    reference: NDArray[np.float32]
    scores_before: Scores
    scores_after: Scores
    step_logits: NDArray[np.float32]


def _array(values: Tensor) -> NDArray[np.float32]:
    array: NDArray[np.float32] = values.float().cpu().numpy()
    return array


def _mean(scores: Sequence[Scores]) -> Scores:
    logits = np.stack([score.logits for score in scores])
    return Scores(scores[0].names, np.asarray(logits.mean(axis=0)))
