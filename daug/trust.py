"""How far a super-class's maps may be believed, from what was measured of them and nothing else.

Two things must hold for a map to find disease: the classifier that draws it must know the
super-class, and the heat must lie where experts saw it. Each is judged by the lower end of its 95 %
interval, on held-out radiographs, within the source and the truth where it is lowest among those
with enough cases.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from daug.bundle import MIN_TEST_POSITIVES, Bundle, ClassCard
from daug.errors import BundleError

LOCALISATION = "localisation"  # key of Bundle.measured: rows of `daug evaluate heatmaps`
FAIR_AUROC, GOOD_AUROC = 0.7, 0.8
CHANCE_ENERGY = 1.0  # heat inside the truth over its share of the area
GOOD_ENERGY = 1.5


class TrustLevel(StrEnum):
    """How far to believe a map."""

    NOT_MEASURED = "not measured"
    LOW = "low"
    FAIR = "fair"
    GOOD = "good"


@dataclass(frozen=True)
class Trust:
    """A level with what it rests on."""

    level: TrustLevel
    because: str  # one line


def trust_of(card: ClassCard, bundle: Bundle) -> Trust:
    """Return how far the maps of a super-class may be believed.

    Raises:
        BundleError: If what was measured cannot be understood.
    """
    scores = [metrics for metrics in card.metrics if metrics.enough]
    found = _localised(bundle, card.name)
    if not scores and found is None:
        return Trust(TrustLevel.NOT_MEASURED, "too few held-out cases")
    auroc = min((metrics.auroc.low for metrics in scores), default=0.0)  # of the hardest source
    told = [f"AUROC at least {auroc:.2f}" if scores else "classifier not measured"]
    if found is None:
        told.append("place of its heat not measured")
        return Trust(TrustLevel.LOW, "; ".join(told))
    energy, truth, n = found
    told.append(f"heat at least {energy:.1f} x chance in {truth}, n = {n}")
    if energy <= CHANCE_ENERGY or auroc < FAIR_AUROC:
        level = TrustLevel.LOW
    elif energy >= GOOD_ENERGY and auroc >= GOOD_AUROC:
        level = TrustLevel.GOOD
    else:
        level = TrustLevel.FAIR
    return Trust(level, "; ".join(told))


def _localised(bundle: Bundle, name: str) -> tuple[float, str, int] | None:
    """Return the lowest lower bound of the energy ratio over truths with enough cases."""
    try:
        rows = list(_rows(bundle, name))
        return min(rows) if rows else None
    except (AttributeError, KeyError, TypeError) as error:
        raise BundleError(
            f"{bundle.name}: what was measured of its maps cannot be understood ({error!r}). "
            "Measure them again with `daug evaluate heatmaps` and `daug bundle measure-heatmaps`."
        ) from error


def _rows(bundle: Bundle, name: str) -> Iterable[tuple[float, str, int]]:
    measured: Mapping[str, Any] = bundle.measured.get(LOCALISATION, {})
    if measured.get("bundle_digest") != bundle.digest:
        return
    for row in measured["rows"]:
        ratio = row["energy_ratio"]
        if row["default"] and row["super_class"] == name and ratio["n"] >= MIN_TEST_POSITIVES:
            yield float(ratio["low"]), str(row["truth"]), int(ratio["n"])
