"""The case library: a folder with a database and files, opened once and used from any thread.

with open_library(Path("library")) as library:
    report = library.import_from(lambda key, spare: ManifestSource(table, key, "train"))
    page = library.page(CaseFilter(present=frozenset({Finding.EDEMA})), limit=50)
    cases = library.cases(page.ids)
"""

import hashlib
import hmac
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import Connection, Engine, func, insert, select

from daug.case import Case, FindingSource, FindingState
from daug.case_edit import Edit
from daug.case_history import Altered, Change
from daug.case_query import CaseFilter, Page
from daug.errors import LibraryError
from daug.findings import Finding
from daug.heatmap import Recipe
from daug.import_report import ImportReport, Progress
from daug.library_verdict import Verdict
from db import groups, history, notes, query_log
from db.aspects import finding_key
from db.backup import Copied, back_up
from db.case_filter import count_query, ids_query, page_query
from db.case_reading import read_cases
from db.database import DATABASE_FILE, open_database, reading, writing
from db.editing import apply_edit, aspects_of, said_of
from db.embedding_store import (
    count_embedded,
    embedding_generation,
    load_all,
    load_one,
    store_embeddings,
    those_there,
    without_embedding,
)
from db.entering import grow, set_findings
from db.heat_store import read_changes, store_changes
from db.importing import BATCH, import_cases
from db.library_folder import KEY_FILE, LibraryFolder, open_library_folder
from db.migrating import bring_to_head
from db.named_sources import SourceMaker, source_maker
from db.removing import Erased, erase_patient, remove_cases
from db.schema import LibraryRow, PatientRow, RadiographRow, StudyRow
from db.stored_files import (
    ORIGINALS,
    THUMBNAIL_SUFFIX,
    THUMBNAILS,
    Incoming,
    holding,
    place_of,
    sharing,
)
from db.sweeping import clean_up_after_the_killed, sweep
from db.verifying import verify


