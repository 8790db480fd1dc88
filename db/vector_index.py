"""Nearest neighbours among the embeddings of one model: a cache of the library, never its truth.

The index follows the generation of the model's embeddings. Files that are missing, damaged or of
another model or generation are replaced by an index made anew from the library, so a fault costs
time and never an answer. If the files cannot be written, the index lives in memory alone.
"""

import threading
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from daug.embedding import Embedding
from daug.errors import EmbeddingError, LibraryError
from db.approximate import APPROXIMATE_ABOVE, CellScan, search_approximately
from db.exact_search import search_exactly
from db.index_data import IndexData, build_index_data
from db.index_files import StaleIndexError, load_index, locked, save_index
from db.scan import CodeScan

TRIES = 5  # at reading embeddings that somebody else is changing


class EmbeddingSource(Protocol):
    """What an index asks of a library."""

    def embedding_generation(self, model_digest: str) -> str:
        """Return a name that differs whenever this model's embeddings do, or ever did."""
        ...

    def embeddings(self, model_digest: str) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
        """Return all ids, rising, and their unit vectors (N, D)."""
        ...


@dataclass(frozen=True, eq=False)
class Neighbours:
    """Cases in the order of their similarity to a query; equal ones in the order of their ids."""

    ids: NDArray[np.int64]
    similarities: NDArray[np.float32]  # cosines, falling


class VectorIndex:
    """The embeddings that one model made of a library's cases, ready to be searched.

    Safe to use from several threads.
    """

    def __init__(
        self,
        data: IndexData,
        model_digest: str,
        threads: int | None = None,
        approximate_above: int = APPROXIMATE_ABOVE,
    ) -> None:
        """Take what `build_index_data` made, and say from how many cases on to approximate."""
        self.model_digest = model_digest
        self.ids = data.ids
        self._scan = CodeScan(data.codes, threads) if len(data.ids) else None
        self._cells = CellScan.of(data) if len(data.ids) > approximate_above else None
        self.data = replace(data, cells=None)  # in `_cells`, where they are wanted

    def __len__(self) -> int:
        return len(self.ids)

    @property
    def approximate(self) -> bool:
        """Whether some neighbours may be missed; those that are found are ranked exactly."""
        return self._cells is not None

    @property
    def threads(self) -> int:
        """How many threads scan at once."""
        return self._scan.threads if self._scan else 0

    @property
    def code_bytes(self) -> int:
        """How many bytes of each case a scan reads."""
        return int(self.data.codes.shape[1])

    @property
    def cell_visits(self) -> dict[str, float]:
        """How an approximate search goes: cells, visits (0: none suffice), recall on itself."""
        if self._cells is None:
            return {}
        return {
            "cells": self._cells.index.nlist,
            "visits": self._cells.probes,
            "recall": self._cells.recall,
        }

    @property
    def memory_mb(self) -> float:
        """What a search keeps at hand, in MiB: embeddings (mapped from disk), ids and codes."""
        cells = self._cells is not None
        size = self.data.vectors.nbytes + self.data.ids.nbytes
        size += self.data.codes.nbytes * (2 if cells else 1) + 8 * len(self) * cells
        return float(size / 2**20)

    def mask(self, ids: NDArray[np.int64]) -> NDArray[np.bool_]:
        """Return for each row of the index whether its id is among some (in any order)."""
        return np.isin(self.ids, ids)

    def vectors_of(self, ids: NDArray[np.int64]) -> NDArray[np.float32]:
        """Return the embeddings of some cases, (len(ids), D).

        Raises:
            LibraryError: If a case has no embedding here.
        """
        rows = np.searchsorted(self.ids, ids)
        there = rows < len(self.ids)
        there[there] = self.ids[rows[there]] == ids[there]
        if not there.all():
            raise LibraryError(
                f"Case {ids[~there][0]} has no embedding by this model. Embed the library first."
            )
        return np.asarray(self.data.vectors[rows])

    def search(
        self, query: Embedding, k: int, allowed: NDArray[np.bool_] | None = None
    ) -> Neighbours:
        """Return the k nearest cases, fewer if fewer are allowed.

        Args:
            query: By the model of this index.
            k: At least 1.
            allowed: One bool for each row, as `mask` returns them; all cases if None. It is
                applied before the search: no place among the k is lost to a case that is not.

        Raises:
            EmbeddingError: If another model made the query.
            LibraryError: If k is below 1 or `allowed` is no mask of this index.
        """
        self._check(query, k, allowed)
        if self._scan is None:
            return Neighbours(np.empty(0, np.int64), np.empty(0, np.float32))
        if self._cells is not None:
            found = search_approximately(
                self.data, self._cells, self._scan, query.vector, k, allowed
            )
        else:
            found = search_exactly(self.data, self._scan, query.vector, k, allowed)
        return Neighbours(self.ids[found.rows], found.similarities)

    def _check(self, query: Embedding, k: int, allowed: NDArray[np.bool_] | None) -> None:
        if query.model_digest != self.model_digest:
            raise EmbeddingError(
                f"The query was embedded by model {query.model_digest[:8]}, but the library by "
                f"{self.model_digest[:8]}. Embed the library with the model in use."
            )
        if len(self) and query.vector.shape != self.data.vectors.shape[1:]:
            raise EmbeddingError(
                f"The query has {len(query.vector)} numbers, but the library's embeddings have "
                f"{self.data.vectors.shape[1]}. Embed the library anew."
            )
        if k < 1:
            raise LibraryError(f"Ask for at least one case, got {k}.")
        if allowed is not None and (allowed.shape != self.ids.shape or allowed.dtype != bool):
            raise LibraryError("The filter was made for another state of the library. Try again.")


