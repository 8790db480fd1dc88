"""Take radiographs into the library: each whole or not at all, and again without harm.

Files are read in parallel and entered in batches. A batch's files are on the disk and in their
places before its transaction commits; only then are its cases told to whoever asked. A program
that is killed leaves finished cases and unfinished files, and the next import sweeps the latter.
"""

import os
from collections import deque
from collections.abc import Callable, Generator, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass, field
from time import monotonic
from typing import Protocol, TypeVar

import cv2
from sqlalchemy import ColumnElement, Connection, Engine, select
from sqlalchemy.exc import IntegrityError

from daug.import_report import ImportReport, Known, Progress, Skipped
from db.database import reading, writing
from db.entering import enter, grow
from db.facts import Candidate
from db.library_folder import LibraryFolder
from db.near_duplicates import NearDuplicates
from db.preparing import Prepared, prepare
from db.schema import RadiographRow
from db.stored_files import Incoming, delete, discard, put_in_place

BATCH = 64  # cases a transaction
BATCH_SECONDS = 2.0  # or so long, where files are large and slow
CONFLICT = (
    "The library holds the same DICOM instance (SOP Instance UID) with other pixels, as case {}. "
    "That one was kept; find out which file is right, and remove the case first if it is this one."
)
T = TypeVar("T")
Outcome = Prepared | Known | Skipped


class Source(Protocol):
    """Where radiographs come from."""

    total: int

    def __iter__(self) -> Iterator[Candidate | Skipped]:
        """Yield them one by one."""
        ...


def import_cases(
    engine: Engine,
    folder: LibraryFolder,
    source: Source,
    incoming: Incoming,
    *,
    workers: int | None = None,
    batch: int = BATCH,
    on_added: Callable[[list[int]], None] | None = None,
    on_progress: Callable[[Progress], None] | None = None,
    stop: Callable[[], bool] = lambda: False,
) -> ImportReport:
    """Import every radiograph of a source.

    Args:
        engine: The library's database.
        folder: The library's folder.
        source: Where radiographs come from.
        incoming: Where unfinished files go; of this import alone.
        workers: How many files are read at once; one per core, and one more, if none.
        batch: How many cases a transaction holds.
        on_added: Told the numbers of new cases once they are safely on the disk.
        on_progress: Told how far the import is, after every batch.
        stop: Asked after every batch whether to leave it at that.

    Raises:
        LibraryError: If the disk is full or the library cannot be written; what was told to
            `on_added` stays.
    """
    started, report, near = monotonic(), ImportReport(), NearDuplicates()
    with reading(engine) as connection:
        files = connection.execute(select(RadiographRow.incoming_digest, RadiographRow.id))
        known = dict(files.all())

    def read(candidate: Candidate | Skipped) -> Outcome:
        if isinstance(candidate, Skipped):
            return candidate
        return prepare(candidate, folder.path, folder.identity_key, incoming, known)

    workers = workers or len(os.sched_getaffinity(0)) + 1
    threads_of_opencv = cv2.getNumThreads()
    cv2.setNumThreads(1)  # the files are what runs in parallel
    try:
        with (
            ThreadPoolExecutor(workers) as pool,
            closing(_in_order(pool, read, source, ahead=2 * batch)) as outcomes,
        ):
            for outcomes_of_batch in _batches(outcomes, batch):
                added = _enter_batch(engine, near, known, outcomes_of_batch, report)
                if added and on_added is not None:
                    on_added(added)
                report.seconds = monotonic() - started
                if on_progress is not None:
                    on_progress(
                        Progress(report.done, source.total, len(report.imported), report.seconds)
                    )
                if stop():
                    break
    finally:
        cv2.setNumThreads(threads_of_opencv)
    report.seconds = monotonic() - started
    return report


def _in_order(
    pool: ThreadPoolExecutor, work: Callable[[T], Outcome], items: Iterable[T], ahead: int
) -> Generator[Outcome, None, None]:
    """Yield results in the order of the items, with a bounded number of them under way."""
    waiting: deque[Future[Outcome]] = deque()
    try:
        for item in items:
            waiting.append(pool.submit(work, item))
            if len(waiting) > ahead:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()
    finally:
        for future in waiting:
            future.cancel()


