"""Carry images up into noise and back down along the path of DDIM.

    x_0, x_t    images and noised images, (B, 1, H, W)
    t           diffusers' timestep, 0..T-1: x_t has been noised by t + 1 steps
    clean       the end of every way down, where alpha_bar = 1 and no network is asked any more
    eps         the noise that a denoiser believes is in x_t, shaped like x_t

Nothing here knows what a finding is, where weights come from, or which device it runs on.

Song et al. 2021, "Denoising Diffusion Implicit Models", arXiv:2010.02502.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

import torch
from torch import Tensor

from daug.errors import RecipeError
from daug.heatmap import DITHER
from daug.schedule import add_noise, x_0_from_eps

EpsDenoiser = Callable[[Tensor, int], Tensor]  # (x_t, t) -> eps
CLEAN = -1  # the timestep after the last: nothing left to remove


@dataclass(frozen=True, eq=False)
class Step:
    """One step of the way down."""

    index: int  # 0-based
    t: int  # timestep at which the networks were asked
    x: Tensor  # the images after the step
    x_0: Tensor  # the clean images believed in at t


def ddim_timesteps(noise_level: int, num_steps: int, timesteps: int) -> list[int]:
    """Return the timesteps at which the networks are asked on the way down, falling.

    They are spaced as diffusers' "trailing" does, so that the way starts exactly at the noise
    level and ends on a clean image.

    Args:
        noise_level: L, number of noising steps, in 1..timesteps.
        num_steps: How many times the networks are asked, in 1..noise_level.
        timesteps: T of the schedule.

    Raises:
        RecipeError: If a number is out of range.
    """
    if not 1 <= noise_level <= timesteps:
        raise RecipeError(f"noise_level must be in 1..{timesteps}, got {noise_level}.")
    if not 1 <= num_steps <= noise_level:
        raise RecipeError(f"num_steps must be in 1..noise_level ({noise_level}), got {num_steps}.")
    return [round(noise_level * (num_steps - i) / num_steps) - 1 for i in range(num_steps)]


def alpha_bar_at(alpha_bar: Tensor, t: int) -> Tensor:
    """Return alpha_bar of a timestep, 1 when it is CLEAN; a scalar."""
    return alpha_bar.new_ones(()) if t == CLEAN else alpha_bar[t]


def ddim_step(x: Tensor, eps: Tensor, alpha_bar: Tensor, alpha_bar_next: Tensor) -> Tensor:
    """Move x along the DDIM path to the noise level of alpha_bar_next, up or down.

    Args:
        x: Images at the present noise level, (B, 1, H, W).
        eps: The noise predicted in x, same shape.
        alpha_bar: Signal variance left in x, scalar in (0, 1].
        alpha_bar_next: The same for the result; smaller means noisier.

    Source: Song et al. 2021, eq. 12 with sigma = 0.
    """
    return add_noise(x_0_from_eps(x, eps, alpha_bar), eps, alpha_bar_next)


def encode_gaussian(x_0: Tensor, noise: Tensor, alpha_bar: Tensor, t: int) -> Tensor:
    """Return x_t from white noise that the caller drew, shaped like x_0."""
    return add_noise(x_0, noise, alpha_bar[t])


@torch.no_grad()
def white_noise(like: Tensor, seed: int) -> Tensor:
    """Return the noise of a seed for one image, (1, 1, H, W), on the device of `like`.

    It is drawn on the CPU, so that a seed means the same noise on every device.
    """
    noise = torch.randn(like[:1].shape, generator=torch.Generator().manual_seed(seed))
    return noise.to(like.device)


def shaken(x_0: Tensor, seed: int) -> Tensor:
    """Return images with a seed's noise of DITHER, (B, 1, H, W); seed 0 leaves them as they are."""
    return x_0 if seed == 0 else (x_0 + DITHER * white_noise(x_0, seed)).clamp(-1, 1)


def encode_ddim(
    denoiser: EpsDenoiser, x_0: Tensor, alpha_bar: Tensor, falling: Sequence[int]
) -> Iterator[Tensor]:
    """Walk the DDIM path upwards, over the same timesteps as the way down, one x_t at a time.

    Deterministic, and as near to reversible as the steps are small: the noise at each level is
    the denoiser's own belief (Wolleb et al. 2022, arXiv:2203.04306, section 2).

    Args:
        denoiser: Asked for the noise in x.
        x_0: Clean images, (B, 1, H, W).
        alpha_bar: The schedule, (T,).
        falling: Timesteps of the way down; the last x_t is noised to the first of them.
    """
    x = x_0
    for t, t_next in pairwise([CLEAN, *reversed(falling)]):
        eps = denoiser(x, max(t, 0))  # a clean image is asked about as x at t = 0
        x = ddim_step(x, eps, alpha_bar_at(alpha_bar, t), alpha_bar_at(alpha_bar, t_next))
        yield x


@torch.no_grad()
def decode_ddim(
    denoiser: EpsDenoiser, x_t: Tensor, alpha_bar: Tensor, falling: Sequence[int]
) -> Iterator[Step]:
    """Walk the DDIM path down to clean images, one Step at a time."""
    x = x_t
    for index, (t, t_next) in enumerate(pairwise([*falling, CLEAN])):
        eps = denoiser(x, t)
        x_0 = x_0_from_eps(x, eps, alpha_bar[t])
        x = ddim_step(x, eps, alpha_bar[t], alpha_bar_at(alpha_bar, t_next))
        yield Step(index, t, x, x_0)


class DdimWay:
    """The way down that is ours: deterministic, and exact at every number of steps."""

    def __init__(self, alpha_bar: Tensor, noise_level: int, num_steps: int) -> None:
        self.alpha_bar = alpha_bar
        self.timesteps = ddim_timesteps(noise_level, num_steps, len(alpha_bar))

    def decode(
        self, denoiser: EpsDenoiser, x_t: Tensor, row_seeds: Sequence[int]
    ) -> Iterator[Step]:
        """Walk down from x_t, which must be noised to the first of `timesteps`.

        The seeds are not used, since nothing is drawn.
        """
        return decode_ddim(denoiser, x_t, self.alpha_bar, self.timesteps)
