"""Train the denoiser: how to find the radiograph in its noise.

Ho et al. 2020, "Denoising Diffusion Probabilistic Models", arXiv:2006.11239.
Salimans & Ho 2022, "Progressive Distillation", arXiv:2202.00512, for the v-weighting.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from daug.errors import TrainingError
from daug.schedule import TIMESTEPS, add_noise, linear_alpha_bar
from daug.unet import Denoiser, PredictionType, UNetConfig, load_unet, save_unet
from trainers.augmentation import AugmentationRange, apply, draw
from trainers.manifest import Row
from trainers.pictures import reconstruction_error, save_diffusion_pictures
from trainers.pixels import to_model_range
from trainers.sampling import WeightedDraw, source_weights

MIN_NOISE_VARIANCE = 0.02  # caps the weight of almost clean images, which are easy anyway


@dataclass(frozen=True)
class DiffusionSettings:
    """What the denoiser sees in training."""

    sources: tuple[str, ...]  # only those whose licence lets weights that can draw be shipped
    balance: float = 0.3  # see trainers.sampling.source_weights
    late_from: int = 600  # from this timestep on almost no anatomy is left in x_t
    late_share: float = 0.2  # share of a batch that is drawn from there; heatmaps never go there


class DiffusionProblem:
    """The denoiser, its batches and its loss."""

    name = "diffusion"

    def __init__(
        self,
        rows: list[Row],
        pixels: NDArray[np.uint8],
        held_out: NDArray[np.uint8],
        config: UNetConfig,
        settings: DiffusionSettings,
    ) -> None:
        self.pixels, self.held_out, self.settings = pixels, held_out, settings
        self.model: nn.Module = Denoiser(config)
        self.draw_rows = WeightedDraw(source_weights(rows, settings.balance))
        self.alpha_bar = linear_alpha_bar().to(torch.float32)

    def start_from(self, folder: Path) -> None:
        """Take over the weights of an earlier denoiser of the same shape.

        Raises:
            TrainingError: If it has another shape.
        """
        earlier = load_unet(folder)
        denoiser = self.model
        assert isinstance(denoiser, Denoiser)
        if earlier.config != denoiser.config:
            raise TrainingError(
                f"{folder.name} holds a U-Net of another shape ({earlier.config}) than this "
                f"preset's ({denoiser.config}). Choose the preset that made it."
            )
        denoiser.load_state_dict(earlier.state_dict())

    def draw_batch(self, size: int, generator: torch.Generator) -> tuple[Tensor, ...]:
        """Return x_0 (B, 1, H, W), eps of the same shape and t (B,)."""
        indices = self.draw_rows(size, generator)
        images = to_model_range(self.pixels[np.sort(indices.numpy())])
        x_0 = apply(draw(AugmentationRange(), size, generator), images)
        eps = torch.randn(x_0.shape, generator=generator)
        return x_0, eps, self._draw_t(size, generator)

    def loss(self, model: nn.Module, batch: tuple[Tensor, ...]) -> Tensor:
        """Return the weighted squared error of what the network predicts.

        For x_0 the weight is 1 / (1 - alpha_bar), which makes it the loss of v (Salimans & Ho
        2022, eq. 10 and appendix D); it is capped where the image is almost clean. For eps it
        is 1 (Ho et al. 2020, eq. 14).
        """
        x_0, eps, t = batch
        alpha_bar = self.alpha_bar.to(t.device)[t][:, None, None, None]  # (B, 1, 1, 1)
        output: Tensor = model(add_noise(x_0, eps, alpha_bar), t).float()
        config = self.model.config
        assert isinstance(config, UNetConfig)
        if config.prediction_type is PredictionType.EPSILON:
            return (output - eps).square().mean()
        weight = 1 / (1 - alpha_bar).clamp(min=MIN_NOISE_VARIANCE)
        return (weight * (output - x_0).square()).mean()

    def terms(self, batch: tuple[Tensor, ...]) -> Tensor:
        """Return the number of images."""
        return torch.tensor(len(batch[0]))

    def report(self, folder: Path, step: int) -> dict[str, Any]:
        """Draw samples and reconstructions of held-out radiographs, and measure the latter."""
        denoiser = self.model
        assert isinstance(denoiser, Denoiser)
        save_diffusion_pictures(denoiser, self.held_out, folder / "pictures", step)
        return {"reconstruction_error": reconstruction_error(denoiser, self.held_out)}

    def save(self, folder: Path) -> None:
        """Write the denoiser in diffusers' own layout."""
        denoiser = self.model
        assert isinstance(denoiser, Denoiser)
        save_unet(denoiser, folder / "unet")

    def _draw_t(self, size: int, generator: torch.Generator) -> Tensor:
        late_from, share = self.settings.late_from, self.settings.late_share
        late = torch.rand(size, generator=generator) < share
        u = torch.rand(size, generator=generator)
        t = torch.where(late, late_from + u * (TIMESTEPS - late_from), u * late_from)
        return t.long().clamp(max=TIMESTEPS - 1)
