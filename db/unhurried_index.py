"""An index that is not made anew at every search while the library is being embedded."""

from collections.abc import Callable
from pathlib import Path
from time import monotonic

from db.vector_index import EmbeddingSource, FollowingIndex, VectorIndex

SHARE = 10  # of the time: an index that took a second is at least so many seconds in use


class UnhurriedIndex(FollowingIndex):
    """Follows the library, and lags behind while it changes at every moment.

    A case that is removed meanwhile is no hit all the same: a search reads its hits from the
    library.
    """

    def __init__(
        self,
        folder: Path,
        source: EmbeddingSource,
        model_digest: str,
        is_changing: Callable[[], bool],
    ) -> None:
        """Take what `FollowingIndex` takes, and what says that embeddings are coming in."""
        super().__init__(folder, source, model_digest)
        self._is_changing = is_changing
        self._known: VectorIndex | None = None
        self._look_again_at = 0.0

    def current(self) -> VectorIndex:
        """Return an index of the library, as it is now or, while it changes, as it was just now."""
        known = self._known
        if known is not None and self._is_changing() and monotonic() < self._look_again_at:
            return known
        began = monotonic()
        index = super().current()
        if index is not known:
            self._known = index
            self._look_again_at = monotonic() + SHARE * (monotonic() - began)
        return index
