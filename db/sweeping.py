"""Files that no row speaks of: left behind by a program that was killed."""

import shutil
from contextlib import suppress
from pathlib import Path

from sqlalchemy import Connection, Engine, select

from daug.errors import LibraryError
from db.database import reading
from db.removing import finish_erasing
from db.schema import HeatmapRow, RadiographRow
from db.stored_files import (
    ERASING,
    HEATMAPS,
    INCOMING,
    KINDS,
    ORIGINALS,
    THUMBNAIL_SUFFIX,
    THUMBNAILS,
    delete,
    holding,
    place_of,
    stored_files,
)


def leftovers(folder: Path) -> list[Path]:
    """Return the folders of unfinished files; empty after a clean end of every program."""
    base = folder / INCOMING
    return sorted(base.iterdir()) if base.is_dir() else []


def expected_files(connection: Connection, folder: Path) -> dict[Path, int]:
    """Return where every file that the rows speak of must lie, and whose it is."""
    rows = select(
        RadiographRow.id,
        RadiographRow.original_digest,
        RadiographRow.original_suffix,
        RadiographRow.pixel_digest,
    )
    expected: dict[Path, int] = {}
    for case_id, digest, suffix, pixels in connection.execute(rows):
        expected[place_of(folder, ORIGINALS, digest, suffix)] = case_id
        expected[place_of(folder, THUMBNAILS, pixels, THUMBNAIL_SUFFIX)] = case_id
    maps = select(HeatmapRow.radiograph_id, HeatmapRow.file_digest, HeatmapRow.suffix)
    for case_id, digest, suffix in connection.execute(maps):
        expected[place_of(folder, HEATMAPS, digest, suffix)] = case_id
    return expected


def orphans(engine: Engine, folder: Path) -> list[Path]:
    """Return the files that no row speaks of. Call while nobody adds to the library."""
    present = [path for kind in KINDS for path in stored_files(folder, kind)]
    with reading(engine) as connection:
        expected = expected_files(connection, folder)
    return [path for path in present if path not in expected]


def sweep(engine: Engine, folder: Path) -> list[Path]:
    """Delete orphans and unfinished files. Call while holding the library."""
    lost = orphans(engine, folder)
    delete(lost)
    for path in leftovers(folder):
        shutil.rmtree(path, ignore_errors=True)
    return lost


def clean_up_after_the_killed(engine: Engine, folder: Path) -> None:
    """Finish what a killed program began, unless somebody is adding to the library now."""
    if not leftovers(folder):
        return
    with suppress(LibraryError), holding(folder):
        if (folder / INCOMING / ERASING).exists():
            finish_erasing(engine, folder)
        sweep(engine, folder)
