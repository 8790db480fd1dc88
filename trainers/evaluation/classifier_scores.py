"""How well the noisy classifier knows its super-classes, source by source and noise by noise.

Scores within one source come first. Over several sources a classifier can score well by knowing
where a radiograph is from, since some sources show only the healthy and some only the ill; rows
over all sources are there for comparison and marked as such.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from daug.bundle import MIN_TEST_POSITIVES, Estimate
from daug.errors import EngineError
from daug.findings import State, SuperClass
from daug.noisy_classifier import NoisyClassifier
from daug.precision import has_fast_bf16
from daug.schedule import add_noise, linear_alpha_bar
from trainers.evaluation.bootstrap import DRAWS, Floats, draw_patients, estimate
from trainers.evaluation.ranking import prevalence, rank
from trainers.manifest import Row
from trainers.pixels import to_model_range

LEVELS = (0, 100, 200, 300, 400, 500)  # noising steps; heatmaps start from no more than 500
ALL_SOURCES = "all"
BATCH = 64
NUMBER_OF = {State.PRESENT: 1.0, State.ABSENT: 0.0, State.UNKNOWN: float("nan")}


@dataclass(frozen=True)
class ScoreRow:
    """How well one super-class is told at one noise level in one source."""

    super_class: str
    source: str  # or ALL_SOURCES
    t: int  # noising steps; 0 is the radiograph itself
    positives: int
    negatives: int
    average_precision: Estimate
    auroc: Estimate
    prevalence: Estimate  # the average precision of a classifier that guesses

    @property
    def enough(self) -> bool:
        """Whether there were enough radiographs with the class, and without, to say anything."""
        return min(self.positives, self.negatives) >= MIN_TEST_POSITIVES

    @property
    def measures_source_look(self) -> bool:
        """Whether knowing where a radiograph is from helps to score well here."""
        return self.source == ALL_SOURCES


@torch.no_grad()
def logits_at(
    classifier: NoisyClassifier, pixels: NDArray[np.uint8], levels: Sequence[int], seed: int
) -> NDArray[np.float32]:
    """Return the logits of radiographs at several noise levels, (levels, N, C).

    A radiograph's noise comes from the seed and its own pixels, so that its score does not hang
    on which others are scored beside it; it is the same noise at every level.

    Args:
        classifier: On any device; it is put into evaluation mode for the time being.
        pixels: Model inputs in 8 bits, (N, S, S).
        levels: Noising steps L, 0..T. At 0 the classifier sees the radiograph itself and t = 0;
            at L it sees x_t of diffusers' timestep t = L - 1, which L steps have made. Noised
            images are computed in bfloat16 where that is fast, and the radiograph itself in
            float32, both as in the engine, so that an operating point means the same there.
        seed: Of the noise.

    Raises:
        EngineError: If a logit is not a finite number.
    """
    device = next(classifier.parameters()).device
    alpha_bar = linear_alpha_bar().to(device, torch.float32)
    logits = np.empty((len(levels), len(pixels), len(classifier.config.classes)), np.float32)
    was_training = classifier.training
    classifier.eval()
    for start in range(0, len(pixels), BATCH):
        chosen = np.asarray(pixels[start : start + BATCH])
        x_0, eps = to_model_range(chosen).to(device), _noise(chosen, seed).to(device)
        for i, level in enumerate(levels):
            x_t = add_noise(x_0, eps, alpha_bar[level - 1]) if level else x_0
            t = torch.tensor(max(0, level - 1), device=device)
            fast = level > 0 and has_fast_bf16(device)
            with torch.autocast(device.type, dtype=torch.bfloat16, enabled=fast):
                logits[i, start : start + BATCH] = classifier(x_t, t).float().cpu().numpy()
    classifier.train(was_training)
    if not np.isfinite(logits).all():
        raise EngineError(
            "The classifier gave a score that is no number. Its weights or its training went "
            "wrong; take an earlier checkpoint."
        )
    return logits


def score_rows(
    logits: NDArray[np.float32],
    rows: Sequence[Row],
    super_classes: Sequence[SuperClass],
    levels: Sequence[int],
    generator: np.random.Generator,
    draws: int = DRAWS,
) -> list[ScoreRow]:
    """Return the scores of every super-class, source and level, within-source rows first.

    Radiographs in which a class is not known are left out of it, and so are sources that do not
    label it both ways. Within a class the source with most radiographs on its rarer side comes
    first, since it can tell most.

    Args:
        logits: See `logits_at`, (levels, N, C).
        rows: What was scored, (N,).
        super_classes: In the order of the logits, (C,).
        levels: Noise levels, in the order of the logits.
        generator: Source of all chance.
        draws: Draws of the bootstrap.
    """
    sources = np.array([row.source for row in rows])
    patients = np.array([row.patient for row in rows])
    within: list[ScoreRow] = []
    across: list[ScoreRow] = []
    for index, super_class in enumerate(super_classes):
        labels = known_labels(rows, super_class)
        for source in (*telling_sources(labels, sources), ALL_SOURCES):
            chosen = ~np.isnan(labels) & ((source == ALL_SOURCES) | (sources == source))
            if not _both_ways(labels[chosen]):
                continue
            weights = draw_patients(patients[chosen].tolist(), generator, draws)
            for level, scores in zip(levels, logits[:, chosen, index], strict=True):
                row = _score(super_class.name, source, level, labels[chosen], scores, weights)
                (across if row.measures_source_look else within).append(row)
    return within + across


def known_labels(rows: Sequence[Row], super_class: SuperClass) -> Floats:
    """Return 1 where the super-class is present, 0 where it is absent, NaN where unknown, (N,)."""
    return np.array([NUMBER_OF[row.state(super_class)] for row in rows], dtype=np.float64)


def telling_sources(labels: Floats, sources: NDArray[np.str_]) -> list[str]:
    """Return the sources that label a class both ways, the most telling first.

    A source tells as much as its rarer side allows: 100 radiographs with a disease and 3 without
    tell no more than 3 of each.

    Args:
        labels: 1, 0 or NaN, (N,).
        sources: Of each radiograph, (N,).
    """
    rarer = {str(source): rarer_side(labels[sources == source]) for source in np.unique(sources)}
    return sorted((s for s, count in rarer.items() if count), key=lambda s: (-rarer[s], s))


def rarer_side(labels: Floats) -> int:
    """Return how many radiographs have the class, or how many lack it if they are fewer."""
    return int(min((labels == 1).sum(), (labels == 0).sum()))


def _both_ways(labels: Floats) -> bool:
    return rarer_side(labels) > 0


def _score(
    super_class: str,
    source: str,
    level: int,
    labels: Floats,
    scores: NDArray[np.float32],
    weights: Floats,
) -> ScoreRow:
    ranking = rank(labels, scores.astype(np.float64))
    positives = int(labels.sum())
    return ScoreRow(
        super_class,
        source,
        level,
        positives,
        len(labels) - positives,
        estimate(ranking.average_precision, weights),
        estimate(ranking.auroc, weights),
        estimate(lambda drawn: prevalence(labels, drawn), weights),
    )


def _noise(pixels: NDArray[np.uint8], seed: int) -> Tensor:
    """Return each radiograph's own noise, (B, 1, S, S)."""
    shape = (1, *pixels.shape[1:])
    return torch.stack(
        [
            torch.randn(shape, generator=torch.Generator().manual_seed(_own_seed(image, seed)))
            for image in pixels
        ]
    )


def _own_seed(image: NDArray[np.uint8], seed: int) -> int:
    digest = hashlib.sha256(str(seed).encode() + image.tobytes()).digest()
    return int.from_bytes(digest[:7])  # 56 bits fit torch's signed seed
