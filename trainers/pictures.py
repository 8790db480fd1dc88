"""Pictures and figures of what a denoiser has learnt, for the run folder."""

from pathlib import Path

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from daug.sampler import ddim_timesteps, decode_ddim
from daug.schedule import TIMESTEPS, add_noise, linear_alpha_bar
from daug.unet import Denoiser
from trainers.pixels import to_model_range

SAMPLES = 8
SAMPLE_STEPS = 40
RECONSTRUCTION_LEVELS = (300, 500)  # noise levels, in noising steps
RECONSTRUCTION_STEPS = 25
RECONSTRUCTED = 32  # held-out radiographs that the error is measured on


@torch.no_grad()
def rebuild(denoiser: Denoiser, start: Tensor, noise_level: int, num_steps: int) -> Tensor:
    """Return the clean images that the denoiser finds in images noised to a level."""
    device = start.device
    alpha_bar = linear_alpha_bar().to(device, torch.float32)

    def eps(x: Tensor, t: int) -> Tensor:
        return denoiser.predict_eps(x, torch.tensor(t, device=device), alpha_bar[t])

    x = start
    for step in decode_ddim(
        eps, start, alpha_bar, ddim_timesteps(noise_level, num_steps, TIMESTEPS)
    ):
        x = step.x
    return x.clamp(-1, 1)


def noised(pixels: NDArray[np.uint8], noise_level: int, device: torch.device) -> Tensor:
    """Return held-out radiographs noised to a level, always by the same noise."""
    x_0 = to_model_range(np.asarray(pixels))
    eps = torch.randn(x_0.shape, generator=torch.Generator().manual_seed(noise_level))
    return add_noise(x_0, eps, linear_alpha_bar()[noise_level - 1].to(torch.float32)).to(device)


def reconstruction_error(denoiser: Denoiser, held_out: NDArray[np.uint8]) -> dict[str, float]:
    """Return the mean absolute error (full range 2) after noising to each level and back."""
    device = next(denoiser.parameters()).device
    chosen = held_out[:RECONSTRUCTED]
    x_0 = to_model_range(np.asarray(chosen)).to(device)
    errors = {}
    for level in RECONSTRUCTION_LEVELS:
        rebuilt = rebuild(denoiser, noised(chosen, level, device), level, RECONSTRUCTION_STEPS)
        errors[str(level)] = round(float((rebuilt - x_0).abs().mean()), 4)
    return errors


def save_diffusion_pictures(
    denoiser: Denoiser, held_out: NDArray[np.uint8], folder: Path, step: int
) -> None:
    """Write a grid: samples from noise, then held-out radiographs above their reconstructions."""
    device = next(denoiser.parameters()).device
    size = held_out.shape[-1]
    chosen = held_out[:SAMPLES]
    shape = (len(chosen), 1, size, size)  # as many samples as radiographs, so that all rows fit
    noise = torch.randn(shape, generator=torch.Generator().manual_seed(0)).to(device)
    rows = [rebuild(denoiser, noise, TIMESTEPS, SAMPLE_STEPS), to_model_range(np.asarray(chosen))]
    for level in RECONSTRUCTION_LEVELS:
        start = noised(chosen, level, device)
        rows.append(rebuild(denoiser, start, level, RECONSTRUCTION_STEPS))
    save_grid(rows, folder / f"step-{step:08d}.png")


def save_grid(rows: list[Tensor], path: Path) -> None:
    """Write rows of images (B, 1, H, W) in [-1, 1] as one PNG."""
    path.parent.mkdir(parents=True, exist_ok=True)
    lines = [np.hstack(list(row.float().cpu().numpy()[:, 0])) for row in rows]
    picture = np.round((np.vstack(lines) + 1) * 127.5).clip(0, 255).astype(np.uint8)
    cv2.imwrite(str(path), picture)
