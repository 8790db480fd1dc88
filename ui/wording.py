"""What the screen, the exports and the command line say, in the same words everywhere.

Nothing here draws, asks a model or knows a screen.
"""

import re
from collections.abc import Sequence

from daug.bundle import Bundle, ClassCard, TrainingCounts
from daug.findings import Direction, Finding, uncovered_findings
from daug.heatmap import Preview, Recipe
from daug.input_check import InputCheck
from daug.notice import NOTICE as NOTICE
from daug.radiograph import ModelInput, Radiograph, SpacingPlane

SYNTHETIC = "synthetic, not this patient"
SCORE = "model score, not a chance of disease"
HEAT_UNIT = "change of pixel intensity, full range 2"
WHAT_IS_ABNORMAL = "What looks abnormal here?"
WHERE_WOULD_IT_BE = "Where would it appear?"
IMAGINED = "imagined; says nothing about presence"
DIGEST_LETTERS = 8  # of a digest, where a person reads it


def asks_what_is_abnormal(card: ClassCard, direction: Direction) -> bool:
    """Whether a map speaks of what is there (+ No Finding, − finding), not of what could be."""
    return (Finding.NO_FINDING in card.findings) == (direction is Direction.MORE)


def question(card: ClassCard, direction: Direction) -> str:
    """The question that a map answers, with what it must not be taken for."""
    if asks_what_is_abnormal(card, direction):
        return WHAT_IS_ABNORMAL
    return f"{WHERE_WOULD_IT_BE} {IMAGINED}"


def title(super_class: str, direction: Direction) -> str:
    """Sign and super-class, as above a column."""
    return f"{direction.sign} {super_class}"


def trained_on(card: ClassCard) -> str:
    """What a super-class was learnt from, or that it was not."""
    counts = card.training
    if not card.offered:
        return (
            f"no training examples ({counts.positives:,} with it and {counts.negatives:,} without)"
        )
    made = [f"{n:,} {how}" for n, how in _made(counts) if n]
    of_which = f" ({', '.join(made)})" if made else ""
    return (
        f"{counts.positives:,} training radiographs with it{of_which}, {counts.negatives:,} without"
    )


def _made(counts: TrainingCounts) -> tuple[tuple[int, str], ...]:
    return (counts.painted, "painted onto normal ones"), (counts.measured, "by measurement")


def stands_for(card: ClassCard) -> str:
    """The findings in a super-class, each with its training positives."""
    counts = card.training.positives_by_finding
    parts = ", ".join(f"{finding} ({counts.get(finding, 0):,})" for finding in card.findings)
    return f"{card.name} = {parts}"


def measured(card: ClassCard) -> str:
    """How well the classifier knows a super-class on held-out radiographs, source by source.

    Each source is named, since what holds for children need not hold for adults.
    """
    told = [
        f"{figure.value:.2f} ({figure.low:.2f} to {figure.high:.2f}) in {source}, n = {figure.n:,}"
        for source, figure in ((m.source, m.auroc) for m in card.metrics if m.enough)
    ]
    if told:
        return f"AUROC {'; '.join(told)}"
    most = max((metrics.positives for metrics in card.metrics), default=0)
    return f"not measured (n = {most} with it)"


def coverage(bundle: Bundle) -> str:
    """What this bundle draws no map of, so that nobody takes its silence for an all-clear."""
    parts = [line] if (line := without_class(bundle)) else []
    if untrained := [card.name for card in bundle.classes if not card.offered]:
        parts.append(f"No training examples, so no map: {_listed(untrained, 'and')}")
    return ". ".join(parts) + "." if parts else "Every finding has a map."


def without_class(bundle: Bundle) -> str:
    """Name the findings that are in no super-class; empty where every one has its class."""
    nowhere = uncovered_findings([card.super_class for card in bundle.classes])
    return f"No map for {_listed(nowhere, 'or')}" if nowhere else ""


def recipe_line(recipe: Recipe) -> str:
    """How a map was drawn, apart from its super-class, direction and activation."""
    seeds = ", ".join(map(str, recipe.seeds))
    return (
        f"L = {recipe.noise_level}, s = {recipe.scale:g}, {recipe.num_steps} steps, "
        f"{recipe.encoder} encoder, reference = {recipe.reference}, "
        f"seed{'s' if len(recipe.seeds) > 1 else ''} {seeds}, {recipe.scheduler}, "
        f"within the {recipe.within}, heat smoothed by {100 * recipe.smoothing:g} % of the side"
    )


def bundle_line(bundle: Bundle) -> str:
    """Which models drew, and how much they see."""
    return (
        f"{bundle.name} {bundle.version} ({bundle.digest[:DIGEST_LETTERS]}), "
        f"model sees {bundle.image_size} × {bundle.image_size} pixels"
    )


def model_sees(radiograph: Radiograph, seen: ModelInput) -> str:
    """How coarse a model's view of a radiograph is: nothing smaller can be in a map."""
    rows, columns = seen.pixels.shape
    if seen.mm_per_pixel is None:
        size = "size of a pixel not known"
    else:
        at_detector = radiograph.spacing and radiograph.spacing.plane is SpacingPlane.DETECTOR
        where = " at the detector" if at_detector else ""
        size = f"about {seen.mm_per_pixel:.2g} mm per pixel{where}"
    return f"The model sees {columns} × {rows}, {size}"


def placement(radiograph: Radiograph) -> tuple[str, ...]:
    """View, side, size and spacing of a radiograph, each as far as it is known."""
    rows, columns = radiograph.pixels.shape
    spacing = radiograph.spacing
    if spacing is None:
        known = "pixel spacing not known"
    else:
        where = "mm" if spacing.plane is SpacingPlane.PATIENT else "mm (detector plane)"
        known = f"{spacing.row_mm:.3g} × {spacing.column_mm:.3g} {where} per pixel"
    view = radiograph.view.value
    return (
        view if "view" in view else f"view {view}",
        radiograph.side.value,
        f"{columns} × {rows} pixels",
        known,
    )


def step(preview: Preview) -> str:
    """How far a drawing is: on the way up into noise, or on the way down to the maps."""
    if preview.done == 0 and preview.encode_total:
        return f"adding noise, step {preview.encoded} of {preview.encode_total}"
    return f"step {preview.done} of {preview.total}"


def doubt(reasons: Sequence[str]) -> tuple[str, ...]:
    """Return the input check's reasons as short as a caption needs; empty where there are none."""
    if not reasons:
        return ()
    first = re.split(r": |, but |\. ", reasons[0])[0].removesuffix(".")
    more = f", and {len(reasons) - 1} more" if len(reasons) > 1 else ""
    return (f"Input check: {first[:1].lower()}{first[1:]}{more}.",)


def doubted(reasons: Sequence[str]) -> str:
    """Return what stands above the pictures of a radiograph that the input check doubts."""
    if not reasons:
        return ""
    told = "\n".join(reasons)
    return (
        f"INPUT CHECK: {told}\n"
        "No map was drawn by itself. Draw or Draw Figure 2 draws anyway; every picture then "
        "carries this warning."
    )


def verdict(check: InputCheck | None) -> str:
    """Return what the input check says of a radiograph, in a few words."""
    if check is None:
        return "Input check: these models have none."
    return "Input check: passed." if check.ok else "Input check: NOT passed, see the reasons above."


def movement(before: float, after: float) -> str:
    """How far a score moved."""
    return f"{before:.2f} → {after:.2f}"


def _listed(words: list[str] | tuple[str, ...], joint: str) -> str:
    if len(words) == 1:
        return str(words[0])
    return f"{', '.join(words[:-1])} {joint} {words[-1]}"
