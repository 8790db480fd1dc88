"""What the tab "Library" answers to somebody who imports radiographs.

The import runs in a thread of its own and is watched from here, until it is over, somebody stops
it or the page goes; uploaded files are deleted afterwards, whatever became of them.
"""

import secrets
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from queue import Empty, SimpleQueue
from threading import Event, Lock, Thread
from time import monotonic

import gradio as gr
from gradio.utils import get_upload_folder

from daug.case_desk import CaseDesk, CaseLibrary
from daug.errors import DaugError, LibraryError
from daug.import_report import ImportReport, Progress
from ui.importing_screen import ImportScreen
from ui.library_parts import Update
from ui.library_words import how_far, imported, table
from ui.reading_column import progress_bar

NOTHING_NAMED = "There is nothing to import. Choose files, or write a path."
LOOK_SECONDS = 0.4  # between two looks at how far it is
Told = Progress | ImportReport | Exception


@dataclass(frozen=True)
class Imports:
    """The imports that somebody has begun, each with what stops it."""

    _stops: dict[str, Event] = field(default_factory=dict)
    _lock: Lock = field(default_factory=Lock)

    def begin(self) -> str:
        """Return the key of a new one, which cannot be guessed."""
        key = secrets.token_urlsafe(16)
        with self._lock:
            self._stops[key] = Event()
        return key

    def stop_of(self, key: str | None) -> Event | None:
        """Return what stops an import; None if there is none."""
        with self._lock:
            return self._stops.get(key or "")

    def end(self, key: str | None) -> None:
        """Forget an import."""
        with self._lock:
            self._stops.pop(key or "", None)


@dataclass(frozen=True)
class ImportHandlers:
    """The answers."""

    library: CaseLibrary
    desk: CaseDesk | None
    imports: Imports
    screen: ImportScreen

    def begin(self) -> Update:
        """Answer at once; the import itself may have to wait for another one."""
        screen = self.screen
        return {
            screen.key: self.imports.begin(),
            screen.status: "Waiting for its turn.",
            screen.start: gr.update(interactive=False),
            screen.stop: gr.update(interactive=True),
            screen.table: gr.update(value=[], visible=False),
            screen.bar: progress_bar(0, 0),
        }

    def run(
        self,
        key: str | None,
        files: Sequence[str] | None,
        path: str,
        split: str,
        source: str,
    ) -> Generator[Update, None, None]:
        """Import what is named, tell how far it is, and in the end what became of each file."""
        screen, stop = self.screen, self.imports.stop_of(key)
        uploaded = [Path(name) for name in files or ()]
        try:
            if stop is None:
                yield {screen.status: gr.skip()}
                return
            yield {screen.status: "Looking at what is named."}
            named = [*_apart(uploaded), *_named(path)]
            if not named:
                raise LibraryError(NOTHING_NAMED)
            yield from self._watch(named, split.strip() or None, source.strip(), stop)
        except DaugError as error:
            yield {screen.status: str(error)}
        finally:
            self.imports.end(key)
            delete_uploads(uploaded)
        yield self._ready()

    def stop(self, key: str | None) -> Update:
        """Stop after the batch that is under way; what is in the library stays there."""
        stop = self.imports.stop_of(key)
        if stop is not None:
            stop.set()
        return {
            self.screen.status: "Stopping after the files that are under way.",
            self.screen.stop: gr.update(interactive=False),
        }

    def recover(self, key: str | None) -> Update:
        """Let another import begin after one that broke off."""
        self.imports.end(key)
        failed = "The import broke off; what was told is in the library. Import the same again."
        return {**self._ready(), self.screen.status: failed}

    def _ready(self) -> Update:
        screen = self.screen
        return {
            screen.key: None,
            screen.files: None,
            screen.start: gr.update(interactive=True),
            screen.stop: gr.update(interactive=False),
        }

    def _watch(
        self, named: list[list[Path]], split: str | None, source: str, stop: Event
    ) -> Iterator[Update]:
        """Import one thing after the other, and tell how far it is."""
        screen, total = self.screen, ImportReport()

        def work(tell: Callable[[Progress], None]) -> ImportReport:
            for paths in named:
                if stop.is_set():
                    break
                report = self.library.import_files(
                    paths, split=split, dataset=source, stop=stop.is_set, on_progress=tell
                )
                total.add(report)
                total.seconds += report.seconds
            return total

        for told in _followed(work, stop):
            if isinstance(told, Progress):
                yield {
                    screen.status: how_far(told),
                    screen.bar: progress_bar(told.done, told.total),
                }
        if total.imported and self.desk is not None and not self.desk.why_no_search:
            self.desk.start_embedding()
        told_rows = table(total)
        yield {
            screen.status: imported(total, stopped=stop.is_set()),
            screen.bar: progress_bar(1, 1),
            screen.table: gr.update(value=told_rows, visible=bool(told_rows)),
        }


def delete_uploads(paths: Sequence[Path]) -> None:
    """Delete uploaded files, and nothing that lies anywhere else."""
    folder = Path(get_upload_folder()).resolve()
    for path in paths:
        place = path.resolve()
        if place.is_relative_to(folder) and place.is_file():
            place.unlink(missing_ok=True)
            with suppress(OSError):  # not empty, so something else lies there
                place.parent.rmdir()


def _apart(files: Sequence[Path]) -> list[list[Path]]:
    """Return what is imported by itself: each ZIP and each manifest, then all others together."""
    alone = [path for path in files if path.suffix.lower() in (".zip", ".csv")]
    others = [path for path in files if path not in alone]
    return [*([path] for path in alone), *([others] if others else [])]


def _named(path: str) -> list[list[Path]]:
    """Return what a written path names.

    Raises:
        LibraryError: If there is nothing.
    """
    written = path.replace("\0", "").strip().strip("\"'")
    if not written:
        return []
    try:
        place = Path(written).expanduser()
        there = place.exists()
    except (OSError, RuntimeError, ValueError) as error:
        raise LibraryError(f"{written[:200]!r} is no path ({error}). Correct it.") from error
    if not there:
        raise LibraryError(
            f"There is nothing at {written[:200]} on the machine that DAug runs on. Correct the "
            "path."
        )
    return [[place]]


def _followed(
    work: Callable[[Callable[[Progress], None]], ImportReport], stop: Event
) -> Iterator[Progress]:
    """Run a work in a thread and yield the newest of what it tells, a few times a second.

    Raises:
        Exception: What the work raises.
    """
    told: SimpleQueue[Told] = SimpleQueue()

    def run() -> None:
        try:
            told.put(work(told.put))
        except Exception as error:  # noqa: BLE001 - it is raised again in the thread that watches
            told.put(error)

    thread = Thread(target=run, name="import", daemon=False)
    thread.start()
    try:
        while True:
            newest = _newest(told)
            if isinstance(newest, Exception):
                raise newest
            if isinstance(newest, ImportReport):
                return
            yield newest
    except BaseException:  # as when nobody watches any more: it ends after its batch
        stop.set()
        raise
    finally:
        thread.join()


def _newest(told: "SimpleQueue[Told]") -> Told:
    """Return the last thing that was told, or the end as soon as it is there."""
    newest, end = told.get(), monotonic() + LOOK_SECONDS
    while isinstance(newest, Progress):
        try:
            newest = told.get(timeout=max(0.0, end - monotonic()))
        except Empty:
            break
    return newest
