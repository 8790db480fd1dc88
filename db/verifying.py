"""Is the library what it says: tables, files, text index, and nothing besides."""

from pathlib import Path

import numpy as np
from sqlalchemy import Connection, Engine, func, select, text
from sqlalchemy.exc import DBAPIError

from daug.embedding import UNIT_TOLERANCE
from daug.errors import DaugError
from daug.library_verdict import Verdict
from daug.loading import load_radiograph
from db import report_words
from db.case_reading import default_alias
from db.database import reading, writing
from db.embedding_store import STORED
from db.heat_store import forget_damaged
from db.preparing import jpeg, small_picture
from db.schema import EmbeddingModelRow, EmbeddingRow, FindingRow, RadiographRow
from db.stored_files import (
    HEATMAPS,
    ORIGINALS,
    THUMBNAIL_SUFFIX,
    THUMBNAILS,
    Incoming,
    holding,
    place_of,
    put_in_place,
    sha256_of,
)
from db.sweeping import expected_files, leftovers, orphans, sweep

REMEDIES = {
    ORIGINALS: "Restore a backup",
    THUMBNAILS: "--repair draws it anew",
    HEATMAPS: "--repair forgets it, and it is drawn anew when it is asked for",
}


def verify(engine: Engine, folder: Path, *, deep: bool = False, repair: bool = False) -> Verdict:
    """Check a library, and mend what can be mended without loss.

    Files that no row speaks of are deleted, missing thumbnails drawn anew, and lost or changed
    heatmaps forgotten, so that they are drawn anew when they are asked for; a lost or changed
    original can only come from a backup.

    Args:
        engine: Its database.
        folder: Its folder.
        deep: Decode every original and compare its pixels with the digest on record.
        repair: Mend; needs the library for itself.

    Raises:
        LibraryError: If it is to be mended while somebody adds to it.
    """
    verdict = Verdict()
    if repair:
        with holding(folder):
            _repair(engine, folder, verdict)
    with reading(engine) as connection:
        verdict.cases = int(connection.scalar(select(func.count(RadiographRow.id))) or 0)
        _check_tables(connection, verdict)
        _check_files(connection, folder, verdict)
        if deep:
            _check_pixels(connection, folder, verdict)
    with writing(engine) as connection:
        _check_words(connection, verdict)
    verdict.problems += [
        f"{path.relative_to(folder)} belongs to no case; --repair deletes it."
        for path in orphans(engine, folder)
    ]
    if leftovers(folder):
        verdict.problems.append(
            "A program was killed while it worked, or is at work now, and left unfinished files; "
            "--repair deletes them."
        )
    return verdict


def _check_tables(connection: Connection, verdict: Verdict) -> None:
    if connection.dialect.name == "sqlite":
        for (line,) in connection.execute(text("PRAGMA integrity_check")):
            if line != "ok":
                verdict.problems.append(f"The database is damaged ({line}). Restore a backup.")
        for row in connection.execute(text("PRAGMA foreign_key_check")):
            verdict.problems.append(f"A row of {row[0]} belongs to nothing. Restore a backup.")
    believed = (
        select(FindingRow.radiograph_id)
        .group_by(FindingRow.radiograph_id, FindingRow.finding)
        .having(func.sum(FindingRow.believed) != 1)
    )
    for case_id in set(connection.scalars(believed)):
        verdict.problems.append(
            f"{default_alias(case_id)}: of a finding not exactly one source is believed. "
            "State it anew with `daug library edit`."
        )
    rows = connection.execute(
        select(EmbeddingRow.radiograph_id, EmbeddingRow.vector, EmbeddingModelRow.dimensions).join(
            EmbeddingModelRow, EmbeddingModelRow.id == EmbeddingRow.model_id
        )
    )
    for case_id, vector, dimensions in rows:
        values = np.frombuffer(vector, dtype=STORED)
        sound = len(values) == dimensions and abs(np.linalg.norm(values) - 1) < UNIT_TOLERANCE
        if not sound:
            verdict.problems.append(
                f"{default_alias(case_id)}: its embedding is no unit vector. Embed it again."
            )


def _check_words(connection: Connection, verdict: Verdict) -> None:
    try:
        report_words.check(connection)
    except DBAPIError:
        verdict.problems.append(
            "The index of report words differs from the reports; --repair makes it anew."
        )


def _check_files(connection: Connection, folder: Path, verdict: Verdict) -> None:
    for path, case_id in expected_files(connection, folder).items():
        name, case = path.relative_to(folder), default_alias(case_id)
        remedy = REMEDIES[path.relative_to(folder).parts[0]]
        if not path.is_file():
            verdict.problems.append(f"{case}: {name} is missing. {remedy}.")
        elif _is_thumbnail(path, folder):
            if path.stat().st_size == 0:
                verdict.problems.append(f"{case}: {name} is empty. {remedy}.")
        elif sha256_of(path) != path.stem:
            verdict.problems.append(f"{case}: {name} was changed after it was stored. {remedy}.")


def _check_pixels(connection: Connection, folder: Path, verdict: Verdict) -> None:
    for case_id, pixels, path in _originals(connection, folder):
        try:
            found = load_radiograph(path).digest
        except DaugError as error:
            verdict.problems.append(
                f"{default_alias(case_id)}: its original does not open: {error}"
            )
            continue
        if found != pixels:
            verdict.problems.append(
                f"{default_alias(case_id)}: its original decodes to other pixels than those on "
                "record. Restore a backup, or import it anew."
            )


def _repair(engine: Engine, folder: Path, verdict: Verdict) -> None:
    with writing(engine) as connection:
        for case_id in forget_damaged(connection, folder):
            verdict.repaired.append(f"{default_alias(case_id)}: a damaged heatmap was forgotten.")
    swept = sweep(engine, folder)
    if swept:
        verdict.repaired.append(f"{len(swept)} files that belonged to no case were deleted.")
    with reading(engine) as connection:
        originals = list(_originals(connection, folder))
    with Incoming(folder) as incoming:
        for case_id, pixels, path in originals:
            place = place_of(folder, THUMBNAILS, pixels, THUMBNAIL_SUFFIX)
            if path.is_file() and not (place.is_file() and place.stat().st_size):
                put_in_place([incoming.write(jpeg(small_picture(load_radiograph(path))), place)])
                verdict.repaired.append(f"{default_alias(case_id)}: its thumbnail was drawn anew.")
    with writing(engine) as connection:
        report_words.forget_deleted(connection)


def _originals(connection: Connection, folder: Path) -> list[tuple[int, str, Path]]:
    rows = connection.execute(
        select(
            RadiographRow.id,
            RadiographRow.pixel_digest,
            RadiographRow.original_digest,
            RadiographRow.original_suffix,
        )
    )
    return [(i, pixels, place_of(folder, ORIGINALS, d, suffix)) for i, pixels, d, suffix in rows]


def _is_thumbnail(path: Path, folder: Path) -> bool:
    return path.is_relative_to(folder / THUMBNAILS)
