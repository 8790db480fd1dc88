"""The pictures in the panes of the screen, each with who, what, scale and notice below it.

They are smaller than the radiograph: a pane is a few hundred pixels wide. Exports are drawn
anew at full size.
"""

import numpy as np
from numpy.typing import NDArray

from daug.heatmap import Heatmap, Preview, Recipe, Reference, heat_of
from daug.radiograph import Radiograph
from daug.workstation import Workstation
from ui import wording
from ui.captioned import DOUBT, captioned
from ui.heat_picture import Gray, Ink, Picture, below_heat, fitted, gray, heat_over
from ui.look import Layer, Look, Show
from ui.map_layers import (
    disagreement_in_words,
    disagreement_keys,
    disagreement_overlay,
    lit_by,
    share_legend,
    share_scale,
    stability_in_words,
    stability_overlay,
)
from ui.map_scale import legend_of, map_scale
from ui.measuring import percentile_line
from ui.readings import Reading
from ui.typesetting import line_height

PANE = 800  # pixels of the longer side of a finished picture
PREVIEW = 480  # of one that is replaced a moment later
LETTERS = 29  # letters are this part of a picture's width
STRIP_LINES = 9  # as many as the longest caption needs, so that the panes align

Pair = tuple[Heatmap, ...]  # the maps of one question, softmax first


def radiograph_pane(reading: Reading) -> Picture:
    """Return the radiograph, or what the model sees of it, with what is known of it."""
    radiograph, look = reading.radiograph, reading.look
    view, side, size, spacing = wording.placement(radiograph)
    stated = "" if radiograph is reading.filed else " (stated by the reader)"
    what = "Radiograph" if look.smooth else "What the model sees of radiograph"
    lines = (
        f"{what} {radiograph.digest[: wording.DIGEST_LETTERS]}",
        f"{view}{stated}, {side}",
        f"{size}, {spacing}",
        wording.model_sees(radiograph, reading.seen),
    )
    return _captioned(reading, _gray(reading, _shape(radiograph, PANE), look), lines)


def question_panes(reading: Reading, workstation: Workstation) -> list[Picture | None]:
    """Return what stands in the places of the two large maps, as the reading is shown.

    None where there is nothing: a place that stays empty, so that the other picture is larger.
    """
    pair = reading.heatmaps
    if len(pair) < 2:
        return [map_pane(reading, heatmap, workstation) for heatmap in pair]
    if reading.layer is Layer.CONTROL:
        return [control_pane(reading, pair[0]), _imagined(reading, pair[0], workstation)]
    if reading.layer is Layer.DISAGREEMENT:
        return [disagreement_pane(reading, workstation), None]
    if reading.layer is Layer.STABILITY:
        return [stability_pane(reading, heatmap, workstation) for heatmap in pair]
    return [map_pane(reading, heatmap, workstation) for heatmap in pair]


def map_pane(reading: Reading, heatmap: Heatmap, workstation: Workstation) -> Picture:
    """Return a finished map, or the picture that it was taken from, as the reading is shown."""
    show, look = reading.show, reading.look
    if show is Show.IMAGINED:
        return _imagined(reading, heatmap, workstation)
    if show is Show.NOTHING:
        shape = _shape(reading.radiograph, PANE)
        return _captioned(reading, _gray(reading, shape, look), ("Radiograph, no map",))
    ink = Ink.SIGNED if show is Show.SIGNED else Ink.HEAT
    lines = (
        *_asked(heatmap.recipe, workstation),
        *percentile_line(reading, heatmap.recipe),
        *_scores(heatmap),
    )
    drawn = heatmap.change if ink is Ink.SIGNED else heatmap.heat
    return _heat(reading, heatmap.recipe, drawn, workstation, lines, PANE, ink, look)


def preview_pane(
    reading: Reading, recipe: Recipe, preview: Preview, place: int, workstation: Workstation
) -> Picture:
    """Return what is believed of a map so far, marked as unfinished."""
    lines = (*_asked(recipe, workstation), f"unfinished: {wording.step(preview)}")
    look = reading.look.so_far(preview.done / preview.total)
    changes = heat_of(preview.changes[place], recipe.smoothing)
    return _heat(reading, recipe, changes, workstation, lines, PREVIEW, Ink.HEAT, look)


def control_pane(reading: Reading, heatmap: Heatmap) -> Picture:
    """Return what the map was compared with: the radiograph, rebuilt without any steering."""
    recipe = heatmap.recipe
    score = heatmap.scores_before.sigmoid[recipe.super_class]
    if recipe.reference is Reference.INPUT:
        what = "Reference: the radiograph itself, by the chosen method"
    else:
        what = "Control: rebuilt from the same noise without steering"
    lines = (what, f"{recipe.super_class}: sigmoid score {score:.2f}")
    return _synthetic(reading, heatmap.reference, lines)


