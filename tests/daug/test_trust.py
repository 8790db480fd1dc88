from dataclasses import replace
from typing import Any

import pytest

from daug.bundle import Bundle, ClassMetrics, Estimate
from daug.errors import BundleError
from daug.trust import LOCALISATION, TrustLevel, trust_of


def metrics(low: float, positives: int = 50) -> ClassMetrics:
    figure = Estimate(low + 0.05, low, low + 0.1, 100)
    return ClassMetrics("drawn", positives, 50, figure, figure)


def row(low: float, n: int = 30, **changes: Any) -> dict[str, Any]:
    ratio = {"value": low + 0.2, "low": low, "high": low + 0.4, "n": n}
    usual = {"super_class": "Pleural", "truth": "drawn:fluid", "default": True}
    return {**usual, "energy_ratio": ratio, **changes}


def trust(bundle: Bundle, auroc_low: float | None, rows: list[dict[str, Any]] | None) -> TrustLevel:
    scores = () if auroc_low is None else (metrics(auroc_low),)
    card = replace(bundle.card("Pleural"), metrics=scores)
    measured: dict[str, Any] = {}
    if rows is not None:
        measured = {LOCALISATION: {"bundle_digest": bundle.digest, "rows": rows}}
    return trust_of(card, replace(bundle, measured=measured)).level


@pytest.mark.parametrize(
    ("auroc_low", "energy_low", "level"),
    [
        (0.85, 1.6, TrustLevel.GOOD),
        (0.85, 1.2, TrustLevel.FAIR),
        (0.75, 1.6, TrustLevel.FAIR),
        (0.65, 1.6, TrustLevel.LOW),
        (0.85, 1.0, TrustLevel.LOW),
    ],
)
def test_trust_needs_both_a_classifier_that_knows_and_heat_in_its_place(
    tiny_bundle: Bundle, auroc_low: float, energy_low: float, level: TrustLevel
) -> None:
    assert trust(tiny_bundle, auroc_low, [row(energy_low)]) is level


def test_the_worst_of_several_truths_counts(tiny_bundle: Bundle) -> None:
    assert trust(tiny_bundle, 0.85, [row(1.6), row(0.9, truth="drawn:fold")]) is TrustLevel.LOW


def test_the_worst_of_several_sources_counts(tiny_bundle: Bundle) -> None:
    """What is known of children need not hold for adults."""
    card = replace(tiny_bundle.card("Pleural"), metrics=(metrics(0.95), metrics(0.6)))
    measured = {LOCALISATION: {"bundle_digest": tiny_bundle.digest, "rows": [row(1.6)]}}
    found = trust_of(card, replace(tiny_bundle, measured=measured))
    assert found.level is TrustLevel.LOW
    assert "AUROC at least 0.60" in found.because


@pytest.mark.parametrize(
    "rows",
    [
        [],
        [row(1.6, n=19)],
        [row(1.6, default=False)],
        [row(1.6, super_class="Lung Lesion")],
    ],
)
def test_what_was_not_measured_of_the_shipped_map_of_the_class_lends_no_trust(
    tiny_bundle: Bundle, rows: list[dict[str, Any]]
) -> None:
    assert trust(tiny_bundle, 0.85, rows) is TrustLevel.LOW
    assert trust(tiny_bundle, None, rows) is TrustLevel.NOT_MEASURED


def test_figures_of_other_networks_count_for_nothing(tiny_bundle: Bundle) -> None:
    measured = {LOCALISATION: {"bundle_digest": "another", "rows": [row(1.6)]}}
    card = replace(tiny_bundle.card("Pleural"), metrics=(metrics(0.85),))
    assert trust_of(card, replace(tiny_bundle, measured=measured)).level is TrustLevel.LOW


def test_figures_that_make_no_sense_are_told_and_not_believed(tiny_bundle: Bundle) -> None:
    with pytest.raises(BundleError, match="measure-heatmaps"):
        trust(tiny_bundle, 0.85, [{"default": True}])
