"""The pictures in the panes of the screen, each with who, what, scale and notice below it.

They are smaller than the radiograph: a pane is a few hundred pixels wide. Exports are drawn
anew at full size.
"""

from enum import StrEnum

import numpy as np
from numpy.typing import NDArray

from daug.bundle import Bundle
from daug.heatmap import Heatmap, Preview, Recipe
from daug.radiograph import Radiograph
from ui import wording
from ui.captioned import captioned
from ui.heat_picture import Ink, Picture, fitted, gray, heat_over, shown
from ui.readings import Reading
from ui.typesetting import line_height

PANE = 900  # pixels of the longer side of a finished picture
PREVIEW = 480  # of one that is replaced a moment later
LETTERS = 27  # letters are this part of a picture's width
STRIP_LINES = 8  # as many as the longest caption needs, so that the panes align


class Show(StrEnum):
    """What the two panes of maps show."""

    HEAT = "change"
    SIGNED = "added / removed density"
    IMAGINED = "imagined"
    NOTHING = "no map"


def radiograph_pane(radiograph: Radiograph, bundle: Bundle) -> Picture:
    """Return the radiograph, with what is known of it."""
    view, side, size, spacing = wording.placement(radiograph)
    lines = (
        f"Radiograph {radiograph.digest[: wording.DIGEST_LETTERS]}",
        f"{view}, {side}",
        f"{size}, {spacing}",
        f"model sees {bundle.image_size} × {bundle.image_size} pixels",
    )
    shape = _shape(radiograph, PANE)
    return _captioned(_colored(shown(radiograph, shape)), lines)


def map_pane(
    reading: Reading, heatmap: Heatmap, bundle: Bundle, show: Show, opacity: float
) -> Picture:
    """Return a finished map, or the picture that it was taken from."""
    name = heatmap.recipe.super_class
    before, after = heatmap.scores_before.sigmoid[name], heatmap.scores_after.sigmoid[name]
    lines = (_name(heatmap.recipe), f"score {wording.movement(before, after)}")
    shape = _shape(reading.radiograph, PANE)
    if show is Show.IMAGINED:
        imagined = gray(reading.seen.to_radiograph(heatmap.counterfactual, shape))
        return _captioned(_colored(imagined), lines, imagined=True)
    if show is Show.NOTHING:
        return _captioned(_colored(shown(reading.radiograph, shape)), ("Radiograph, no map",))
    ink = Ink.SIGNED if show is Show.SIGNED else Ink.HEAT
    return _heat(reading, heatmap.change, bundle, lines, shape, ink, opacity)


def preview_pane(
    reading: Reading, recipe: Recipe, preview: Preview, place: int, bundle: Bundle, opacity: float
) -> Picture:
    """Return what is believed of a map so far, marked as unfinished."""
    lines = (_name(recipe), f"unfinished: step {preview.done} of {preview.total}")
    shape = _shape(reading.radiograph, PREVIEW)
    change = preview.changes[place]
    return _heat(reading, change, bundle, lines, shape, Ink.HEAT, opacity)


def _heat(
    reading: Reading,
    change: NDArray[np.float32],
    bundle: Bundle,
    lines: tuple[str, ...],
    shape: tuple[int, int],
    ink: Ink,
    opacity: float,
) -> Picture:
    scale = bundle.heat_scale
    picture = heat_over(
        reading.radiograph, reading.seen, change, scale, shape=shape, opacity=opacity, ink=ink
    )
    letters, rows = _strip(picture)
    return captioned(picture, lines, scale=scale, ink=ink, letters=letters, strip_rows=rows)


def _captioned(picture: Picture, lines: tuple[str, ...], *, imagined: bool = False) -> Picture:
    letters, rows = _strip(picture)
    return captioned(picture, lines, imagined=imagined, letters=letters, strip_rows=rows)


def _strip(picture: Picture) -> tuple[int, int]:
    letters = round(picture.shape[1] / LETTERS)
    return letters, STRIP_LINES * line_height(letters)


def _shape(radiograph: Radiograph, longest: int) -> tuple[int, int]:
    rows, columns = radiograph.pixels.shape
    return fitted((rows, columns), (longest, longest))


def _colored(picture: NDArray[np.uint8]) -> Picture:
    return np.repeat(picture[..., None], 3, axis=2)


def _name(recipe: Recipe) -> str:
    return f"{wording.title(recipe.super_class, recipe.direction)}, {recipe.activation}"
