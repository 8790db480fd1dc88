"""A synthetic radiograph as a file that says what it is, in its pixels and in its metadata.

The recipe in the metadata draws the same file again. That a model drew it is also said in the
press's own words, IPTC's digital source type, which other programs read.
"""

import io
import json
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont
from PIL.PngImagePlugin import PngInfo

from daug.bundle import Bundle
from daug.errors import RecipeError
from daug.loading.synthetic import SAYS_SYNTHETIC, SYNTHETIC_KEY, TRAINED_MEDIA
from daug.notice import NOTICE
from trainers.synthetic.recipe import DrawRecipe

WORD = "SYNTHETIC"
SIDE = 512  # pixels of the shipped picture; the model's own 128 look like a thumbnail
LETTERS = 16  # height of the type, in pixels of the shipped picture
SMALLEST_LETTERS = 7  # below it the word cannot be read, however small the picture
MARGIN = 8
BLACK, WHITE = 0, 255
FONT = Path(__file__).parents[2] / "assets" / "fonts" / "DejaVuSansCondensed-Bold.ttf"
RECIPE_KEY, BUNDLE_KEY = "daug:recipe", "daug:bundle"
XMP = (
    '<x:xmpmeta xmlns:x="adobe:ns:meta/">'
    '<rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">'
    '<rdf:Description rdf:about="" '
    'xmlns:Iptc4xmpExt="http://iptc.org/std/Iptc4xmpExt/2008-02-29/" '
    f'Iptc4xmpExt:DigitalSourceType="http://cv.iptc.org/newscodes/{TRAINED_MEDIA}"'
    "/></rdf:RDF></x:xmpmeta>"
)


def marked_pixels(picture: NDArray[np.uint8], side: int = SIDE) -> NDArray[np.uint8]:
    """Return a drawn picture (S, S) at another size, the word SYNTHETIC in an upper corner.

    The corner is the darker of the two, where a marker lies on a real film and the least of a
    chest is.

    Args:
        picture: 8-bit gray, (S, S).
        side: Of the result, in pixels; type and margin keep their share of it while legible.
    """
    large = Image.fromarray(picture).resize((side, side), Image.Resampling.LANCZOS)
    face = _font(max(SMALLEST_LETTERS, LETTERS * side // SIDE))
    margin = max(1, MARGIN * side // SIDE)
    left, top, right, bottom = face.getbbox(WORD, stroke_width=1)
    width, height = int(right - left) + 1, int(bottom - top) + 1
    gray = np.asarray(large)
    strip = gray[margin : margin + height]
    on_left = strip[:, margin : margin + width].mean()
    on_right = strip[:, -margin - width : -margin].mean()
    column = margin if on_left <= on_right else side - margin - width
    place = (column - left, margin - top)
    pen = ImageDraw.Draw(large)
    pen.text(place, WORD, fill=WHITE, font=face, stroke_width=1, stroke_fill=BLACK)
    return np.asarray(large)


def png_bytes(
    picture: NDArray[np.uint8], recipe: DrawRecipe, bundle: Bundle, side: int = SIDE
) -> bytes:
    """Return a drawn picture (S, S) as a PNG file that is marked and can be drawn again."""
    info = PngInfo()
    info.add_text(SYNTHETIC_KEY, "yes")
    info.add_text("Title", f"Synthetic chest radiograph. {recipe.title}.")
    info.add_text("Description", SAYS_SYNTHETIC)
    info.add_text("Disclaimer", NOTICE)
    info.add_text("Software", "DAug")
    info.add_itxt(BUNDLE_KEY, json.dumps(bundle_name(bundle), sort_keys=True))
    info.add_itxt(RECIPE_KEY, json.dumps(recipe.to_dict(), sort_keys=True))
    info.add_itxt("XML:com.adobe.xmp", XMP)
    file = io.BytesIO()
    Image.fromarray(marked_pixels(picture, side)).save(file, "PNG", pnginfo=info, optimize=True)
    return file.getvalue()


def bundle_name(bundle: Bundle) -> dict[str, str]:
    """Return what names the models that drew a picture."""
    return {"name": bundle.name, "version": bundle.version, "digest": bundle.digest}


def read_recipe(path: Path) -> tuple[DrawRecipe, dict[str, Any]]:
    """Return the recipe in a synthetic picture, and what names the bundle that drew it.

    Raises:
        RecipeError: If the file is no picture of ours.
    """
    try:
        with Image.open(path, formats=("PNG",)) as picture:
            recipe, bundle = (json.loads(picture.info[key]) for key in (RECIPE_KEY, BUNDLE_KEY))
    except (OSError, KeyError, TypeError, ValueError) as error:
        raise RecipeError(
            f"{path.name}: holds no recipe of a synthetic radiograph. Name a PNG file that "
            "`daug bundle examples` wrote, not a copy that was saved anew."
        ) from error
    return DrawRecipe.from_dict(recipe), dict(bundle)


@cache
def _font(letters: int) -> ImageFont.FreeTypeFont:
    return ImageFont.truetype(FONT, letters, layout_engine=ImageFont.Layout.BASIC)
