"""Take cases out: their rows, their files, what was drawn from them, and what the log says of them.

Removing one case overwrites its rows. Erasing a patient goes further: the database is written
anew, so that no page of the old file is left, every cache that could hold the patient is deleted,
and then every byte of the folder is searched for what was erased.
"""

import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import Connection, Engine, delete, func, select

from daug.errors import LibraryError
from db.database import alone, writing
from db.embedding_store import STORED, grow_models_of
from db.entering import drop_empty, grow
from db.history import drop_empty_changes
from db.left_texts import bears_text, texts_of
from db.migrating import BACKUPS
from db.report_words import forget_deleted
from db.schema import (
    EmbeddingRow,
    HeatmapRow,
    PatientRow,
    QueryHitRow,
    QueryRow,
    RadiographRow,
    ReportRow,
    SavedSearchRow,
    StudyRow,
)
from db.stored_files import (
    ERASING,
    HEATMAPS,
    ORIGINALS,
    THUMBNAIL_SUFFIX,
    THUMBNAILS,
    Incoming,
    holding,
    place_of,
)
from db.stored_files import delete as delete_files

INDEX = "index"
TELLING = 12  # bytes; what is shorter stands everywhere by chance
PIECE = 24  # characters of a report that are searched for at once
OVERLAP_READ = 4096  # bytes kept between two reads of a file, longer than anything searched
CHUNK = 2**24


@dataclass(frozen=True)
class Erased:
    """What is gone, and that it was looked for."""

    cases: list[int]
    files: int  # deleted
    searched_files: int  # read to the last byte without finding anything
    searched_for: int  # pieces of text and digests


def remove_cases(engine: Engine, folder: Path, ids: list[int]) -> None:
    """Remove cases with all that hangs on them.

    Raises:
        LibraryError: If one is not there, or somebody is adding to the library.
    """
    with holding(folder), Incoming(folder):  # a mark: if we are killed, the next start sweeps
        with writing(engine) as connection:
            present = set(
                connection.scalars(select(RadiographRow.id).where(RadiographRow.id.in_(ids)))
            )
            if missing := sorted(set(ids) - present):
                raise LibraryError(f"There is no case {missing[0]}; nothing was removed.")
            files = files_of(connection, folder, ids)
            _delete_rows(connection, ids)
        delete_files(files)


def erase_patient(engine: Engine, folder: Path, patient: str) -> Erased:
    """Erase everything about a patient, and make sure of it.

    Args:
        engine: The library's database.
        folder: The library's folder.
        patient: The keyed hash that stands for the patient.

    Raises:
        LibraryError: If there is no such patient, somebody is using the library, or something
            was found after all.
    """
    with holding(folder), Incoming(folder, ERASING):
        with writing(engine) as connection:
            ids = list(
                connection.scalars(
                    select(RadiographRow.id)
                    .join(StudyRow)
                    .join(PatientRow)
                    .where(PatientRow.pseudonym == patient)
                )
            )
            known = connection.scalar(select(PatientRow.id).where(PatientRow.pseudonym == patient))
            if known is None:
                raise LibraryError(
                    f"No patient of the library has the pseudonym {patient[:64]}. "
                    "`daug library show CASE` says which one a case belongs to."
                )
            files = files_of(connection, folder, ids)
            traces = {t for t in _traces(connection, ids, patient) if len(t) >= TELLING}
            _delete_rows(connection, ids)
            connection.execute(delete(PatientRow).where(PatientRow.id == known))
            traces -= set(_texts_left(connection, traces))
            _delete_questions(connection, traces)
        delete_files(files)
        finish_erasing(engine, folder)
        searched = _search(folder, traces)
    return Erased(ids, len(files), searched, len(traces))


def finish_erasing(engine: Engine, folder: Path) -> None:
    """Leave nothing of deleted rows anywhere; safe to run again where it was cut short."""
    _delete_caches(folder)
    with writing(engine) as connection:
        forget_deleted(connection)
    write_anew(engine)


def write_anew(engine: Engine) -> None:
    """Write the database into new pages and empty its log, so that nothing deleted is left."""
    engine.dispose()
    with alone(engine) as connection:
        connection.execute("VACUUM")
        busy, _, _ = connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
        if busy:
            raise LibraryError(
                "Another program is reading the library, so old pages of its database are still "
                "on the disk. Close the app and run the command again."
            )


