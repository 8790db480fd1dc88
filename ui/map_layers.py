"""What stands beside a map to say how far to believe it: its stability, and where two ways differ.

Both are counted above what is drawn of the maps themselves, so that layer and map agree.
"""

import numpy as np
from numpy.typing import NDArray

from daug.bundle import HeatScale
from daug.heat_layers import ShownBy, shown_by, stability_of
from daug.heatmap import Heatmap
from ui.heat_picture import Gray, Picture, overlay
from ui.look import Look
from ui.map_scale import Legend

DRAWINGS = 8  # seeds 0 to 7
# Okabe & Ito 2008: told apart by whoever sees no red, no green or no blue; also those of the plot.
ONLY_SOFTMAX, ONLY_SIGMOID = (230, 159, 0), (86, 180, 233)
STRIPES = 50  # in the longer side of a picture: both ways, so both colors in turn


def share_scale(drawings: int) -> HeatScale:
    """Return the scale of a share of drawings: nothing where no drawing is lit."""
    return HeatScale(0.5 / drawings, 1.0)


def share_legend(drawings: int, mark: float) -> Legend:
    """Return the words of that scale.

    Args:
        mark: Above which a place is lit, in pixel intensity.
    """
    unit = f"drawings in which the change is above {mark:.2g}"
    return Legend(f"lit in 1 of {drawings}", f"{drawings} of {drawings}", unit, counts_heat=False)


def stability_overlay(background: Gray, often: Heatmap, scale: HeatScale, look: Look) -> Picture:
    """Return, over a radiograph, in how many drawings each place is lit.

    Args:
        background: The radiograph, (H, W).
        often: The map, drawn from several seeds.
        scale: Of the map itself.
    """
    share = often.stability(look.hidden_below(scale))
    shape = (background.shape[0], background.shape[1])
    aligned = often.model_input.to_radiograph(share, shape, smooth=look.smooth)
    shown = Look(look.opacity, look.colors, 0.0, look.smooth)
    return overlay(background, aligned, share_scale(len(often.seed_changes)), look=shown)


def stability_in_words(often: Heatmap, scale: HeatScale, look: Look) -> str:
    """Return how stable a map is above what is drawn of it."""
    return stability_of(often, look.hidden_below(scale)).in_words


def lit_by(
    softmax: Heatmap,
    sigmoid: Heatmap,
    scales: tuple[HeatScale, HeatScale],
    shape: tuple[int, int],
    look: Look,
) -> NDArray[np.uint8]:
    """Return which of two maps of one question lights each pixel of a picture, as ShownBy.

    Args:
        scales: Of the two maps; each is lit where it is drawn.
        shape: Rows and columns of the picture.
    """
    heats = [
        one.model_input.to_radiograph(one.heat, shape, smooth=look.smooth)
        for one in (softmax, sigmoid)
    ]
    marks = [look.hidden_below(scale) for scale in scales]
    return shown_by(heats[0], heats[1], marks[0], marks[1])


def disagreement_overlay(background: Gray, lit: NDArray[np.uint8], look: Look) -> Picture:
    """Return both ways over a radiograph: a color for each alone, stripes of both for both."""
    color = _colors(lit)
    weight = np.where(lit == ShownBy.NEITHER, 0.0, look.opacity)[..., None]
    base = background[..., None].astype(np.float32)
    return np.asarray(np.round(base + weight * (color - base)), dtype=np.uint8)


def disagreement_keys() -> list[tuple[Picture, str]]:
    """Return a patch of each color with its meaning."""
    meanings = {
        ShownBy.SOFTMAX: "only softmax",
        ShownBy.SIGMOID: "only sigmoid",
        ShownBy.BOTH: "both",
    }
    return [
        (_colors(np.full((16, 32), kind, dtype=np.uint8), stripe=8).astype(np.uint8), meaning)
        for kind, meaning in meanings.items()
    ]


def disagreement_in_words(lit: NDArray[np.uint8]) -> str:
    """Return how much of what is lit only one of the two ways lights."""
    counts = {kind: int((lit == kind).sum()) for kind in ShownBy}
    anything = lit.size - counts[ShownBy.NEITHER]
    if not anything:
        return "neither map has heat above its mark"
    softmax, sigmoid, both = (
        100 * counts[kind] / anything for kind in (ShownBy.SOFTMAX, ShownBy.SIGMOID, ShownBy.BOTH)
    )
    return (
        f"of what is lit: only softmax {softmax:.0f} %, only sigmoid {sigmoid:.0f} %, "
        f"both {both:.0f} %"
    )


def _colors(lit: NDArray[np.uint8], stripe: int | None = None) -> NDArray[np.float32]:
    """Return the color of each pixel, (H, W, 3)."""
    width = stripe or max(2, max(lit.shape) // STRIPES)
    row, column = np.mgrid[: lit.shape[0], : lit.shape[1]]
    first = (lit == ShownBy.SOFTMAX) | ((lit == ShownBy.BOTH) & ((row + column) // width % 2 == 0))
    colors = np.where(first[..., None], ONLY_SOFTMAX, ONLY_SIGMOID)
    return np.asarray(colors, dtype=np.float32)
