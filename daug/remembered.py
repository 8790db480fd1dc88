"""Maps that were drawn before come back at once: a cache by pixel digest, bundle and recipe."""

from collections import OrderedDict
from collections.abc import Callable, Sequence
from dataclasses import replace
from threading import Lock

import numpy as np

from daug.heatmap import Heatmap, Preview, Recipe
from daug.radiograph import Radiograph
from daug.workstation import Drawing

MOST_BYTES = 256 * 2**20  # about 1,000 maps of one seed at 128 px

Draw = Callable[[Radiograph, Sequence[Recipe]], Drawing]
Key = tuple[str, Recipe]  # digest of the pixels, and all that is asked; the bundle is one


class RememberedMaps:
    """Draws the maps of one bundle, and none of them twice while there is room for them.

    Safe to use from several threads.
    """

    def __init__(self, draw: Draw, most_bytes: int = MOST_BYTES) -> None:
        """Remember what a bundle's engine draws.

        Args:
            draw: `Engine.draw_heatmaps` of one bundle.
            most_bytes: What all maps together may take; those used longest ago are dropped first.
        """
        self._draw = draw
        self._most_bytes = most_bytes
        self._maps: OrderedDict[Key, Heatmap] = OrderedDict()
        self._bytes = 0
        self._lock = Lock()

    def draw_heatmaps(self, radiograph: Radiograph, recipes: Sequence[Recipe]) -> Drawing:
        """Draw one heatmap for each recipe, as the engine does, but only those that are new.

        Yields:
            The engine's previews, with the maps that are known already in their places.

        Returns:
            The heatmaps, in the order of the recipes.
        """
        known = {
            recipe: heatmap for recipe in recipes if (heatmap := self._get(radiograph, recipe))
        }
        missing = [recipe for recipe in dict.fromkeys(recipes) if recipe not in known]
        if missing or not recipes:  # whoever asks for nothing is told so by the engine
            drawing = self._draw(radiograph, missing)
            try:
                while True:
                    yield _in_places(next(drawing), recipes, missing, known)
            except StopIteration as end:
                known |= dict(zip(missing, end.value, strict=True))
            finally:
                drawing.close()
            for recipe in missing:
                self._keep((radiograph.digest, recipe), known[recipe])
        return tuple(known[recipe] for recipe in recipes)

    def _get(self, radiograph: Radiograph, recipe: Recipe) -> Heatmap | None:
        key = (radiograph.digest, recipe)
        with self._lock:
            if key not in self._maps:
                return None
            self._maps.move_to_end(key)
            heatmap = self._maps[key]
        # The same pixels may now come from a file that knows its millimetres, or does not.
        seen = radiograph.model_input(heatmap.change.shape[-1])
        return replace(heatmap, model_input=seen)

    def _keep(self, key: Key, heatmap: Heatmap) -> None:
        with self._lock:
            replaced = self._maps.pop(key, None)
            self._maps[key] = heatmap
            self._bytes += _size(heatmap) - (0 if replaced is None else _size(replaced))
            while self._bytes > self._most_bytes:
                _, oldest = self._maps.popitem(last=False)
                self._bytes -= _size(oldest)


def _in_places(
    preview: Preview,
    recipes: Sequence[Recipe],
    missing: Sequence[Recipe],
    known: dict[Recipe, Heatmap],
) -> Preview:
    """Return a preview with one map for each recipe."""
    new = dict(zip(missing, preview.changes, strict=True))
    changes = [new[recipe] if recipe in new else known[recipe].change for recipe in recipes]
    return replace(preview, changes=np.stack(changes))


def _size(heatmap: Heatmap) -> int:
    arrays = (
        heatmap.seed_changes,
        heatmap.counterfactual,
        heatmap.reference,
        heatmap.model_input.pixels,
        heatmap.step_logits,
    )
    return sum(array.nbytes for array in arrays)
