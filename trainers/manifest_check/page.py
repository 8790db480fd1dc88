"""One HTML page to look at: what was found, the tables, and small pictures.

It is a single file that asks for no other, nothing in it runs, and every word from the manifest is
escaped. It shows real radiographs, so it belongs where the data belong.
"""

from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path
from typing import Any

from jinja2 import Environment, StrictUndefined

from daug.errors import ManifestError
from daug.findings import Finding
from daug.notice import NOTICE
from trainers.manifest_check.checking import Checked
from trainers.manifest_check.sentences import leak_sentences, summary
from trainers.manifest_check.thumbnails import Thumbnail, sheet, thumbnail

ENDINGS = (".html", ".htm")
MOST_PICTURES = 48
MOST_PAIRS = 12  # of images that are alike
MOST_LINES = 20  # of a list

PAGE = """<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy"
  content="default-src 'none'; img-src data:; style-src 'unsafe-inline'">
<title>{{ title }}</title>
<style>
body { font: 15px/1.45 system-ui, sans-serif; margin: 0 auto; max-width: 1100px; padding: 0 1rem;
  color: #1a1a1a; background: #fff }
.notice { background: #7a1f1f; color: #fff; font-weight: 600; margin: 0 -1rem; padding: .5rem 1rem }
.leak { background: #fbe9e7; border-left: 4px solid #7a1f1f; padding: .4rem .8rem }
table { border-collapse: collapse; font-variant-numeric: tabular-nums; font-size: 13px }
th, td { border-bottom: 1px solid #ccc; padding: .15rem .4rem; text-align: right }
th:first-child, td:first-child, th:nth-child(2), td:nth-child(2) { text-align: left }
.tables { display: flex; flex-wrap: wrap; gap: 0 2rem } .tables h2 { font-size: 1.1rem }
.wide { overflow-x: auto } .sheet { display: flex; flex-wrap: wrap; gap: .6rem }
figure { margin: 0; width: 128px } img { max-width: 128px; border: 1px solid #999 }
figcaption { font-size: 11px; overflow-wrap: anywhere }
.pair { display: flex; gap: .6rem; margin-bottom: .8rem }
</style>
</head>
<body>
<p class="notice">{{ notice }}</p>
<h1>{{ title }}</h1>
{% for line in leaks %}<p class="leak">{{ line }}</p>
{% endfor %}{% for line in lines %}<p>{{ line }}</p>
{% endfor %}
{% for list in lists %}<h2>{{ list.title }}</h2>
<ul>{% for line in list.lines %}<li>{{ line }}</li>
{% endfor %}</ul>
{% endfor %}
<div class="tables">
{% for table in tables %}<section><h2>{{ table.title }}</h2>
<div class="wide"><table><thead><tr>{% for name in table.head %}<th>{{ name }}</th>{% endfor %}
</tr></thead><tbody>
{% for row in table.rows %}<tr>{% for cell in row %}<td>{{ cell }}</td>{% endfor %}</tr>
{% endfor %}</tbody></table></div></section>
{% endfor %}</div>
{% macro shown(picture) %}<figure><img src="{{ picture.uri }}" alt="{{ picture.caption }}">
<figcaption>{{ picture.caption }}</figcaption></figure>{% endmacro %}
{% if pairs %}<h2>Alike</h2>
{% for pair in pairs %}<p>{{ pair.title }}</p>
<div class="pair">{% for picture in pair.pictures %}{{ shown(picture) }}{% endfor %}</div>
{% endfor %}{% endif %}
<h2>A sample</h2>
<div class="sheet">{% for picture in pictures %}{{ shown(picture) }}
{% endfor %}</div>
<p class="notice">{{ notice }}</p>
</body>
</html>
"""


def check_page_name(page: Path) -> None:
    """Refuse a name that is no page's, so that no table is written over.

    Raises:
        ManifestError: If it is one.
    """
    if page.suffix.lower() not in ENDINGS:
        raise ManifestError(f"{page} is no name of a page. Name a file that ends in .html.")


