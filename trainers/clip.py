"""Train the CLIP model: images beside their reports and the findings they show.

Jin et al. 2024, "DAug", arXiv:2412.04828, section 4: hybrid image-text-class contrastive loss
over augmented channels. What it leaves open is decided in `docs/decisions.md`.
"""

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional as F

from daug.augmented import stack_channels
from daug.bundle import TrainingCounts
from daug.clip import Clip
from daug.clip_files import load_clip, prompt_tokens, save_clip, write_calibration
from daug.errors import TrainingError
from daug.towers import Tokenizer
from trainers.augmentation import Augmentation, AugmentationRange, apply, draw
from trainers.class_balance import BalancedSampler
from trainers.clip_calibration import calibrate
from trainers.clip_labels import UnknownPolicy, count_findings, finding_classes, finding_labels
from trainers.contrastive import PAPER_WEIGHT, Known, hybrid_loss
from trainers.evaluation.classifier_scores import score_rows
from trainers.heat_array import to_changes
from trainers.manifest import Row
from trainers.pixels import to_model_range
from trainers.report_templates import compose, template_meaning
from trainers.report_text import DEFAULT_SECTIONS, NO_TEXT, TextOrigin, meaning_of, real_text

logger = logging.getLogger(__name__)

CLIP_FOLDER = "clip"
STRONG = AugmentationRange(degrees=8, zoom=0.12, shift=0.06, gain=0.2, offset=0.1, gamma=0.3)
REPORT_DRAWS = 200  # of the bootstrap, during training
SCORED_AT_ONCE = 64


@dataclass(frozen=True)
class ClipSettings:
    """What the CLIP model sees in training."""

    sources: tuple[str, ...]
    weight: float = PAPER_WEIGHT  # w, the share of the reports in the loss
    unknown: UnknownPolicy = UnknownPolicy.IGNORE
    templates: bool = True  # whether cases without a report get one composed from their labels
    reported_share: float = 0.25  # of a batch drawn from cases with a real report, if there are any
    sections: tuple[str, ...] = DEFAULT_SECTIONS
    augmentation: AugmentationRange = STRONG

    def __post_init__(self) -> None:
        if not (0 <= self.weight <= 1 and 0 <= self.reported_share <= 1):
            raise TrainingError("The share of the reports must be in 0..1, in loss and batches.")


@dataclass(frozen=True, eq=False)
class ClipCases:
    """Radiographs with what is known of them."""

    rows: Sequence[Row]
    pixels: NDArray[np.uint8]  # (N, S, S)
    heat: NDArray[np.int8]  # (N, M, S, S); see `heat_array`


