"""Similar cases: what is asked, which cases may answer, and what is said beside the answer."""

import threading
from collections import OrderedDict
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from daug.case import Case, SearchHit
from daug.case_query import CaseFilter
from daug.embedding import Embedding
from daug.errors import LibraryError
from daug.findings import Finding
from daug.similar_cases import Count, SearchAnswer, SearchKind, SimilarityFloor
from db.base_rates import base_rates, compare
from db.similarity_floor import measure_floor, read_floor, write_floor
from db.vector_index import FollowingIndex, VectorIndex

MASKS_KEPT = 16  # one byte for each case
# A device or a clean bill is not what else a shadow could have been.
NO_DIAGNOSIS = frozenset({Finding.NO_FINDING, Finding.SUPPORT_DEVICES})


class CaseSource(Protocol):
    """What a search asks of a library."""

    @property
    def generation(self) -> int:
        """A number that grows with every change of cases."""
        ...

    def ids(self, wanted: CaseFilter | None = None) -> NDArray[np.int64]:
        """Return the numbers of all cases that a filter lets through."""
        ...

    def count(self, wanted: CaseFilter | None = None) -> int:
        """Return how many cases a filter lets through."""
        ...

    def cases(self, ids: Sequence[int]) -> list[Case]:
        """Return cases in the order asked for."""
        ...

    def find(self, pixel_digest: str) -> int | None:
        """Return the case of a radiograph, if it is one."""
        ...


@dataclass(frozen=True)
class SearchRequest:
    """One question."""

    query: Embedding
    k: int = 10
    kind: SearchKind = SearchKind.SIMILAR
    wanted: CaseFilter = field(default_factory=CaseFilter)
    present: frozenset[Finding] = frozenset()  # in the query, as far as known
    absent: frozenset[Finding] = frozenset()
    pixel_digest: str = ""  # of the query's radiograph: it is no answer to itself
    patient: str = ""  # keyed hash; his other radiographs are no answer unless asked for
    same_patient_too: bool = False
    by_radiograph: bool = True  # nothing but a radiograph; else no floor applies


