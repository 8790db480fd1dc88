"""The way down along any of diffusers' schedulers, beside our own DDIM.

Lu et al. 2022, "DPM-Solver++", arXiv:2211.01095; Zhao et al. 2023, "UniPC", arXiv:2302.04867;
Zhang & Chen 2022, "DEIS", arXiv:2204.13902; Karras et al. 2022, arXiv:2206.00364, for Euler.
"""

import inspect
from collections.abc import Iterator, Sequence
from typing import Protocol

import torch
from torch import Tensor

from daug.errors import RecipeError
from daug.sampler import DdimWay, EpsDenoiser, Step, ddim_timesteps
from daug.schedule import x_0_from_eps


class Way(Protocol):
    """From a noise level down to clean images."""

    timesteps: list[int]  # where the networks are asked, falling

    def decode(
        self, denoiser: EpsDenoiser, x_t: Tensor, row_seeds: Sequence[int]
    ) -> Iterator[Step]:
        """Walk down from x_t, which must be noised to the first of `timesteps`.

        Args:
            denoiser: Asked for the noise in x_t at each of `timesteps`.
            x_t: Noised images, (B, 1, H, W).
            row_seeds: Where a way draws noise, rows of the same seed draw the same, (B,).
        """
        ...


def find_way(name: str, alpha_bar: Tensor, noise_level: int, num_steps: int) -> Way:
    """Return the way down that a recipe names.

    Args:
        name: "DDIM" or one of SCHEDULERS.
        alpha_bar: The schedule, (T,).
        noise_level: L, in noising steps.
        num_steps: How many times the networks are asked.

    Raises:
        RecipeError: If the name or a number is out of range.
    """
    if name == "DDIM":
        return DdimWay(alpha_bar, noise_level, num_steps)
    return SchedulerWay(name, alpha_bar, noise_level, num_steps)


SCHEDULERS = {  # what a recipe calls them -> diffusers' class; DDIM is our own walk
    "DDPM": "DDPMScheduler",
    "DPM-Solver++": "DPMSolverMultistepScheduler",
    "UniPC": "UniPCMultistepScheduler",
    "DEIS": "DEISMultistepScheduler",
    "Euler": "EulerDiscreteScheduler",
    "Euler ancestral": "EulerAncestralDiscreteScheduler",
}


class SchedulerWay:
    """A diffusers scheduler, told to go only from a noise level down.

    Rows of one seed draw the same noise where the scheduler is stochastic, so that a guided row
    and its control differ by the guidance alone.
    """

    def __init__(self, name: str, alpha_bar: Tensor, noise_level: int, num_steps: int) -> None:
        """Prepare the way.

        Raises:
            RecipeError: If the name is not one of SCHEDULERS.
        """
        import diffusers

        if name not in SCHEDULERS:
            raise RecipeError(
                f"{name!r} is no scheduler. Choose one of DDIM, {', '.join(SCHEDULERS)}."
            )
        T = len(alpha_bar)
        ddim_timesteps(noise_level, num_steps, T)  # refuses what is out of range
        self.alpha_bar = alpha_bar
        self.scheduler = getattr(diffusers, SCHEDULERS[name])(
            num_train_timesteps=T,
            trained_betas=betas(alpha_bar).cpu().numpy(),
            prediction_type="epsilon",
            timestep_spacing="trailing",
            **({"clip_sample": False} if name == "DDPM" else {}),
        )
        self.scheduler.set_timesteps(round(num_steps * T / noise_level))
        self._times = self.scheduler.timesteps[-num_steps:]
        if hasattr(self.scheduler, "set_begin_index"):  # the others go by the timestep alone
            self.scheduler.set_begin_index(len(self.scheduler.timesteps) - num_steps)
        self.timesteps = [int(t) for t in self._times]

    @torch.no_grad()
    def decode(
        self, denoiser: EpsDenoiser, x_t: Tensor, row_seeds: Sequence[int]
    ) -> Iterator[Step]:
        """Walk down from x_t, which must be noised to the first of `timesteps`."""
        row_generators = [torch.Generator().manual_seed(seed) for seed in row_seeds]
        takes_generator = "generator" in inspect.signature(self.scheduler.step).parameters
        extra = {"generator": row_generators} if takes_generator else {}
        sample = x_t
        for index, (time, t) in enumerate(zip(self._times, self.timesteps, strict=True)):
            if index == 0:
                # Some schedulers hold x_t / sqrt(alpha_bar); this finds their factor.
                one = self.scheduler.scale_model_input(torch.ones(1), time)
                sample = sample / one.to(sample)
            x = self.scheduler.scale_model_input(sample, time)
            eps = denoiser(x, t)
            x_0 = x_0_from_eps(x, eps, self.alpha_bar[t])
            sample = self.scheduler.step(eps, time, sample, **extra).prev_sample
            yield Step(index, t, sample, x_0)


def betas(alpha_bar: Tensor) -> Tensor:
    """Return the noise variance added by each step, (T,): alpha_bar is their running product."""
    before = torch.cat([alpha_bar.new_ones(1), alpha_bar[:-1]])
    return 1 - alpha_bar / before
