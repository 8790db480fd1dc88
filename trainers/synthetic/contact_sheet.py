"""All pictures side by side, each under its seed, for somebody to look at."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from daug.errors import ExportError

COLUMNS = 16
CAPTION = 14  # pixels above each picture
PALE = 200


def contact_sheet(
    pictures: Sequence[tuple[str, NDArray[np.uint8]]], path: Path, columns: int = COLUMNS
) -> None:
    """Write a PNG with all pictures, row by row.

    Args:
        pictures: What each is called, and its 8-bit gray pixels, (S, S); all of one size.
        path: The file.
        columns: Pictures in a row.

    Raises:
        ExportError: If it cannot be written.
    """
    side = pictures[0][1].shape[0]
    columns = min(columns, len(pictures))
    rows = -(-len(pictures) // columns)
    sheet = Image.new("L", (columns * side, rows * (side + CAPTION)))
    pen, face = ImageDraw.Draw(sheet), ImageFont.load_default(CAPTION - 3)
    for number, (name, pixels) in enumerate(pictures):
        left, top = number % columns * side, number // columns * (side + CAPTION)
        pen.text((left + 2, top), name, fill=PALE, font=face)
        sheet.paste(Image.fromarray(pixels), (left, top + CAPTION))
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        sheet.save(path, "PNG")
    except OSError as error:
        raise ExportError(f"{path}: cannot be written ({error}). Name another file.") from error
