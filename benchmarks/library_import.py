"""`daug bench import`: how fast radiographs enter a library, and how fast it is browsed.

Importing means reading, decoding, hashing, freeing of identity, drawing thumbnails and writing to
the disk so that a power failure loses nothing; embedding is not in it. Browsing is timed on a
library of drawn rows, 50,000 if nothing else is asked: a page is the numbers of 50 cases and
everything that a list shows of them.
"""

import json
import os
import sqlite3
import statistics
import tempfile
import time
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from daug.findings import Finding

if TYPE_CHECKING:
    from collections.abc import Iterator

    from daug.case_query import CaseFilter
    from daug.import_report import Skipped
    from db.facts import Candidate
    from db.importing import Source
    from db.library import Library

PAGE = 50
REPEATS = 5


def bench_import(
    manifest: Annotated[Path, typer.Argument(help="A manifest.", exists=True, dir_okay=False)],
    images: Annotated[int, typer.Option(min=1, help="At most so many radiographs.")] = 2000,
    cases: Annotated[int, typer.Option(min=0, help="Cases to browse; 0 for no browsing.")] = 50_000,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON document.")] = False,
) -> None:
    """Time an import without embedding, then the same again, and the pages of a large library."""
    with tempfile.TemporaryDirectory() as folder:
        results = time_import(manifest, Path(folder) / "imported", images)
        pages = time_pages(Path(folder) / "browsed", cases) if cases else []
    document = {"results": results, "cores": len(os.sched_getaffinity(0)), "pages": pages}
    if as_json:
        typer.echo(json.dumps(document, indent=2))
        return
    for result in results:
        typer.echo(
            f"{result['what']}: {result['images_per_second']:.0f} radiographs a second on "
            f"{document['cores']} cores, {result['cpu_ms_per_image']:.1f} ms of processor each"
        )
    for page in pages:
        typer.echo(
            f"{page['what']}: {page['median_ms']:.0f} ms a page, {page['worst_ms']:.0f} worst"
        )


class _First:
    """The first so many radiographs of a source."""

    def __init__(self, source: "Source", most: int) -> None:
        self._source = source
        self.total = min(most, source.total)

    def __iter__(self) -> "Iterator[Candidate | Skipped]":
        return islice(iter(self._source), self.total)


def time_import(manifest: Path, folder: Path, images: int) -> list[dict[str, Any]]:
    """Import into a new library, then once more, where every file is there already."""
    from db.library import init_library
    from db.manifest_source import ManifestSource

    library = init_library(folder)
    results = []
    for what in ("import without embedding", "the same again"):
        began, used = time.perf_counter(), time.process_time()
        report = library.import_from(
            lambda key, spare: _First(ManifestSource(manifest, key), images)
        )
        seconds, processor = time.perf_counter() - began, time.process_time() - used
        results.append(
            {
                "what": what,
                "images": report.done,
                "imported": len(report.imported),
                "images_per_second": report.done / seconds,
                "cpu_ms_per_image": processor / report.done * 1000,
            }
        )
    library.close()
    return results


def time_pages(folder: Path, cases: int) -> list[dict[str, Any]]:
    """Return how long pages of a library of drawn rows take, at its start, middle and end."""
    from daug.case_query import CaseFilter
    from daug.view import View
    from db.library import init_library

    library = init_library(folder)
    fill(folder / "library.sqlite", cases)
    asked = {
        "all cases": CaseFilter(),
        "with pneumonia": CaseFilter(present=frozenset({Finding.PNEUMONIA})),
        "with a rare finding": CaseFilter(present=frozenset({Finding.FRACTURE})),
        "women of 60 to 70, PA": CaseFilter(
            views=frozenset({View.PA}), sex="F", min_age=60, max_age=70
        ),
        "a word of the report": CaseFilter(words="effusion"),
        "a rare word of the report": CaseFilter(words="word77"),
    }
    timed = [
        {"what": f"{name}, {where}"} | _time_page(library, wanted, after)
        for name, wanted in asked.items()
        for where, after in (("first", None), ("middle", cases // 2), ("last", PAGE))
    ]
    library.close()
    return timed


def _time_page(library: "Library", wanted: "CaseFilter", after: int | None) -> dict[str, float]:
    seconds = []
    for _ in range(REPEATS):
        began = time.perf_counter()
        page = library.page(wanted, limit=PAGE, after=after)
        library.cases(page.ids)
        seconds.append(time.perf_counter() - began)
    return {"median_ms": statistics.median(seconds) * 1000, "worst_ms": max(seconds) * 1000}


def fill(database: Path, cases: int) -> None:
    """Write rows without files: findings of five kinds, one in a thousand rare, and reports."""
    from daug.view import View

    often = (Finding.NO_FINDING, Finding.EDEMA, Finding.PNEUMONIA, Finding.ATELECTASIS)
    views = (View.PA, View.AP, View.LATERAL)
    numbers = range(1, cases + 1)
    connection = sqlite3.connect(database)
    with connection:
        connection.executemany(
            "INSERT INTO patients (id, pseudonym) VALUES (?, ?)",
            ((i, f"{i:032x}") for i in range(1, cases // 2 + 2)),
        )
        connection.executemany(
            "INSERT INTO studies (id, patient_id, study_order) VALUES (?, ?, ?)",
            ((i, i // 2 + 1, f"{i:016d}") for i in numbers),
        )
        connection.executemany(
            "INSERT INTO radiographs (id, study_id, pixel_digest, original_digest, "
            "original_suffix, incoming_digest, perceptual_hash, height, width, view, sex, "
            "age_years, age_stated, source, source_id, split, licence, synthetic, warnings, "
            "added_at) VALUES (?, ?, ?, ?, 'jpg', ?, zeroblob(32), 2048, 2500, ?, ?, ?, '', ?, ?, "
            "'train', '', 0, '[]', '2026-01-01 00:00:00.000000')",
            (
                (
                    i,
                    i,
                    *[f"{i:064x}"] * 3,
                    views[i % 3],
                    "FM"[i % 2],
                    i * 7 % 95,
                    f"s{i % 5}",
                    str(i),
                )
                for i in numbers
            ),
        )
        connection.executemany(
            "INSERT INTO findings (radiograph_id, finding, source, state, believed) "
            "VALUES (?, ?, 'imported', ?, 1)",
            (
                row
                for i in numbers
                for row in (
                    *((i, f, ("present", "absent")[(i + k) % 4 > 0]) for k, f in enumerate(often)),
                    (i, Finding.FRACTURE, ("absent", "present")[i % 1000 == 0]),
                )
            ),
        )
        connection.executemany(
            "INSERT INTO reports (radiograph_id, kind, text) VALUES (?, 'real', ?)",
            ((i, f"Small effusion on the left, number {i}, word{i % 1000}.") for i in numbers),
        )
    connection.close()
