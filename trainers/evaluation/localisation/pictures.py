"""One case as a picture: the radiograph, what was drawn on it, and what each method says.

Heat is drawn over the radiograph on a scale that is the same for every radiograph: our maps on the
bundle's own; every other method, whose unit means nothing, on one made of all its maps in this
evaluation by the rule of the bundle's: full colour where nine tenths of the maps' 99th percentiles
lie below, nothing below a quarter of that. No map is stretched by itself.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path

import cv2
import matplotlib as mpl
import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from daug.bundle import HeatScale
from daug.notice import NOTICE
from daug.organs import Mask
from trainers.evaluation.localisation.kinds import CENTRE, CHANCE, DAUG, LUNGS, Kind
from trainers.evaluation.localisation.measures import Heat
from trainers.evaluation.localisation.truths import Case

SIDE = 256  # pixels of a tile
PER_LINE = 4
CAPTION = 30  # pixels below each tile
FOOT = 26
OUTLINE = (0, 255, 255)  # cyan: not in the ramp of heat
OPACITY = 0.75
FIRST_COLOR = 110  # of the ramp; what is before it is too dark to be told from a shadow
FULL_BELOW, MARK_SHARE = 0.9, 0.25  # the rule of the bundle's own scale
PAPER = (255, 255, 255)
FONT = Path(mpl.get_data_path()) / "fonts/ttf/DejaVuSans.ttf"  # it has a true minus
FONT_SIZE = 10
Color = NDArray[np.uint8]  # (h, w, 3)


def scale_of(percentiles: Sequence[float]) -> tuple[float, float]:
    """Return mark and full colour of a method from the 99th percentiles of all its maps."""
    full_at = float(np.quantile(percentiles, FULL_BELOW)) if len(percentiles) else 0.0
    full_at = full_at or 1.0  # a method that never says anything
    return MARK_SHARE * full_at, full_at


def scales(
    percentiles: Mapping[Kind, Sequence[float]], own: HeatScale
) -> dict[Kind, tuple[float, float]]:
    """Return mark and full colour of every kind of map."""
    return {
        kind: (own.mark, own.full_at) if kind.method == DAUG else scale_of(found)
        for kind, found in percentiles.items()
    }


def shown_kinds(kinds: Sequence[Kind]) -> list[Kind]:
    """Return the kinds that are worth a tile: all but those that are the same everywhere."""
    return [kind for kind in kinds if kind.method not in (CENTRE, CHANCE, LUNGS)]


def case_picture(
    case: Case, maps: Mapping[Kind, NDArray[np.float32]], scale: Mapping[Kind, tuple[float, float]]
) -> Color:
    """Return a sheet of tiles: the radiograph bare, with what was drawn, then every map.

    Args:
        case: The radiograph and its truth.
        maps: (D, S, S) each, in the order of the tiles.
        scale: Mark and full colour of each.
    """
    down, across = case.area
    bright = _larger(case.seen.pixels[down, across]).clip(-1, 1) + 1
    base = np.repeat(np.round(bright * 127.5).astype(np.uint8)[..., None], 3, axis=2)
    drawn_on = case.truth_pixels.astype(np.float32)
    inside = _larger(drawn_on, cv2.INTER_NEAREST) > 0
    tiles = [(base, "radiograph"), (outlined(base, inside), f"drawn: {case.truth.name}")]
    for kind, stack in maps.items():
        heat = _larger(stack[0][down, across])
        mark, full_at = scale[kind]
        caption = f"{kind.text}; {mark:.2g} to {full_at:.2g}"
        tiles.append((outlined(heated(base, heat, mark, full_at), inside), caption))
    return _sheet(tiles)


def heated(base: Color, heat: Heat, mark: float, full_at: float) -> Color:
    """Return a picture with heat over it: bare below the mark, full colour from `full_at` on."""
    level = ((heat - mark) / (full_at - mark)).clip(0, 1)
    place = np.round(FIRST_COLOR + level * (255 - FIRST_COLOR)).astype(np.uint8)
    color = cv2.applyColorMap(place, cv2.COLORMAP_INFERNO)
    weight = (OPACITY * (level > 0) * (0.3 + 0.7 * level))[..., None]
    mixed = base + weight * (color[..., ::-1].astype(np.float32) - base)
    return np.asarray(np.round(mixed), dtype=np.uint8)


def outlined(base: Color, inside: Mask) -> Color:
    """Return a picture with the border of a mask on it."""
    borders, _ = cv2.findContours(inside.astype(np.uint8), cv2.RETR_LIST, cv2.CHAIN_APPROX_NONE)
    drawn = cv2.drawContours(base.copy(), borders, -1, OUTLINE, 1)
    return np.asarray(drawn, dtype=np.uint8)


def _larger(values: Heat, how: int = cv2.INTER_LINEAR) -> Heat:
    height, width = values.shape
    share = SIDE / max(height, width)
    size = (max(1, round(width * share)), max(1, round(height * share)))
    resized = cv2.resize(np.ascontiguousarray(values), size, interpolation=how)
    return np.asarray(resized, dtype=np.float32)


def _sheet(tiles: Sequence[tuple[Color, str]]) -> Color:
    lines = -(-len(tiles) // PER_LINE)
    height, width = lines * (SIDE + CAPTION) + FOOT, min(PER_LINE, len(tiles)) * SIDE
    sheet = Image.new("RGB", (width, height), PAPER)
    pen = ImageDraw.Draw(sheet)
    font = ImageFont.truetype(FONT, FONT_SIZE)
    for place, (tile, caption) in enumerate(tiles):
        x, y = place % PER_LINE * SIDE, place // PER_LINE * (SIDE + CAPTION)
        down, right = (SIDE - tile.shape[0]) // 2, (SIDE - tile.shape[1]) // 2
        pen.rectangle((x, y, x + SIDE - 1, y + SIDE - 1), fill=(0, 0, 0))
        sheet.paste(Image.fromarray(tile), (x + right, y + down))
        pen.multiline_text((x + 4, y + SIDE + 2), _wrapped(caption, font), fill=0, font=font)
    pen.text((4, height - FOOT + 5), NOTICE, fill=0, font=font)
    return np.asarray(sheet, dtype=np.uint8)


def _wrapped(text: str, font: ImageFont.FreeTypeFont) -> str:
    """Return a caption in lines that fit below a tile."""
    lines = [""]
    for word in text.split():
        longer = f"{lines[-1]} {word}".strip()
        if font.getlength(longer) <= SIDE - 8:
            lines[-1] = longer
        else:
            lines.append(word)
    return "\n".join(lines)
