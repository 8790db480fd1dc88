"""One heatmap as files, and as the document that `--json` prints.

    STEM.overlay.png    the map over its radiograph, captioned
    STEM.map.tiff       the signed change, 32-bit float, on the radiograph's own pixels
    STEM.recipe.json    everything that redraws them

A stem names radiograph, super-class, direction and activation, so maps lie beside each other.
"""

import json
import re
import unicodedata
from collections.abc import Mapping
from io import BytesIO
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from daug.bundle import Bundle, HeatScale
from daug.errors import ExportError
from daug.findings import Direction
from daug.heatmap import Heatmap
from daug.radiograph import Radiograph
from ui import wording
from ui.captioned import captioned, zoom_for
from ui.heat_picture import Picture, heat_over
from ui.look import OPACITY, Look
from ui.map_scale import legend_of
from ui.where_changed import NOT_FOUND, region_document, where_changed
from ui.whole_files import write_whole

FORMAT = 1  # of the recipe file
DEFLATE = 8  # TIFF's compression by zlib, without loss
LONGEST_NAME = 60  # letters of a radiograph's name in a file name


def stem(radiograph: Radiograph, heatmap: Heatmap) -> str:
    """Return the part of their names that a map's files share."""
    recipe = heatmap.recipe
    parts = (
        _safe(radiograph.source_name)[:LONGEST_NAME].strip("-") or "radiograph",
        radiograph.digest[: wording.DIGEST_LETTERS],
        _safe(recipe.super_class).lower(),
        "plus" if recipe.direction is Direction.MORE else "minus",
        recipe.activation.value,
    )
    return "_".join(parts)


def write_map(
    folder: Path,
    radiograph: Radiograph,
    heatmap: Heatmap,
    bundle: Bundle,
    *,
    scale: HeatScale | None = None,
    opacity: float = OPACITY,
) -> dict[str, Path]:
    """Write a map's three files and return where they are: overlay, map, recipe.

    Args:
        scale: That the overlay is drawn on, as `ui.map_scale`; None for the bundle's own.

    Raises:
        ExportError: If the folder cannot be made or written; then none of them changes.
    """
    name = stem(radiograph, heatmap)
    paths = {
        "overlay": folder / f"{name}.overlay.png",
        "map": folder / f"{name}.map.tiff",
        "recipe": folder / f"{name}.recipe.json",
    }
    shape = (radiograph.pixels.shape[0], radiograph.pixels.shape[1])
    scale = scale or bundle.heat_scale
    picture = overlay_picture(radiograph, heatmap, bundle, scale=scale, opacity=opacity)
    recipe = recipe_document(radiograph, heatmap, bundle, scale)
    recipe["opacity"] = opacity
    recipe["overlay"] = {
        "file": paths["overlay"].name,
        "zoom": zoom_for(shape[1]),
        "caption": "below the radiograph, whose first pixel is the picture's first",
    }
    recipe["map"] = {"file": paths["map"].name, **_map_geometry(heatmap, shape)}
    write_whole(
        {
            paths["overlay"]: _png(picture, recipe),
            paths["map"]: _tiff(heatmap.model_input.to_radiograph(heatmap.change, shape)),
            paths["recipe"]: (json.dumps(recipe, indent=2) + "\n").encode(),
        }
    )
    return paths


def overlay_picture(
    radiograph: Radiograph,
    heatmap: Heatmap,
    bundle: Bundle,
    *,
    scale: HeatScale | None = None,
    opacity: float = OPACITY,
) -> Picture:
    """Return a map over its radiograph with a caption that explains it."""
    rows, columns = radiograph.pixels.shape
    zoom = zoom_for(columns)
    scale, seen = scale or bundle.heat_scale, heatmap.model_input
    shape = (rows * zoom, columns * zoom)
    look = Look(opacity=opacity)
    picture = heat_over(radiograph, seen, heatmap.heat, scale, shape=shape, look=look)
    legend = legend_of(bundle, radiograph, heatmap.recipe, scale)
    return captioned(picture, caption(radiograph, heatmap, bundle), scale=scale, legend=legend)


def caption(radiograph: Radiograph, heatmap: Heatmap, bundle: Bundle) -> tuple[str, ...]:
    """Return what a picture of a map must say of it."""
    recipe = heatmap.recipe
    name = recipe.super_class
    before = heatmap.scores_before.sigmoid[name]
    after = heatmap.scores_after.sigmoid[name]
    return (
        f"{wording.title(name, recipe.direction)}, {recipe.activation}. "
        f"{wording.question(bundle.card(name), recipe.direction)}",
        f"score {wording.movement(before, after)}; {wording.SCORE}",
        f"{wording.recipe_line(recipe)}; {wording.bundle_line(bundle)}; "
        f"radiograph {radiograph.digest[: wording.DIGEST_LETTERS]}, "
        f"{', '.join(wording.placement(radiograph))}",
    )


