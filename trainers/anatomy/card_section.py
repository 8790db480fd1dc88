"""What the model card says of the anatomy model: what it learnt from, and how well it does."""

from collections.abc import Mapping
from typing import Any

from daug.bundle import Bundle
from trainers.evaluation.paper_tables import cell, markdown_table

ANATOMY = "anatomy"  # its folder, and its name among what was trained and measured
HEAD = ("organ", "held-out source", "n", "Dice", "worst")


def anatomy_section(bundle: Bundle) -> str:
    """Return the section as Markdown, or nothing where the bundle has no anatomy model."""
    run = bundle.training.get(ANATOMY)
    if not run:
        return ""
    images = ", ".join(f"{n:,} of {cell(name)}" for name, n in run["radiographs"].items())
    learnt = (
        "A measuring instrument: it finds both lungs and the heart, for lung zones and the "
        f"cardiothoracic ratio. Learnt from radiographs with experts' masks ({images}), in "
        f"{run['images_seen']:,} varied views; {run['parameters']:,} weights."
    )
    if "started_from" in run:
        learnt += " It went on from the weights of an earlier training on the same masks."
    measured = bundle.measured.get(ANATOMY)
    parts = ["## Lungs and heart (anatomy)", learnt]
    return "\n\n".join(parts + (_figures(measured) if measured else ["Not measured."]))


def _figures(measured: Mapping[str, Any]) -> list[str]:
    said = (
        "Dice against masks that experts drew, per radiograph, with 95 % intervals over patients, "
        f"{measured['draws']} draws. Sources that it learnt from are scored on split "
        f"{cell(measured['split'])}, others whole. Some experts draw lungs behind the heart too, "
        "which this model does not; beside the mediastinum both mean the same."
    )
    lines = [
        (
            *(row["organ"].replace("_", " "), row["source"], str(row["dice"]["n"])),
            *(_figure(row["dice"]), f"{row['worst']:.2f}"),
        )
        for row in measured["rows"]
    ]
    ratios = [_ratios(scores) for scores in measured["cardiothoracic"]]
    return [said, markdown_table(HEAD, lines), *ratios]


def _ratios(scores: Mapping[str, Any]) -> str:
    off, (low, high) = scores["absolute_error"], scores["limits"]
    text = (
        f"Cardiothoracic ratio on {cell(scores['source'])} (upright adults, PA), by this model "
        f"against by the experts' masks: n = {scores['n']}, withheld in "
        f"{sum(scores['withheld'].values())}; mean absolute error {_figure(off, 3)}, bias "
        f"{scores['bias']:+.3f}, 95 % limits of agreement {low:+.3f} to {high:+.3f}."
    )
    if scores["error"]:
        text += (
            f" A ratio is given ± {scores['error']['half_width']:.3f}: of new errors 95 % are "
            f"smaller (conformal, n = {scores['error']['n']})."
        )
    return text


def _figure(figure: Mapping[str, Any], digits: int = 2) -> str:
    if figure["low"] is None:
        return f"{figure['value']:.{digits}f} (no interval)"
    return (
        f"{figure['value']:.{digits}f} ({figure['low']:.{digits}f} to {figure['high']:.{digits}f})"
    )
