"""The noise schedule of DDPM, as a table of alpha_bar.

    t           diffusers' timestep, 0..T-1: x_t has been noised by t + 1 steps
    alpha_bar   share of the signal's variance left in x_t, (T,), falling from almost 1 to almost 0

Ho et al. 2020, "Denoising Diffusion Probabilistic Models", arXiv:2006.11239.
"""

import torch
from torch import Tensor

TIMESTEPS = 1000  # T
BETA_START, BETA_END = 1e-4, 0.02  # the linear schedule of Ho et al. 2020, section 4


def linear_alpha_bar(timesteps: int = TIMESTEPS) -> Tensor:
    """Return alpha_bar of the linear schedule, float64 (T,).

    Source: Ho et al. 2020, section 4 and the line under eq. 3.
    """
    beta = torch.linspace(BETA_START, BETA_END, timesteps, dtype=torch.float64)
    return (1 - beta).cumprod(0)


def add_noise(x_0: Tensor, eps: Tensor, alpha_bar: Tensor) -> Tensor:
    """Return x_t = sqrt(alpha_bar) x_0 + sqrt(1 - alpha_bar) eps.

    Args:
        x_0: Images, (B, 1, H, W) in [-1, 1].
        eps: White noise, same shape.
        alpha_bar: alpha_bar at t, broadcastable against x_0.

    Source: Ho et al. 2020, eq. 4.
    """
    return alpha_bar.sqrt() * x_0 + (1 - alpha_bar).sqrt() * eps


def eps_from_x_0(x_t: Tensor, x_0: Tensor, alpha_bar: Tensor) -> Tensor:
    """Return the noise that is in x_t if x_0 is its image: eq. 4 solved for eps."""
    return (x_t - alpha_bar.sqrt() * x_0) / (1 - alpha_bar).sqrt()


def x_0_from_eps(x_t: Tensor, eps: Tensor, alpha_bar: Tensor) -> Tensor:
    """Return the image that is in x_t if eps is its noise: eq. 4 solved for x_0."""
    return (x_t - (1 - alpha_bar).sqrt() * eps) / alpha_bar.sqrt()
