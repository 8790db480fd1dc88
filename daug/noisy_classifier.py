"""The guide: which super-classes a noised radiograph shows.

    x_t   a noised radiograph, (B, 1, H, W)
    t     diffusers' timestep, 0..T-1, (B,) or a scalar
    z     one logit for each super-class, (B, C)

It is the encoder half of the denoiser's U-Net with a pooled head, so that it can start from the
denoiser's own encoder. Which classes had enough examples to be believed is not its business: the
bundle says that.

Jin et al. 2024, "DAug", arXiv:2412.04828, section 3.2.
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
from daug.unet import NORM_GROUPS, UNetConfig, build_unet2d

WEIGHTS_FILE = "model.safetensors"
CONFIG_FILE = "config.json"


@dataclass(frozen=True)
class ClassifierConfig:
    """Shape of a classifier of noised radiographs, saved as JSON beside its weights."""

    classes: tuple[str, ...]  # names of the super-classes, in the order of the logits
    image_size: int = 128
    patch: int = 4
    channels: tuple[int, ...] = (64, 128, 128)  # width of each level, finest first
    layers_per_block: int = 1
    attention_from: int = 8  # levels of this side or smaller get self-attention; 0 for none
    dropout: float = 0.1  # before the head and inside the residual blocks, in training

    def __post_init__(self) -> None:
        if len(set(self.classes)) != len(self.classes) or not self.classes:
            raise BundleError(f"Class names must be given and differ, got {self.classes}.")
        self.encoder  # noqa: B018 - building it checks the rest

    @property
    def encoder(self) -> UNetConfig:
        """The U-Net whose encoder half this is."""
        return UNetConfig(
            image_size=self.image_size,
            patch=self.patch,
            channels=self.channels,
            layers_per_block=self.layers_per_block,
            attention_from=self.attention_from,
            dropout=self.dropout,
        )

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> "ClassifierConfig":
        """Return the config that `asdict` wrote.

        Raises:
            BundleError: If a field is unknown or has a value that is not allowed.
        """
        try:
            sequences = {name: tuple(values[name]) for name in ("classes", "channels")}
            return cls(**{**values, **sequences})
        except (TypeError, KeyError, ValueError) as error:
            raise BundleError(f"The classifier's configuration cannot be read: {error}.") from error


class NoisyClassifier(nn.Module):
    """Logits of the super-classes from x_t and t."""

    def __init__(self, config: ClassifierConfig) -> None:
        super().__init__()
        self.config = config
        whole = build_unet2d(config.encoder)
        assert whole.mid_block is not None  # UNet2DModel leaves it out only if told to
        self.time_proj = whole.time_proj
        self.time_embedding = whole.time_embedding
        self.conv_in = whole.conv_in
        self.down_blocks = whole.down_blocks
        self.mid_block = whole.mid_block
        width = config.channels[-1]
        self.norm_out = nn.GroupNorm(NORM_GROUPS, width)
        self.head = nn.Sequential(
            nn.Dropout(config.dropout), nn.Linear(2 * width, len(config.classes))
        )

    def features(self, x_t: Tensor, t: Tensor) -> Tensor:
        """Return the last feature map, (B, C', H', W')."""
        h = self.conv_in(F.pixel_unshuffle(x_t, self.config.patch))
        t = t.reshape(-1).expand(x_t.shape[0])  # (B,)
        embedding = self.time_embedding(self.time_proj(t).to(h.dtype))
        for block in self.down_blocks:
            h, _ = block(hidden_states=h, temb=embedding)
        h = self.mid_block(h, embedding)
        return F.silu(self.norm_out(h))

    def forward(self, x_t: Tensor, t: Tensor) -> Tensor:
        """Return the logits z, (B, C)."""
        h = self.features(x_t, t)
        # The mean sees what is spread out (edema), the maximum what is small (a nodule).
        pooled = torch.cat([h.mean(dim=(2, 3)), h.amax(dim=(2, 3))], dim=1)
        logits: Tensor = self.head(pooled)
        return logits


def save_classifier(classifier: NoisyClassifier, folder: Path) -> None:
    """Write `config.json` and `model.safetensors` into a folder."""
    folder.mkdir(parents=True, exist_ok=True)
    text = json.dumps(asdict(classifier.config), indent=2)
    (folder / CONFIG_FILE).write_text(text + "\n", encoding="utf-8")
    weights = {name: value.contiguous() for name, value in classifier.state_dict().items()}
    save_file(weights, folder / WEIGHTS_FILE)


def load_classifier(folder: Path) -> NoisyClassifier:
    """Return the classifier that `save_classifier` wrote.

    Raises:
        BundleError: If a file is missing, or weights and configuration do not fit together.
    """
    try:
        values = json.loads((folder / CONFIG_FILE).read_text(encoding="utf-8"))
        classifier = NoisyClassifier(ClassifierConfig.from_dict(values))
        weights = load_file(folder / WEIGHTS_FILE)
        classifier.load_state_dict({k: v.to(torch.float32) for k, v in weights.items()})
    except (OSError, RuntimeError, SafetensorError, json.JSONDecodeError) as error:
        raise BundleError(f"{folder.name}: the classifier cannot be loaded: {error}") from error
    return classifier
