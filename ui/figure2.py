"""Figure 2 of the DAug paper: a radiograph, one column per map, softmax above sigmoid.

Each map is on its own fixed scale, which stands below it where they differ. Everything that a
reader needs to judge or redraw them is in the picture's footer, and once more, exactly, in the
PNG's text.

Jin et al. 2024, "DAug", arXiv:2412.04828, figure 2.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from io import BytesIO
from itertools import chain
from typing import Any

from PIL import Image, ImageDraw
from PIL.PngImagePlugin import PngInfo

from daug.bundle import Bundle, HeatScale
from daug.findings import Activation, Direction
from daug.heatmap import Heatmap, Recipe
from daug.radiograph import Radiograph
from ui import wording
from ui.heat_picture import Gray, below_heat, color_bar, fitted, overlay
from ui.look import USUAL, Look
from ui.map_scale import ScaleOf, floor_name, on_normal_floor
from ui.typesetting import font, line_height, upright_text, wrapped, write

DPI = 300
TILE = (620, 440)  # rows and columns that a picture may fill
GAP, MARGIN, ROW_NAME, BAR, BAR_WIDTH = 24, 48, 48, 220, 48  # pixels
HEADING, BODY, SMALL = 32, 26, 23  # letter heights in pixels; 23 are 5.5 points at 300 dpi
NARROWEST = 1400  # pixels, for the footer's sake
INK, FAINT, PAPER = (0, 0, 0), (90, 90, 90), (255, 255, 255)
ROWS = (Activation.SOFTMAX, Activation.SIGMOID)
PNG_LEVEL = 4  # of compression; 9 takes five times as long and saves a tenth

Color = tuple[int, int, int]


@dataclass(frozen=True)
class _Column:
    """One super-class in one direction, with its map for each activation."""

    super_class: str
    direction: Direction
    maps: dict[Activation, Heatmap]


def figure2_png(
    radiograph: Radiograph,
    heatmaps: Sequence[Heatmap],
    bundle: Bundle,
    *,
    look: Look = USUAL,
    scale_of: ScaleOf | None = None,
    told: Mapping[Recipe, str] | None = None,
) -> bytes:
    """Return the panel as a PNG at 300 dpi that carries recipes and digests in its text.

    Args:
        heatmaps: In the order of their columns; those of one super-class and direction share a
            column.
        scale_of: The scale of each map, as `ui.map_scale.scales_of`; None for the bundle's one.
        told: What else is said below a map, as where it lies among normals.
    """
    panel = _Panel(radiograph, bundle, look, scale_of or (lambda _: bundle.heat_scale), told or {})
    text = PngInfo()
    text.add_itxt("Title", "Counterfactual heatmaps of a chest radiograph")
    text.add_itxt("Disclaimer", wording.NOTICE)
    text.add_itxt("Software", f"DAug, bundle {bundle.name} {bundle.version}")
    text.add_itxt("Comment", wording.coverage(bundle))
    text.add_itxt("daug", json.dumps(_provenance(panel, heatmaps)))
    image = _drawn(panel, heatmaps)
    file = BytesIO()
    image.save(file, "PNG", dpi=(DPI, DPI), pnginfo=text, compress_level=PNG_LEVEL)
    return file.getvalue()


def draw_figure2(
    radiograph: Radiograph,
    heatmaps: Sequence[Heatmap],
    bundle: Bundle,
    *,
    look: Look = USUAL,
    scale_of: ScaleOf | None = None,
    told: Mapping[Recipe, str] | None = None,
) -> Image.Image:
    """Return the panel as a picture; see `figure2_png`."""
    scales = scale_of or (lambda _: bundle.heat_scale)
    return _drawn(_Panel(radiograph, bundle, look, scales, told or {}), heatmaps)


@dataclass(frozen=True)
class _Panel:
    """What all parts of a panel are drawn with."""

    radiograph: Radiograph
    bundle: Bundle
    look: Look
    scale_of: ScaleOf
    told: Mapping[Recipe, str]

    def one_scale(self, heatmaps: Sequence[Heatmap]) -> bool:
        """Whether all maps are on the bundle's scale of intensity change."""
        return all(self.scale_of(one.recipe) == self.bundle.heat_scale for one in heatmaps)

    def below(self, heatmap: Heatmap, *, one_scale: bool) -> "list[_Line]":
        """Return what stands below a map."""
        recipe = heatmap.recipe
        name, scale = recipe.super_class, self.scale_of(recipe)
        before, after = heatmap.scores_before.sigmoid[name], heatmap.scores_after.sigmoid[name]
        lines = [_Line(f"score {wording.movement(before, after)}", BODY)]
        if recipe in self.told:
            lines.append(_Line(self.told[recipe], SMALL))
        if not one_scale:
            kind = _scale_kind(self.bundle, recipe, scale)
            lines.append(_Line(f"color: {scale.mark:.2g} to {scale.full_at:.2g}, {kind}", SMALL))
        return _wrap_all(lines, TILE[1])