class Library:
    """An open library."""

    def __init__(self, folder: LibraryFolder, engine: Engine) -> None:
        self.folder = folder
        self.engine = engine

    def import_from(
        self,
        make_source: SourceMaker,
        *,
        batch: int = BATCH,
        workers: int | None = None,
        on_added: Callable[[list[int]], None] | None = None,
        on_progress: Callable[[Progress], None] | None = None,
        stop: Callable[[], bool] = lambda: False,
    ) -> ImportReport:
        """Import every radiograph of a source; see `db.importing.import_cases`."""
        clean_up_after_the_killed(self.engine, self.folder.path)
        with sharing(self.folder.path), Incoming(self.folder.path) as incoming:
            source = make_source(self.folder.identity_key, incoming.folder)
            return import_cases(
                self.engine,
                self.folder,
                source,
                incoming,
                batch=batch,
                workers=workers,
                on_added=on_added,
                on_progress=on_progress,
                stop=stop,
            )

    def import_files(
        self,
        paths: Sequence[Path],
        *,
        split: str | None = None,
        dataset: str = "",
        stop: Callable[[], bool] = lambda: False,
        on_progress: Callable[[Progress], None] | None = None,
    ) -> ImportReport:
        """Import a manifest, a ZIP, a folder or files; see `daug.case_desk.CaseLibrary`."""
        make = source_maker(paths, split, dataset)
        return self.import_from(make, stop=stop, on_progress=on_progress)

    def cases(self, ids: Sequence[int]) -> list[Case]:
        """Return cases in the order asked for; numbers without a case are left out."""
        with reading(self.engine) as connection:
            return read_cases(connection, ids)

    def case(self, case_id: int) -> Case:
        """Return one case.

        Raises:
            LibraryError: If there is none of this number.
        """
        found = self.cases([case_id])
        if not found:
            raise LibraryError(
                f"There is no case {case_id}. `daug library list` shows those there are."
            )
        return found[0]

    def page(
        self,
        wanted: CaseFilter | None = None,
        *,
        limit: int = 50,
        after: int | None = None,
        newest_first: bool = True,
    ) -> Page:
        """Return one page of the cases that a filter lets through; `after` is the page before."""
        query = page_query(wanted or CaseFilter(), limit, after, newest_first=newest_first)
        with reading(self.engine) as connection:
            ids = list(connection.scalars(query))
        return Page(ids[:limit], ids[limit - 1] if len(ids) > limit else None)

    def ids(self, wanted: CaseFilter | None = None) -> NDArray[np.int64]:
        """Return the numbers of all cases that a filter lets through, rising."""
        with reading(self.engine) as connection:
            found = connection.scalars(ids_query(wanted or CaseFilter())).all()
        return np.array(found, dtype=np.int64)

    def count(self, wanted: CaseFilter | None = None) -> int:
        """Return how many cases a filter lets through."""
        with reading(self.engine) as connection:
            return int(connection.scalar(count_query(wanted or CaseFilter())) or 0)

    def sources(self) -> dict[str, int]:
        """Return how many cases come from each data set or hospital, by name."""
        row = RadiographRow
        query = select(row.source, func.count()).group_by(row.source).order_by(row.source)
        with reading(self.engine) as connection:
            return dict(connection.execute(query).all())

    def same_patient(self, case_id: int) -> list[Case]:
        """Return all cases of a case's patient, the oldest study first, the case itself with them.

        Studies without a known order come first, in the order in which they were entered.
        """
        patient = self.case(case_id).patient
        if patient is None:
            return self.cases([case_id])
        query = (
            select(RadiographRow.id)
            .join(StudyRow)
            .join(PatientRow)
            .where(PatientRow.pseudonym == patient)
            .order_by(func.coalesce(StudyRow.study_order, ""), RadiographRow.id)
        )
        with reading(self.engine) as connection:
            return read_cases(connection, list(connection.scalars(query)))

    def original(self, case_id: int) -> Path:
        """Return the de-identified file of a case."""
        with reading(self.engine) as connection:
            row = connection.execute(
                select(RadiographRow.original_digest, RadiographRow.original_suffix).where(
                    RadiographRow.id == case_id
                )
            ).one_or_none()
        if row is None:
            raise LibraryError(
                f"There is no case {case_id}. `daug library list` shows those there are."
            )
        return place_of(self.folder.path, ORIGINALS, *row)

    def thumbnail(self, case: Case) -> Path:
        """Return the small picture of a case, a JPEG."""
        return place_of(self.folder.path, THUMBNAILS, case.pixel_digest, THUMBNAIL_SUFFIX)

    def find(self, pixel_digest: str) -> int | None:
        """Return the case that shows exactly these pixels, if there is one."""
        query = select(RadiographRow.id).where(RadiographRow.pixel_digest == pixel_digest)
        with reading(self.engine) as connection:
            return connection.scalar(query)

    def remove(self, ids: Sequence[int]) -> None:
        """Remove cases with all that hangs on them."""
        remove_cases(self.engine, self.folder.path, list(ids))

    def erase_patient(self, patient: str) -> Erased:
        """Erase everything about a patient, and make sure of it."""
        clean_up_after_the_killed(self.engine, self.folder.path)
        with holding(self.folder.path):  # what no row speaks of may be the patient's as well
            sweep(self.engine, self.folder.path)
        return erase_patient(self.engine, self.folder.path, patient)

    def set_findings(
        self,
        case_id: int,
        states: Mapping[Finding, FindingState],
        source: FindingSource = FindingSource.MANUAL,
    ) -> None:
        """Write down what one source says about a case's findings."""
        self.case(case_id)
        keys = [finding_key(finding, source) for finding in states]
        with (
            writing(self.engine) as connection,
            history.recorded(connection, [case_id], keys, said_of(Edit(findings=states))),
        ):
            set_findings(connection, case_id, states, source)
            grow(connection)

    def edit(self, case_id: int, change: Edit) -> Case:
        """Change what is said about one case; see `db.editing.Edit`."""
        with (
            writing(self.engine) as connection,
            history.recorded(connection, [case_id], aspects_of(change), said_of(change)),
        ):
            apply_edit(connection, case_id, change)
            grow(connection)
        return self.case(case_id)

    def edit_many(self, ids: Sequence[int], states: Mapping[Finding, FindingState]) -> int | None:
        """Give the same states to findings of many cases at once; return the change's number.

        Returns:
            None if all of it was so already.

        Raises:
            LibraryError: If a case is not there; then nothing is changed.
        """
        wanted = {finding_key(finding): state.value for finding, state in states.items()}
        with writing(self.engine) as connection:
            number = history.change(connection, ids, wanted, said_of(Edit(findings=states)))
            if number is not None:
                grow(connection)
        return number

    def history(self, limit: int = 50) -> list[Change]:
        """Return the latest changes of labels and facts, tags and collections, newest first."""
        with reading(self.engine) as connection:
            return history.changes(connection, limit)

    def alterations(self, change: int, limit: int = 100) -> list[Altered]:
        """Return what a change did to each case, before and after."""
        with reading(self.engine) as connection:
            return history.alterations(connection, change, limit)

    def undo(self, change: int) -> int:
        """Restore what was before a change; undoing the number that this returns redoes it.

        Raises:
            LibraryError: If something that it changed was changed since; then nothing is changed.
        """
        with writing(self.engine) as connection:
            number = history.undo(connection, change)
            grow(connection)
        return number

    def add_to(self, what: str, name: str, ids: Sequence[int]) -> None:
        """Give cases a tag, or put them into a collection; `what` says which of the two."""
        with self._regrouped(what, name, ids, "given") as connection:
            groups.add_to(connection, what, name, ids)

    def take_from(self, what: str, name: str, ids: Sequence[int]) -> None:
        """Take a tag from cases, or cases out of a collection."""
        with self._regrouped(what, name, ids, "taken away") as connection:
            groups.take_from(connection, what, name, ids)

    def delete_group(self, what: str, name: str) -> None:
        """Delete a tag or a collection; its cases stay."""
        with reading(self.engine) as connection:
            ids = groups.members(connection, what, name)
        with self._regrouped(what, name, ids, "deleted") as connection:
            groups.delete_group(connection, what, name)

    def collect(self, name: str, case_id: int, note: str = "", marks: Any = None) -> None:
        """Put a case into a collection with a note and marks, in place of those it has there.

        Args:
            name: The collection, which is made if it is new.
            case_id: The case.
            note: Plain text of at most 10,000 characters.
            marks: What JSON can hold.

        Raises:
            LibraryError: If there is no such case, or a name, a note or marks cannot be kept.
        """
        with self._regrouped("collection", name, [case_id], "with a note") as connection:
            notes.collect(connection, name, case_id, note, marks)

    def collected(self, name: str) -> list[notes.Collected]:
        """Return the cases of a collection in their order, each with its note and marks.

        Raises:
            LibraryError: If there is no such collection.
        """
        with reading(self.engine) as connection:
            return notes.collected(connection, name)

    def notes_of(self, case_id: int) -> dict[str, tuple[str, Any]]:
        """Return the note and the marks that a case bears, by collection."""
        with reading(self.engine) as connection:
            return notes.notes_of(connection, case_id)

    @contextmanager
    def _regrouped(
        self, what: str, name: str, ids: Sequence[int], how: str
    ) -> Iterator[Connection]:
        """Write into one transaction, and into the history, who comes into a group or leaves it."""
        name = name.strip()
        with (
            writing(self.engine) as connection,
            history.recorded(connection, ids, [f"{what}/{name}"], f"{what} {name!r} {how}"),
        ):
            yield connection
            grow(connection)

    def group_sizes(self, what: str) -> dict[str, int]:
        """Return how many cases bear each tag, or are in each collection, by name."""
        with reading(self.engine) as connection:
            return groups.sizes(connection, what)

    def log_query(
        self,
        query: query_log.Query,
        hits: Sequence[tuple[int, float]],
        seconds: float,
        case_id: int | None = None,
    ) -> int:
        """Write a search into the log; see `db.query_log`. It is no change of the cases."""
        with writing(self.engine) as connection:
            return query_log.log_query(connection, query, hits, seconds, case_id)

    def logged_queries(self, limit: int = 50) -> list[query_log.LoggedQuery]:
        """Return the latest searches, the newest first."""
        with reading(self.engine) as connection:
            return query_log.logged(connection, limit)

    def save_search(self, name: str, query: query_log.Query, case_id: int | None = None) -> None:
        """Keep a search under a name, in place of an earlier one of that name."""
        with writing(self.engine) as connection:
            query_log.save_search(connection, name, query, case_id)

    def saved_searches(self) -> dict[str, dict[str, Any]]:
        """Return every saved search by name."""
        with reading(self.engine) as connection:
            return query_log.saved_searches(connection)

    def delete_search(self, name: str) -> None:
        """Delete a saved search."""
        with writing(self.engine) as connection:
            query_log.delete_search(connection, name)

    def verify(self, *, deep: bool = False, repair: bool = False) -> Verdict:
        """Check the library, and mend it on request; see `db.verifying.verify`."""
        return verify(self.engine, self.folder.path, deep=deep, repair=repair)

    def back_up(self, target: Path) -> Copied:
        """Write the library into one file; see `db.backup`."""
        return back_up(self.engine, self.folder.path, target)

    @property
    def generation(self) -> int:
        """A number that grows with every change of cases, findings, tags or embeddings."""
        with reading(self.engine) as connection:
            return int(connection.scalar(select(LibraryRow.generation)) or 0)

    def embedding_generation(self, model_digest: str) -> str:
        """Return the name of the state that a model's embeddings are in; no two states share it."""
        with reading(self.engine) as connection:
            return embedding_generation(connection, model_digest)

    def store_embeddings(
        self, model_digest: str, vectors: Mapping[int, NDArray[np.float32]]
    ) -> None:
        """Write the embeddings of some cases by one model; see `db.embedding_store`."""
        with writing(self.engine) as connection:
            store_embeddings(connection, model_digest, vectors)
            if vectors:
                grow(connection)

    def keep_embeddings(self, vectors: Mapping[str, Mapping[int, NDArray[np.float32]]]) -> None:
        """Write what several models made of some cases, all at once; removed cases are left out.

        Args:
            vectors: By model digest and case number.
        """
        with writing(self.engine) as connection:
            for model_digest, rows in vectors.items():
                there = those_there(connection, rows)
                kept = {case_id: rows[case_id] for case_id in there}
                store_embeddings(connection, model_digest, kept)
            grow(connection)

    def embedded_count(self, model_digest: str) -> int:
        """Return how many cases a model has embedded."""
        with reading(self.engine) as connection:
            return count_embedded(connection, model_digest)

    def embedding(self, case_id: int, model_digest: str) -> NDArray[np.float32] | None:
        """Return a case's embedding (D,) by a model, if there is one."""
        with reading(self.engine) as connection:
            return load_one(connection, model_digest, case_id)

    def embeddings(self, model_digest: str) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
        """Return the numbers of the embedded cases, rising, and their vectors (N, D)."""
        with reading(self.engine) as connection:
            return load_all(connection, model_digest)

    def store_changes(
        self, case_id: int, bundle_digest: str, recipe: Recipe, changes: NDArray[np.float32]
    ) -> None:
        """Keep a heatmap of a case, (S, S) in [-2, 2]; see `db.heat_store`."""
        store_changes(self.engine, self.folder.path, case_id, bundle_digest, recipe, changes)

    def changes(
        self, case_id: int, bundle_digest: str, recipe: Recipe
    ) -> NDArray[np.float32] | None:
        """Return a heatmap of a case (S, S) as it was kept; None if it must be drawn."""
        return read_changes(self.engine, self.folder.path, case_id, bundle_digest, recipe)

    def cases_without_embedding(self, model_digest: str) -> list[int]:
        """Return the cases that a model has not embedded."""
        with reading(self.engine) as connection:
            return list(connection.scalars(without_embedding(model_digest)))

    def close(self) -> None:
        """Let go of the database."""
        self.engine.dispose()


