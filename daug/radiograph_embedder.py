"""From a radiograph straight to its embedding: the maps that the model looks at are drawn first."""

import threading
from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from daug.augmented import AugmentedRadiograph
from daug.embedder import Embedder
from daug.embedding import Embedding
from daug.finding_probability import FindingProbability
from daug.heatmap import Recipe
from daug.radiograph import MIN_SIDE, Radiograph
from daug.workstation import Drawing, finish

Draw = Callable[[Radiograph, Sequence[Recipe]], Drawing]


class DrawingEmbedder:
    """See `daug.workstation.RadiographEmbedder`."""

    def __init__(self, embedder: Embedder, draw_heatmaps: Draw) -> None:
        """Take the CLIP model and the engine, or what remembers its maps."""
        self._embedder = embedder
        self._draw = draw_heatmaps
        self._busy = threading.RLock()  # a screen asks while the background embeds

    @property
    def model_digest(self) -> str:
        """Which model's space it is."""
        return self._embedder.model_digest

    @property
    def digest_without_heat(self) -> str | None:
        """The space of radiographs of which no map is drawn; None if the model has none."""
        return self._embedder.digest_without_heat

    @property
    def recipes(self) -> tuple[Recipe, ...]:
        """The maps that are drawn of every radiograph."""
        return self._embedder.recipes

    def augmented(self, radiograph: Radiograph) -> AugmentedRadiograph:
        """Return a radiograph with the maps that the model looks at."""
        if not self.recipes:
            return AugmentedRadiograph(radiograph)
        maps = finish(self._draw(radiograph, self.recipes))
        return AugmentedRadiograph.from_heatmaps(radiograph, maps)

    def embed(self, radiograph: Radiograph, *, without_heat: bool = False) -> Embedding:
        """Return where a radiograph lies.

        Raises:
            EmbeddingError: If the model cannot do without maps.
        """
        with self._busy:
            if without_heat:
                return self._embedder.embed_without_heat(radiograph)
            return self._embedder.embed(self.augmented(radiograph))

    def embed_text(self, text: str, *, without_heat: bool = False) -> Embedding:
        """Return where a sentence lies.

        Raises:
            EmbeddingError: If there is nothing to read, or the model cannot do without maps.
        """
        with self._busy:
            return self._embedder.embed_text(text, without_heat=without_heat)

    def embed_change(
        self, radiograph: Radiograph, recipe: Recipe, *, without_heat: bool = False
    ) -> tuple[Embedding, Embedding]:
        """Return where a counterfactual and its reference lie.

        Raises:
            RecipeError: If the bundle cannot draw it.
            EmbeddingError: As in `embed`.
        """
        with self._busy:
            (heatmap,) = finish(self._draw(radiograph, (recipe,)))
            imagined, reference = (
                self.embed(_redrawn(pixels, radiograph), without_heat=without_heat)
                for pixels in (heatmap.counterfactual, heatmap.reference)
            )
        return imagined, reference

    def classify(self, radiograph: Radiograph) -> tuple[FindingProbability, ...]:
        """Return the probability of every finding, in CheXbert's order."""
        with self._busy:
            return self._embedder.classify(self.augmented(radiograph))


def _redrawn(pixels: NDArray[np.float32], radiograph: Radiograph) -> Radiograph:
    """Return what the networks drew, on the model's square, as a radiograph of its own."""
    times = -(-MIN_SIDE // pixels.shape[0])  # a whole number, which resizing takes back exactly
    square = np.kron(pixels, np.ones((times, times), np.float32)).clip(-1, 1)
    return Radiograph(square, f"{radiograph.source_name}, synthetic", view=radiograph.view)
