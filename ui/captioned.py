"""A picture with a strip below it that says what it shows, on which scale, and the notice.

The picture's own pixels stay where they are, at the upper left, and nothing is written on them:
a word over a lung base could hide what somebody looks for.
"""

from collections.abc import Sequence

import numpy as np
from PIL import Image, ImageDraw

from daug.bundle import HeatScale
from ui import wording
from ui.heat_picture import Ink, Picture, color_bar
from ui.look import USUAL, Look
from ui.map_scale import Legend
from ui.typesetting import font, line_height, wrapped, write

NARROWEST = 640  # pixels, below which the strip cannot be read
BLACK, WHITE, FAINT = (0, 0, 0), (235, 235, 235), (160, 160, 160)
WARNING = (255, 176, 0)  # around what is imagined
FRAME = 6  # pixels
DOUBT = "! "  # with which a line of warning begins


def zoom_for(columns: int) -> int:
    """Return by how much a picture must be enlarged, whole pixels for pixels, to be captioned."""
    return max(1, -(-NARROWEST // columns))


def captioned(
    picture: Picture,
    lines: Sequence[str],
    *,
    scale: HeatScale | None = None,
    legend: Legend | None = None,
    keys: Sequence[tuple[Picture, str]] = (),
    look: Look = USUAL,
    ink: Ink = Ink.HEAT,
    imagined: bool = False,
    letters: int | None = None,
    strip_rows: int = 0,
) -> Picture:
    """Return a picture above its caption.

    Args:
        picture: Enlarged by `zoom_for` before, where it is narrower than a caption.
        lines: What it shows; the notice is added. One that begins with DOUBT is a warning.
        scale: Of its colors, if it has any.
        legend: The words of the scale; None for its two ends in pixel intensity.
        keys: Colors that have no scale, each as a patch with what it means.
        look: How they are shown.
        imagined: Whether it shows a picture that no patient ever had: framed and marked.
        letters: Height of the letters in pixels; None for what suits a printed picture.
        strip_rows: Height of the caption at least, so that pictures side by side align.
    """
    rows, columns = picture.shape[:2]
    size = max(15, columns // 46) if letters is None else letters
    pad = size // 2
    said = [*lines, wording.NOTICE]
    if imagined:
        said = [wording.SYNTHETIC.upper(), *said]
    room = columns - 2 * pad
    pieces = [
        (piece, line)
        for line in said
        for piece in wrapped(line, font(size, bold=_bold(line)), room)
    ]
    bar_rows = 0 if scale is None else 2 * line_height(size) + pad
    bar_rows += len(keys) * line_height(size)
    strip_rows = max(strip_rows, len(pieces) * line_height(size) + bar_rows + 2 * pad)
    strip = Image.new("RGB", (columns, strip_rows), BLACK)
    draw = ImageDraw.Draw(strip)
    row = pad
    if scale is not None:
        row = _draw_scale(strip, scale, legend or _ends(scale), look, ink, size, row)
    for patch, meaning in keys:
        row = _draw_key(strip, patch, meaning, size, row)
    for piece, line in pieces:
        row = write(draw, (pad, row), [piece], size, _color_of(line), bold=_bold(line))
    whole = np.concatenate([picture, np.asarray(strip)])
    if imagined:
        edge = np.zeros(whole.shape[:2], dtype=bool)
        edge[:rows] = True
        edge[FRAME : rows - FRAME, FRAME : columns - FRAME] = False
        whole[edge] = WARNING
    return whole


def _bold(line: str) -> bool:
    return line in (wording.NOTICE, wording.SYNTHETIC.upper())


def _color_of(line: str) -> tuple[int, int, int]:
    warns = line == wording.SYNTHETIC.upper() or line.startswith(DOUBT)
    return WARNING if warns else WHITE


def _ends(scale: HeatScale) -> Legend:
    return Legend(f"{scale.mark:g}", f"≥ {scale.full_at:g}", wording.HEAT_UNIT)


def _draw_key(strip: Image.Image, patch: Picture, meaning: str, size: int, row: int) -> int:
    """Draw a patch of color with its meaning, and return the row below."""
    pad = size // 2
    square = Image.fromarray(patch).resize((2 * size, size), Image.Resampling.NEAREST)
    strip.paste(square, (pad, row + size // 6))
    place = (2 * pad + square.width, row)
    return write(ImageDraw.Draw(strip), place, [meaning], size, WHITE)


def _draw_scale(
    strip: Image.Image,
    scale: HeatScale,
    legend: Legend,
    look: Look,
    ink: Ink,
    size: int,
    row: int,
) -> int:
    """Draw a lying color bar with its ends and unit, and return the row below."""
    draw = ImageDraw.Draw(strip)
    pad = size // 2
    face = font(size)
    low = legend.low if ink is Ink.HEAT else f"−{scale.full_at:.2g} removed"
    high = legend.high if ink is Ink.HEAT else f"+{scale.full_at:.2g} added"
    left = pad + round(face.getlength(low)) + pad
    right = strip.width - pad - round(face.getlength(high)) - pad
    bar = Image.fromarray(color_bar(size, max(size + 1, right - left), scale, look=look, ink=ink))
    strip.paste(bar, (left, row + size // 6))
    draw.text((pad, row), low, fill=WHITE, font=face)
    draw.text((strip.width - pad, row), high, fill=WHITE, font=face, anchor="ra")
    whole = f"{legend.unit}; nothing is drawn below {look.hidden_below(scale):.2g}"
    fits = legend.counts_heat and face.getlength(whole) <= strip.width - 2 * pad
    unit = whole if fits else legend.unit
    write(draw, (pad, row + line_height(size)), [unit], size, FAINT)
    return row + 2 * line_height(size) + pad
