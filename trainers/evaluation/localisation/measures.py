"""How well one map finds one truth; everything within the radiograph's own area.

    heat     what a map says, 0 or more: the absolute value of whatever was computed, (h, w)
    inside   what an expert has drawn, (h, w)

A map that is constant says nothing, and gets what a guess would get.

Zhang et al. 2018, "Top-down Neural Attention by Excitation Backprop" (the pointing game: hit rate).
Wang et al. 2020, "Score-CAM" (the energy-based pointing game: share of the heat inside).
Otsu 1979, "A Threshold Selection Method from Gray-Level Histograms".
"""

from dataclasses import dataclass, fields

import cv2
import numpy as np
from numpy.typing import NDArray
from sklearn.metrics import average_precision_score

from daug.organs import Mask

Heat = NDArray[np.float32]  # (h, w)
Floats = NDArray[np.float64]

# Shares of the radiograph, hottest first, that a threshold may mark. A share of pixels rather than
# an amount of heat, because methods have no unit in common: it asks the same of each of them, and
# does not change if a map is multiplied by something.
SHARES = (0.0025, 0.005, 0.01, 0.02, 0.03, 0.05, 0.075, 0.1, 0.15, 0.2, 0.25, 0.3, 0.4, 0.5)
OTSU_LEVELS = 255


@dataclass(frozen=True, eq=False)
class Measured:
    """One map on one truth."""

    hit_rate: float  # 1 if the hottest pixel is inside, with no tolerance
    energy_ratio: float  # share of the heat inside / share of the area inside; chance has 1
    iou_otsu: float  # of what is hotter than Otsu's threshold
    average_precision: float  # of the pixels, ranked by heat
    iou_by_share: Floats  # of the hottest pixels, (len(SHARES),)


def measure(heat: Heat, inside: Mask) -> Measured:
    """Return how well a map finds a truth; there must be pixels inside it and outside."""
    return Measured(
        hit_rate=hit(heat, inside),
        energy_ratio=energy_ratio(heat, inside),
        iou_otsu=iou(above_otsu(heat), inside),
        average_precision=float(average_precision_score(inside.ravel(), heat.ravel())),
        iou_by_share=np.array([iou(hottest(heat, share), inside) for share in SHARES]),
    )


def mean_of(several: list[Measured]) -> Measured:
    """Return the mean of several maps of one kind, as of several draws of chance."""
    means = {
        field.name: np.mean([getattr(one, field.name) for one in several], axis=0)
        for field in fields(Measured)
    }
    shares = means.pop("iou_by_share")
    return Measured(iou_by_share=shares, **{name: float(mean) for name, mean in means.items()})


def hit(heat: Heat, inside: Mask) -> float:
    """Return whether the hottest pixel is inside; of several equally hot ones, how many are."""
    return float(inside[heat == heat.max()].mean())


def energy_ratio(heat: Heat, inside: Mask) -> float:
    """Return how much more heat is inside than the area of it would have by chance."""
    total = heat.sum(dtype=np.float64)
    if total == 0:
        return 1.0
    return float(heat[inside].sum(dtype=np.float64) / total / inside.mean())


def iou(marked: Mask, inside: Mask) -> float:
    """Return intersection over union of two masks, of which the second is not empty."""
    return float((marked & inside).sum() / (marked | inside).sum())


def above_otsu(heat: Heat) -> Mask:
    """Return what is hotter than Otsu's threshold over the map's own range, in 256 levels."""
    span = heat.max() - heat.min()
    if span == 0:
        return np.zeros(heat.shape, dtype=np.bool_)
    levels = np.round((heat - heat.min()) / span * OTSU_LEVELS).astype(np.uint8)
    threshold, _ = cv2.threshold(levels, 0, OTSU_LEVELS, cv2.THRESH_BINARY + cv2.THRESH_OTSU)
    return np.asarray(levels > threshold, dtype=np.bool_)


def hottest(heat: Heat, share: float) -> Mask:
    """Return the hottest share of the pixels, and those that are as hot as the last of them.

    What has no heat at all is never marked.
    """
    count = max(1, round(share * heat.size))
    least = np.partition(heat.ravel(), heat.size - count)[heat.size - count]
    return np.asarray((heat >= least) & (heat > 0), dtype=np.bool_)
