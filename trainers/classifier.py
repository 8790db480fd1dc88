"""Train the classifier of noised radiographs: the guide of every heatmap.

Jin et al. 2024, "DAug", arXiv:2412.04828, section 3.2: sigmoid and binary cross-entropy over
seven super-classes, with (x_t, t) as input.
"""

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional as F

from daug.errors import TrainingError
from daug.findings import SuperClass
from daug.noisy_classifier import (
    ClassifierConfig,
    NoisyClassifier,
    load_classifier,
    save_classifier,
)
from daug.schedule import add_noise, linear_alpha_bar
from trainers.augmentation import AugmentationRange, apply, draw
from trainers.class_balance import BalancedSampler, count_training, find_pools, labels_from
from trainers.evaluation.classifier_scores import LEVELS, ScoreRow, logits_at, score_rows
from trainers.evaluation.curves import draw_noise_curves
from trainers.manifest import Row
from trainers.pixels import to_model_range
from trainers.surroundings import exchange

logger = logging.getLogger(__name__)

STRONG = AugmentationRange(degrees=8, zoom=0.12, shift=0.06, gain=0.2, offset=0.1, gamma=0.3)
REPORT_DRAWS = 200  # of the bootstrap, during training


@dataclass(frozen=True)
class ClassifierSettings:
    """What the classifier sees in training."""

    sources: tuple[str, ...]
    highest_t: int = 600  # guidance never asks about noisier images
    clean_share: float = 0.1  # of a batch that is asked about without noise
    augmentation: AugmentationRange = STRONG
    foreign_share: float = 0.0  # of a batch that gets another radiograph's surroundings


class RowSampler(Protocol):
    """Whoever says which rows a batch is made of."""

    def draw(self, batch: int, generator: torch.Generator) -> Tensor:
        """Return the rows of a batch, (batch,)."""
        ...


class ClassifierProblem:
    """The classifier, its batches and its loss."""

    name = "classifier"

    def __init__(
        self,
        rows: Sequence[Row],
        pixels: NDArray[np.uint8],
        held_out_rows: Sequence[Row],
        held_out: NDArray[np.uint8],
        super_classes: Sequence[SuperClass],
        config: ClassifierConfig,
        settings: ClassifierSettings,
        chests: NDArray[np.bool_] | None = None,
    ) -> None:
        """Prepare labels and sampling.

        Args:
            chests: Where each radiograph has its chest, (N, S, S), if surroundings are exchanged.

        Raises:
            ManifestError: If no super-class has enough examples.
            TrainingError: If surroundings are to be exchanged, and nobody says where chests are.
        """
        if settings.foreign_share and chests is None:
            raise TrainingError(
                "Surroundings can only be exchanged where the chests are known. Name the segmenter "
                "that finds them with --anatomy."
            )
        self.pixels, self.settings, self.chests = pixels, settings, chests
        self.held_out_rows, self.held_out = held_out_rows, held_out
        self.super_classes = super_classes
        self.classifier = NoisyClassifier(config)
        self.model: nn.Module = self.classifier
        pools = find_pools(rows, super_classes)
        self.labels = labels_from(pools, len(rows), len(super_classes))
        self.sampler: RowSampler = BalancedSampler(pools)
        self.counts = count_training(pools, rows, super_classes)
        self.alpha_bar = linear_alpha_bar().to(torch.float32)
        for super_class, counts in zip(super_classes, self.counts, strict=True):
            logger.info(
                "%s: %d with, %d without", super_class.name, counts.positives, counts.negatives
            )

    def start_from(self, folder: Path) -> None:
        """Take over the weights of an earlier classifier of the same shape.

        Raises:
            TrainingError: If it has another shape.
        """
        earlier = load_classifier(folder)
        if earlier.config != self.classifier.config:
            raise TrainingError(
                f"{folder.name} holds a classifier of another shape ({earlier.config}) than this "
                f"preset's ({self.classifier.config}). Choose the preset that made it."
            )
        self.classifier.load_state_dict(earlier.state_dict())

    def draw_batch(self, size: int, generator: torch.Generator) -> tuple[Tensor, ...]:
        """Return x_t (B, 1, H, W), t (B,), present (B, C) and known (B, C)."""
        rows = self.sampler.draw(size, generator)
        images = self._surrounded(to_model_range(self.pixels[rows.numpy()]), rows, generator)
        x_0 = apply(draw(self.settings.augmentation, size, generator), images)
        t = torch.randint(self.settings.highest_t, (size,), generator=generator)
        clean = torch.rand(size, generator=generator) < self.settings.clean_share
        t = torch.where(clean, 0, t)
        eps = torch.randn(x_0.shape, generator=generator)
        noised = add_noise(x_0, eps, self.alpha_bar[t][:, None, None, None])
        x_t = torch.where(clean[:, None, None, None], x_0, noised)
        return x_t, t, self.labels.present[rows], self.labels.known[rows]

    def _surrounded(self, images: Tensor, rows: Tensor, generator: torch.Generator) -> Tensor:
        """Return a batch in which some have another's surroundings, (B, 1, H, W)."""
        if self.chests is None or not self.settings.foreign_share:
            return images
        chests = torch.from_numpy(np.array(self.chests[rows.numpy()]))[:, None].float()
        order = torch.randperm(len(rows), generator=generator)
        foreign = torch.rand(len(rows), generator=generator) < self.settings.foreign_share
        mixed = exchange(images, chests, order)
        return torch.where(foreign[:, None, None, None], mixed, images)

    def loss(self, model: nn.Module, batch: tuple[Tensor, ...]) -> Tensor:
        """Return the binary cross-entropy, averaged over the known labels of the batch."""
        x_t, t, present, known = batch
        each = F.binary_cross_entropy_with_logits(model(x_t, t).float(), present, reduction="none")
        return (each * known).sum() / known.sum().clamp(min=1)

    def terms(self, batch: tuple[Tensor, ...]) -> Tensor:
        """Return the number of known labels."""
        return batch[-1].sum()

    def report(self, folder: Path, step: int) -> dict[str, Any]:
        """Print scores on held-out radiographs by class, source and noise level; draw them too.

        Returns:
            AUROC at t = 0 of every class within each source.
        """
        logits = logits_at(self.classifier, self.held_out, LEVELS, seed=0)
        scores = score_rows(
            logits,
            self.held_out_rows,
            self.super_classes,
            LEVELS,
            np.random.default_rng(0),
            REPORT_DRAWS,
        )
        for row in scores:
            logger.info("%s", told(row))
        draw_noise_curves(scores, folder / "noise_levels.png")
        return {
            f"{row.super_class} [{row.source}]": round(row.auroc.value, 3)
            for row in scores
            if row.t == 0 and not row.measures_source_look
        }

    def save(self, folder: Path) -> None:
        """Write the classifier with its configuration."""
        save_classifier(self.classifier, folder / "classifier")


def told(row: ScoreRow) -> str:
    """Return one line of the log: average precision and AUROC with n."""
    enough = "" if row.enough else "  n too small"
    return (
        f"{row.super_class} [{row.source}] t={row.t}: AP {row.average_precision.value:.3f} "
        f"AUROC {row.auroc.value:.3f}, {row.positives} with, {row.negatives} without{enough}"
    )
