"""Where similar cases are asked for: a library, its indexes, and the model that embeds.

    with open_desk(library, embedder) as desk:
        answer = desk.ask(CaseQuestion(text="large heart", k=5))

After a change of models the library is embedded anew, and searched meanwhile as far as it is:
vectors of two models cannot be compared, and a radiograph that is opened can only be embedded by
the models at hand.
"""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import replace
from pathlib import Path
from time import monotonic

from daug.case import Case
from daug.case_desk import CaseQuestion, EmbeddingState
from daug.case_query import CaseFilter
from daug.embedding import Embedding
from daug.errors import EmbeddingError, LibraryError
from daug.import_report import Progress
from daug.loading import load_radiograph
from daug.question_document import PATIENTS, question_document
from daug.radiograph import Radiograph
from daug.similar_cases import SearchAnswer, SimilarityFloor
from daug.workstation import RadiographEmbedder
from db.background_embedding import BackgroundEmbedding
from db.embedding_run import EmbeddingReport, embed_library, spaces_of
from db.library import Library
from db.query_making import QueryMaker, Start
from db.removing import INDEX
from db.search import CaseSearch, SearchRequest
from db.stored_radiograph import stored_radiograph
from db.turns import Turns
from db.unhurried_index import UnhurriedIndex

NO_MODEL = "There is no model here that can search."


