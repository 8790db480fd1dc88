"""Small pictures of a training: its loss over time, its scores over the noise level."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from daug.errors import TrainingError
from trainers.evaluation.classifier_scores import ScoreRow

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

MIN_LINES = 2  # of a log, to make a curve
SMOOTHED_OVER = 20  # points of the loss, for the bold line
INCHES = (9.0, 4.6)


def draw_noise_curves(scores: Sequence[ScoreRow], path: Path) -> None:
    """Draw average precision and AUROC over the noise level, one line a class, as PNG.

    Each class is shown in its most telling source; one that had too few radiographs is dashed.

    Args:
        scores: See `score_rows`; within a class the most telling source comes first.
        path: Of the picture; its folder is made if missing.
    """
    figure, (left, right) = _two_panels()
    for name in dict.fromkeys(row.super_class for row in scores):
        of_class = [row for row in scores if row.super_class == name]
        line = [row for row in of_class if row.source == of_class[0].source]
        levels = [row.t for row in line]
        style = "-" if line[0].enough else "--"
        label = f"{name} ({line[0].source}, {line[0].positives} / {line[0].negatives})"
        for panel, figures in (
            (left, [row.average_precision for row in line]),
            (right, [row.auroc for row in line]),
        ):
            (drawn,) = panel.plot(
                levels, [f.value for f in figures], style, marker="o", markersize=3, label=label
            )
            if line[0].enough:  # the other intervals would cover half the panel
                low, high = [f.low for f in figures], [f.high for f in figures]
                panel.fill_between(
                    levels, low, high, color=drawn.get_color(), alpha=0.12, linewidth=0
                )
    left.set_ylabel("average precision")
    right.set_ylabel("AUROC")
    right.axhline(0.5, color="gray", linewidth=0.8, linestyle=":")
    for panel in (left, right):
        panel.set_xlabel("noising steps")
        panel.set_ylim(0, 1.02)
    figure.legend(
        *left.get_legend_handles_labels(),
        loc="outside lower center",
        ncols=2,
        fontsize=8,
        title="class (source, radiographs with / without); dashed: n too small",
        title_fontsize=8,
    )
    _save(figure, path)


def draw_loss_curve(log: Path, path: Path) -> None:
    """Draw the loss of a run over its images and over its minutes, as PNG.

    Args:
        log: The run folder's `log.jsonl`.
        path: Of the picture; its folder is made if missing.

    Raises:
        TrainingError: If the log cannot be read, or is too short for a curve.
    """
    try:
        lines = lasting([json.loads(s) for s in log.read_text(encoding="utf-8").splitlines()])
        losses = [float(line["loss"]) for line in lines]
        images = [float(line["images"]) for line in lines]
        minutes = [float(line["seconds"]) / 60 for line in lines]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise TrainingError(f"{log.name}: cannot be read as a training log: {error}.") from error
    if len(losses) < MIN_LINES:
        raise TrainingError(f"{log.name}: holds {len(losses)} lines, too few for a curve.")
    figure, (left, right) = _two_panels()
    smooth = smoothed(losses)
    for panel, along, label in ((left, images, "images"), (right, minutes, "minutes")):
        panel.plot(along, losses, linewidth=0.6, alpha=0.5)
        panel.plot(along, smooth, linewidth=1.6)
        panel.set_xlabel(label)
        panel.set_ylabel("loss")
        if min(losses) > 0:
            panel.set_yscale("log")
    _save(figure, path)


def lasting(lines: Sequence[Mapping[str, float]]) -> list[Mapping[str, float]]:
    """Return the lines that still hold: a resumed run repeats the steps after its checkpoint."""
    kept: list[Mapping[str, float]] = []
    for line in lines:
        while kept and kept[-1]["step"] >= line["step"]:
            kept.pop()
        kept.append(line)
    return kept


def smoothed(values: Sequence[float], over: int = SMOOTHED_OVER) -> list[float]:
    """Return the mean of each value and those before it, up to `over` of them."""
    means = []
    for end in range(1, len(values) + 1):
        window = values[max(0, end - over) : end]
        means.append(sum(window) / len(window))
    return means


def _two_panels() -> "tuple[Figure, tuple[Axes, Axes]]":
    # Imported here, since it takes a second and most commands draw nothing. A Figure of its own
    # needs no window system and leaves pyplot's global state alone.
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=INCHES, layout="constrained")
    FigureCanvasAgg(figure)
    return figure, (figure.add_subplot(1, 2, 1), figure.add_subplot(1, 2, 2))


def _save(figure: "Figure", path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, format="png", dpi=110)
