"""Phantoms that show two findings: does the map of one of them light up the other?

    off-target = mean heat in the other finding's mask / mean heat in the target's mask

The models of each bundle learnt from phantoms in which the two findings of a pair went together
with a known correlation rho, and nothing else differs between the bundles. Pixels that lie in both
masks count for the target. Heat is what a map shows, the absolute change of the radiograph; beside
it stands the heat of the kind that was asked for: density that vanishes for direction -, density
that is added for direction +. A map that answers "less of A" by drawing more of B is hot in both
findings, but only in A with the heat that was asked for.

A quotient of one map does not change if the map gets weaker everywhere, so an activation cannot
win by drawing less. Over phantoms the geometric mean is taken, as is due to quotients: each
phantom counts alike, whether its target is a nodule or a heart, twice as much weighs as half as
much, and the mean of softmax over sigmoid is the quotient of their means. Heat below a floor
counts as the floor, so that no single map without heat can decide the figure.

Only phantoms whose seeds are held out from every training are drawn.
"""

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from daug.bundle import Bundle, Estimate, read_bundle
from daug.bundled_models import load_models
from daug.engine import Engine
from daug.errors import BundleError
from daug.findings import Activation, Direction, Finding
from daug.organs import Mask
from daug.phantom import PAIRS, Phantom, draw_phantom
from daug.radiograph import Radiograph
from daug.workstation import finish
from trainers.evaluation.bootstrap import DRAWS, Floats, draw_patients, estimate
from trainers.evaluation.evaluation_document import json_estimate
from trainers.evaluation.figures import mean_of_cases
from trainers.evaluation.movement import find_device
from trainers.phantom_data import FIRST_SEEDS, SOURCE

PHANTOMS = 36  # of each rho
LEAST_PIXELS = 4  # of either mask, without what they share, for a phantom to count
LEAST_HEAT = 1e-4  # of the full range 2: a thousandth of what is notable
Heat = NDArray[np.float32]  # (S, S), 0 or more
ByActivation = Mapping[Activation, float]


@dataclass(frozen=True)
class OffTargetCase:
    """The maps of one target on one phantom."""

    phantom: int  # its seed
    target: Finding
    other: Finding
    direction: Direction
    quotient: ByActivation  # off-target, of all heat
    asked: ByActivation  # off-target, of the kind of heat that was asked for


def off_target(folder: Path, n: int = PHANTOMS, draws: int = DRAWS) -> list[dict[str, Any]]:
    """Measure every bundle of phantoms in a folder, by rising rho.

    Args:
        folder: Holds one bundle for each rho, as `daug train phantom` writes them.
        n: Phantoms for each rho, dealt to the pairs in turn; each is asked about both findings.
        draws: Of the bootstrap over phantoms.

    Returns:
        A row for each rho: `rho`; `sigmoid` and `softmax`, the off-target quotients of the maps
        that ask what looks abnormal (direction -); `ratio`, softmax over sigmoid from the same
        phantoms; the same three of the heat that was asked for under `asked`; all of it for
        direction + under `more`, and for each target with its partner under `pairs`. n counts
        maps; the bootstrap draws phantoms, which have two targets each.

    Raises:
        BundleError: If the folder holds no bundle that was trained on phantoms, or one is broken.
    """
    rows = []
    for bundle in phantom_bundles(folder):
        engine = Engine(load_models(bundle), find_device())
        cases = [case for phantom in range(n) for case in measure_phantom(engine, phantom)]
        rows.append({"rho": rho_of(bundle), "bundle": bundle.name, **summary(cases, draws)})
    return rows


def phantom_bundles(folder: Path) -> list[Bundle]:
    """Return the bundles of a folder that were trained on phantoms, by rising rho.

    Raises:
        BundleError: If there is none.
    """
    found = [read_bundle(path.parent) for path in sorted(folder.glob("*/bundle.json"))]
    bundles = [bundle for bundle in found if [data.name for data in bundle.data] == [SOURCE]]
    if not bundles:
        raise BundleError(
            f"{folder} holds no bundle that was trained on phantoms. Make them with "
            "`daug train phantom`."
        )
    return sorted(bundles, key=rho_of)


def rho_of(bundle: Bundle) -> float:
    """Return the correlation of paired findings in the phantoms that trained a bundle."""
    return float(bundle.training["co_occurrence"]["rho"])


