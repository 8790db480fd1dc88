"""What `daug evaluate heatmaps` found, as one JSON document; undefined figures are null."""

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from daug.bundle import ANATOMY_FOLDER, MIN_TEST_POSITIVES, Bundle
from daug.findings import Activation
from daug.heatmap import Region
from trainers.evaluation.bootstrap import draw_patients, estimate
from trainers.evaluation.evaluation_document import json_estimate
from trainers.evaluation.localisation.co_occurring import OffTarget
from trainers.evaluation.localisation.kinds import GRAD_CAM
from trainers.evaluation.localisation.means import mean_estimate
from trainers.evaluation.localisation.off_target import weighted_median
from trainers.evaluation.localisation.scorable import (
    DRAWING_MODELS,
    VALIDATION_SPLIT,
    Part,
    training_splits,
)
from trainers.evaluation.localisation.scored import COMPARED, LocalisationRow
from trainers.evaluation.localisation.truths import TRUTHS, Case, Truth

TARGET = ("hit_rate", "energy_ratio")  # in which the default map is to beat Grad-CAM


@dataclass(frozen=True, eq=False)
class Localisation:
    """Everything that was found."""

    about: Mapping[str, Any]  # bundle, manifest, how long
    bundle: Bundle
    cases: Sequence[Case]
    rows: Sequence[LocalisationRow]
    parts: Mapping[str, Any]  # normals, counterfactual, cardiothoracic, off_target
    co_occurring: Sequence[OffTarget] = ()
    drawn_together: Sequence[Mapping[str, Any]] = ()
    left_out: Sequence[str] = field(default=())  # what is missing, with the reason


def document(found: Localisation) -> dict[str, Any]:
    """Return the JSON document."""
    return {
        **found.about,
        "truths": [_json_truth(truth, found) for truth in TRUTHS],
        "rows": [_json_row(row) for row in found.rows],
        "targets": targets(found.rows),
        **found.parts,
        "co_occurring": {
            "pairs": list(found.drawn_together),
            "off_target": off_target_rows(found.co_occurring),
        },
        "left_out": list(found.left_out),
    }


def write_document(values: dict[str, Any], folder: Path) -> dict[str, Any]:
    """Write `heatmaps.json` into a folder and return what it holds."""
    folder.mkdir(parents=True, exist_ok=True)
    text = json.dumps(values, indent=2, ensure_ascii=False, allow_nan=False)
    (folder / "heatmaps.json").write_text(text + "\n", encoding="utf-8")
    return values


def targets(rows: Sequence[LocalisationRow]) -> list[dict[str, Any]]:
    """Return, for each truth, whether the default map beats Grad-CAM in both measures."""
    found = []
    for row in rows:
        if row.kind.default and row.to_grad_cam:
            differences = {name: row.to_grad_cam[name] for name in TARGET}
            found.append(
                {
                    "truth": row.truth,
                    "n": row.n,
                    "enough": row.enough,
                    "against": GRAD_CAM,
                    **{name: json_estimate(e) for name, e in differences.items()},
                    "beats": all(e.value > 0 for e in differences.values()),
                    "beats_for_sure": all(e.low > 0 for e in differences.values()),
                }
            )
    return found


def off_target_rows(found: Sequence[OffTarget]) -> list[dict[str, Any]]:
    """Return the off-target heat of real radiographs, for each truth and other finding."""
    rows = []
    for truth, other in dict.fromkeys((one.truth, one.other) for one in found):
        own = [one for one in found if (one.truth, one.other) == (truth, other)]
        enough = len(own) >= MIN_TEST_POSITIVES
        rows.append({"truth": truth, "other": other, **_quotients(own), "enough": enough})
    return rows


def _quotients(own: Sequence[OffTarget]) -> dict[str, Any]:
    """Return both activations' medians and softmax's over sigmoid's, drawn together."""
    patients = [one.patient for one in own]
    weights = draw_patients(patients, np.random.default_rng(0))
    sigmoid, softmax = (
        np.array([one.by_activation[act] for one in own])
        for act in (Activation.SIGMOID, Activation.SOFTMAX)
    )
    figures = {
        "sigmoid": estimate(lambda drawn: weighted_median(sigmoid, drawn), weights),
        "softmax": estimate(lambda drawn: weighted_median(softmax, drawn), weights),
        "ratio": estimate(
            lambda drawn: weighted_median(softmax, drawn) / weighted_median(sigmoid, drawn), weights
        ),
    }
    return {name: json_estimate(figure) for name, figure in figures.items()}


def held_out(truth: Truth, bundle: Bundle) -> str:
    """Return a sentence on which radiographs of a truth could be scored, and why those."""
    splits = sorted(training_splits(bundle, truth.source, DRAWING_MODELS))
    if not splits:
        whole = (
            f"{truth.source} trained no model that draws, so all of it is held out: half of its "
            "patients for choosing, the other half for the figures"
        )
        return f"{whole}{_outlines_learnt(truth, bundle)}"
    return (
        f"{truth.source} trained models of the bundle (split {', '.join(splits)}, never scored): "
        f"split {VALIDATION_SPLIT} is for choosing, what is left for the figures"
    )


def _outlines_learnt(truth: Truth, bundle: Bundle) -> str:
    """Say so where the segmenter that keeps maps within organs has seen some radiographs."""
    splits = sorted(training_splits(bundle, truth.source, (ANATOMY_FOLDER,)))
    if not splits or bundle.recipe.within is Region.PICTURE:
        return ""
    return (
        f"; the segmenter that keeps maps within organs learnt from split {', '.join(splits)} "
        "where lungs and heart lie, and no finding"
    )


def _json_truth(truth: Truth, found: Localisation) -> dict[str, Any]:
    own = [case for case in found.cases if case.truth.name == truth.name]
    parts = Counter(case.part for case in own)
    scored = [case for case in own if case.part is Part.FIGURE]
    offered = truth.super_class in {card.name for card in found.bundle.offered}
    return {
        "truth": truth.name,
        "super_class": truth.super_class,
        "radiographs": {str(part): parts[part] for part in Part},
        "patients": len({case.row.patient for case in scored}),
        "area_fraction": json_estimate(
            mean_estimate(
                [case.area_fraction for case in scored], [case.row.patient for case in scored]
            )
        ),
        "enough": len(scored) >= MIN_TEST_POSITIVES,
        "held_out": held_out(truth, found.bundle)
        if offered
        else f"the bundle offers no map of {truth.super_class}",
    }


def _json_row(row: LocalisationRow) -> dict[str, Any]:
    kind = row.kind
    return {
        "super_class": kind.super_class,
        "truth": row.truth,
        "method": kind.method,
        "direction": None if kind.direction is None else kind.direction.value,
        "activation": None if kind.activation is None else kind.activation.value,
        "default": kind.default,
        **{name: json_estimate(row.figures[name]) for name in COMPARED},
        "iou_tuned": None if row.iou_tuned is None else json_estimate(row.iou_tuned),
        "tuned_share": row.tuned_share,
        "tuning_radiographs": row.tuning_cases,
        "n": row.n,
        "enough": row.enough,
        "to_grad_cam": {name: json_estimate(e) for name, e in row.to_grad_cam.items()} or None,
    }
