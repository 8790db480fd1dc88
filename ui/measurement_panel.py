"""What was measured of a question's two maps and of the radiograph, as a small table beside them.

It is HTML of our own in which every word is escaped, for an element that removes scripts on top of
that. The patient's right stands on the left, as on the radiograph.
"""

from collections.abc import Sequence
from html import escape

from daug.cardiothoracic import CardiothoracicRatio
from daug.heatmap import Heatmap
from daug.lung_zones import LEVELS, Zone
from daug.map_reading import MapReading
from daug.workstation import Workstation
from daug.zone_table import ZoneTable
from ui.map_layers import stability_in_words
from ui.map_scale import map_scale, on_normal_floor
from ui.readings import Reading

NOTHING_TO_MEASURE = "These models carry no measurements."
ASK_FIRST = "Zones of the lungs are measured of the maps of one question."
EVEN = 0.05  # of asymmetry, below which no side is named
NONE = "–"

Measured = Sequence[tuple[Heatmap, MapReading]]


def measurements_html(reading: Reading, workstation: Workstation, maps: Sequence[Heatmap]) -> str:
    """Return what is known of maps, and of the radiograph itself.

    Args:
        maps: Of one question; none where no question is shown.
    """
    if workstation.measurer is None:
        return _line(NOTHING_TO_MEASURE, "faint")
    parts: list[str] = []
    if reading.ratio is not None:
        parts.append(_named("Cardiothoracic ratio", ratio_in_words(reading.ratio)))
    known = [(one, read) for one in maps if (read := reading.measured(one.recipe)) is not None]
    if not known:
        return "".join([*parts, _line(ASK_FIRST, "faint")])
    why = next((read.no_anatomy for _, read in known if read.no_anatomy), "")
    if why:
        parts.append(_line(why, "faint"))
    parts.append(_line(f"Per zone: {_unit(workstation, reading, known)}", "faint"))
    parts.append(_table(reading, workstation, known))
    return "".join(parts)


def ratio_in_words(ratio: CardiothoracicRatio) -> str:
    """Return a ratio with its interval or its note, or why it is withheld."""
    if ratio.value is None:
        return f"withheld: {ratio.withheld}"
    if ratio.low is not None and ratio.high is not None:
        return f"{ratio.value:.2f} ({ratio.low:.2f} to {ratio.high:.2f})"
    return f"{ratio.value:.2f} ({ratio.note})" if ratio.note else f"{ratio.value:.2f}"


def moved_ratio_in_words(
    before: CardiothoracicRatio | None, after: CardiothoracicRatio | None
) -> str:
    """Return how the ratio moved from the reference to the imagined picture."""
    if before is None or after is None:
        return NONE
    if before.value is None and after.value is None and before.withheld == after.withheld:
        return ratio_in_words(before)
    if (
        before.value is not None
        and after.value is not None
        and before.note
        and before.note == after.note
    ):
        return f"{before.value:.2f} → {after.value:.2f} ({before.note})"
    return f"{ratio_in_words(before)} → {ratio_in_words(after)}"


def _table(reading: Reading, workstation: Workstation, known: Measured) -> str:
    heads = "".join(
        f"<th>{escape(one.recipe.activation)}: right</th><th>left</th><th>hotter</th>"
        for one, _ in known
    )
    rows = [f"<tr><th>zone</th>{heads}</tr>"]
    tables = [read.zones for _, read in known]
    if all(table is not None for table in tables):
        units = [_per_unit(workstation, reading, one) for one, _ in known]
        for level in LEVELS:
            cells = "".join(
                _cells(table, level, unit) for table, unit in zip(tables, units, strict=True)
            )
            rows.append(f"<tr><th>{level}</th>{cells}</tr>")
        rows.append(_wide("outside", [_outside(table) for table in tables]))
        rows.append(_wide("marks", [_on_marks(table) for table in tables]))
        moved = [moved_ratio_in_words(read.ratio_before, read.ratio_after) for _, read in known]
        rows.append(_wide("ratio, imagined", moved))
    rows.append(_wide("normals", [read.percentile.in_words for _, read in known]))
    stable = [stability_of_map(reading, workstation, one) for one, _ in known]
    rows.append(_wide("stability", stable))
    return f'<table class="zones">{"".join(rows)}</table>'


def stability_of_map(reading: Reading, workstation: Workstation, heatmap: Heatmap) -> str:
    """Return how stable a map is, or that this was not asked."""
    often = reading.drawn_often(heatmap.recipe)
    if often is None:
        return "not drawn yet: choose Stability"
    scale = map_scale(workstation, reading.radiograph, heatmap.recipe)
    return stability_in_words(often, scale, reading.look)


def _unit(workstation: Workstation, reading: Reading, known: Measured) -> str:
    recipe = known[0][0].recipe
    scale = map_scale(workstation, reading.radiograph, recipe)
    if on_normal_floor(workstation.bundle, recipe, scale):
        return "share of all heat · mean, where the normal floor is 1"
    return "share of all heat · mean change of pixel intensity"


def _per_unit(workstation: Workstation, reading: Reading, heatmap: Heatmap) -> float:
    """Return the unit in which a map's mean heat is told, in pixel intensity."""
    scale = map_scale(workstation, reading.radiograph, heatmap.recipe)
    floored = on_normal_floor(workstation.bundle, heatmap.recipe, scale)
    return scale.mark if floored else 1.0


def _cells(table: ZoneTable | None, level: str, unit: float) -> str:
    if table is None:
        return f"<td>{NONE}</td>" * 3
    cells = [_zone(table, Zone.at(side, level), unit) for side in ("right", "left")]
    return "".join(f"<td>{cell}</td>" for cell in [*cells, _hotter(table.asymmetry.get(level))])


def _zone(table: ZoneTable, zone: Zone, unit: float) -> str:
    heat = table.zones[zone]
    if heat.mean is None:
        return "not found"
    return f"{_percent(heat.share)} · {heat.mean / unit:.{2 if unit < 1 else 3}f}"


def _outside(table: ZoneTable | None) -> str:
    if table is None:
        return NONE
    return f"lungs {_percent(table.outside_lungs)}, thorax {_percent(table.outside_thorax)}"


def _on_marks(table: ZoneTable | None) -> str:
    if table is None:
        return NONE
    return f"at border {_percent(table.at_border)}, on text {_percent(table.on_text)}"


def _hotter(asymmetry: float | None) -> str:
    """Return the hotter side and by how much: (right - left) / (right + left)."""
    if asymmetry is None:
        return NONE
    if abs(asymmetry) < EVEN:
        return "even"
    return f"{'R' if asymmetry > 0 else 'L'} {_percent(abs(asymmetry))}"


def _percent(share: float | None) -> str:
    return NONE if share is None else f"{100 * share:.0f} %"


def _wide(name: str, values: Sequence[str]) -> str:
    cells = "".join(f'<td colspan="3">{escape(value)}</td>' for value in values)
    return f"<tr><th>{escape(name)}</th>{cells}</tr>"


def _named(name: str, text: str) -> str:
    return f'<div class="told"><b>{escape(name)}</b> {escape(text)}</div>'


def _line(text: str, kind: str = "told") -> str:
    return f'<div class="{kind}">{escape(text)}</div>'