def map_document(
    file: Path,
    radiograph: Radiograph,
    heatmap: Heatmap,
    bundle: Bundle,
    outputs: Mapping[str, Path],
    seconds: Mapping[str, float],
) -> dict[str, Any]:
    """Return what `--json` says of one map.

    Args:
        outputs: Where overlay, map and recipe are; None in the document for what is not there.
        seconds: load, encode, decode, total.
    """
    recipe = heatmap.recipe
    card = bundle.card(recipe.super_class)
    statistics = heatmap.statistics
    return {
        "file": str(file),
        "pixel_digest": heatmap.pixel_digest,
        "bundle": _bundle_document(bundle),
        "recipe": recipe.to_dict(),
        "question": wording.question(card, recipe.direction),
        "measured": wording.measured(card),
        "probability": {
            "input": heatmap.scores_input.sigmoid,
            "before": heatmap.scores_before.sigmoid,
            "after": heatmap.scores_after.sigmoid,
        },
        "heat": {"mean": statistics.mean, "p99": statistics.p99, "max": statistics.max},
        "region": region_document(bundle, heatmap),
        "outputs": {
            part: str(outputs[part]) if part in outputs else None
            for part in ("overlay", "map", "recipe")
        },
        "seconds": dict(seconds),
        "warnings": [*radiograph.warnings, *_class_warnings(bundle, heatmap)],
        "notice": wording.NOTICE,
    }


def recipe_document(
    radiograph: Radiograph, heatmap: Heatmap, bundle: Bundle, scale: HeatScale
) -> dict[str, Any]:
    """Return what redraws a map; no file name, since people name files after patients."""
    rows, columns = radiograph.pixels.shape
    return {
        "format": FORMAT,
        "recipe": heatmap.recipe.to_dict(),
        "pixel_digest": heatmap.pixel_digest,
        "radiograph": {"rows": rows, "columns": columns},
        "bundle": _bundle_document(bundle),
        "heat_scale": {
            "mark": scale.mark,
            "full_at": scale.full_at,
            "unit": wording.HEAT_UNIT,
        },
        "notice": wording.NOTICE,
    }


def _bundle_document(bundle: Bundle) -> dict[str, str]:
    return {"name": bundle.name, "version": bundle.version, "digest": bundle.digest}


def _class_warnings(bundle: Bundle, heatmap: Heatmap) -> list[str]:
    card, warnings = bundle.card(heatmap.recipe.super_class), []
    if where_changed(bundle, heatmap) == NOT_FOUND:
        warnings.append(NOT_FOUND)
    if not any(metrics.enough for metrics in card.metrics):
        unknown = "so nobody knows how far to believe its map"
        warnings.append(f"{card.name}: {wording.measured(card)}, {unknown}.")
    return warnings


def _map_geometry(heatmap: Heatmap, shape: tuple[int, int]) -> dict[str, Any]:
    seen = heatmap.model_input
    return {
        "values": "counterfactual minus reference, mean over seeds, 32-bit float",
        "unit": wording.HEAT_UNIT,
        "grid": "radiograph",
        "rows": shape[0],
        "columns": shape[1],
        "interpolation": "bilinear, from the model's square",
        "model": {
            "size": seen.pixels.shape[0],
            "top": seen.top,
            "left": seen.left,
            "height": seen.height,
            "width": seen.width,
        },
    }


def _png(picture: Picture, document: Mapping[str, Any]) -> bytes:
    text = PngInfo()
    text.add_itxt("Disclaimer", wording.NOTICE)
    text.add_itxt("daug", json.dumps(document))
    file = BytesIO()
    Image.fromarray(picture).save(file, "PNG", pnginfo=text, compress_level=4)
    return file.getvalue()


def _tiff(values: NDArray[np.float32]) -> bytes:
    done, encoded = cv2.imencode(".tiff", values, [cv2.IMWRITE_TIFF_COMPRESSION, DEFLATE])
    if not done:
        raise ExportError(f"A map of {values.shape} pixels could not be written as TIFF.")
    return encoded.tobytes()


def _safe(name: str) -> str:
    """Return a name with letters, digits and dashes only, as every file system takes them."""
    plain = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode()
    return re.sub(r"[^A-Za-z0-9]+", "-", plain).strip("-")
