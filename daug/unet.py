"""The denoiser: diffusers' UNet2DModel for one grayscale channel, behind an optional fold.

    x_t     a noised radiograph, (B, 1, H, W)
    t       diffusers' timestep, 0..T-1, (B,) or a scalar
    patch   side of the square of pixels that is folded into channels before the first
            convolution (space-to-depth) and unfolded after the last; 1 folds nothing

A folded network is cheap enough for two CPU cores, but cannot carry noise through its first
convolution, so it has to predict x_0 ("sample" in diffusers' words); the unfolded network of the
paper predicts eps. Whoever uses a Denoiser asks for `predict_eps` and need not know which one it
is.
"""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any

import torch
from diffusers.models.unets.unet_2d import UNet2DModel
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor, nn
from torch.nn import functional as F

from daug.errors import BundleError
from daug.schedule import eps_from_x_0

CONFIG_FILE = "denoiser.json"  # ours; diffusers' own is config.json
WEIGHTS_FILE = "diffusion_pytorch_model.safetensors"  # the name that diffusers gives
PATCHES = (1, 2, 4, 8)
NORM_GROUPS = 32  # diffusers' default; every width must be a multiple of it


class PredictionType(StrEnum):
    """What the network puts out, in the words of diffusers' schedulers."""

    EPSILON = "epsilon"
    SAMPLE = "sample"  # x_0


@dataclass(frozen=True)
class UNetConfig:
    """Shape of a denoiser, saved as JSON beside its weights."""

    image_size: int = 128  # side of the square image, in pixels
    patch: int = 4
    channels: tuple[int, ...] = (64, 128, 128)  # width of each level, finest first
    layers_per_block: int = 1
    attention_from: int = 8  # levels of this side or smaller get self-attention; 0 for none
    prediction_type: PredictionType = PredictionType.SAMPLE
    dropout: float = 0.0

    def __post_init__(self) -> None:
        if self.patch not in PATCHES:
            raise BundleError(f"patch must be one of {PATCHES}, got {self.patch}.")
        if not self.channels or any(width % NORM_GROUPS for width in self.channels):
            raise BundleError(
                f"Every width must be a multiple of {NORM_GROUPS}, got {self.channels}."
            )
        factor = self.patch * 2 ** (len(self.channels) - 1)
        if self.image_size % factor:
            raise BundleError(
                f"image_size must be a multiple of {factor} for patch {self.patch} and "
                f"{len(self.channels)} levels, got {self.image_size}."
            )

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> "UNetConfig":
        """Return the config that `asdict` wrote.

        Raises:
            BundleError: If a field is unknown or has a value that is not allowed.
        """
        try:
            return cls(
                **{
                    **values,
                    "channels": tuple(values["channels"]),
                    "prediction_type": PredictionType(values["prediction_type"]),
                }
            )
        except (TypeError, KeyError, ValueError) as error:
            raise BundleError(f"The U-Net's configuration cannot be read: {error}.") from error

    @property
    def level_sizes(self) -> tuple[int, ...]:
        """Side of the feature map at each level, finest first."""
        return tuple(self.image_size // self.patch // 2**i for i in range(len(self.channels)))

    @property
    def attends(self) -> tuple[bool, ...]:
        """Whether each level has self-attention, finest first."""
        return tuple(size <= self.attention_from for size in self.level_sizes)


def build_unet2d(config: UNetConfig) -> UNet2DModel:
    """Return diffusers' network for folded images, freshly initialised."""
    folded = config.patch**2
    down = tuple("AttnDownBlock2D" if attends else "DownBlock2D" for attends in config.attends)
    up = tuple("AttnUpBlock2D" if attends else "UpBlock2D" for attends in reversed(config.attends))
    network: UNet2DModel = UNet2DModel(
        sample_size=config.image_size // config.patch,
        in_channels=folded,
        out_channels=folded,
        block_out_channels=config.channels,
        layers_per_block=config.layers_per_block,
        down_block_types=down,
        up_block_types=up,
        attention_head_dim=NORM_GROUPS,
        norm_num_groups=NORM_GROUPS,
        dropout=config.dropout,
        add_attention=config.attention_from > 0,
    )
    return network


class Denoiser(nn.Module):
    """A U-Net that finds the noise in x_t, whether it predicts that or x_0."""

    def __init__(self, config: UNetConfig, unet: UNet2DModel | None = None) -> None:
        super().__init__()
        self.config = config
        self.unet = unet if unet is not None else build_unet2d(config)

    def forward(self, x_t: Tensor, t: Tensor) -> Tensor:
        """Return what the network was trained to predict, (B, 1, H, W)."""
        folded = F.pixel_unshuffle(x_t, self.config.patch)  # (B, patch^2, H / patch, W / patch)
        output: Tensor = self.unet(folded, t, return_dict=False)[0]
        return F.pixel_shuffle(output, self.config.patch)

    def to_eps(self, output: Tensor, x_t: Tensor, alpha_bar: Tensor) -> Tensor:
        """Return the noise in x_t, derived where the network's output is x_0."""
        if self.config.prediction_type is PredictionType.EPSILON:
            return output
        return eps_from_x_0(x_t, output, alpha_bar)

    def predict_eps(self, x_t: Tensor, t: Tensor, alpha_bar: Tensor) -> Tensor:
        """Return the noise in x_t, whatever the network predicts."""
        return self.to_eps(self(x_t, t).to(x_t.dtype), x_t, alpha_bar)


def save_unet(denoiser: Denoiser, folder: Path) -> None:
    """Write diffusers' own files (config.json, safetensors) and `denoiser.json` into a folder."""
    denoiser.unet.save_pretrained(folder, safe_serialization=True)
    text = json.dumps(asdict(denoiser.config), indent=2)
    (folder / CONFIG_FILE).write_text(text + "\n", encoding="utf-8")


def load_unet(folder: Path) -> Denoiser:
    """Return the denoiser that `save_unet` wrote.

    Raises:
        BundleError: If a file is missing, or weights and configuration do not fit together.
    """
    try:
        config = UNetConfig.from_dict(json.loads((folder / CONFIG_FILE).read_text("utf-8")))
        unet = build_unet2d(config)
        weights = load_file(folder / WEIGHTS_FILE)
        unet.load_state_dict({k: v.to(torch.float32) for k, v in weights.items()})
    except (OSError, RuntimeError, SafetensorError, json.JSONDecodeError) as error:
        raise BundleError(f"{folder.name}: the U-Net cannot be loaded: {error}") from error
    return Denoiser(config, unet)
