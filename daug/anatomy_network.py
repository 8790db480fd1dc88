"""The network that finds lungs and heart: a small U-Net with one sigmoid for each organ.

    image   a radiograph on the model's square, (B, 1, S, S) in [-1, 1]
    logits  (B, 3, S, S), in the order of ORGANS; they overlap, as organs do in a projection

Ronneberger et al. 2015, "U-Net", arXiv:1505.04597, with group normalisation, and with pixels
folded into channels before the first convolution and unfolded after the last, for two CPU cores.
diffusers' UNet2DModel of the same widths has twice the weights and a third of the speed.
"""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor, nn
from torch.nn import functional as F

from daug.errors import BundleError
from daug.organs import ORGANS

WEIGHTS_FILE = "model.safetensors"
CONFIG_FILE = "config.json"
NORM_GROUPS = 8


@dataclass(frozen=True)
class AnatomyConfig:
    """Shape of the network, saved as JSON beside its weights."""

    image_size: int = 128
    patch: int = 2  # side of the square of pixels that is folded into channels
    channels: tuple[int, ...] = (24, 48, 72, 96, 96)  # width of each level, finest first

    def __post_init__(self) -> None:
        if self.patch < 1 or not self.channels or any(w % NORM_GROUPS for w in self.channels):
            raise BundleError(
                f"Every width must be a multiple of {NORM_GROUPS} and the patch at least 1, got "
                f"{self.channels} and {self.patch}."
            )
        factor = self.patch * 2 ** (len(self.channels) - 1)
        if self.image_size < factor or self.image_size % factor:
            raise BundleError(
                f"image_size must be a multiple of {factor} for patch {self.patch} and "
                f"{len(self.channels)} levels, got {self.image_size}."
            )

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> "AnatomyConfig":
        """Return the config that `asdict` wrote.

        Raises:
            BundleError: If a field is unknown or has a value that is not allowed.
        """
        try:
            return cls(**{**values, "channels": tuple(values["channels"])})
        except (TypeError, KeyError, ValueError) as error:
            raise BundleError(
                f"The configuration of the anatomy model cannot be read: {error}."
            ) from error


class AnatomyNet(nn.Module):
    """Logits of lungs and heart for every pixel."""

    def __init__(self, config: AnatomyConfig) -> None:
        super().__init__()
        self.config = config
        folded, widths = config.patch**2, config.channels
        self.down = nn.ModuleList(
            _block(before, width) for before, width in zip((folded, *widths), widths, strict=False)
        )
        self.up = nn.ModuleList(
            _block(below + width, width)
            for below, width in zip(widths[:0:-1], widths[-2::-1], strict=True)
        )
        self.head = nn.Conv2d(widths[0], len(ORGANS) * folded, 1)

    def forward(self, image: Tensor) -> Tensor:
        """Return the logits, (B, 3, S, S)."""
        h = F.pixel_unshuffle(image, self.config.patch)
        passed = []
        for i, block in enumerate(self.down):
            h = block(F.max_pool2d(h, 2) if i else h)
            passed.append(h)
        for block, beside in zip(self.up, passed[-2::-1], strict=True):
            above = F.interpolate(h, scale_factor=2, mode="bilinear", align_corners=False)
            h = block(torch.cat([above, beside], dim=1))
        logits: Tensor = F.pixel_shuffle(self.head(h), self.config.patch)
        return logits


def _block(inward: int, outward: int) -> nn.Sequential:
    return nn.Sequential(
        nn.Conv2d(inward, outward, 3, padding=1, bias=False),
        nn.GroupNorm(NORM_GROUPS, outward),
        nn.SiLU(),
        nn.Conv2d(outward, outward, 3, padding=1, bias=False),
        nn.GroupNorm(NORM_GROUPS, outward),
        nn.SiLU(),
    )


def save_anatomy(network: AnatomyNet, folder: Path, dtype: torch.dtype | None = None) -> None:
    """Write `config.json` and `model.safetensors` into a folder.

    Args:
        network: What to write.
        folder: Made if missing.
        dtype: Of the stored weights; float16 halves the file. None keeps them as they are.
    """
    folder.mkdir(parents=True, exist_ok=True)
    text = json.dumps(asdict(network.config), indent=2)
    (folder / CONFIG_FILE).write_text(text + "\n", encoding="utf-8")
    weights = {
        name: (value if dtype is None else value.to(dtype)).contiguous()
        for name, value in network.state_dict().items()
    }
    save_file(weights, folder / WEIGHTS_FILE)


def load_anatomy(folder: Path) -> AnatomyNet:
    """Return the network that `save_anatomy` wrote, in float32.

    Raises:
        BundleError: If a file is missing, weights and configuration do not fit together, or a
            weight is not a number.
    """
    try:
        values = json.loads((folder / CONFIG_FILE).read_text(encoding="utf-8"))
        network = AnatomyNet(AnatomyConfig.from_dict(values))
        weights = load_file(folder / WEIGHTS_FILE)
        network.load_state_dict({k: v.to(torch.float32) for k, v in weights.items()})
    except (BundleError, OSError, RuntimeError, SafetensorError, ValueError) as error:
        raise BundleError(f"{folder.name}: the anatomy model cannot be loaded: {error}") from error
    broken = [name for name, value in network.state_dict().items() if not value.isfinite().all()]
    if broken:
        raise BundleError(
            f"{folder.name}: the anatomy model holds values that are not numbers, for instance in "
            f"{broken[0]}. Copy or train it again."
        )
    return network