def _batches(outcomes: Iterator[Outcome], size: int) -> Iterator[list[Outcome]]:
    """Yield lists of outcomes, shorter where the files are slow."""
    batch: list[Outcome] = []
    began = monotonic()
    for outcome in outcomes:
        batch.append(outcome)
        if len(batch) >= size or monotonic() - began > BATCH_SECONDS:
            yield batch
            batch, began = [], monotonic()
    if batch:
        yield batch


@dataclass
class _Batch:
    """One transaction's work."""

    connection: Connection
    near: NearDuplicates
    report: ImportReport = field(default_factory=ImportReport)
    entered: dict[str, int] = field(default_factory=dict)  # new cases by their file's digest

    def enter(self, outcomes: list[Outcome]) -> None:
        """Put the files of what looks new in their places, then enter one after the other."""
        self.near.catch_up(self.connection)
        prepared = [outcome for outcome in outcomes if isinstance(outcome, Prepared)]
        digests = [one.pixel_digest for one in prepared]
        present = self.connection.scalars(
            select(RadiographRow.pixel_digest).where(RadiographRow.pixel_digest.in_(digests))
        )
        there = set(present)
        fresh = {one.pixel_digest: one for one in reversed(prepared)}  # the first of its kind
        # this transaction keeps others from entering the same pixels meanwhile
        put_in_place(f for d, one in fresh.items() if d not in there for f in one.files)
        for outcome in outcomes:
            match outcome:
                case Skipped():
                    self.report.skipped.append(outcome)
                case Known():
                    self.report.duplicates.append(outcome)
                case Prepared():
                    self._enter_one(outcome)
        if self.report.imported:
            grow(self.connection)

    def _enter_one(self, one: Prepared) -> None:
        """Enter a radiograph, or say why not and let go of its files."""
        same = self._case_with(RadiographRow.pixel_digest == one.pixel_digest)
        if same is not None:
            self.report.duplicates.append(Known(one.file, same))
            discard(one.files)
            return
        same = self._case_with(RadiographRow.original_digest == one.original_digest)
        if same is not None:  # one file that two versions of a codec decode differently
            self.report.duplicates.append(Known(one.file, same))
            delete(file.place for file in one.files if file.place.stem == one.pixel_digest)
            return
        if one.sop_instance is not None:
            other = self._case_with(RadiographRow.sop_instance == one.sop_instance)
            if other is not None:
                self.report.conflicts.append(Known(one.file, other))
                self._skip(one, CONFLICT.format(other))
                return
        like = self.near.nearest(one.perceptual_hash)
        try:
            with self.connection.begin_nested():
                case_id = enter(self.connection, one, like)
        except IntegrityError:
            self._skip(one, "The library's tables did not take it; `daug library verify` may help.")
            return
        self.near.add(case_id, one.perceptual_hash)
        self.entered[one.incoming_digest] = case_id
        self.report.imported.append(case_id)
        if like is not None:
            self.report.near_duplicates.append((one.file, case_id, like))
        if one.warnings:
            self.report.warned.append((one.file, case_id, one.warnings))

    def _case_with(self, condition: ColumnElement[bool]) -> int | None:
        return self.connection.scalar(select(RadiographRow.id).where(condition).limit(1))

    def _skip(self, one: Prepared, reason: str) -> None:
        self.report.skipped.append(Skipped(one.file, reason))
        discard(one.files)
        delete(file.place for file in one.files)


def _enter_batch(
    engine: Engine,
    near: NearDuplicates,
    known: dict[str, int],
    outcomes: list[Outcome],
    report: ImportReport,
) -> list[int]:
    """Enter what is new, in one transaction; add to the report only what was committed."""
    with writing(engine) as connection:
        batch = _Batch(connection, near)
        batch.enter(outcomes)
    known.update(batch.entered)
    report.add(batch.report)
    return batch.report.imported