def stability_pane(reading: Reading, heatmap: Heatmap, workstation: Workstation) -> Picture:
    """Return in how many drawings each place is lit; without drawings, the bare radiograph."""
    look, often = reading.look, reading.drawn_often(heatmap.recipe)
    background = below_heat(
        reading.radiograph, reading.seen, _shape(reading.radiograph, PANE), look
    )
    asked = _asked(heatmap.recipe, workstation)
    if often is None:
        return _captioned(reading, _colored(background), (asked[0], "stability: not drawn"))
    scale, count = (
        map_scale(workstation, reading.radiograph, heatmap.recipe),
        len(often.seed_changes),
    )
    words = stability_in_words(often, scale, look)
    picture = stability_overlay(background, often, scale, look)
    letters, rows = _strip(picture)
    return captioned(
        picture,
        (f"Stability of {asked[0]}", words, *_doubt(reading)),
        scale=share_scale(count),
        legend=share_legend(count, look.hidden_below(scale)),
        look=Look(look.opacity, look.colors),
        letters=letters,
        strip_rows=rows,
    )


def disagreement_pane(reading: Reading, workstation: Workstation) -> Picture:
    """Return where only one of the two maps is lit."""
    softmax, sigmoid = reading.heatmaps
    look, shape = reading.look, _shape(reading.radiograph, PANE)
    scales = (
        map_scale(workstation, reading.radiograph, softmax.recipe),
        map_scale(workstation, reading.radiograph, sigmoid.recipe),
    )
    lit = lit_by(softmax, sigmoid, scales, shape, look)
    background = below_heat(reading.radiograph, reading.seen, shape, look)
    name = wording.title(softmax.recipe.super_class, softmax.recipe.direction)
    lines = (f"{name}: where the two maps differ", disagreement_in_words(lit), *_doubt(reading))
    picture = disagreement_overlay(background, lit, look)
    letters, rows = _strip(picture)
    keys = disagreement_keys()
    return captioned(picture, lines, keys=keys, letters=letters, strip_rows=rows)


def _imagined(reading: Reading, heatmap: Heatmap, workstation: Workstation) -> Picture:
    lines = (*_asked(heatmap.recipe, workstation), *_scores(heatmap))
    return _synthetic(reading, heatmap.counterfactual, lines)


def _synthetic(reading: Reading, pixels: NDArray[np.float32], lines: tuple[str, ...]) -> Picture:
    """Return a picture that no patient ever had, (S, S) on the model's square."""
    shape = _shape(reading.radiograph, PANE)
    picture = gray(reading.seen.to_radiograph(pixels, shape, smooth=reading.look.smooth))
    return _captioned(reading, _colored(picture), lines, imagined=True)


def _asked(recipe: Recipe, workstation: Workstation) -> tuple[str, str]:
    name = wording.title(recipe.super_class, recipe.direction)
    card = workstation.bundle.card(recipe.super_class)
    return f"{name}, {recipe.activation}", wording.question(card, recipe.direction)


def _scores(heatmap: Heatmap) -> tuple[str]:
    name, before, after = heatmap.recipe.super_class, heatmap.scores_before, heatmap.scores_after
    score = wording.movement(before.sigmoid[name], after.sigmoid[name])
    share = wording.movement(before.softmax[name], after.softmax[name])
    return (f"sigmoid score {score}, softmax share {share}",)


def _heat(
    reading: Reading,
    recipe: Recipe,
    change: NDArray[np.float32],
    workstation: Workstation,
    lines: tuple[str, ...],
    longest: int,
    ink: Ink,
    look: Look,
) -> Picture:
    radiograph = reading.radiograph
    shape = _shape(radiograph, longest)
    scale = map_scale(workstation, radiograph, recipe)
    picture = heat_over(radiograph, reading.seen, change, scale, shape=shape, look=look, ink=ink)
    letters, rows = _strip(picture)
    return captioned(
        picture,
        (*lines, *_doubt(reading)),
        scale=scale,
        legend=legend_of(workstation.bundle, radiograph, recipe, scale),
        look=look,
        ink=ink,
        letters=letters,
        strip_rows=rows,
    )


def _captioned(
    reading: Reading, picture: Picture, lines: tuple[str, ...], *, imagined: bool = False
) -> Picture:
    letters, rows = _strip(picture)
    said = (*lines, *_doubt(reading))
    return captioned(picture, said, imagined=imagined, letters=letters, strip_rows=rows)


def _doubt(reading: Reading) -> tuple[str, ...]:
    """Return the input check's warning, which every picture of the radiograph carries."""
    return tuple(f"{DOUBT}{line}" for line in wording.doubt(reading.doubts))


def _strip(picture: Picture) -> tuple[int, int]:
    letters = round(picture.shape[1] / LETTERS)
    return letters, STRIP_LINES * line_height(letters)


def _shape(radiograph: Radiograph, longest: int) -> tuple[int, int]:
    rows, columns = radiograph.pixels.shape
    return fitted((rows, columns), (longest, longest))


def _gray(reading: Reading, shape: tuple[int, int], look: Look) -> Picture:
    return _colored(below_heat(reading.radiograph, reading.seen, shape, look))


def _colored(picture: Gray) -> Picture:
    return np.repeat(picture[..., None], 3, axis=2)