class CaseSearch:
    """Searches in one library with the embeddings of one model; safe to use from threads."""

    def __init__(self, library: CaseSource, index: FollowingIndex, floor_file: Path) -> None:
        """Take the library, its index and where the similarity floor is kept."""
        self._library = library
        self._index = index
        self._floor_file = floor_file
        self._masks: OrderedDict[CaseFilter, NDArray[np.bool_]] = OrderedDict()
        self._counts: dict[Finding, Count] = {}
        self._state: tuple[int, VectorIndex] | None = None
        self._lock = threading.Lock()

    def search(self, asked: SearchRequest) -> SearchAnswer:
        """Answer one question.

        Raises:
            EmbeddingError: If another model made the query.
            LibraryError: If look-alikes are asked for and no finding of the query is known.
        """
        with self._lock:
            index = self._fresh()
            allowed = self._allowed(index, asked)
            counts = self._library_counts()
        found = index.search(asked.query, asked.k, allowed)
        by_id = {case.case_id: case for case in self._library.cases(found.ids.tolist())}
        there = [  # a case may have been removed since
            (by_id[i], float(similarity))
            for i, similarity in zip(found.ids.tolist(), found.similarities, strict=True)
            if i in by_id
        ]
        cases = [case for case, _ in there]
        floor = self.stored_floor(index) if asked.by_radiograph else None
        unlike = None
        if floor is not None:
            nearest = self._nearest_at_all(index, asked)
            unlike = floor.is_unlike(nearest)
        return SearchAnswer(
            hits=tuple(
                SearchHit(case, rank, similarity)
                for rank, (case, similarity) in enumerate(there, start=1)
            ),
            comparisons=tuple(compare(case, asked.present, asked.absent) for case in cases),
            base_rates=tuple(base_rates(cases, counts)),
            patient_excluded=bool(asked.patient) and not asked.same_patient_too,
            floor=floor,
            unlike_anything=unlike,
            allowed=len(index) if allowed is None else int(np.count_nonzero(allowed)),
        )

    def stored_floor(self, index: VectorIndex) -> SimilarityFloor | None:
        """Return the floor as it was last measured, if it still holds for the library."""
        return read_floor(self._floor_file, index)

    def calibrate(self) -> SimilarityFloor | None:
        """Measure and keep the similarity below which nothing is alike; None if too few cases.

        It takes as long as a thousand searches, so it is done after an import, not in a search.
        """
        index = self._index.current()

        def same_patient(case_id: int) -> NDArray[np.int64]:
            case = self._library.cases([case_id])
            if not case or case[0].patient is None:
                return np.array([case_id], dtype=np.int64)
            return self._library.ids(CaseFilter(patient=case[0].patient))

        floor = measure_floor(index, same_patient)
        if floor is not None:
            with suppress(OSError):  # measured again next time
                write_floor(self._floor_file, floor)
        return floor

    def _fresh(self) -> VectorIndex:
        """Return the index as the library is now, and forget masks and counts of earlier states."""
        state = self._library.generation, self._index.current()
        if state != self._state:
            self._masks.clear()
            self._counts.clear()
            self._state = state
        return state[1]

    def _allowed(self, index: VectorIndex, asked: SearchRequest) -> NDArray[np.bool_] | None:
        masks = [self._mask(index, asked.wanted), self._of_kind(index, asked)]
        left_out = self._left_out(index, asked)
        masks.append(None if left_out is None else ~left_out)
        given = [mask for mask in masks if mask is not None]
        return np.logical_and.reduce(given) if given else None

    def _of_kind(self, index: VectorIndex, asked: SearchRequest) -> NDArray[np.bool_] | None:
        if asked.kind is SearchKind.NEAREST_NORMAL:
            return self._mask(index, CaseFilter(present=frozenset({Finding.NO_FINDING})))
        if asked.kind is SearchKind.LOOK_ALIKES:
            return self._with_other_findings(index, asked.present)
        return None

    def _with_other_findings(
        self, index: VectorIndex, present: frozenset[Finding]
    ) -> NDArray[np.bool_]:
        """Return the cases where all diagnoses of the query are denied and another is made."""
        if not present:
            raise LibraryError(
                "Look-alikes with other findings need to know what the query shows. "
                "Name its findings, or search for similar cases."
            )
        own = present - NO_DIAGNOSIS
        others = frozenset(Finding) - own - NO_DIAGNOSIS
        masks = [
            self._mask(index, CaseFilter(present=frozenset({other}), absent=own))
            for other in sorted(others)
        ]
        found: NDArray[np.bool_] = np.logical_or.reduce(
            [mask for mask in masks if mask is not None]
        )
        return found

    def _left_out(self, index: VectorIndex, asked: SearchRequest) -> NDArray[np.bool_] | None:
        """Return the rows of the query itself and of its patient."""
        ids = []
        own = self._library.find(asked.pixel_digest) if asked.pixel_digest else None
        if own is not None and not asked.same_patient_too:
            ids.append(own)
        if asked.patient and not asked.same_patient_too:
            ids += self._library.ids(CaseFilter(patient=asked.patient)).tolist()
        return index.mask(np.array(ids, dtype=np.int64)) if ids else None

    def _nearest_at_all(self, index: VectorIndex, asked: SearchRequest) -> float | None:
        """Return the highest similarity without filters: a filter does not make a query odd."""
        with self._lock:
            left_out = self._left_out(index, asked)
        nearest = index.search(asked.query, 1, None if left_out is None else ~left_out)
        return float(nearest.similarities[0]) if len(nearest.ids) else None

    def _mask(self, index: VectorIndex, wanted: CaseFilter) -> NDArray[np.bool_] | None:
        """Return the rows that a filter lets through; None if it asks for nothing."""
        if wanted == CaseFilter():
            return None
        if wanted not in self._masks:
            self._masks[wanted] = index.mask(self._library.ids(wanted))
            while len(self._masks) > MASKS_KEPT:
                self._masks.popitem(last=False)
        self._masks.move_to_end(wanted)
        return self._masks[wanted]

    def _library_counts(self) -> dict[Finding, Count]:
        if not self._counts:
            for finding in Finding:
                only = frozenset({finding})
                present = self._library.count(CaseFilter(present=only))
                absent = self._library.count(CaseFilter(absent=only))
                self._counts[finding] = Count(present, present + absent)
        return dict(self._counts)