class LibraryDesk:
    """See `daug.case_desk.CaseDesk`."""

    def __init__(
        self, library: Library, embedder: RadiographEmbedder | None, why_no_search: str = ""
    ) -> None:
        """Take an open library and a model, or the reason why there is none."""
        self._library, self._embedder = library, embedder
        self._why_no_search = "" if embedder is not None else why_no_search or NO_MODEL
        self._turns = Turns()
        self._background = BackgroundEmbedding(self._embed_in_background, self.measure_floors)
        self._searches: dict[str, CaseSearch] = {}
        self._indexes: dict[str, UnhurriedIndex] = {}
        if embedder is not None:
            self._queries = QueryMaker(library, embedder, self._turns)
            folder = library.folder.path / INDEX
            for digest in spaces_of(embedder):
                index = UnhurriedIndex(
                    folder, library, digest, lambda: self._background.progress is not None
                )
                floor = floor_file(folder, digest)
                self._indexes[digest] = index
                self._searches[digest] = CaseSearch(library, index, floor)

    def ask(self, question: CaseQuestion) -> SearchAnswer:
        """Return the most similar cases, and how to read them; the question goes into the log.

        Raises:
            LibraryError: If the question cannot be answered by this library.
            EmbeddingError: If its parts do not fit together.
        """
        began = monotonic()
        search = self._searches[self._space(without_heat=question.without_heat)]
        start = self._queries.start_of(question)
        query = self._queries.query(question, start)
        answer = search.search(_request(question, start, query.embedding))
        answer = replace(answer, model_digest=query.embedding.model_digest)
        if start.pixel_digest and question.text.strip():
            answer = replace(answer, image_weight=query.image_weight, text_weight=query.text_weight)
        self._log(question, start, answer, monotonic() - began)
        return answer

    def priors(self, radiograph: Radiograph) -> list[Case]:
        """Return the patient's other radiographs in the library, the oldest first."""
        own = self._library.find(radiograph.digest)
        patient = Start(None if own is None else self._library.case(own), radiograph).patient
        anybody = self._library.page(CaseFilter(patient=patient), limit=1).ids if patient else []
        cases = self._library.same_patient(anybody[0]) if anybody else []
        return [case for case in cases if case.case_id != own]

    def radiograph(self, case_id: int) -> Radiograph:
        """Return a case's radiograph at full resolution, under the case's alias."""
        return stored_radiograph(self._library, self._library.case(case_id))

    def keep(self, radiograph: Radiograph, path: Path) -> Case:
        """Return the case of a radiograph, entered into the library if it is new.

        Raises:
            LibraryError: If the file cannot be entered, or shows something else.
            RadiographError: If the file cannot be read.
        """
        known = self._library.find(radiograph.digest)
        if known is not None:
            return self._library.case(known)
        if load_radiograph(path).digest != radiograph.digest:
            raise LibraryError(
                f"The file of {radiograph.source_name} is not what is open any more. Open it again."
            )
        report = self._library.import_files([path])
        if report.skipped:
            raise LibraryError(f"{radiograph.source_name}: {report.skipped[0].reason}")
        (case_id,) = [*report.imported, *(known.case_id for known in report.duplicates)]
        self._embed_kept(case_id, radiograph)
        return self._library.case(case_id)

    def embedding_state(self) -> EmbeddingState:
        """Return how far the library is embedded; until then it is searched as far as it is."""
        total = self._library.count()
        counts = [self._library.embedded_count(digest) for digest in self._searches]
        progress = self._background.progress
        left = None
        if progress is not None and progress.done:
            left = progress.seconds_left
        return EmbeddingState(
            embedded=min(counts, default=0),
            total=total,
            running=self._background.running,
            seconds_left=left,
            failed=self._background.failed,
        )

    def start_embedding(self) -> None:
        """Embed in the background what is not embedded yet; nothing if that is under way."""
        if self._embedder is not None:
            self._background.start()

    def stop_embedding(self) -> None:
        """Stop after the case that is under way; what is done stays."""
        self._background.stop()

    @property
    def can_rank_without_heat(self) -> bool:
        """Whether `CaseQuestion.without_heat` can be answered."""
        return self._embedder is not None and self._embedder.digest_without_heat is not None

    @property
    def why_no_search(self) -> str:
        """Why nothing can be asked here, in one sentence; empty if something can."""
        return self._why_no_search

    def measure_floors(self, *, again: bool = False) -> Mapping[str, SimilarityFloor | None]:
        """Measure where nothing is alike any more, for every space where it is not known.

        Args:
            again: Measure it even if it is known.

        Returns:
            The floors by model digest; None where the library is too small for one.
        """
        floors = {}
        for digest, search in self._searches.items():
            floor = None if again else search.stored_floor(self._indexes[digest].current())
            floors[digest] = search.calibrate() if floor is None else floor
        return floors

    def rebuild_indexes(self) -> None:
        """Make the index of every space anew, even if it seems right."""
        for index in self._indexes.values():
            index.rebuild()

    def close(self) -> None:
        """End what runs in the background."""
        self._background.close()

    def _space(self, *, without_heat: bool) -> str:
        if self._embedder is None:
            raise LibraryError(self._why_no_search)
        embedder = self._embedder
        digest = embedder.digest_without_heat if without_heat else embedder.model_digest
        if digest is None:
            raise EmbeddingError(
                "This model cannot leave its heatmaps out, so nothing can be ranked without them."
            )
        return digest

    def _log(
        self, question: CaseQuestion, start: Start, answer: SearchAnswer, seconds: float
    ) -> None:
        """Write down what was asked: no file, and no patient."""
        document = question_document(question)
        wanted = document["filters"]
        document["filters"] = {k: v for k, v in wanted.items() if k not in PATIENTS}
        document["one_patient"] = bool(question.wanted.patient)
        document["radiograph"] = bool(start.pixel_digest)
        document["model_digest"] = answer.model_digest
        case_id = None if start.case is None else start.case.case_id
        document["case_id"] = case_id
        hits = [(hit.case.case_id, hit.similarity) for hit in answer.hits]
        with suppress(LibraryError):  # a full disk, or a hit removed by now, must not hide the hits
            self._library.log_query(document, hits, seconds, case_id)

    def _embed_kept(self, case_id: int, radiograph: Radiograph) -> None:
        """Store what is known of a new case's place; the background finds the rest."""
        if self._embedder is None:
            return
        complete = self.embedding_state().embedded >= self._library.count() - 1
        for without_heat in spaces_of(self._embedder).values():
            known = self._queries.known(radiograph.digest, without_heat=without_heat)
            if known is not None:
                self._library.keep_embeddings({known.model_digest: {case_id: known.vector}})
        if complete:  # else somebody stopped it, or it will come to this case by itself
            self.start_embedding()

    def _embed_in_background(
        self, stop: Callable[[], bool], on_progress: Callable[[Progress], None]
    ) -> EmbeddingReport:
        assert self._embedder is not None
        return embed_library(
            self._library,
            self._embedder,
            turn=self._turns.when_nobody_waits,
            stop=stop,
            on_progress=on_progress,
        )


def _request(question: CaseQuestion, start: Start, query: Embedding) -> SearchRequest:
    """Return what is searched for; what a case is known to show is known of the question."""
    present, absent = question.present, question.absent
    if not present and not absent and start.case is not None:
        present, absent = start.case.present, start.case.absent
    nothing_added = question.change is None and not question.text.strip()
    return SearchRequest(
        query=query,
        k=question.k,
        kind=question.kind,
        wanted=question.wanted,
        present=present,
        absent=absent,
        pixel_digest=start.pixel_digest,
        patient=start.patient,
        same_patient_too=question.same_patient_too,
        by_radiograph=bool(start.pixel_digest) and nothing_added,
    )


def floor_file(index_folder: Path, model_digest: str) -> Path:
    """Return where the similarity floor of a model is kept, beside its index."""
    return index_folder / f"floor-{model_digest[:16]}.json"


@contextmanager
def open_desk(
    library: Library, embedder: RadiographEmbedder | None, why_no_search: str = ""
) -> Iterator[LibraryDesk]:
    """Open a desk, and end what runs in its background in the end."""
    desk = LibraryDesk(library, embedder, why_no_search)
    try:
        yield desk
    finally:
        desk.close()