def measure_phantom(engine: Engine, number: int, **changes: Any) -> Iterator[OffTargetCase]:
    """Draw the maps of both findings of a held-out phantom, and measure them.

    Args:
        engine: Of a bundle that was trained on phantoms.
        number: Of the phantom; its pair is dealt by it.
        changes: Fields of the bundle's recipe that are tried in another way.
    """
    bundle = engine.models.bundle
    seed, pair = FIRST_SEEDS["off-target"] + number, PAIRS[number % len(PAIRS)]
    phantom = draw_phantom(seed, pair, bundle.image_size)
    asked = [(finding, direction) for finding in pair for direction in Direction]
    recipes = [
        bundle.recipe_for(finding, direction, activation, **changes)
        for finding, direction in asked
        for activation in Activation
    ]
    radiograph = Radiograph(phantom.pixels, f"{SOURCE}-{seed}")
    maps = iter(finish(engine.draw_heatmaps(radiograph, recipes)))
    for target, direction in asked:
        other = pair[1] if target is pair[0] else pair[0]
        changed = {activation: next(maps).change for activation in Activation}
        case = measure_maps(phantom, seed, target, other, direction, changed)
        if case is not None:
            yield case


def measure_maps(
    phantom: Phantom,
    seed: int,
    target: Finding,
    other: Finding,
    direction: Direction,
    changed: Mapping[Activation, NDArray[np.float32]],
) -> OffTargetCase | None:
    """Return where the heat of a target's maps lies, or None if a finding is all but covered.

    Args:
        phantom: Shows both findings.
        seed: Its seed.
        target: What the maps ask about.
        other: The finding beside it.
        direction: Of the maps.
        changed: Each activation's signed map, (S, S).
    """
    on = phantom.masks[target]
    off = phantom.masks[other] & ~on
    if min(on.sum(), off.sum()) < LEAST_PIXELS:
        return None
    sign = 1 if direction is Direction.MORE else -1
    return OffTargetCase(
        seed,
        target,
        other,
        direction,
        quotient={act: _quotient(np.abs(change), on, off) for act, change in changed.items()},
        asked={act: _quotient((sign * change).clip(0), on, off) for act, change in changed.items()},
    )


def summary(cases: Sequence[OffTargetCase], draws: int = DRAWS) -> dict[str, Any]:
    """Return the figures of one bundle; see `off_target`."""
    less = [case for case in cases if case.direction is Direction.LESS]
    more = [case for case in cases if case.direction is Direction.MORE]
    pairs = dict.fromkeys((case.target, case.other) for case in less)
    return {
        **_figures(less, draws),
        "more": _figures(more, draws),
        "pairs": [
            {
                "target": target.value,
                "other": other.value,
                **_figures([c for c in less if (c.target, c.other) == (target, other)], draws),
            }
            for target, other in pairs
        ],
    }


def _figures(cases: Sequence[OffTargetCase], draws: int) -> dict[str, Any]:
    """Return the geometric means of both activations and of their quotient, drawn together."""
    phantoms = [str(case.phantom) for case in cases]
    weights = draw_patients(phantoms, np.random.default_rng(0), draws)
    all_heat = _means([case.quotient for case in cases], weights)
    return {**all_heat, "asked": _means([case.asked for case in cases], weights)}


def _means(quotients: Sequence[ByActivation], weights: Floats) -> dict[str, Any]:
    sigmoid, softmax = (
        np.log([quotient[activation] for quotient in quotients])
        for activation in (Activation.SIGMOID, Activation.SOFTMAX)
    )
    logs = {"sigmoid": sigmoid, "softmax": softmax, "ratio": softmax - sigmoid}
    return {
        name: json_estimate(_exponential(estimate(mean_of_cases(values), weights)))
        for name, values in logs.items()
    }


def _exponential(of: Estimate) -> Estimate:
    return Estimate(math.exp(of.value), math.exp(of.low), math.exp(of.high), of.n)


def _quotient(heat: Heat, on: Mask, off: Mask) -> float:
    hot = [max(float(heat[mask].mean(dtype=np.float64)), LEAST_HEAT) for mask in (off, on)]
    return hot[0] / hot[1]


def weighted_median(values: Floats, weights: Floats) -> Floats:
    """Return the median of values in each draw, (D,).

    With whole weights it is the median of the values, each repeated as often.

    Args:
        values: (N,).
        weights: How often each is in each draw, (D, N), whole numbers.
    """
    order = np.argsort(values, kind="stable")
    heaped = weights[:, order].cumsum(axis=1)
    half = heaped[:, -1:] / 2
    lower, upper = (heaped >= half).argmax(axis=1), (heaped > half).argmax(axis=1)
    median: Floats = (values[order][lower] + values[order][upper]) / 2
    return median
