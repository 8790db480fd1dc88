"""The localisation tables as Markdown, for people."""

import math
from collections.abc import Mapping, Sequence
from typing import Any

from daug.bundle import Estimate
from daug.notice import NOTICE
from trainers.evaluation.localisation.definitions import DEFINITIONS
from trainers.evaluation.localisation.document import TARGET, Localisation, document
from trainers.evaluation.localisation.scored import COMPARED, LocalisationRow
from trainers.evaluation.paper_tables import TOO_SMALL, markdown_table

NAMES = {
    "hit_rate": "hit rate",
    "energy_ratio": "energy ratio",
    "iou_otsu": "IoU, Otsu",
    "average_precision": "average precision",
}
DEFAULT_MARK = "**compared:** "


def markdown(found: Localisation) -> str:
    """Return what a person reads."""
    values = document(found)
    about = values["bundle"]
    parts = [
        f"# How well heatmaps find disease: {about['name']} {about['version']}",
        NOTICE,
        f"Bundle {about['digest'][:12]}, {values['manifest']['file']} "
        f"{values['manifest']['digest'][:12]}.",
        "## Against Grad-CAM of the same classifier",
        _targets(values["targets"]),
    ]
    for truth in values["truths"]:
        rows = [row for row in found.rows if row.truth == truth["truth"]]
        parts += [f"## {truth['truth']} ({truth['super_class']})", _about_truth(truth)]
        parts += [_table(rows)] if rows else []
    parts += ["## Counterfactuals", *_counterfactual(values)]
    parts += ["## Normal radiographs", _normals(values["normals"])]
    parts += ["## Off-target heat", *_off_target(values)]
    if found.left_out:
        parts += ["## Left out", "\n".join(f"- {reason}" for reason in found.left_out)]
    return "\n\n".join([*parts, "## Definitions", DEFINITIONS]) + "\n"


def shown(found: Estimate, *, signed: bool = False) -> str:
    """Return a figure and its interval as a cell; differences bear their sign."""

    def number(value: float) -> str:
        return f"{value:+.3f}".replace("-", "−") if signed else f"{value:.3f}"

    if math.isnan(found.low):
        return f"{number(found.value)} (no interval)"
    return f"{number(found.value)} ({number(found.low)} to {number(found.high)})"


def json_figure_text(values: Mapping[str, Any] | None, *, signed: bool = False) -> str:
    """Return an estimate of the JSON document as a cell."""
    if values is None or values["value"] is None:
        return "–"
    low, high = (math.nan if values[bound] is None else values[bound] for bound in ("low", "high"))
    return shown(Estimate(values["value"], low, high, values["n"]), signed=signed)


def _targets(targets: Sequence[Mapping[str, Any]]) -> str:
    if not targets:
        return "No truth could be scored."
    lines = []
    for one in targets:
        verdict = "beats it in both" if one["beats"] else "does not beat it in both"
        if one["beats_for_sure"]:
            verdict += ", and the intervals exclude 0"
        lines.append(
            (
                one["truth"],
                str(one["n"]),
                *(json_figure_text(one[name], signed=True) for name in TARGET),
                verdict if one["enough"] else f"{TOO_SMALL} ({verdict})",
            )
        )
    head = ("truth", "n", *(f"{NAMES[name]}: ours − Grad-CAM" for name in TARGET), "")
    return markdown_table(head, lines)


def _about_truth(truth: Mapping[str, Any]) -> str:
    parts = truth["radiographs"]
    area = json_figure_text(truth["area_fraction"])
    too_small = "" if truth["enough"] else f" **{TOO_SMALL}.**"
    return (
        f"{parts['figure']} radiographs of {truth['patients']} patients scored, {parts['tuning']} "
        f"to choose with; what was drawn covers {area} of a radiograph.{too_small} "
        f"Held out: {truth['held_out']}."
    )