def files_of(connection: Connection, folder: Path, ids: list[int]) -> list[Path]:
    """Return every file that these cases have."""
    rows = select(
        RadiographRow.original_digest, RadiographRow.original_suffix, RadiographRow.pixel_digest
    ).where(RadiographRow.id.in_(ids))
    files = []
    for digest, suffix, pixels in connection.execute(rows):
        files.append(place_of(folder, ORIGINALS, digest, suffix))
        files.append(place_of(folder, THUMBNAILS, pixels, THUMBNAIL_SUFFIX))
    maps = select(HeatmapRow.file_digest, HeatmapRow.suffix).where(
        HeatmapRow.radiograph_id.in_(ids)
    )
    files += [place_of(folder, HEATMAPS, d, suffix) for d, suffix in connection.execute(maps)]
    return files


def _delete_rows(connection: Connection, ids: list[int]) -> None:
    """Delete cases; what hangs on them goes by foreign key, and the log's entries with them."""
    grow_models_of(connection, ids)
    hit_by = select(QueryHitRow.query_id).where(QueryHitRow.radiograph_id.in_(ids))
    connection.execute(delete(QueryRow).where(QueryRow.id.in_(hit_by)))
    connection.execute(delete(RadiographRow).where(RadiographRow.id.in_(ids)))
    drop_empty(connection)
    drop_empty_changes(connection)
    grow(connection)


def _delete_caches(folder: Path) -> None:
    """Delete what is made from all cases together and can be made again, and old copies."""
    for name in (INDEX, BACKUPS):
        shutil.rmtree(folder / name, ignore_errors=True)
        if (folder / name).exists():
            raise LibraryError(
                f"{folder / name} cannot be deleted, and may hold the patient. Delete it yourself."
            )


def _traces(connection: Connection, ids: list[int], patient: str) -> Iterator[bytes]:
    """Yield what would betray the patient, wherever it stands."""
    yield patient.encode()
    studies = select(StudyRow.pseudonym).join(PatientRow).where(PatientRow.pseudonym == patient)
    digests = (
        RadiographRow.pixel_digest,
        RadiographRow.original_digest,
        RadiographRow.incoming_digest,
        RadiographRow.sop_instance,
        RadiographRow.alias,
    )
    rows = connection.execute(select(*digests).where(RadiographRow.id.in_(ids)))
    for value in [*connection.scalars(studies), *(value for row in rows for value in row)]:
        if value:
            yield value.encode()
    maps = select(HeatmapRow.file_digest).where(HeatmapRow.radiograph_id.in_(ids))
    for digest in connection.scalars(maps):
        yield digest.encode()
    hashes = select(RadiographRow.perceptual_hash).where(RadiographRow.id.in_(ids))
    yield from connection.scalars(hashes)
    vectors = select(EmbeddingRow.vector).where(EmbeddingRow.radiograph_id.in_(ids))
    for vector in connection.scalars(vectors):
        yield vector[: 8 * STORED.itemsize]
    reports = select(ReportRow.text).where(ReportRow.radiograph_id.in_(ids))
    for text in [*connection.scalars(reports), *texts_of(connection, ids)]:
        for start in range(0, max(1, len(text) - PIECE + 1), PIECE):
            yield text[start : start + PIECE].encode()


def _delete_questions(connection: Connection, traces: set[bytes]) -> None:
    """Delete what somebody asked in the patient's own words, from the log and from what is kept."""
    words = [trace.decode("utf-8", "replace") for trace in traces]
    for table in (QueryRow, SavedSearchRow):
        asked = connection.execute(select(table.id, table.query))
        told = [i for i, query in asked if any(w in str(v) for v in query.values() for w in words)]
        connection.execute(delete(table).where(table.id.in_(told)))


def _texts_left(connection: Connection, traces: set[bytes]) -> Iterator[bytes]:
    """Yield the traces that other patients' cases bear as well, such as common sentences."""
    for trace in traces:
        try:
            text = trace.decode()
        except UnicodeDecodeError:
            continue
        holds = func.instr(ReportRow.text, text) > 0
        if connection.scalar(select(ReportRow.id).where(holds).limit(1)) is not None or bears_text(
            connection, text
        ):
            yield trace


def _search(folder: Path, traces: set[bytes]) -> int:
    """Read every file of the library for the traces; return how many files that were.

    Raises:
        LibraryError: If one is found.
    """
    searched = 0
    for path in sorted(folder.rglob("*")):
        if not path.is_file():
            continue
        searched += 1
        if any(trace.decode("utf-8", "replace") in path.name for trace in traces):
            raise LibraryError(f"{path} still bears the patient's digest. Delete it yourself.")
        for content in _read(path):
            if any(trace in content for trace in traces):
                raise LibraryError(
                    f"{path} still holds something of the patient. Close every program that uses "
                    "the library and run the command again."
                )
    return searched


def _read(path: Path) -> Iterator[bytes]:
    kept = b""
    with path.open("rb") as file:
        while chunk := file.read(CHUNK):
            yield kept + chunk
            kept = chunk[-OVERLAP_READ:]
