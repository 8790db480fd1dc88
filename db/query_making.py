"""From a question to the point in the model's space from which is searched."""

import threading
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass

from daug.case import Case
from daug.case_desk import CaseQuestion
from daug.embedding import Embedding
from daug.errors import LibraryError
from daug.radiograph import Radiograph
from daug.workstation import RadiographEmbedder
from db.library import Library
from db.query_embedding import Mixed, mixed, shifted
from db.stored_radiograph import stored_radiograph
from db.turns import Turns

KEPT = 64  # radiographs and their changes; a reader goes back and forth between a few

Key = tuple[object, ...]
Parts = tuple[Embedding, ...]


@dataclass(frozen=True)
class Start:
    """The radiograph that a question is about, and the case that it is, if it is one."""

    case: Case | None
    radiograph: Radiograph | None  # None where it was not needed yet

    @property
    def pixel_digest(self) -> str:
        """Of its pixels; empty where a question is about a text alone."""
        if self.case is not None:
            return self.case.pixel_digest
        return "" if self.radiograph is None else self.radiograph.digest

    @property
    def patient(self) -> str:
        """Keyed hash; empty if nobody knows."""
        known = None if self.case is None else self.case.patient
        if known is None and self.radiograph is not None:
            known = self.radiograph.pseudonym.patient
        return known or ""


class QueryMaker:
    """Makes queries with one model; safe to use from several threads."""

    def __init__(self, library: Library, embedder: RadiographEmbedder, turns: Turns) -> None:
        self._library, self._embedder, self._turns = library, embedder, turns
        self._kept: OrderedDict[Key, Parts] = OrderedDict()
        self._lock = threading.Lock()

    def start_of(self, question: CaseQuestion) -> Start:
        """Return what a question is about.

        Raises:
            LibraryError: If there is no such case.
        """
        case_id = question.case_id
        if case_id is None and question.radiograph is not None:
            case_id = self._library.find(question.radiograph.digest)
        case = None if case_id is None else self._library.case(case_id)
        start = Start(case, question.radiograph)
        if start.radiograph is not None and start.pixel_digest != start.radiograph.digest:
            raise LibraryError(
                f"Case {case_id} is another radiograph than the one that is open. "
                "Ask about one of them."
            )
        return start

    def query(self, question: CaseQuestion, start: Start) -> Mixed:
        """Return the query of a question, and what radiograph and text count in it.

        Raises:
            EmbeddingError: If its parts do not fit together.
            RecipeError: If the change cannot be drawn.
        """
        image = self._image(question, start) if start.pixel_digest else None
        text = None
        if question.text.strip():
            with self._turns.first():
                text = self._embedder.embed_text(question.text, without_heat=question.without_heat)
        if image is None:
            if text is None:
                raise LibraryError("There is nothing to look for. Open a radiograph or write.")
            return Mixed(text, 0.0, 1.0)
        if text is None:
            return Mixed(image, 1.0, 0.0)
        return mixed(image, text, question.image_weight)

    def known(self, pixel_digest: str, *, without_heat: bool = False) -> Embedding | None:
        """Return the embedding of a radiograph that was asked about lately."""
        with self._lock:
            parts = self._kept.get((pixel_digest, without_heat))
        return None if parts is None else parts[0]

    def _image(self, question: CaseQuestion, start: Start) -> Embedding:
        without_heat, change = question.without_heat, question.change
        image = self._stored(start, without_heat=without_heat)
        if image is None:
            (image,) = self._remembered(
                (start.pixel_digest, without_heat),
                lambda: (self._embedder.embed(self._radiograph(start), without_heat=without_heat),),
            )
        if change is None:
            return image
        imagined, reference = self._remembered(
            (start.pixel_digest, without_heat, change),
            lambda: self._embedder.embed_change(
                self._radiograph(start), change, without_heat=without_heat
            ),
        )
        return shifted(image, imagined, reference)

    def _stored(self, start: Start, *, without_heat: bool) -> Embedding | None:
        embedder = self._embedder
        digest = embedder.digest_without_heat if without_heat else embedder.model_digest
        if start.case is None or digest is None:
            return None
        vector = self._library.embedding(start.case.case_id, digest)
        return None if vector is None else Embedding(vector, digest)

    def _radiograph(self, start: Start) -> Radiograph:
        if start.radiograph is not None:
            return start.radiograph
        assert start.case is not None
        return stored_radiograph(self._library, start.case)

    def _remembered(self, key: Key, make: Callable[[], Parts]) -> Parts:
        with self._lock:
            if key in self._kept:
                self._kept.move_to_end(key)
                return self._kept[key]
        with self._turns.first():
            made = make()
        with self._lock:
            self._kept[key] = made
            while len(self._kept) > KEPT:
                self._kept.popitem(last=False)
        return made