def _table(rows: Sequence[LocalisationRow]) -> str:
    lines = []
    for row in rows:
        tuned = "–"
        if row.iou_tuned is not None and row.tuned_share is not None:
            tuned = f"{shown(row.iou_tuned)} at {row.tuned_share:.2%}"
        differences = [
            shown(row.to_grad_cam[name], signed=True) if row.to_grad_cam else "–" for name in TARGET
        ]
        lines.append(
            (
                (DEFAULT_MARK if row.kind.default else "") + row.kind.text,
                str(row.n),
                *(shown(row.figures[name]) for name in COMPARED),
                tuned,
                *differences,
            )
        )
    minus = [f"{NAMES[name]} − Grad-CAM's" for name in TARGET]
    return markdown_table(
        ("map", "n", *(NAMES[name] for name in COMPARED), "IoU, tuned", *minus), lines
    )


def _counterfactual(values: Mapping[str, Any]) -> list[str]:
    names = {
        "flipped": "score crosses the operating point",
        "monotone": "score follows the guidance at every dose",
        "ssim_to_reference": "SSIM to the reference where the map is not lit",
        "ssim_to_input": "SSIM to the radiograph there",
        "density_rises": "lungs get whiter",
    }
    lines = [
        (
            f"{row['direction']} {row['super_class']}, {row['activation']}",
            *(f"{json_figure_text(row[name])}, n {row[name]['n']}" for name in names),
        )
        for row in values["counterfactual"]["rows"]
    ]
    ratio = values["cardiothoracic"]
    sentence = (
        f"Cardiothoracic ratio: not measured, {ratio['reason']}."
        if "reason" in ratio
        else "Cardiothoracic ratio moves the right way: + heart "
        f"{json_figure_text(ratio['plus_right_way'])}, − heart "
        f"{json_figure_text(ratio['minus_right_way'])}."
    )
    if ratio.get("learnt_from_the_ratio"):
        sentence += (
            f" The classifier learnt {ratio['learnt_from_the_ratio']} hearts from that very ratio, "
            "so this is no independent judgement of it."
        )
    return [markdown_table(("map", *names.values()), lines) if lines else "None drawn.", sentence]


def _normals(normals: Mapping[str, Any]) -> str:
    if "reason" in normals:
        return f"Not measured: {normals['reason']}."
    lines = [
        (row["by"], row["name"], json_figure_text(row["notable"]), str(row["notable"]["n"]))
        for row in normals["rows"]
    ]
    return markdown_table(("by", "", "share with any map above the mark", "n"), lines)


def _off_target(values: Mapping[str, Any]) -> list[str]:
    rows = values["off_target"]
    phantom = markdown_table(
        ("rho", "sigmoid", "softmax", "softmax / sigmoid"),
        [
            (f"{row['rho']:.2f}", *(_number(row[k]) for k in ("sigmoid", "softmax", "ratio")))
            for row in rows
        ],
    )
    real = values["co_occurring"]
    pairs = "; ".join(
        f"{p['source']}: {' with '.join(p['pair'])}, {p['radiographs']} radiographs, "
        f"{p['held_out']} held out"
        for p in real["pairs"]
    )
    found = markdown_table(
        ("truth", "also drawn", "sigmoid", "softmax", "softmax / sigmoid", "n"),
        [
            (
                row["truth"],
                row["other"],
                *(json_figure_text(row[k]) for k in ("sigmoid", "softmax", "ratio")),
                str(row["ratio"]["n"]) + ("" if row["enough"] else f" ({TOO_SMALL})"),
            )
            for row in real["off_target"]
        ],
    )
    return [
        phantom if rows else "Phantoms: not measured.",
        "Median over phantoms or radiographs of the mean heat in what else is there over the mean "
        "heat in what was asked about, for maps with less of it.",
        f"Real radiographs on which two findings are drawn: {pairs or 'none'}.",
        *([found] if real["off_target"] else ["None of them could be scored."]),
    ]


def _number(value: Any) -> str:
    if isinstance(value, Mapping):
        return json_figure_text(value)
    return "–" if value is None else f"{value:.2f}"
