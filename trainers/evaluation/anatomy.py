"""Score a bundle's anatomy model on masks that experts drew: `daug evaluate anatomy`."""

import csv
import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import numpy as np

from daug.anatomy import open_anatomist
from daug.bundle import ANATOMY_FOLDER, Bundle, file_digest, read_bundle, write_bundle
from daug.errors import BundleError, ManifestError
from trainers.anatomy.reading import SeenRow, look_at_rows
from trainers.evaluation.anatomy_scores import DiceRow, RatioScores, dice_rows, ratio_scores
from trainers.evaluation.bootstrap import DRAWS
from trainers.evaluation.evaluation_document import json_estimate
from trainers.evaluation.held_out import refuse_training_radiographs
from trainers.evaluation.paper_tables import figure_text, markdown_table
from trainers.manifest import Row, read_manifest

STEM = "anatomy"
LUNGS = {"left_lung", "right_lung"}


def evaluate_anatomy(
    folder: Path, manifest: Path, split: str, output: Path | None = None
) -> dict[str, Any]:
    """Score a bundle's anatomy model, and write the tables into a folder.

    A source that trained the model is scored on one split; a source that it never saw is scored
    whole.

    Args:
        folder: Of the bundle.
        manifest: Table of radiographs with masks.
        split: Of the sources that trained it.
        output: Folder for the results; nothing is written if None.

    Raises:
        BundleError: If the bundle has no anatomy model, or one that does not run.
        ManifestError: If no held-out radiograph has masks of the lungs.
    """
    bundle = read_bundle(folder)
    anatomist = open_anatomist(bundle)
    if anatomist is None:
        raise BundleError(
            f"{bundle.name} has no anatomy model. Add one with `daug bundle add-anatomy`."
        )
    rows = _held_out(bundle, read_manifest(manifest), split)
    seen = list(look_at_rows(anatomist, rows))
    dices = dice_rows(seen, np.random.default_rng(0))
    ratios = [
        scores
        for source in sorted({row.source for row in rows})
        if (scores := ratio_scores(seen, source, np.random.default_rng(0))) is not None
    ]
    values = _document(bundle, manifest, split, seen, dices, ratios)
    if output is not None:
        _write(values, dices, ratios, output)
    return values


def measure_anatomy(folder: Path, manifest: Path, split: str = "test") -> dict[str, Any]:
    """Score a bundle's anatomy model and write the figures into `bundle.json`."""
    values = evaluate_anatomy(folder, manifest, split)
    bundle = read_bundle(folder)
    measured = {key: value for key, value in values.items() if key != "bundle"}
    whole = {**bundle.measured, ANATOMY_FOLDER: measured}
    write_bundle(replace(bundle, measured=whole), bundle.files)
    return values


def _held_out(bundle: Bundle, rows: Sequence[Row], split: str) -> list[Row]:
    trained = {source.name for source in bundle.data if source.images.get(ANATOMY_FOLDER)}
    chosen = [
        row
        for row in rows
        if set(row.masks) >= LUNGS and (row.split == split or row.source not in trained)
    ]
    if not chosen:
        raise ManifestError(
            f"No radiograph of split {split} has masks of both lungs. Name them in the column "
            "`masks` of the manifest."
        )
    refuse_training_radiographs(bundle, chosen, [ANATOMY_FOLDER])
    return chosen


def _document(
    bundle: Bundle,
    manifest: Path,
    split: str,
    seen: Sequence[SeenRow],
    dices: Sequence[DiceRow],
    ratios: Sequence[RatioScores],
) -> dict[str, Any]:
    return {
        "bundle": {"name": bundle.name, "version": bundle.version, "digest": bundle.digest},
        "manifest": {"file": manifest.name, "digest": file_digest(manifest)},
        "split": split,
        "images": dict(sorted(Counter(found.row.source for found in seen).items())),
        "draws": DRAWS,
        "rows": [
            {
                "organ": row.organ,
                "source": row.source,
                "dice": json_estimate(row.dice),
                "worst": row.worst,
                "target": row.target,
            }
            for row in dices
        ],
        "cardiothoracic": [_json_ratios(scores) for scores in ratios],
    }


def _json_ratios(scores: RatioScores) -> dict[str, Any]:
    return {
        **asdict(scores),
        "absolute_error": json_estimate(scores.absolute_error),
        "limits": list(scores.limits),
        "error": None if scores.error is None else asdict(scores.error),
    }


def _write(
    values: Mapping[str, Any],
    dices: Sequence[DiceRow],
    ratios: Sequence[RatioScores],
    output: Path,
) -> None:
    output.mkdir(parents=True, exist_ok=True)
    text = json.dumps(values, indent=2, ensure_ascii=False, allow_nan=False)
    (output / f"{STEM}.json").write_text(text + "\n", encoding="utf-8")
    (output / f"{STEM}.md").write_text(markdown(dices, ratios), encoding="utf-8")
    with (output / f"{STEM}.csv").open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(("organ", "source", "dice", "low", "high", "n", "worst"))
        for row in dices:
            found = json_estimate(row.dice)
            figures = (found[key] for key in ("value", "low", "high", "n"))
            writer.writerow((row.organ, row.source, *figures, row.worst))


def markdown(dices: Sequence[DiceRow], ratios: Sequence[RatioScores]) -> str:
    """Return both tables for people."""
    lines = [
        (
            *(row.organ.replace("_", " "), row.source, str(row.dice.n), figure_text(row.dice)),
            *(f"{row.worst:.2f}", f"{row.target:.2f}"),
        )
        for row in dices
    ]
    parts = [
        "# Lungs and heart",
        "Dice against masks that experts drew, per radiograph; 95 % intervals over patients.",
        markdown_table(("organ", "source", "n", "Dice", "worst", "target"), lines),
        "## Cardiothoracic ratio",
        *(told(scores) for scores in ratios),
    ]
    return "\n\n".join(parts) + "\n"


def told(scores: RatioScores) -> str:
    """Return a paragraph on the ratios of one source."""
    off = scores.absolute_error
    text = (
        f"{scores.source}: by the segmenter against by the experts' masks, n = {scores.n}; mean "
        f"absolute error {off.value:.3f} ({off.low:.3f} to {off.high:.3f}), bias "
        f"{scores.bias:+.3f}, 95 % limits of agreement {scores.limits[0]:+.3f} to "
        f"{scores.limits[1]:+.3f}."
    )
    if scores.error is not None:
        text += f" Interval around a ratio: ± {scores.error.half_width:.3f}."
    if scores.withheld:
        text += f" Withheld: {sum(scores.withheld.values())}."
    return text
