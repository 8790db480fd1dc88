"""Pages to look at in a browser: the tables, and for each truth its best and its worst cases.

They show real radiographs of the manifest, so they belong where the data belong. Nothing on them
runs, and every word that comes from data is escaped.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from jinja2 import Environment, StrictUndefined
from numpy.typing import NDArray
from PIL import Image

from daug.bundle import MIN_TEST_POSITIVES, HeatScale
from daug.notice import NOTICE
from trainers.evaluation.localisation.document import TARGET
from trainers.evaluation.localisation.kinds import Kind
from trainers.evaluation.localisation.pictures import case_picture, scales, shown_kinds
from trainers.evaluation.localisation.scorable import Part
from trainers.evaluation.localisation.scored import LocalisationRow, MeasuredCase
from trainers.evaluation.localisation.tables import NAMES, shown
from trainers.evaluation.localisation.truths import Case
from trainers.evaluation.paper_tables import TOO_SMALL

PICTURES_FOLDER = "cases"
EACH = 4  # best and worst cases of a truth
SORTED_BY = "energy_ratio"

PAGE = """<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{{ title }}</title>
<style>
body { font: 15px/1.45 system-ui, sans-serif; margin: 0 auto; max-width: 1100px; padding: 0 1rem;
  color: #1a1a1a; background: #fff }
.notice { background: #7a1f1f; color: #fff; font-weight: 600; margin: 0 -1rem; padding: .5rem 1rem }
table { border-collapse: collapse; width: 100%; font-variant-numeric: tabular-nums }
th, td { border-bottom: 1px solid #ccc; padding: .3rem .5rem; text-align: left;
  vertical-align: top }
tr.compared td { background: #eef4ff; font-weight: 600 }
figure { margin: 1.5rem 0 } img { max-width: 100%; height: auto; border: 1px solid #999 }
figcaption { margin-bottom: .4rem } .wide { overflow-x: auto }
</style>
</head>
<body>
<p class="notice">{{ notice }}</p>
<h1>{{ title }}</h1>
{% for line in lines %}<p>{{ line }}</p>
{% endfor %}
{% if links %}<ul>{% for link in links %}<li><a href="{{ link.file }}">{{ link.text }}</a></li>
{% endfor %}</ul>{% endif %}
{% for table in tables %}<h2>{{ table.title }}</h2>
<div class="wide"><table><thead><tr>{% for name in table.head %}<th>{{ name }}</th>{% endfor %}
</tr></thead><tbody>
{% for row in table.rows %}<tr{% if row.compared %} class="compared"{% endif %}>
{% for cell in row.cells %}<td>{{ cell }}</td>{% endfor %}</tr>
{% endfor %}</tbody></table></div>
{% endfor %}
{% for section in sections %}<h2>{{ section.title }}</h2>
{% for figure in section.figures %}<figure><figcaption>{{ figure.caption }}</figcaption>
<img src="{{ figure.file }}" alt="{{ figure.caption }}" loading="lazy"></figure>
{% endfor %}{% endfor %}
<p class="notice">{{ notice }}</p>
</body>
</html>
"""
ABOUT_PICTURES = (
    "Cyan: what an expert has drawn. Our maps are on the bundle's fixed scale, where nothing is "
    "colored below its mark. Other methods' maps have no unit of their own: each method has one "
    "scale for all radiographs, on which nine tenths of its maps reach full color with at most a "
    "hundredth of their pixels. The numbers below a tile are where color begins and where it is "
    "full. No map is stretched by itself, so a dark tile is a weak map."
)


@dataclass(frozen=True, eq=False)
class Pages:
    """What the pages are made of."""

    title: str
    cases: Sequence[Case]
    measured: Sequence[MeasuredCase]
    rows: Sequence[LocalisationRow]
    percentiles: Mapping[Kind, Sequence[float]]  # of all scored maps
    heat_scale: HeatScale
    draw: Callable[[Case], Mapping[Kind, NDArray[np.float32]]]  # the maps of a case, once more
    every: bool = False  # all cases, rather than the best and the worst


def write_pages(pages: Pages, folder: Path) -> Path:
    """Write `index.html`, a page for each truth and its pictures, and return the index."""
    folder.mkdir(parents=True, exist_ok=True)
    template = Environment(autoescape=True, undefined=StrictUndefined).from_string(PAGE)
    scored = [case for case in pages.cases if case.part is Part.FIGURE]
    truths = list(dict.fromkeys(case.truth.name for case in scored))
    links = []
    for truth in truths:
        name = f"{truth.replace(':', '-')}.html"
        values = _truth_page(pages, truth, [c for c in scored if c.truth.name == truth], folder)
        (folder / name).write_text(template.render(values), encoding="utf-8")
        links.append({"file": name, "text": f"{truth}: best and worst cases"})
    index = {
        **_page(pages.title, [ABOUT_PICTURES]),
        "links": links,
        "tables": [_table(truth, [r for r in pages.rows if r.truth == truth]) for truth in truths],
    }
    path = folder / "index.html"
    path.write_text(template.render(index), encoding="utf-8")
    return path


def _page(title: str, lines: Sequence[str]) -> dict[str, Any]:
    return {
        "title": title,
        "lines": lines,
        "notice": NOTICE,
        "links": [],
        "tables": [],
        "sections": [],
    }


def _truth_page(pages: Pages, truth: str, cases: Sequence[Case], folder: Path) -> dict[str, Any]:
    ranked = _ranked(pages.measured, truth)
    by_row = {case.row.id: case for case in cases}
    order = [one for one in ranked if one.row_id in by_row]
    groups = {"All cases, best first": order}
    if not pages.every and len(order) > 2 * EACH:
        groups = {f"The {EACH} best": order[:EACH], f"The {EACH} worst": order[-EACH:][::-1]}
    sections = [
        {
            "title": title,
            "figures": [_figure(pages, by_row[one.row_id], one, folder) for one in some],
        }
        for title, some in groups.items()
    ]
    lines = [ABOUT_PICTURES, f"Cases are sorted by the {NAMES[SORTED_BY]} of the compared map."]
    if len(cases) < MIN_TEST_POSITIVES:
        lines.insert(0, f"{TOO_SMALL}: {len(cases)} radiographs.")
    rows = [row for row in pages.rows if row.truth == truth]
    values = {"tables": [_table(truth, rows)], "sections": sections}
    return {
        **_page(truth, lines),
        "links": [{"file": "index.html", "text": "All tables"}],
        **values,
    }


def _ranked(measured: Sequence[MeasuredCase], truth: str) -> list[MeasuredCase]:
    own = [
        one
        for one in measured
        if one.truth == truth and one.kind.default and one.part is Part.FIGURE
    ]
    return sorted(own, key=lambda one: -one.measured.energy_ratio)


def _figure(pages: Pages, case: Case, one: MeasuredCase, folder: Path) -> dict[str, str]:
    maps = pages.draw(case)
    kinds = shown_kinds(list(maps))
    scale = scales(pages.percentiles, pages.heat_scale)
    picture = case_picture(case, {kind: maps[kind] for kind in kinds}, scale)
    name = (
        f"{PICTURES_FOLDER}/{case.truth.name.replace(':', '-')}-{case.radiograph.digest[:16]}.png"
    )
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(picture).save(path)
    found = one.measured
    hit = "the hottest pixel is inside" if found.hit_rate == 1 else "the hottest pixel is outside"
    caption = f"{case.row.id}: energy ratio {found.energy_ratio:.2f}, {hit}"
    return {"file": name, "caption": caption}


def _table(title: str, rows: Sequence[LocalisationRow]) -> dict[str, Any]:
    lines = []
    for row in rows:
        differences = [
            shown(row.to_grad_cam[name], signed=True) if row.to_grad_cam else "–" for name in TARGET
        ]
        figures = [shown(row.figures[name]) for name in row.figures]
        cells = [row.kind.text, str(row.n), *figures, *differences]
        lines.append({"compared": row.kind.default, "cells": cells})
    head = ["map", "n", *(NAMES[name] for name in NAMES)]
    head += [f"{NAMES[name]} − Grad-CAM's" for name in TARGET]
    note = "" if not rows or rows[0].enough else f" ({TOO_SMALL})"
    return {"title": f"{title}{note}", "head": head, "rows": lines}