def write_page(checked: Checked, page: Path) -> None:
    """Write the page, which is there whole or not at all.

    Raises:
        ManifestError: If it cannot be written.
    """
    check_page_name(page)
    template = Environment(autoescape=True, undefined=StrictUndefined).from_string(PAGE)
    partial = page.with_name(f".{page.name}.partial")
    try:
        page.parent.mkdir(parents=True, exist_ok=True)
        partial.write_text(template.render(_values(checked)), encoding="utf-8", errors="replace")
        partial.replace(page)
    except OSError as error:
        raise ManifestError(
            f"{page} cannot be written ({error}). Name a file in a folder that you may write to."
        ) from error
    finally:
        with suppress(OSError):  # where it could not be made it cannot be removed
            partial.unlink()


def _values(checked: Checked) -> dict[str, Any]:
    leaks = leak_sentences(checked)
    return {
        "title": f"Check of {checked.manifest.name}",
        "notice": NOTICE,
        "leaks": leaks,
        "lines": [line for line in summary(checked) if line not in leaks],
        "lists": [found for found in _lists(checked) if found["lines"]],
        "tables": [*_label_tables(checked), _view_table(checked)],
        "pairs": list(_pairs(checked)),
        "pictures": sheet(checked, MOST_PICTURES),
    }


def _lists(checked: Checked) -> list[dict[str, Any]]:
    missing = (str(row.image) for row, _ in checked.unseen(missing=True))
    broken = (reason for _, reason in checked.unseen(missing=False))
    return [
        {"title": "Missing images", "lines": _first(missing)},
        {"title": "Images that cannot be read", "lines": _first(broken)},
        {"title": "Lines that cannot be used", "lines": _first(checked.entries.faults)},
    ]


def _first(lines: Iterable[str]) -> list[str]:
    every = list(lines)
    more = len(every) - MOST_LINES
    return every[:MOST_LINES] + ([f"and {more} more"] if more > 0 else [])


def _label_tables(checked: Checked) -> list[dict[str, Any]]:
    """Return a table for each data set, with present / absent / uncertain / blank in each split."""
    tables = []
    for dataset in dict.fromkeys(name for name, _ in checked.counts):
        splits = {split: of for (name, split), of in checked.counts.items() if name == dataset}
        head = ["finding", *(f"{split} ({of.rows})" for split, of in splits.items())]
        rows = [
            [
                finding.value,
                *(" / ".join(map(str, of.of(finding).values())) for of in splits.values()),
            ]
            for finding in Finding
        ]
        title = f"{dataset}: present / absent / uncertain / blank"
        tables.append({"title": title, "head": head, "rows": rows})
    return tables


def _view_table(checked: Checked) -> dict[str, Any]:
    rows = [
        [dataset, split, of.rows, len(of.patients), ", ".join(f"{v} {n}" for v, n in views)]
        for (dataset, split), of in checked.counts.items()
        if (views := of.views.most_common())
    ]
    head = ["data set", "split", "radiographs", "patients", "views"]
    return {"title": "Radiographs, patients and views", "head": head, "rows": rows}


def _pairs(checked: Checked) -> Iterable[dict[str, Any]]:
    """Yield pictures that are alike, first those that are in different splits."""
    rows = checked.rows
    found = [(0, group[0], place) for group in checked.identical for place in group[1:]]
    same = len(found)
    found += [(pair.bits, pair.first, pair.second) for pair in checked.near]
    titles = ["identical pixels"] * same + [f"{p.bits} of 256 bits differ" for p in checked.near]
    ranked = sorted(
        zip(found, titles, strict=True),
        key=lambda pair: (rows[pair[0][1]].split == rows[pair[0][2]].split, pair[0]),
    )
    for (_, one, other), title in ranked[:MOST_PAIRS]:
        pictures: list[Thumbnail] = [t for p in (one, other) if (t := thumbnail(rows[p]))]
        yield {"title": title, "pictures": pictures}
