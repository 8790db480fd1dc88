"""A CLIP model of chest radiographs: image, text and finding in one space.

    images    channels of AugmentedRadiograph, (B, C, S, S) in [-1, 1]
    I, T      embeddings of images and texts, unit vectors, (B, D)
    C         embeddings of the findings from their prompts, unit vectors, (F, D)
    z         a cos(I, C) + b, the logit of each finding, (B, F)

Radford et al. 2021, "CLIP", arXiv:2103.00020. Jin et al. 2024, "DAug", arXiv:2412.04828, section 4.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from daug.augmented import COLOURS, ChannelKind, ChannelPlan
from daug.errors import BundleError
from daug.findings import Finding
from daug.towers import build_towers, encode_text, widen_first_convolution

MAX_LOGIT_SCALE = 100.0  # of the contrastive loss; Radford et al. 2021, section 2.5
CLASS_SCALE = 10.0  # a at the start: cosines of -0.3 and 0.3 read as 5 % and 95 %
CLASS_BIAS = 0.0  # b at the start: an image at right angles to a finding is undecided


@dataclass(frozen=True)
class ClipConfig:
    """Everything that shapes a CLIP model, beside its weights."""

    model_cfg: Mapping[str, Any]  # open_clip's own: embed_dim, vision_cfg, text_cfg, quick_gelu
    plan: ChannelPlan
    prompts: Mapping[Finding, tuple[str, ...]]  # as many for each finding
    mean: tuple[float, ...] = (0.5,) * COLOURS  # of images in [0, 1], as the tower was trained
    std: tuple[float, ...] = (0.5,) * COLOURS
    scaled: bool = True  # z = a cos + b with a, b learnt; False: z = cos, as the paper prints it
    model: str = ""  # where the towers came from, for the record
    weights: str = ""
    # Share of the radiographs that it saw in training without their maps; above 0, it also knows
    # what to make of a radiograph of which none is drawn.
    heat_dropout: float = 0.0

    def __post_init__(self) -> None:
        lengths = {len(sentences) for sentences in self.prompts.values()}
        if len(lengths) != 1 or 0 in lengths:
            raise BundleError("Every finding needs prompts, and all the same number of them.")
        if not 0 <= self.heat_dropout < 1:
            raise BundleError(f"The heat dropout must be in [0, 1), got {self.heat_dropout}.")
        if not len(self.mean) == len(self.std) == COLOURS or min(self.std) <= 0:
            raise BundleError(f"Mean and spread of {COLOURS} channels are needed.")
        if not isinstance(self.image_size, int) or self.image_size < 1:
            raise BundleError(f"The image size must be a whole number, got {self.image_size!r}.")

    @property
    def image_size(self) -> int:
        """Side of the image tower's square, in pixels."""
        try:
            size: int = self.model_cfg["vision_cfg"]["image_size"]
        except (KeyError, TypeError) as error:
            raise BundleError(f"The CLIP configuration lacks {error}.") from error
        return size

    @property
    def findings(self) -> tuple[Finding, ...]:
        """The findings in the order of C and z."""
        return tuple(self.prompts)


class ClipOutput(NamedTuple):
    """What the loss is made of."""

    image: Tensor  # I, (B, D)
    text: Tensor  # T, (B, D); zeros where there is no text
    classes: Tensor  # C, (F, D)
    logit_scale: Tensor  # of the contrastive loss
    class_scale: Tensor  # a
    class_bias: Tensor  # b


class Clip(nn.Module):
    """open_clip's towers, their common space, and the findings in it."""

    def __init__(self, config: ClipConfig) -> None:
        """Build it with fresh weights.

        Raises:
            BundleError: If the configuration cannot be built.
        """
        super().__init__()
        self.config = config
        self.towers = build_towers(config.model_cfg)
        if config.plan.kind is ChannelKind.ALL:
            widen_first_convolution(self.towers, len(config.plan.maps))
        self.log_class_scale = nn.Parameter(
            torch.tensor(math.log(CLASS_SCALE) if config.scaled else 0.0),
            requires_grad=config.scaled,
        )
        self.class_bias = nn.Parameter(torch.tensor(CLASS_BIAS), requires_grad=config.scaled)
        mean, std = torch.tensor(config.mean), torch.tensor(config.std)
        self.register_buffer("mean", mean[:, None, None], persistent=False)
        self.register_buffer("std", std[:, None, None], persistent=False)

    def normalise(self, images: Tensor) -> Tensor:
        """Return what the first convolution takes, (B, C', S, S).

        Where every super-class has a channel, the tower sees the radiograph in its three colours,
        as it always did, and the maps behind them.
        """
        mean, std = self.get_buffer("mean"), self.get_buffer("std")
        if self.config.plan.kind is not ChannelKind.ALL:
            return ((images + 1) / 2 - mean) / std
        colours = ((images[:, :1].expand(-1, COLOURS, -1, -1) + 1) / 2 - mean) / std
        return torch.cat([colours, images[:, 1:]], dim=1)

    def encode_image(self, images: Tensor) -> Tensor:
        """Return I, (B, D)."""
        features: Tensor = self.towers.encode_image(self.normalise(images))
        return F.normalize(features.float(), dim=-1)

    def encode_text(self, tokens: Tensor) -> Tensor:
        """Return T, (B, D)."""
        return F.normalize(encode_text(self.towers, tokens).float(), dim=-1)

    def encode_classes(self, prompts: Tensor) -> Tensor:
        """Return C from the tokens of all prompts, (F, templates, L): their mean direction."""
        each = self.encode_text(prompts.flatten(0, 1)).unflatten(0, prompts.shape[:2])
        return F.normalize(each.mean(dim=1), dim=-1)

    def class_logits(self, image: Tensor, classes: Tensor) -> Tensor:
        """Return z, (B, F)."""
        logits: Tensor = self.log_class_scale.exp() * image @ classes.T + self.class_bias
        return logits

    def forward(
        self, images: Tensor, tokens: Tensor, reported: Tensor, prompts: Tensor
    ) -> ClipOutput:
        """Return all embeddings of a batch; the class prompts are embedded anew each time.

        Args:
            images: (B, C, S, S).
            tokens: Of the reports, (B, L).
            reported: Which of them there are, (B,) bool; the others cost nothing.
            prompts: Tokens of the class prompts, (F, templates, L).
        """
        image = self.encode_image(images)
        text = torch.zeros_like(image)
        if bool(reported.any()):
            text = text.index_put((reported.nonzero()[:, 0],), self.encode_text(tokens[reported]))
        return ClipOutput(
            image,
            text,
            self.encode_classes(prompts),
            self.towers.logit_scale.exp().clamp(max=MAX_LOGIT_SCALE),
            self.log_class_scale.exp(),
            self.class_bias * 1,  # not the parameter itself: wrappers hook outputs
        )
