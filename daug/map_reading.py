"""What is measured of a map beside its colours: where it lies, how sure it is, against whom.

Nothing here computes; `daug.map_reader` does, with the models of a bundle.
"""

from dataclasses import dataclass
from typing import Any

from daug.cardiothoracic import CardiothoracicRatio
from daug.heat_layers import Stability
from daug.normal_floor import NormalPercentile
from daug.organs import OrganMasks
from daug.zone_table import ZoneTable


@dataclass(frozen=True, eq=False)
class MapReading:
    """The measurements of one map. What cannot be measured is None, with the reason beside it."""

    percentile: NormalPercentile
    stability: Stability | None  # None for a map that was drawn once
    organs: OrganMasks | None  # on the model's square
    zones: ZoneTable | None
    ratio_before: CardiothoracicRatio | None  # of the reference
    ratio_after: CardiothoracicRatio | None  # of the counterfactual
    no_anatomy: str = ""  # why there are no organs, zones and ratios

    def to_dict(self) -> dict[str, Any]:
        """Return plain values for JSON."""
        return {
            "normal_percentile": self.percentile.to_dict(),
            "stability": None if self.stability is None else self.stability.to_dict(),
            "zones": None if self.zones is None else self.zones.to_dict(),
            "cardiothoracic_ratio": {
                "before": ratio_document(self.ratio_before),
                "after": ratio_document(self.ratio_after),
            },
            "no_anatomy": self.no_anatomy or None,
        }


def ratio_document(ratio: CardiothoracicRatio | None) -> dict[str, Any] | None:
    """Return a ratio as JSON values; the calipers in pixels of the radiograph's own size."""
    if ratio is None:
        return None
    calipers = {
        name: None if caliper is None else dict(caliper.__dict__)
        for name, caliper in (("heart", ratio.heart), ("thorax", ratio.thorax))
    }
    numbers = {"value": ratio.value, "low": ratio.low, "high": ratio.high}
    return {
        **numbers,
        **calipers,
        "note": ratio.note or None,
        "withheld": ratio.withheld or None,
    }