def init_library(path: Path) -> Library:
    """Make a library, or open the one that is there.

    Raises:
        LibraryError: If the folder cannot be used.
    """
    folder = open_library_folder(path)
    database = path / DATABASE_FILE
    if not database.exists():
        database.touch(mode=0o600)
    return _opened(folder)


@contextmanager
def open_library(path: Path) -> Iterator[Library]:
    """Open a library that is there, at this program's version.

    Raises:
        LibraryError: If there is none, or it cannot be used.
    """
    if not (path / DATABASE_FILE).is_file():
        raise LibraryError(
            f"{path} holds no case library. Make one with `daug library init --library {path}`."
        )
    if not (path / KEY_FILE).is_file():
        raise LibraryError(
            f"{path / KEY_FILE} is missing, and without it patients cannot be recognised. "
            "Restore it from a backup."
        )
    library = _opened(open_library_folder(path))
    try:
        yield library
    finally:
        library.close()


def _opened(folder: LibraryFolder) -> Library:
    engine = open_database(folder.path / DATABASE_FILE)
    try:
        bring_to_head(engine, folder.path)
        _check_key(engine, folder.identity_key)
    except BaseException:
        engine.dispose()
        raise
    return Library(folder, engine)


def _check_key(engine: Engine, key: bytes) -> None:
    """Make sure that the key is the one under which the library's patients were hashed."""
    mark = hmac.new(key, b"library", hashlib.sha256).hexdigest()[:32]
    with reading(engine) as connection:
        noted = connection.scalar(select(LibraryRow.key_mark))
    if noted is None:
        with writing(engine) as connection:
            if connection.scalar(select(LibraryRow.key_mark)) is None:
                connection.execute(insert(LibraryRow).values(id=1, generation=0, key_mark=mark))
    elif noted != mark:
        raise LibraryError(
            f"{folder_of(engine)} was filled under another identity key than the one beside it. "
            "Restore identity.key from the backup it belongs to."
        )


def folder_of(engine: Engine) -> Path:
    """Return the folder that a library's database lies in."""
    return Path(engine.url.database or "").parent
