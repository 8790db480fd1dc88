"""How well lungs and heart are found: Dice by organ and source, and how far ratios are off."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from daug.bundle import Estimate
from daug.cardiothoracic import RatioError, cardiothoracic_ratio
from daug.findings import Finding
from daug.organs import ORGANS, Mask, OrganMasks
from daug.stated_age import years
from trainers.anatomy.reading import SeenRow, ratio_of, view_of
from trainers.evaluation.bootstrap import DRAWS, Floats, draw_patients, estimate
from trainers.truth_masks import read_mask

BOTH = ("left_lung", "right_lung")
# What is compared, and the masks that it takes. Some experts draw a lung as far as it reaches
# behind the heart, others as far as it can be seen; beside the mediastinum they mean the same.
BESIDE = "lungs_beside_mediastinum"
NEEDED = {
    "left_lung": ("left_lung",),
    "right_lung": ("right_lung",),
    "lungs": BOTH,
    BESIDE: (*BOTH, "cardiomediastinum"),
    "heart": ("heart",),
}
TARGETS = {**dict.fromkeys(NEEDED, 0.95), "heart": 0.90}
COVERAGE = 0.95  # of the interval around a ratio


@dataclass(frozen=True)
class DiceRow:
    """Overlap with an expert's masks of one organ in one source."""

    organ: str
    source: str
    dice: Estimate
    worst: float  # the smallest Dice of a single radiograph

    @property
    def target(self) -> float:
        """What is asked for on the source that the model learnt from."""
        return TARGETS[self.organ]


@dataclass(frozen=True)
class RatioScores:
    """Ratios by the segmenter against ratios by the expert's masks, adult PA."""

    source: str
    n: int  # radiographs with both ratios
    withheld: dict[str, int]  # how many have none by the segmenter, by reason
    absolute_error: Estimate  # mean of |segmenter - expert|
    bias: float  # mean of segmenter - expert
    limits: tuple[float, float]  # 95 % limits of agreement, bias +- 1.96 standard deviations
    error: RatioError | None  # half-width of the interval, None where n is too small for one
    normal_mean: float | None  # of the expert's ratios where No Finding is present
    normal_n: int


def dice(found: Mask, drawn: Mask) -> float:
    """Return the Dice overlap of two masks, 1 if both are empty."""
    both = int((found & drawn).sum())
    either = int(found.sum()) + int(drawn.sum())
    return 2 * both / either if either else 1.0


def dice_rows(seen: Sequence[SeenRow], generator: np.random.Generator) -> list[DiceRow]:
    """Return Dice of every organ that was drawn, within each source."""
    rows = []
    for source in sorted({found.row.source for found in seen}):
        of_source = [found for found in seen if found.row.source == source]
        for organ, needed in NEEDED.items():
            scored = [found for found in of_source if set(needed) <= set(found.row.masks)]
            if scored:
                rows.append(_dice_row(organ, source, scored, generator))
    return rows


def ratio_scores(
    seen: Sequence[SeenRow], source: str, generator: np.random.Generator
) -> RatioScores | None:
    """Return how far the ratios of a source are off, None where fewer than two can be compared."""
    drawn = [found for found in seen if found.row.source == source]
    drawn = [found for found in drawn if set(ORGANS) <= set(found.row.masks)]
    pairs, patients, withheld, normal = [], [], dict[str, int](), []
    for found in drawn:
        truth = cardiothoracic_ratio(
            expert_masks(found), view=view_of(found.row), age=years(found.row.age)
        )
        if truth.value is not None and found.row.labels.get(Finding.NO_FINDING) == 1:
            normal.append(truth.value)
        measured = ratio_of(found)
        if measured.value is None:
            withheld[measured.withheld] = withheld.get(measured.withheld, 0) + 1
        elif truth.value is not None:
            pairs.append((measured.value, truth.value))
            patients.append(found.row.patient)
    if len(pairs) < 2:
        return None
    off = np.array([measured - truth for measured, truth in pairs])
    spread = 1.96 * float(off.std(ddof=1))
    bias = float(off.mean())
    return RatioScores(
        source=source,
        n=len(off),
        withheld=withheld,
        absolute_error=_mean(np.abs(off), patients, generator),
        bias=bias,
        limits=(bias - spread, bias + spread),
        error=ratio_error(np.abs(off)),
        normal_mean=float(np.mean(normal)) if normal else None,
        normal_n=len(normal),
    )


def ratio_error(errors: NDArray[np.float64]) -> RatioError | None:
    """Return the half-width that holds 95 % of new errors, whatever their distribution.

    It is the k-th smallest of n absolute errors, k = ceil(0.95 (n + 1)), as in split conformal
    prediction (Lei et al. 2018, JASA 113, 1094-1111). Below n = 19 there is no such error.
    """
    k = math.ceil(COVERAGE * (len(errors) + 1))
    if k > len(errors):
        return None
    return RatioError(float(np.sort(errors)[k - 1]), len(errors), COVERAGE)


def expert_masks(found: SeenRow) -> OrganMasks:
    """Return what an expert drew on a radiograph, at its own size."""
    return OrganMasks(*(read_mask(found.row.masks[organ]) for organ in ORGANS))


def _dice_row(
    organ: str, source: str, scored: Sequence[SeenRow], generator: np.random.Generator
) -> DiceRow:
    each = np.array([_dice_of(organ, found) for found in scored])
    patients = [found.row.patient for found in scored]
    return DiceRow(organ, source, _mean(each, patients, generator), float(each.min()))


def _dice_of(organ: str, found: SeenRow) -> float:
    drawn = {name: read_mask(found.row.masks[name]) for name in NEEDED[organ]}
    if organ in ("lungs", BESIDE):
        beside = ~drawn.get("cardiomediastinum", np.zeros(found.organs.shape, dtype=np.bool_))
        lungs = drawn["left_lung"] | drawn["right_lung"]
        return dice(found.organs.lungs & beside, lungs & beside)
    return dice(found.organs.by_name[organ], drawn[organ])


def _mean(
    values: NDArray[np.float64], patients: Sequence[str], generator: np.random.Generator
) -> Estimate:
    def mean(weights: Floats) -> Floats:
        return np.asarray(weights @ values / weights.sum(axis=1))

    return estimate(mean, draw_patients(patients, generator, DRAWS))
