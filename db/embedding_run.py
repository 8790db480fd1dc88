"""Embed the cases that a model has not embedded yet, the newest first.

Vectors are stored in batches, each in one transaction, so a run that is stopped or killed loses
the batch under way and nothing else; the next one goes on where it ended. A case that cannot be
embedded is passed over. A model that also reads radiographs without heatmaps embeds each case
twice, since that costs little beside drawing its maps.
"""

from collections import defaultdict
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from time import monotonic

import numpy as np
from numpy.typing import NDArray

from daug.errors import EmbeddingError, EngineError, LibraryError, RadiographError, RecipeError
from daug.import_report import Progress, Skipped
from daug.radiograph import Radiograph
from daug.workstation import RadiographEmbedder
from db.library import Library
from db.stored_radiograph import stored_radiograph

BATCH = 64  # cases a transaction
BATCH_SECONDS = 5.0  # or so long, where maps are drawn
ABOUT_THE_CASE = (EmbeddingError, EngineError, RadiographError, RecipeError)

Turn = Callable[[], AbstractContextManager[None]]
Vectors = dict[str, dict[int, NDArray[np.float32]]]  # by model digest and case


@dataclass
class EmbeddingReport:
    """What became of the cases of a run."""

    embedded: list[int] = field(default_factory=list)
    skipped: list[Skipped] = field(default_factory=list)  # cases by their number, and why
    seconds: float = 0.0
    stopped: bool = False

    @property
    def sentence(self) -> str:
        """What was passed over, in one sentence; empty if nothing was."""
        if not self.skipped:
            return ""
        first = self.skipped[0]
        cases = "1 case" if len(self.skipped) == 1 else f"{len(self.skipped)} cases"
        return f"{cases} could not be embedded, the first for this reason: {first.reason}"


def spaces_of(embedder: RadiographEmbedder) -> dict[str, bool]:
    """Return the digests under which a model embeds a case, and whether that is without heat."""
    spaces = {embedder.model_digest: False}
    if embedder.digest_without_heat is not None:
        spaces[embedder.digest_without_heat] = True
    return spaces


def missing_in(library: Library, embedder: RadiographEmbedder) -> dict[int, list[str]]:
    """Return the cases that a model has not embedded, the newest first, and under which digests."""
    missing: defaultdict[int, list[str]] = defaultdict(list)
    for digest in spaces_of(embedder):
        for case_id in library.cases_without_embedding(digest):
            missing[case_id].append(digest)
    return dict(sorted(missing.items(), reverse=True))


def embed_library(
    library: Library,
    embedder: RadiographEmbedder,
    *,
    only: Sequence[int] | None = None,
    again: bool = False,
    turn: Turn = nullcontext,
    stop: Callable[[], bool] = lambda: False,
    on_progress: Callable[[Progress], None] | None = None,
) -> EmbeddingReport:
    """Embed every case that is not embedded, those too that are added meanwhile.

    Args:
        library: Open.
        embedder: The model.
        only: These cases alone.
        again: Embed them even if they are embedded, each once.
        turn: Held while the model works on a case.
        stop: Asked after every case whether to leave it at that.
        on_progress: Told how far it is, after every case; what is stored lags by a batch.

    Raises:
        LibraryError: If the library cannot be written; what was stored stays.
    """
    run = _Run(library, embedder, turn, on_progress)
    while not run.report.stopped and (todo := _todo(run, only, again=again)):
        run.total = len(run.seen) + len(todo)
        try:
            for case_id, digests in todo.items():
                if stop():
                    run.report.stopped = True
                    break
                run.embed(case_id, digests)
        finally:  # even Ctrl+C leaves what is done
            run.store()
    run.report.seconds = monotonic() - run.started
    return run.report


def _todo(run: "_Run", only: Sequence[int] | None, *, again: bool) -> dict[int, list[str]]:
    if again:
        ids = run.library.ids().tolist()
        todo = {case_id: list(spaces_of(run.embedder)) for case_id in reversed(ids)}
    else:
        todo = missing_in(run.library, run.embedder)
    wanted = None if only is None else set(only)
    return {
        case_id: digests
        for case_id, digests in todo.items()
        if case_id not in run.seen and (wanted is None or case_id in wanted)
    }


class _Run:
    """One pass over the library."""

    def __init__(
        self,
        library: Library,
        embedder: RadiographEmbedder,
        turn: Turn,
        on_progress: Callable[[Progress], None] | None,
    ) -> None:
        self.library, self.embedder = library, embedder
        self.report = EmbeddingReport()
        self.seen: set[int] = set()
        self.total = 0
        self.started = monotonic()
        self._turn, self._on_progress = turn, on_progress
        self._spaces = spaces_of(embedder)
        self._waiting: Vectors = defaultdict(dict)
        self._done: list[int] = []  # embedded, not stored
        self._stored_at = self.started

    def embed(self, case_id: int, digests: Sequence[str]) -> None:
        """Embed one case, or note why it cannot be."""
        self.seen.add(case_id)
        found = self.library.cases([case_id])
        if found:  # else it was removed meanwhile
            try:
                vectors = self._vectors(stored_radiograph(self.library, found[0]), digests)
            except (*ABOUT_THE_CASE, LibraryError) as error:
                if self.library.cases([case_id]):
                    self.report.skipped.append(Skipped(str(case_id), str(error)))
            else:
                for digest, vector in vectors.items():
                    self._waiting[digest][case_id] = vector
                self._done.append(case_id)
        if len(self._done) >= BATCH or monotonic() - self._stored_at > BATCH_SECONDS:
            self.store()
        self._tell()

    def store(self) -> None:
        """Put what is embedded on the disk."""
        if self._done:
            self.library.keep_embeddings(self._waiting)
            self.report.embedded += self._done
            self._waiting, self._done = defaultdict(dict), []
        self._stored_at = monotonic()

    def _vectors(
        self, radiograph: Radiograph, digests: Sequence[str]
    ) -> dict[str, NDArray[np.float32]]:
        with self._turn():
            embeddings = [
                self.embedder.embed(radiograph, without_heat=self._spaces[digest])
                for digest in digests
            ]
        return {embedding.model_digest: embedding.vector for embedding in embeddings}

    def _tell(self) -> None:
        if self._on_progress is not None:
            seconds = monotonic() - self.started
            done = len(self.seen)
            embedded = len(self.report.embedded) + len(self._done)
            self._on_progress(Progress(done, self.total, embedded, seconds))