class ClipProblem:
    """The CLIP model, its batches and its loss."""

    name = "clip"

    def __init__(
        self,
        clip: Clip,
        tokenizer: Tokenizer,
        cases: ClipCases,
        held_out: ClipCases,
        settings: ClipSettings,
    ) -> None:
        """Prepare labels, texts and sampling.

        Raises:
            ManifestError: If no finding has enough examples.
        """
        self.clip, self.tokenizer = clip, tokenizer
        self.model: nn.Module = clip
        self.cases, self.held_out, self.settings = cases, held_out, settings
        self.findings = clip.config.findings
        self.labels, pools = finding_labels(cases.rows, self.findings, settings.unknown)
        self.counts: dict[str, TrainingCounts] = count_findings(pools, cases.rows, self.findings)
        self.sampler = BalancedSampler(pools)
        self.prompts = prompt_tokens(clip.config, tokenizer)
        self.real = [real_text(row.report, settings.sections) for row in cases.rows]
        self.reported = [i for i, t in enumerate(self.real) if t.origin is TextOrigin.REAL]
        logger.info(
            "%d of %d cases have a real report; the others %s",
            *(len(self.reported), len(cases.rows)),
            "get a sentence composed from their labels" if settings.templates else "have no text",
        )

    def start_from(self, folder: Path) -> None:
        """Take over the weights of an earlier model of the same shape and channels.

        Raises:
            TrainingError: If it has another.
        """
        earlier, _ = load_clip(folder)
        if (earlier.config.model_cfg, earlier.config.plan) != (
            self.clip.config.model_cfg,
            self.clip.config.plan,
        ):
            raise TrainingError(
                f"{folder.name} holds a CLIP model of another shape or with other channels. "
                "Choose the preset, channels and bundle that made it."
            )
        self.clip.load_state_dict(earlier.state_dict())

    def draw_batch(self, size: int, generator: torch.Generator) -> tuple[Tensor, ...]:
        """Return images, tokens, reported, meaning, present and known; see `hybrid_loss`."""
        rows = self._draw_rows(size, generator)
        augmentation = draw(self.settings.augmentation, size, generator)
        with_heat = torch.rand(size, generator=generator) >= self.clip.config.heat_dropout
        images = self._images(self.cases, rows.numpy(), augmentation, with_heat)
        texts = [self._text(int(row), generator) for row in rows]
        return (
            images,
            self.tokenizer([text for text, _ in texts]),
            torch.tensor([bool(text) for text, _ in texts]),
            torch.tensor([meaning for _, meaning in texts], dtype=torch.int64),
            self.labels.present[rows],
            self.labels.known[rows],
        )

    def loss(self, model: nn.Module, batch: tuple[Tensor, ...]) -> Tensor:
        """Return the hybrid loss over the batches of all processes."""
        images, tokens, reported, meaning, present, known = batch
        output = model(images, tokens, reported, self.prompts.to(images.device))
        return hybrid_loss(output, Known(reported, meaning, present, known), self.settings.weight)

    def terms(self, batch: tuple[Tensor, ...]) -> Tensor:
        """Return the number of cases: each process already computes the loss of all of them."""
        return torch.tensor(len(batch[0]))

    def report(self, folder: Path, step: int) -> dict[str, Any]:
        """Score the findings on held-out radiographs.

        Returns:
            AUROC of every finding within each source that labels it both ways.
        """
        scores = score_rows(
            self.held_out_logits()[None],
            self.held_out.rows,
            finding_classes(self.findings),
            (0,),
            np.random.default_rng(0),
            REPORT_DRAWS,
        )
        return {
            f"{row.super_class} [{row.source}]": round(row.auroc.value, 3)
            for row in scores
            if not row.measures_source_look
        }

    def save(self, folder: Path) -> None:
        """Write the model, calibrated on the held-out radiographs."""
        save_clip(self.clip, self.tokenizer.merges, folder / CLIP_FOLDER)
        scales = calibrate(self.held_out_logits(), self.held_out.rows, self.findings, self.counts)
        write_calibration(folder / CLIP_FOLDER, scales)

    @torch.no_grad()
    def held_out_logits(self) -> NDArray[np.float32]:
        """Return z of every held-out radiograph, (N, F), in float32 as the embedder computes it."""
        device = next(self.clip.parameters()).device
        classes = self.clip.encode_classes(self.prompts.to(device))
        logits = [
            self.clip.class_logits(
                self.clip.encode_image(self._images(self.held_out, part).to(device)), classes
            )
            for part in np.array_split(
                np.arange(len(self.held_out.rows)),
                max(1, len(self.held_out.rows) // SCORED_AT_ONCE),
            )
        ]
        found: NDArray[np.float32] = torch.cat(logits).float().cpu().numpy()
        return found

    def _draw_rows(self, size: int, generator: torch.Generator) -> Tensor:
        balanced = self.sampler.draw(size, generator)
        real = torch.rand(size, generator=generator) < self.settings.reported_share
        u = torch.rand(size, generator=generator)
        if not self.reported:
            return balanced
        reported = torch.tensor(self.reported)[(u * len(self.reported)).long()]
        return torch.where(real, reported, balanced)

    def _text(self, row: int, generator: torch.Generator) -> tuple[str, int]:
        """Return a case's text, empty for none, and what it means."""
        labels = self.cases.rows[row].labels
        composed = compose(labels, generator) if self.settings.templates else NO_TEXT
        if self.real[row].text:
            return self.real[row].text, meaning_of(self.real[row].text)
        return composed.text, template_meaning(labels)

    def _images(
        self,
        cases: ClipCases,
        rows: NDArray[np.int64],
        augmentation: Augmentation | None = None,
        with_heat: Tensor | None = None,
    ) -> Tensor:
        """Return the channels of some cases, (B, C, S, S).

        Args:
            cases: All of them.
            rows: Those that are meant, (B,).
            augmentation: How they are moved and toned; as they are if none.
            with_heat: Which of them keep their maps, (B,) bool; all if none.
        """
        plan = self.clip.config.plan
        radiographs = to_model_range(cases.pixels[rows])
        changes = torch.from_numpy(to_changes(cases.heat[rows], plan))
        if augmentation is not None:
            radiographs = apply(augmentation, radiographs)
            changes = move(augmentation, changes)
        if with_heat is not None:
            changes = changes * with_heat[:, None, None, None]
        return torch.from_numpy(stack_channels(plan, radiographs[:, 0].numpy(), changes.numpy()))


def move(augmentation: Augmentation, maps: Tensor) -> Tensor:
    """Return maps moved as their radiographs are; no change comes in from outside.

    Args:
        augmentation: Of the radiographs.
        maps: (B, M, H, W).
    """
    if maps.shape[1] == 0:
        return maps
    grid = F.affine_grid(augmentation.matrix, list(maps.shape), align_corners=False)
    return F.grid_sample(maps, grid, align_corners=False)
