"""The embedding of a library in a thread of its own: started, watched and stopped at any time."""

import os
import threading
from collections.abc import Callable
from contextlib import suppress

from daug.errors import DaugError
from daug.import_report import Progress
from db.embedding_run import EmbeddingReport

NICENESS = 10  # whoever draws a heatmap meanwhile gets nine tenths of the cores
ENDING_SECONDS = 60.0  # how long closing waits for the case under way

Run = Callable[[Callable[[], bool], Callable[[Progress], None]], EmbeddingReport]


class BackgroundEmbedding:
    """Runs one embedding at a time; safe to use from several threads."""

    def __init__(self, run: Run, then: Callable[[], object]) -> None:
        """Take what embeds, given what tells it to stop and whom to tell, and what follows it."""
        self._run, self._then = run, then
        self._lock = threading.Lock()
        self._stop = threading.Event()
        self._asked = False  # to look once more for cases that are not embedded
        self._thread: threading.Thread | None = None
        self.progress: Progress | None = None  # of the run under way
        self.failed = ""  # why the last run ended early, or what it passed over

    @property
    def running(self) -> bool:
        """Whether a run is under way."""
        return self._thread is not None

    def start(self) -> None:
        """Start a run, or have the one under way look once more before it ends."""
        with self._lock:
            self._stop.clear()
            self._asked = True
            if self._thread is None:
                self._thread = threading.Thread(target=self._work, name="embedding", daemon=True)
                self._thread.start()

    def stop(self) -> None:
        """End the run after the case under way."""
        with self._lock:
            self._stop.set()
            self._asked = False

    def close(self) -> None:
        """End the run and wait for it."""
        thread = self._thread
        self.stop()
        if thread is not None:
            thread.join(ENDING_SECONDS)

    def _work(self) -> None:
        with suppress(OSError):  # Linux: of this thread, and of those that compute for it
            os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), NICENESS)
        while self._takes_up():
            self.failed = ""
            try:
                report = self._run(self._stop.is_set, self._told)
                self.failed, self.progress = report.sentence, None
                if not report.stopped:
                    self._then()
            except DaugError as error:
                self.failed = str(error)
            except (MemoryError, OSError, RuntimeError) as error:  # torch's own among them
                self.failed = f"The embedding stopped: {error}"

    def _takes_up(self) -> bool:
        """Return whether there is something to do; if not, the thread is over."""
        with self._lock:
            self.progress = None
            if not self._asked:
                self._thread = None
                return False
            self._asked = False
            return True

    def _told(self, progress: Progress) -> None:
        self.progress = progress
