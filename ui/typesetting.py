"""Text in pictures: a font that is shipped, wrapping, and nothing that a font cannot show.

Pillow's own font has no minus sign, no arrow and no accents.
"""

import unicodedata
from functools import cache
from pathlib import Path

from PIL import Image, ImageDraw, ImageFont

FONTS = Path(__file__).parents[1] / "assets" / "fonts"
LINE = 1.3  # height of a line of text, in its size


@cache
def font(size: int, *, bold: bool = False) -> ImageFont.FreeTypeFont:
    """Return the shipped font at a size in pixels."""
    name = "DejaVuSansCondensed-Bold.ttf" if bold else "DejaVuSansCondensed.ttf"
    return ImageFont.truetype(FONTS / name, size, layout_engine=ImageFont.Layout.BASIC)


def printable(text: str) -> str:
    """Return text without the characters that turn, break or hide what follows them."""
    return "".join(" " if unicodedata.category(c)[0] in "CZ" else c for c in text)


def wrapped(text: str, face: ImageFont.FreeTypeFont, width: int) -> list[str]:
    """Break text into lines no wider than a width, inside a word only where it must be."""
    lines: list[str] = []
    line = ""
    for word in printable(text).split():
        longer = f"{line} {word}" if line else word
        if face.getlength(longer) <= width:
            line = longer
            continue
        if line:
            lines.append(line)
        while face.getlength(word) > width and len(word) > 1:
            fits = next(
                n
                for n in range(len(word) - 1, 0, -1)
                if n == 1 or face.getlength(word[:n]) <= width
            )
            lines.append(word[:fits])
            word = word[fits:]
        line = word
    return [*lines, line] if line else lines


def line_height(size: int) -> int:
    """Return the height of a line of text."""
    return round(size * LINE)


def write(
    draw: ImageDraw.ImageDraw,
    place: tuple[int, int],
    lines: list[str],
    size: int,
    color: tuple[int, int, int],
    *,
    bold: bool = False,
    centered: bool = False,
) -> int:
    """Write lines below each other and return the row below the last.

    Args:
        place: Column and row of the upper left corner, or of the upper middle if centered.
    """
    column, row = place
    for line in lines:
        anchor = "ma" if centered else "la"
        draw.text((column, row), line, fill=color, font=font(size, bold=bold), anchor=anchor)
        row += line_height(size)
    return row


def upright_text(
    text: str, size: int, color: tuple[int, int, int], background: tuple[int, int, int]
) -> Image.Image:
    """Return one line of text, turned so that it reads from below."""
    face = font(size)
    width = round(face.getlength(text)) + 2
    image = Image.new("RGB", (width, line_height(size)), background)
    ImageDraw.Draw(image).text((0, 0), text, fill=color, font=face)
    return image.transpose(Image.Transpose.ROTATE_90)
