"""How often the input check is wrong on sound radiographs, and right on pictures out of place."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from daug.bundled_models import Models
from daug.input_check import InputLimits, Sign
from daug.input_signs import InputReference, input_scores
from trainers.calibration.input_marks import Floats, flagged, share
from trainers.calibration.input_reference import batches
from trainers.calibration.wrong_inputs import Bytes, Pictures, misplaced
from trainers.evaluation.evaluation_document import json_estimate
from trainers.pixels import Images

SIGNS = tuple(Sign)
MISPLACED = 40  # radiographs of each source that are turned, mirrored and inverted


def scores_of(models: Models, reference: InputReference, pixels: Bytes) -> Floats:
    """Return the scores of pictures, one column for each Sign, (N, K)."""
    rows = [
        [scores[sign] for sign in SIGNS]
        for images in batches(pixels)
        for scores in input_scores(models, reference, images)
    ]
    return np.array(rows, dtype=np.float64)


def false_alarms(
    models: Models, reference: InputReference, limits: InputLimits, images: Images
) -> list[dict[str, Any]]:
    """Return the share of sound radiographs that is flagged, all together and by source."""
    scores = scores_of(models, reference, images.pixels)
    marks = _marks(limits)
    sources = np.array([row.source for row in images.rows])
    patients = np.array([row.patient for row in images.rows])
    wrong = flagged(scores, marks)
    lines = []
    for source in ("all", *sorted(set(sources.tolist()))):
        of_source = sources == source if source != "all" else np.ones_like(wrong)
        beyond = (scores[of_source] > marks).mean(axis=0)
        lines.append(
            {
                "source": source,
                "rate": json_estimate(share(wrong[of_source], patients[of_source].tolist())),
                "by_sign": dict(zip(SIGNS, beyond.tolist(), strict=True)),
            }
        )
    return lines


def detection_rates(
    models: Models,
    reference: InputReference,
    limits: InputLimits,
    images: Images,
    others: Mapping[str, Pictures],
) -> list[dict[str, Any]]:
    """Return the share of pictures out of place that is flagged, by kind.

    Args:
        models: As in `input_scores`.
        reference: As in `input_scores`.
        limits: The marks.
        images: Held-out radiographs, which are turned, mirrored and inverted here.
        others: Pictures of other kinds.
    """
    marks = _marks(limits)
    sources = np.array([row.source for row in images.rows])
    few = np.sort(
        np.concatenate([np.flatnonzero(sources == s)[:MISPLACED] for s in np.unique(sources)])
    )
    patients = [images.rows[place].patient for place in few]
    lines = []
    for sign, pixels in misplaced(np.asarray(images.pixels[few])).items():
        scores = scores_of(models, reference, pixels)
        by_source = _by_source(flagged(scores, marks), sources[few])
        lines.append(_line(sign.value, scores, marks, patients, sign) | by_source)
    for kind, pictures in others.items():
        as_bytes = np.round((pictures + 1) * 127.5).astype(np.uint8)
        each = [f"{kind} {i}" for i in range(len(pictures))]
        lines.append(_line(kind, scores_of(models, reference, as_bytes), marks, each))
    return lines


def _line(
    kind: str, scores: Floats, marks: Floats, patients: list[str], sign: Sign | None = None
) -> dict[str, Any]:
    hits = flagged(scores, marks)
    line = {"kind": kind, "rate": json_estimate(share(hits, patients))}
    if sign is None:
        return line
    column = SIGNS.index(sign)
    named = share(scores[:, column] > marks[column], patients)
    return {**line, "named": json_estimate(named)}  # the sentence about this position was given


def _by_source(hits: NDArray[np.bool_], sources: NDArray[np.str_]) -> dict[str, Any]:
    names = sorted(set(sources.tolist()))
    return {
        "by_source": {
            name: {"value": float(hits[sources == name].mean()), "n": int((sources == name).sum())}
            for name in names
        }
    }


def _marks(limits: InputLimits) -> Floats:
    return np.array([limits.marks[sign] for sign in SIGNS])
