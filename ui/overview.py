"""Figure 2 on the screen: all its maps at a glance, softmax above sigmoid, on black.

A person clicks a column to see its two maps large. The picture to download is `figure2`'s.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from daug.bundle import Bundle, HeatScale
from daug.findings import Activation, Direction
from daug.heatmap import Heatmap, Preview, Recipe, heat_of
from daug.workstation import Workstation
from ui import wording
from ui.heat_picture import Picture, below_heat, color_bar, fitted, overlay
from ui.look import Look
from ui.map_scale import floor_name, map_scale
from ui.measuring import percentile_of
from ui.readings import Reading
from ui.typesetting import font, line_height, upright_text, wrapped, write

WIDTH = 1360  # pixels of the finished picture
PREVIEW_WIDTH = 680  # of one that is replaced a moment later
LETTERS = 62  # letters are this part of the picture's width
PROPORTION = 1.72  # width over height, as of the pane on a small screen
ROWS = (Activation.SOFTMAX, Activation.SIGMOID)
WHITE, FAINT, WARNING, BLACK = (235, 235, 235), (170, 170, 170), (255, 176, 0), (0, 0, 0)

Question = tuple[str, Direction]
Changes = Mapping[Recipe, NDArray[np.float32]]


@dataclass(frozen=True)
class _Grid:
    """Where the tiles are."""

    letters: int
    left: int  # of the first column
    pitch: int  # from one column to the next
    tile: tuple[int, int]  # rows and columns of a picture

    def middle(self, place: int) -> int:
        return self.left + place * self.pitch + self.pitch // 2


def finished_overview(reading: Reading, workstation: Workstation) -> Picture:
    """Return the finished maps of Figure 2, each with how its score moved and whom it exceeds."""
    heatmaps = reading.figure
    changes = {heatmap.recipe: heatmap.heat for heatmap in heatmaps}
    below = {heatmap.recipe: _below(reading, heatmap) for heatmap in heatmaps}
    return _draw(reading, changes, below, workstation, reading.look, WIDTH, "")


def unfinished_overview(
    reading: Reading, recipes: Sequence[Recipe], preview: Preview, workstation: Workstation
) -> Picture:
    """Return what is believed of the maps so far, marked as unfinished."""
    changes = {
        recipe: heat_of(change, recipe.smoothing)
        for recipe, change in zip(recipes, preview.changes, strict=True)
    }
    said = f"unfinished: {wording.step(preview)}"
    look = reading.look.so_far(preview.done / preview.total)
    return _draw(reading, changes, {}, workstation, look, PREVIEW_WIDTH, said)


def question_at(column: float, heatmaps: Sequence[Heatmap]) -> Question:
    """Return whose column was clicked in the finished picture.

    Args:
        column: From its left edge, in its pixels.
    """
    questions = _questions([heatmap.recipe for heatmap in heatmaps])
    left, pitch = _columns(WIDTH, len(questions))
    place = int((column - left) // pitch)
    return questions[min(max(place, 0), len(questions) - 1)]


def _below(reading: Reading, heatmap: Heatmap) -> list[str]:
    """Return what stands below a map: how its score moved, and where it lies among normals."""
    name = heatmap.recipe.super_class
    before, after = heatmap.scores_before.sigmoid[name], heatmap.scores_after.sigmoid[name]
    moved = f"score {wording.movement(before, after)}"
    hotter = percentile_of(reading, heatmap.recipe)
    if hotter is None or hotter.value is None:  # the foot says why
        return [moved]
    return [moved, f"hotter than {int(hotter.value)} of 100 normals"]


def _normals(reading: Reading, recipes: Iterable[Recipe]) -> str:
    """Return who the normals are, or why there are none; empty where nobody asked."""
    for recipe in recipes:
        hotter = percentile_of(reading, recipe)
        if hotter is not None and hotter.value is None:
            return hotter.in_words
        if hotter is not None:
            return f"{floor_name(reading.radiograph)} (n = {hotter.n}) to twice that"
    return ""


def _draw(
    reading: Reading,
    changes: Changes,
    below: Mapping[Recipe, Sequence[str]],
    workstation: Workstation,
    look: Look,
    width: int,
    said: str,
) -> Picture:
    bundle = workstation.bundle
    questions = _questions(list(changes))
    letters, (left, pitch) = width // LETTERS, _columns(width, len(questions))
    headings = [_heading(question, bundle, letters, pitch) for question in questions]
    line = line_height(letters)
    top = max(map(len, headings)) * line + line // 3
    height = round(width / PROPORTION)
    doubt = wording.doubt(reading.doubts)
    normals = _normals(reading, changes)
    foot = height - (2 + len(doubt) + bool(normals)) * line
    words = {
        recipe: [
            piece for text in texts for piece in wrapped(text, font(letters), pitch - letters // 2)
        ]
        for recipe, texts in below.items()
    }
    lines_below = max(map(len, words.values()), default=1)
    row_rows = (foot - line // 3 - top) // len(ROWS)
    shape = (reading.radiograph.pixels.shape[0], reading.radiograph.pixels.shape[1])
    room = (row_rows - lines_below * line - line // 3, pitch - letters // 2)
    grid = _Grid(letters, left, pitch, fitted(shape, room))
    image = Image.new("RGB", (width, height), BLACK)
    _name_rows(image, grid, top, row_rows)
    for place, heading in enumerate(headings):
        _write_heading(image, grid.middle(place), heading, letters)
    background = below_heat(reading.radiograph, reading.seen, grid.tile, look)
    scales = {recipe: map_scale(workstation, reading.radiograph, recipe) for recipe in changes}
    for recipe, change in changes.items():
        place = questions.index((recipe.super_class, recipe.direction))
        aligned = reading.seen.to_radiograph(change, grid.tile, smooth=look.smooth)
        tile = overlay(background, aligned, scales[recipe], look=look)
        row = top + ROWS.index(recipe.activation) * row_rows
        image.paste(Image.fromarray(tile), (grid.middle(place) - grid.tile[1] // 2, row))
        place_of_words = (grid.middle(place), row + grid.tile[0])
        told = words.get(recipe, [])
        write(ImageDraw.Draw(image), place_of_words, told, grid.letters, WHITE, centered=True)
    below_foot = _write_foot(image, foot, grid, bundle.heat_scale, normals, look, said)
    write(ImageDraw.Draw(image), (grid.left, below_foot), list(doubt), letters, WARNING)
    return np.asarray(image)


def _questions(recipes: Sequence[Recipe]) -> list[Question]:
    return list(dict.fromkeys((recipe.super_class, recipe.direction) for recipe in recipes))


def _columns(width: int, count: int) -> tuple[int, int]:
    """Return where the first column begins, and how wide each is."""
    left = line_height(width // LETTERS)
    return left, (width - left) // count


def _heading(question: Question, bundle: Bundle, letters: int, pitch: int) -> list[tuple[str, str]]:
    """Return (line, kind) of a column's heading."""
    name, direction = question
    card = bundle.card(name)
    parts = [(wording.title(name, direction), "title")]
    if wording.asks_what_is_abnormal(card, direction):
        parts.append((wording.WHAT_IS_ABNORMAL, "question"))
    else:
        parts += [(wording.WHERE_WOULD_IT_BE, "question"), (wording.IMAGINED, "warning")]
    return [
        (piece, kind)
        for text, kind in parts
        for piece in wrapped(text, font(letters, bold=kind == "title"), pitch - letters)
    ]


