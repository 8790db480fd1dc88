"""The pictures in the panes of the screen, each with who, what, scale and notice below it.

They are smaller than the radiograph: a pane is a few hundred pixels wide. Exports are drawn
anew at full size.
"""

import numpy as np
from numpy.typing import NDArray

from daug.bundle import Bundle
from daug.heatmap import Heatmap, Preview, Recipe
from daug.radiograph import Radiograph
from ui import wording
from ui.captioned import captioned
from ui.heat_picture import Ink, Picture, below_heat, fitted, gray, heat_over
from ui.look import Look, Show
from ui.readings import Reading
from ui.typesetting import line_height

PANE = 800  # pixels of the longer side of a finished picture
PREVIEW = 480  # of one that is replaced a moment later
LETTERS = 29  # letters are this part of a picture's width
STRIP_LINES = 8  # as many as the longest caption needs, so that the panes align


def radiograph_pane(reading: Reading, bundle: Bundle) -> Picture:
    """Return the radiograph, or what the model sees of it, with what is known of it."""
    radiograph, look = reading.radiograph, reading.look
    view, side, size, spacing = wording.placement(radiograph)
    what = "Radiograph" if look.smooth else "What the model sees of radiograph"
    lines = (
        f"{what} {radiograph.digest[: wording.DIGEST_LETTERS]}",
        f"{view}, {side}",
        f"{size}, {spacing}",
        wording.model_sees(radiograph, reading.seen),
    )
    return _captioned(_gray(reading, _shape(radiograph, PANE), look), lines)


def map_pane(reading: Reading, heatmap: Heatmap, bundle: Bundle) -> Picture:
    """Return a finished map, or the picture that it was taken from, as the reading is shown."""
    show, look = reading.show, reading.look
    lines = (*_asked(heatmap.recipe, bundle), *_scores(heatmap))
    shape = _shape(reading.radiograph, PANE)
    if show is Show.IMAGINED:
        imagined = reading.seen.to_radiograph(heatmap.counterfactual, shape, smooth=look.smooth)
        return _captioned(_colored(gray(imagined)), lines, imagined=True)
    if show is Show.NOTHING:
        return _captioned(_gray(reading, shape, look), ("Radiograph, no map",))
    ink = Ink.SIGNED if show is Show.SIGNED else Ink.HEAT
    return _heat(reading, heatmap.change, bundle, lines, shape, ink, look)


def preview_pane(
    reading: Reading, recipe: Recipe, preview: Preview, place: int, bundle: Bundle
) -> Picture:
    """Return what is believed of a map so far, marked as unfinished."""
    lines = (*_asked(recipe, bundle), f"unfinished: {wording.step(preview)}")
    shape = _shape(reading.radiograph, PREVIEW)
    look = reading.look.so_far(preview.done / preview.total)
    return _heat(reading, preview.changes[place], bundle, lines, shape, Ink.HEAT, look)


def _asked(recipe: Recipe, bundle: Bundle) -> tuple[str, str]:
    name = wording.title(recipe.super_class, recipe.direction)
    card = bundle.card(recipe.super_class)
    return f"{name}, {recipe.activation}", wording.question(card, recipe.direction)


def _scores(heatmap: Heatmap) -> tuple[str]:
    name, before, after = heatmap.recipe.super_class, heatmap.scores_before, heatmap.scores_after
    score = wording.movement(before.sigmoid[name], after.sigmoid[name])
    share = wording.movement(before.softmax[name], after.softmax[name])
    return (f"sigmoid score {score}, softmax share {share}",)


def _heat(
    reading: Reading,
    change: NDArray[np.float32],
    bundle: Bundle,
    lines: tuple[str, ...],
    shape: tuple[int, int],
    ink: Ink,
    look: Look,
) -> Picture:
    scale = bundle.heat_scale
    picture = heat_over(
        reading.radiograph, reading.seen, change, scale, shape=shape, look=look, ink=ink
    )
    letters, rows = _strip(picture)
    return captioned(
        picture, lines, scale=scale, look=look, ink=ink, letters=letters, strip_rows=rows
    )


def _captioned(picture: Picture, lines: tuple[str, ...], *, imagined: bool = False) -> Picture:
    letters, rows = _strip(picture)
    return captioned(picture, lines, imagined=imagined, letters=letters, strip_rows=rows)


def _strip(picture: Picture) -> tuple[int, int]:
    letters = round(picture.shape[1] / LETTERS)
    return letters, STRIP_LINES * line_height(letters)


def _shape(radiograph: Radiograph, longest: int) -> tuple[int, int]:
    rows, columns = radiograph.pixels.shape
    return fitted((rows, columns), (longest, longest))


def _gray(reading: Reading, shape: tuple[int, int], look: Look) -> Picture:
    return _colored(below_heat(reading.radiograph, reading.seen, shape, look))


def _colored(picture: NDArray[np.uint8]) -> Picture:
    return np.repeat(picture[..., None], 3, axis=2)
