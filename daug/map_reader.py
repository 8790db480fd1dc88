"""Measures a map: zones, stability, percentile among normals, cardiothoracic ratios.

The anatomy model is asked about the radiograph, where zones are, and about the two imagined
pictures, whose hearts are compared.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from daug.anatomy import Anatomist
from daug.bundle import Bundle, HeatScale
from daug.cardiothoracic import CardiothoracicRatio, RatioError, cardiothoracic_ratio
from daug.heat_layers import stability_of
from daug.heatmap import Heatmap, Recipe
from daug.map_reading import MapReading
from daug.normal_floor import NormalFloor, NormalPercentile, group_of
from daug.organs import MaskBox
from daug.picture_marks import text_mask
from daug.radiograph import ModelInput, Radiograph
from daug.seen_organs import SeenOrgans
from daug.zone_table import zone_table

NO_ANATOMY = "These models have no anatomy model, so nothing is measured in lungs and heart."
NOT_MEASURED = "these models were not measured on normals"
FINER = 3  # widths are measured on a square of so many times the model's side


@dataclass(frozen=True, eq=False)
class MapReader:
    """Measures the maps of one bundle."""

    bundle: Bundle
    anatomist: Anatomist | None
    floor: NormalFloor | None
    ratio_error: RatioError | None = None

    def read(
        self, radiograph: Radiograph, heatmap: Heatmap, drawings: Heatmap | None = None
    ) -> MapReading:
        """Return the measurements of a map.

        Args:
            radiograph: Its view and age say whom it is compared with.
            heatmap: The map.
            drawings: The same map drawn from several seeds, if there is one.
        """
        several = drawings or heatmap
        stability = None
        if len(several.seed_changes) > 1:
            stability = stability_of(several, self.scale(radiograph, heatmap.recipe).mark)
        percentile = self._percentile(radiograph, heatmap)
        if self.anatomist is None:
            return MapReading(percentile, stability, None, None, None, None, NO_ANATOMY)
        seen = heatmap.model_input
        pictures = np.stack([seen.pixels, heatmap.reference, heatmap.counterfactual])
        radiographs_organs, *imagined = self.anatomist.look_at_all(pictures)
        organs = radiographs_organs.organs
        shown = MaskBox(seen.top, seen.left, seen.top + seen.height, seen.left + seen.width)
        zones = zone_table(heatmap.heat, organs, picture=shown, text=text_mask(seen.pixels))
        before, after = self._ratios(radiograph, seen, imagined)
        return MapReading(percentile, stability, organs, zones, before, after)

    def ratio(self, radiograph: Radiograph) -> CardiothoracicRatio | None:
        """Return the cardiothoracic ratio of a radiograph itself; None without an anatomy model."""
        if self.anatomist is None:
            return None
        seen = radiograph.model_input(self.anatomist.image_size)
        return self._ratio(radiograph, seen, self.anatomist.look(seen))

    def scale(self, radiograph: Radiograph, recipe: Recipe) -> HeatScale:
        """Return the fixed scale of a map; see `daug.workstation.MapMeasurer`."""
        group = group_of(radiograph.view, radiograph.age)
        scale = None if self.floor is None else self.floor.scale(recipe, group)
        return scale or self.bundle.heat_scale

    def _percentile(self, radiograph: Radiograph, heatmap: Heatmap) -> NormalPercentile:
        group = group_of(radiograph.view, radiograph.age)
        if self.floor is None:
            return NormalPercentile(None, 0, group, NOT_MEASURED)
        return self.floor.percentile(heatmap.recipe, group, heatmap.statistics.p99)

    def _ratios(
        self, radiograph: Radiograph, seen: ModelInput, imagined: Sequence[SeenOrgans]
    ) -> tuple[CardiothoracicRatio, CardiothoracicRatio]:
        before, after = (self._ratio(radiograph, seen, organs) for organs in imagined)
        return before, after

    def _ratio(
        self, radiograph: Radiograph, seen: ModelInput, organs: SeenOrgans
    ) -> CardiothoracicRatio:
        shape = (seen.height * FINER, seen.width * FINER)
        found = cardiothoracic_ratio(
            organs.on_radiograph(seen, shape),
            view=radiograph.view,
            age=radiograph.age,
            confidence=organs.confidence,
            error=self.ratio_error,
        )
        rows, columns = radiograph.pixels.shape
        across, down = columns / shape[1], rows / shape[0]
        return replace(
            found,
            heart=found.heart and found.heart.scaled(across, down),
            thorax=found.thorax and found.thorax.scaled(across, down),
        )