def _scale_kind(bundle: Bundle, recipe: Recipe, scale: HeatScale) -> str:
    return "normal floor" if on_normal_floor(bundle, recipe, scale) else "intensity"


def _drawn(panel: _Panel, heatmaps: Sequence[Heatmap]) -> Image.Image:
    """Return the panel as a picture."""
    radiograph, bundle, look = panel.radiograph, panel.bundle, panel.look
    columns, one_scale = _columns(heatmaps), panel.one_scale(heatmaps)
    below = {one.recipe: panel.below(one, one_scale=one_scale) for one in heatmaps}
    tile = fitted(radiograph.pixels.shape[:2], TILE)
    left_of_maps = MARGIN + TILE[1] + GAP + ROW_NAME
    right_of_maps = left_of_maps + len(columns) * (TILE[1] + GAP)
    width = max(NARROWEST, right_of_maps + BAR + MARGIN)
    headings = [_heading(column, bundle) for column in columns]
    tiles_top = MARGIN + max(_height(lines) for lines in headings) + GAP // 2
    row_height = tile[0] + max(map(_height, below.values())) + GAP
    footer_top = tiles_top + len(ROWS) * row_height + GAP
    footer = _wrap_all(_footer(columns, panel, one_scale=one_scale), width - 2 * MARGIN)
    height = footer_top + _height(footer) + MARGIN

    image = Image.new("RGB", (width, height), PAPER)
    draw = ImageDraw.Draw(image)
    seen = radiograph.model_input(bundle.image_size)
    background = below_heat(radiograph, seen, tile, look)
    base = Image.fromarray(background)
    sees = wording.model_sees(radiograph, seen)
    _draw_radiograph(image, radiograph, base, tiles_top, row_height, sees)
    for place, row in enumerate(ROWS):
        top = tiles_top + place * row_height
        name = upright_text(row.value, HEADING, INK, PAPER)
        image.paste(name, (left_of_maps - ROW_NAME, top + (tile[0] - name.height) // 2))
    for place, (column, heading) in enumerate(zip(columns, headings, strict=True)):
        middle = left_of_maps + place * (TILE[1] + GAP) + TILE[1] // 2
        _write_lines(draw, (middle, MARGIN), heading, centered=True)
        for index, row in enumerate(ROWS):
            top = tiles_top + index * row_height
            heatmap = column.maps.get(row)
            said = [] if heatmap is None else below[heatmap.recipe]
            _draw_map(image, background, heatmap, panel, (middle, top), said)
    bar_rows = row_height + tile[0]
    _draw_bar(image, (right_of_maps, tiles_top), bar_rows, panel, one_scale=one_scale)
    _write_lines(draw, (MARGIN, footer_top), footer)
    return image


def _columns(heatmaps: Sequence[Heatmap]) -> list[_Column]:
    columns: dict[tuple[str, Direction], _Column] = {}
    for heatmap in heatmaps:
        recipe = heatmap.recipe
        key = (recipe.super_class, recipe.direction)
        columns.setdefault(key, _Column(*key, {})).maps[recipe.activation] = heatmap
    return list(columns.values())


@dataclass(frozen=True)
class _Line:
    text: str
    size: int = SMALL
    color: Color = INK
    bold: bool = False


def _heading(column: _Column, bundle: Bundle) -> list[_Line]:
    card = bundle.card(column.super_class)
    any_map = next(iter(column.maps.values()))
    score = any_map.scores_input.sigmoid[column.super_class]
    lines = [
        _Line(wording.title(column.super_class, column.direction), HEADING, bold=True),
        _Line(wording.question(card, column.direction), SMALL, FAINT),
        _Line(f"score of this radiograph {score:.2f}", SMALL, FAINT),
    ]
    return _wrap_all(lines, TILE[1])


def _footer(columns: Sequence[_Column], panel: _Panel, *, one_scale: bool) -> list[_Line]:
    bundle, look = panel.bundle, panel.look
    cards = list({c.super_class: bundle.card(c.super_class) for c in columns}.values())
    maps = list(chain.from_iterable(column.maps.values() for column in columns))
    recipes = list(dict.fromkeys(wording.recipe_line(heatmap.recipe) for heatmap in maps))
    stands_for = "; ".join(wording.stands_for(card) for card in cards)
    measured = "; ".join(f"{card.name}: {wording.measured(card)}" for card in cards)
    return [
        _Line(f"Classes in these models (training radiographs): {stands_for}."),
        _Line(f"Classifier on held-out radiographs: {measured}."),
        _Line(
            "Under each map: sigmoid score of the reference → of the imagined picture; "
            f"{wording.SCORE}. A map says what would change, and is no proof of disease."
        ),
        *(_Line(f"Recipe: {recipe}.") for recipe in recipes),
        _Line(f"Shown in {look.in_words(bundle.heat_scale)}{_scales_said(panel, one_scale)}."),
        _Line(f"Models: {wording.bundle_line(bundle)}."),
        _Line(wording.coverage(bundle), bold=True),
        _Line(wording.NOTICE, HEADING, bold=True),
    ]


def _draw_radiograph(
    image: Image.Image,
    radiograph: Radiograph,
    base: Image.Image,
    top: int,
    row_height: int,
    sees: str,
) -> None:
    draw = ImageDraw.Draw(image)
    middle = MARGIN + TILE[1] // 2
    heading = [_Line("Radiograph", HEADING, bold=True)]
    _write_lines(draw, (middle, MARGIN), heading, centered=True)
    image.paste(base.convert("RGB"), (middle - base.width // 2, top))
    # no file name: people name files after patients, and a panel is made to be shown around
    lines = [
        _Line(f"radiograph {radiograph.digest[: wording.DIGEST_LETTERS]}", SMALL),
        *(_Line(line, SMALL) for line in (*wording.placement(radiograph), sees)),
        *(_Line(f"! {warning}", SMALL, bold=True) for warning in radiograph.warnings),
    ]
    wrapped_lines = _wrap_all(lines, TILE[1])
    room = max(1, row_height // line_height(SMALL))
    if len(wrapped_lines) > room:
        wrapped_lines = [*wrapped_lines[: room - 1], _Line("… more warnings: see the radiograph")]
    _write_lines(draw, (MARGIN, top + row_height), wrapped_lines)


def _draw_map(
    image: Image.Image,
    background: Gray,
    heatmap: Heatmap | None,
    panel: _Panel,
    place: tuple[int, int],
    below: Sequence[_Line],
) -> None:
    """Draw one tile with its words below; place is its upper middle."""
    (middle, top), look = place, panel.look
    tile = (background.shape[0], background.shape[1])
    draw = ImageDraw.Draw(image)
    if heatmap is None:
        write(draw, (middle, top + tile[0] // 2), ["not drawn"], BODY, FAINT, centered=True)
        return
    change = heatmap.model_input.to_radiograph(heatmap.heat, tile, smooth=look.smooth)
    picture = overlay(background, change, panel.scale_of(heatmap.recipe), look=look)
    image.paste(Image.fromarray(picture), (middle - tile[1] // 2, top))
    _write_lines(draw, (middle, top + tile[0] + GAP // 4), below, centered=True)


def _draw_bar(
    image: Image.Image, place: tuple[int, int], rows: int, panel: _Panel, *, one_scale: bool
) -> None:
    """Draw the colors; in numbers where they mean the same in every map."""
    (left, top), look = place, panel.look
    scale = panel.bundle.heat_scale
    draw = ImageDraw.Draw(image)
    image.paste(Image.fromarray(color_bar(rows, BAR_WIDTH, scale, look=look)), place)
    draw.rectangle((left, top, left + BAR_WIDTH - 1, top + rows - 1), outline=FAINT)
    right = left + BAR_WIDTH
    shares = (1.0, 0.75, 0.5, 0.25, 0.0) if one_scale else (1.0, 0.0)
    for share in shares:
        row = top + round((1 - share) * (rows - 1))
        heat = scale.mark + share * (scale.full_at - scale.mark)
        label = f"{'≥ ' if share == 1 else ''}{heat:.2g}"
        if not one_scale:
            label = "full" if share else "mark"
        draw.line((right, row, right + 8, row), fill=INK, width=2)
        draw.text((right + 14, row), label, fill=INK, font=font(SMALL), anchor="lm")
    unit = upright_text(wording.HEAT_UNIT, BODY, INK, PAPER)
    image.paste(unit, (right + 100, top + (rows - unit.height) // 2))
    hidden = f"nothing is drawn below {look.hidden_below(scale):.2g}"
    if not one_scale:
        hidden = "mark and full color in numbers: below each map"
    lines = wrapped(hidden, font(SMALL), BAR - GAP)
    write(draw, (left, top + rows + GAP // 2), lines, SMALL, FAINT)


def _wrap_all(lines: Sequence[_Line], width: int) -> list[_Line]:
    return [
        _Line(piece, line.size, line.color, line.bold)
        for line in lines
        for piece in wrapped(line.text, font(line.size, bold=line.bold), width)
    ]


def _height(lines: Sequence[_Line]) -> int:
    return sum(line_height(line.size) for line in lines)


def _write_lines(
    draw: ImageDraw.ImageDraw,
    place: tuple[int, int],
    lines: Sequence[_Line],
    *,
    centered: bool = False,
) -> None:
    column, row = place
    for line in lines:
        at = (column, row)
        row = write(draw, at, [line.text], line.size, line.color, bold=line.bold, centered=centered)


def _scales_said(panel: _Panel, one_scale: bool) -> str:
    if one_scale:
        return ""
    return (
        " on the scale of intensity change; maps that ask what looks abnormal are on the "
        f"{floor_name(panel.radiograph)}, from the heat that 19 of 20 normal radiographs pass on "
        "less than 1 % of their area to twice that. "
        "No scale is stretched to a map"
    )


def _provenance(panel: _Panel, heatmaps: Sequence[Heatmap]) -> dict[str, Any]:
    """What redraws the panel, without the file's name."""
    bundle, look = panel.bundle, panel.look
    return {
        "pixel_digest": panel.radiograph.digest,
        "bundle": {"name": bundle.name, "version": bundle.version, "digest": bundle.digest},
        "recipes": [heatmap.recipe.to_dict() for heatmap in heatmaps],
        "heat_scale": {
            "mark": bundle.heat_scale.mark,
            "full_at": bundle.heat_scale.full_at,
            "unit": wording.HEAT_UNIT,
        },
        "heat_scales": [_scale_document(panel, heatmap.recipe) for heatmap in heatmaps],
        **look.to_dict(bundle.heat_scale),
        "notice": wording.NOTICE,
    }


def _scale_document(panel: _Panel, recipe: Recipe) -> dict[str, Any]:
    """The scale of one map, as it was drawn."""
    scale = panel.scale_of(recipe)
    return {
        "mark": scale.mark,
        "full_at": scale.full_at,
        "hidden_below": panel.look.hidden_below(scale),
        "kind": _scale_kind(panel.bundle, recipe, scale),
    }
