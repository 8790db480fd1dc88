"""Every map measured on every truth, and what comes of it: one row for each kind of map.

Estimates are means over radiographs with 95 % intervals over patients. A row also says how far it
is from Grad-CAM on the very same radiographs.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from daug.bundle import MIN_TEST_POSITIVES, Estimate
from trainers.evaluation.bootstrap import DRAWS
from trainers.evaluation.localisation.kinds import GRAD_CAM, Kind
from trainers.evaluation.localisation.means import mean_estimate
from trainers.evaluation.localisation.measures import SHARES, Measured, mean_of, measure
from trainers.evaluation.localisation.scorable import Part
from trainers.evaluation.localisation.truths import Case

COMPARED = ("hit_rate", "energy_ratio", "iou_otsu", "average_precision")


@dataclass(frozen=True, eq=False)
class MeasuredCase:
    """One kind of map on one radiograph."""

    truth: str
    row_id: str
    patient: str
    part: Part
    kind: Kind
    measured: Measured


@dataclass(frozen=True, eq=False)
class LocalisationRow:
    """How well one kind of map finds one truth."""

    truth: str
    kind: Kind
    figures: Mapping[str, Estimate]  # hit_rate, energy_ratio, iou_otsu, average_precision
    iou_tuned: Estimate | None  # None where nothing was held out to choose the threshold with
    tuned_share: float | None  # of the pixels, the hottest of which are marked
    tuning_cases: int
    to_grad_cam: Mapping[str, Estimate] = field(default_factory=dict)  # this minus Grad-CAM

    @property
    def n(self) -> int:
        """How many radiographs were scored."""
        return self.figures["hit_rate"].n

    @property
    def enough(self) -> bool:
        """Whether there were enough radiographs to say anything."""
        return self.n >= MIN_TEST_POSITIVES


def measure_case(case: Case, maps: Mapping[Kind, NDArray[np.float32]]) -> list[MeasuredCase]:
    """Return each kind of map measured on one truth; several draws of a kind are averaged."""
    down, across = case.area
    inside = case.truth_pixels
    return [
        MeasuredCase(
            truth=case.truth.name,
            row_id=case.row.id,
            patient=case.row.patient,
            part=case.part,
            kind=kind,
            measured=mean_of([measure(heat[down, across], inside) for heat in stack]),
        )
        for kind, stack in maps.items()
    ]


def score(
    found: Sequence[MeasuredCase], part: Part = Part.FIGURE, *, draws: int = DRAWS, seed: int = 0
) -> list[LocalisationRow]:
    """Return one row for each truth and kind of map, in the order in which they were measured.

    Args:
        found: All measurements, of both parts.
        part: Whose figures are wanted. The threshold is chosen on the other radiographs, those
            for tuning, in any case.
        draws: Of the bootstrap.
        seed: Of the bootstrap.
    """
    rows = []
    for truth, kind in dict.fromkeys((one.truth, one.kind) for one in found):
        own = [one for one in found if (one.truth, one.kind) == (truth, kind)]
        scored = [one for one in own if one.part is part]
        if scored:
            base = [
                one
                for one in found
                if one.truth == truth and one.kind.method == GRAD_CAM and one.part is part
            ]
            rows.append(_row(truth, kind, scored, _tuning(own), base, draws, seed))
    return rows


def best_share(tuning: Sequence[MeasuredCase]) -> float | None:
    """Return the share of pixels whose mean overlap is best, or None without a radiograph."""
    if not tuning:
        return None
    mean = np.mean([one.measured.iou_by_share for one in tuning], axis=0)
    return SHARES[int(mean.argmax())]


def _tuning(own: Iterable[MeasuredCase]) -> list[MeasuredCase]:
    return [one for one in own if one.part is Part.TUNING]


def _row(
    truth: str,
    kind: Kind,
    scored: Sequence[MeasuredCase],
    tuning: Sequence[MeasuredCase],
    base: Sequence[MeasuredCase],
    draws: int,
    seed: int,
) -> LocalisationRow:
    share = best_share(tuning)
    place = None if share is None else SHARES.index(share)
    tuned = None if place is None else [one.measured.iou_by_share[place] for one in scored]
    return LocalisationRow(
        truth=truth,
        kind=kind,
        figures={name: _mean(scored, _values(scored, name), draws, seed) for name in COMPARED},
        iou_tuned=None if tuned is None else _mean(scored, tuned, draws, seed),
        tuned_share=share,
        tuning_cases=len(tuning),
        to_grad_cam={} if kind.method == GRAD_CAM else _differences(scored, base, draws, seed),
    )


def _differences(
    scored: Sequence[MeasuredCase], base: Sequence[MeasuredCase], draws: int, seed: int
) -> dict[str, Estimate]:
    """Return this minus Grad-CAM, radiograph by radiograph, where both were drawn."""
    other = {one.row_id: one for one in base}
    both = [one for one in scored if one.row_id in other]
    if not both:
        return {}
    return {
        name: _mean(
            both,
            [
                getattr(one.measured, name) - getattr(other[one.row_id].measured, name)
                for one in both
            ],
            draws,
            seed,
        )
        for name in COMPARED
    }


def _values(scored: Sequence[MeasuredCase], name: str) -> list[float]:
    return [getattr(one.measured, name) for one in scored]


def _mean(
    scored: Sequence[MeasuredCase], values: Sequence[float], draws: int, seed: int
) -> Estimate:
    return mean_estimate(values, [one.patient for one in scored], draws, seed)