class FollowingIndex:
    """The index of one model that is made again whenever the library has changed."""

    def __init__(
        self,
        folder: Path,
        source: EmbeddingSource,
        model_digest: str,
        threads: int | None = None,
        approximate_above: int = APPROXIMATE_ABOVE,
    ) -> None:
        """Take the folder for index files, made if missing, and the library."""
        self._folder = folder / model_digest[:16]
        self._source = source
        self._model_digest = model_digest
        self._threads = threads
        self._approximate_above = approximate_above
        self._current: tuple[str, VectorIndex] | None = None
        self._lock = threading.Lock()

    def current(self) -> VectorIndex:
        """Return an index of the library as it is now; a caller may go on using an older one.

        Raises:
            LibraryError: If the library keeps changing while it is read.
        """
        with self._lock:
            generation = self._source.embedding_generation(self._model_digest)
            if self._current is None or self._current[0] != generation:
                self._current = self._opened(generation)
            return self._current[1]

    def rebuild(self) -> VectorIndex:
        """Make the index anew even if it seems right, and return it."""
        with self._lock:
            self._current = self._built()
            return self._current[1]

    def _opened(self, generation: str) -> tuple[str, VectorIndex]:
        try:
            data = load_index(self._folder, self._model_digest, generation)
        except StaleIndexError:
            return self._built(unless_fresh=True)
        return generation, self._ready(data)

    def _built(self, *, unless_fresh: bool = False) -> tuple[str, VectorIndex]:
        """Build and save under the lock, or load what another program has just built."""
        try:
            with locked(self._folder):
                if unless_fresh:
                    generation = self._source.embedding_generation(self._model_digest)
                    try:
                        data = load_index(self._folder, self._model_digest, generation)
                    except StaleIndexError:
                        pass
                    else:
                        return generation, self._ready(data)
                generation, data = self._read_source()
                save_index(self._folder, data, self._model_digest, generation)
        except OSError:  # a full disk or a folder that may not be written: memory will do
            generation, data = self._read_source()
        return generation, self._ready(data)

    def _read_source(self) -> tuple[str, IndexData]:
        """Return embeddings and the generation that they are of, both of one moment."""
        for _ in range(TRIES):
            generation = self._source.embedding_generation(self._model_digest)
            ids, vectors = self._source.embeddings(self._model_digest)
            if generation == self._source.embedding_generation(self._model_digest):
                return generation, self._complete(build_index_data(ids, vectors))
        raise LibraryError("The library keeps changing while it is read. Search again in a while.")

    def _ready(self, data: IndexData) -> VectorIndex:
        return VectorIndex(data, self._model_digest, self._threads, self._approximate_above)

    def _complete(self, data: IndexData) -> IndexData:
        """Return an index with its cells, if it has more rows than are searched exactly."""
        if len(data.ids) <= self._approximate_above:
            return data
        return replace(data, cells=CellScan.fit(data).layout())
