"""Where a map was allowed to change the picture, for status, documents and warnings."""

from typing import Any

from daug.bundle import Bundle
from daug.guided_region import region_asked
from daug.heatmap import Heatmap, Region

NOT_FOUND = "Lungs and heart were not found, so the map may show change anywhere in the picture."
KEPT = {
    Region.CHEST: "Only the chest may change.",
    Region.LUNGS: "Only the lungs may change.",
}


def where_changed(bundle: Bundle, heatmap: Heatmap) -> str:
    """Return where a map could change the picture; empty where that is everywhere, as asked."""
    asked = region_asked(heatmap.recipe, lambda name: bundle.card(name).findings)
    if asked is Region.PICTURE:
        return ""
    return NOT_FOUND if heatmap.region is None else KEPT[asked]


def region_document(bundle: Bundle, heatmap: Heatmap) -> dict[str, Any]:
    """Return what the command line says of it."""
    asked = region_asked(heatmap.recipe, lambda name: bundle.card(name).findings)
    found = asked is Region.PICTURE or heatmap.region is not None
    area = 1.0 if heatmap.region is None else float((heatmap.region > 0).mean())
    return {"asked": asked.value, "found": found, "share_of_picture": round(area, 4)}
