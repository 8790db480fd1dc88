"""All maps of a radiograph that are compared: ours, other methods' of the same classifier, priors.

Ours are the engine's, one seed and the bundle's own recipe, so that what is scored is what a user
sees. Only the super-class that was drawn is asked about.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from daug.engine import Engine
from daug.guided_region import region_mask
from daug.heatmap import Recipe, Region
from daug.radiograph import ModelInput, Radiograph
from daug.workstation import finish
from trainers.evaluation.localisation.kinds import (
    CENTRE,
    CHANCE,
    DAUG,
    GRAD_CAM,
    LUNGS,
    SALIENCY,
    WITHIN,
    Kind,
)
from trainers.evaluation.localisation.map_store import MapStore
from trainers.evaluation.localisation.priors import FindOrgans, centre, chance, lungs
from trainers.evaluation.localisation.saliency import SaliencyMaps

Stack = NDArray[np.float32]  # (D, S, S), one map or several draws of it
SEED_LETTERS = 15  # of a pixel digest, so that chance is another for each radiograph


class MapMaker:
    """Draws maps, or takes them from where they were kept."""

    def __init__(
        self,
        engine: Engine,
        store: MapStore | None = None,
        find_organs: FindOrgans | None = None,
        changes: Mapping[str, Any] | None = None,
    ) -> None:
        """Prepare the methods.

        Args:
            engine: Holds the networks that are judged.
            store: Where maps are kept; they are drawn each time without it.
            find_organs: Finds the lungs; without it there is no map of them.
            changes: Fields of the bundle's recipe that are tried in another way.
        """
        self.engine, self.store, self.find_organs = engine, store, find_organs
        self.changes = dict(changes or {})
        self.bundle = engine.models.bundle
        self.saliency = SaliencyMaps(engine.models.classifier, engine.device)

    def maps(self, radiograph: Radiograph, kinds: Sequence[Kind]) -> dict[Kind, Stack]:
        """Return the map of each kind, (D, S, S); a kind that cannot be drawn here is left out."""
        seen = radiograph.model_input(self.bundle.image_size)
        ours = [kind for kind in kinds if kind.method == DAUG]
        others = [kind for kind in kinds if kind.method in SALIENCY]
        found = {**self._ours(radiograph, ours), **self._others(radiograph, seen, others)}
        for kind in kinds:
            if kind.method == CENTRE:
                found[kind] = centre(seen)[None]
            elif kind.method == CHANCE:
                found[kind] = chance(seen, int(radiograph.digest[:SEED_LETTERS], 16))
            elif kind.method == LUNGS and self.find_organs is not None:
                both = lungs(seen, self.find_organs)
                if both is not None:
                    found[kind] = both[None]
            elif kind.method == WITHIN:
                found[kind] = self._within(seen, kind, found)
        return found

    def _within(self, seen: ModelInput, kind: Kind, found: Mapping[Kind, Stack]) -> Stack:
        """Return Grad-CAM where our own map of the super-class may show change."""
        models = self.engine.models
        everywhere = found[Kind(GRAD_CAM, kind.super_class)]
        region = models.region_of(self.bundle.recipe_for(kind.super_class, **self.changes))
        mask = None if region is Region.PICTURE else region_mask(region, models.find_organs(seen))
        return everywhere if mask is None else everywhere * mask

    def recipe(self, kind: Kind) -> Recipe:
        """Return the recipe of one of our maps."""
        assert kind.direction is not None and kind.activation is not None  # noqa: PT018
        return self.bundle.recipe_for(
            kind.super_class, kind.direction, kind.activation, **self.changes
        )

    def _ours(self, radiograph: Radiograph, kinds: Sequence[Kind]) -> dict[Kind, Stack]:
        recipes = {kind: self.recipe(kind) for kind in kinds}
        key = {
            "method": DAUG,
            "recipes": [recipe.to_dict() for recipe in recipes.values()],
        }

        def draw() -> dict[Kind, Stack]:
            heatmaps = finish(self.engine.draw_heatmaps(radiograph, list(recipes.values())))
            return {kind: map_.heat[None] for kind, map_ in zip(kinds, heatmaps, strict=True)}

        return self._kept(radiograph, kinds, key, draw)

    def _others(
        self, radiograph: Radiograph, seen: ModelInput, kinds: Sequence[Kind]
    ) -> dict[Kind, Stack]:
        names = [card.name for card in self.bundle.classes]
        key = {"method": "saliency", "kinds": [[kind.method, kind.super_class] for kind in kinds]}

        def draw() -> dict[Kind, Stack]:
            return {
                kind: self.saliency.draw(kind.method, seen, names.index(kind.super_class))[None]
                for kind in kinds
            }

        return self._kept(radiograph, kinds, key, draw)

    def _kept(
        self,
        radiograph: Radiograph,
        kinds: Sequence[Kind],
        key: Mapping[str, Any],
        draw: Callable[[], dict[Kind, Stack]],
    ) -> dict[Kind, Stack]:
        if not kinds:
            return {}
        if self.store is None:
            return draw()
        whole_key = {**key, "bundle": self.bundle.digest, "size": self.bundle.image_size}
        kept = self.store.read(radiograph.digest, whole_key)
        if kept is None:
            drawn = draw()
            kept = {str(place): drawn[kind] for place, kind in enumerate(kinds)}
            self.store.write(radiograph.digest, whole_key, kept)
        return {kind: kept[str(place)] for place, kind in enumerate(kinds)}