def _write_heading(
    image: Image.Image, middle: int, heading: Sequence[tuple[str, str]], letters: int
) -> None:
    draw, row = ImageDraw.Draw(image), 0
    colors = {"title": WHITE, "question": FAINT, "warning": WARNING}
    for text, kind in heading:
        bold = kind == "title"
        place = (middle, row)
        row = write(draw, place, [text], letters, colors[kind], bold=bold, centered=True)


def _name_rows(image: Image.Image, grid: _Grid, top: int, row_rows: int) -> None:
    for place, row in enumerate(ROWS):
        name = upright_text(row.value, grid.letters, FAINT, BLACK)
        image.paste(name, (0, top + place * row_rows + (grid.tile[0] - name.height) // 2))


def _write_foot(
    image: Image.Image, row: int, grid: _Grid, scale: HeatScale, normals: str, look: Look, said: str
) -> int:
    """Draw the scales and the notice, and return the row below; `said` stands between them.

    Args:
        scale: Of intensity change.
        normals: Of the columns that ask what looks abnormal; empty if there are none.
    """
    draw, letters = ImageDraw.Draw(image), grid.letters
    face = font(letters)
    low, high = f"{scale.mark:.2g} ", f" ≥ {scale.full_at:.2g}  {wording.HEAT_UNIT}"
    if look.hidden_below(scale) > scale.mark:
        high += f"; nothing is drawn below {look.hidden_below(scale):.2g}"
    begin = grid.left + round(face.getlength(low))
    length = image.width // 5
    bar = Image.fromarray(color_bar(letters, length, scale, look=look))
    image.paste(bar, (begin, row + letters // 6))
    write(draw, (grid.left, row), [low], letters, WHITE)
    write(draw, (begin + length, row), [high], letters, FAINT)
    below = (grid.left, row + line_height(letters))
    if normals:
        told = [f"{wording.WHAT_IS_ABNORMAL} {normals}"]
        below = (grid.left, write(draw, below, told, letters, FAINT))
    if said:
        end = (image.width - round(face.getlength(said)) - letters, below[1])
        write(draw, end, [said], letters, WARNING)
    return write(draw, below, [wording.NOTICE], letters, WHITE, bold=True)
