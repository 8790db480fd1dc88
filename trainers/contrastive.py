"""The hybrid loss: images with their reports, and images with the findings they show.

    I, T      embeddings of images and texts, unit vectors, (B, D)
    C         embeddings of the findings, unit vectors, (F, D)
    L         w L_CLIP + (1 - w) L_i2c (eq. 3)
    L_CLIP    symmetric cross-entropy between I and T of the cases that have a report
    L_i2c     binary cross-entropy of a cos(I, C) + b over the labels that are known (eq. 4)

The batch is that of all processes together: embeddings are gathered with their gradients, every
process computes the whole loss, and averaging their gradients gives that of the whole.

Jin et al. 2024, "DAug", arXiv:2412.04828, section 4. Radford et al. 2021, arXiv:2103.00020.
"""

from dataclasses import dataclass

import torch
from torch import Tensor, distributed
from torch.distributed.nn.functional import all_gather
from torch.nn import functional as F

from daug.clip import ClipOutput
from daug.errors import TrainingError

PAPER_WEIGHT = 0.7  # w


@dataclass(frozen=True, eq=False)
class Known:
    """What is known of the cases of a batch."""

    reported: Tensor  # (B,) bool; the others stay out of L_CLIP
    meaning: Tensor  # (B,) int64; cases of equal meaning are no examples against each other
    present: Tensor  # (B, F), 1 or 0
    known: Tensor  # (B, F) bool; nothing else enters L_i2c


def hybrid_loss(output: ClipOutput, known: Known, weight: float = PAPER_WEIGHT) -> Tensor:
    """Return L over the batch of all processes, a scalar.

    Args:
        output: Of this process.
        known: Of the same cases.
        weight: w, the share of the reports.
    """
    image, text = gather(output.image), gather(output.text)
    known = Known(
        gather(known.reported), gather(known.meaning), gather(known.present), gather(known.known)
    )
    reports = clip_loss(image, text, output.logit_scale, known.reported, known.meaning)
    logits = output.class_scale * image @ output.classes.T + output.class_bias
    return weight * reports + (1 - weight) * class_loss(logits, known.present, known.known)


def clip_loss(
    image: Tensor, text: Tensor, scale: Tensor, reported: Tensor, meaning: Tensor
) -> Tensor:
    """Return L_CLIP: which report belongs to which image, and the other way round.

    Two cases that say the same are no examples against each other, so such pairs are left out of
    the denominators; where all differ, it is the usual loss.

    Args:
        image: I, (B, D).
        text: T, (B, D).
        scale: Of the cosines.
        reported: Which cases have a report, (B,) bool.
        meaning: What the report says, (B,) int64.
    """
    if not bool(reported.any()):
        return 0 * scale * (image.sum() + text.sum())  # keeps every weight in the graph
    image, text, meaning = image[reported], text[reported], meaning[reported]
    cosines = image @ text.T  # (R, R)
    same = meaning[:, None] == meaning[None, :]
    same.fill_diagonal_(False)
    logits = (scale * cosines).masked_fill(same, -torch.inf)
    own = torch.arange(len(logits), device=logits.device)
    return (F.cross_entropy(logits, own) + F.cross_entropy(logits.T, own)) / 2


def class_loss(logits: Tensor, present: Tensor, known: Tensor) -> Tensor:
    """Return L_i2c, averaged over the known labels; 0 where there are none."""
    each = F.binary_cross_entropy_with_logits(logits, present.to(logits.dtype), reduction="none")
    return torch.where(known, each, 0).sum() / known.sum().clamp(min=1)


def gather(values: Tensor) -> Tensor:
    """Return the values of all processes, one after the other, with their gradients.

    Raises:
        TrainingError: If this machine's torch cannot gather.
    """
    if not (distributed.is_available() and distributed.is_initialized()):
        return values
    if distributed.get_world_size() == 1:
        return values
    if values.requires_grad:
        return torch.cat(all_gather(values))
    parts = [torch.empty_like(values) for _ in range(distributed.get_world_size())]
    try:
        distributed.all_gather(parts, values.contiguous())
    except RuntimeError as error:
        raise TrainingError(f"The processes' batches cannot be gathered: {error}.") from error
    return torch.cat(parts)
