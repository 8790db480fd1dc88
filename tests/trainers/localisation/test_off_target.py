import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from daug.bundle import Bundle, DataSource, read_bundle, write_bundle
from daug.errors import BundleError
from daug.findings import Activation, Direction, Finding
from daug.organs import OrganMasks
from daug.phantom import PAIRS, Phantom
from trainers.evaluation.localisation.off_target import (
    OffTargetCase,
    measure_maps,
    off_target,
    summary,
    weighted_median,
)

HEART, FLUID = Finding.CARDIOMEGALY, Finding.PLEURAL_EFFUSION
SIZE = 64


def phantom() -> Phantom:
    """A heart and an effusion that share two rows."""
    heart, fluid = np.zeros((2, SIZE, SIZE), dtype=np.bool_)
    heart[10:20, 10:20] = True
    fluid[18:30, 10:20] = True
    blank = np.zeros((SIZE, SIZE), dtype=np.bool_)
    return Phantom(
        np.zeros((SIZE, SIZE), dtype=np.float32),
        {HEART: heart, FLUID: fluid},
        OrganMasks(blank, blank, heart),
    )


def change(on: float, shared: float, off: float) -> NDArray[np.float32]:
    """A signed map: what vanished is negative."""
    values = np.full((SIZE, SIZE), 7.0, dtype=np.float32)  # elsewhere, which counts for nothing
    values[10:18, 10:20], values[18:20, 10:20], values[20:30, 10:20] = on, shared, off
    return values


def both(values: NDArray[np.float32]) -> dict[Activation, NDArray[np.float32]]:
    return dict.fromkeys(Activation, values)


def case(sigmoid: float, softmax: float, seed: int = 0, strength: float = 1.0) -> OffTargetCase:
    """The target loses 0.5, the other finding as much times the quotient."""
    maps = {
        Activation.SIGMOID: change(-0.5, -0.5, -0.5 * sigmoid),
        Activation.SOFTMAX: np.float32(strength) * change(-0.5, -0.5, -0.5 * softmax),
    }
    found = measure_maps(phantom(), seed, HEART, FLUID, Direction.LESS, maps)
    assert found is not None
    return found


def more(cases: list[OffTargetCase]) -> list[OffTargetCase]:
    return [replace(case, direction=Direction.MORE) for case in cases]


def test_off_target_is_the_mean_heat_outside_over_the_mean_heat_on_target() -> None:
    maps = both(change(-2.0, -7.0, -1.5))
    found = measure_maps(phantom(), 0, HEART, FLUID, Direction.LESS, maps)
    # Target: 80 pixels of 2 and 20 shared ones of 7, mean 3; off target: 100 pixels of 1.5.
    assert found is not None
    assert found.quotient[Activation.SIGMOID] == pytest.approx(0.5)
    other_way = measure_maps(phantom(), 0, FLUID, HEART, Direction.LESS, maps)
    # Target: the fluid's 20 shared pixels of 7 and 100 of 1.5; off target: 80 pixels of 2.
    assert other_way is not None
    assert other_way.quotient[Activation.SIGMOID] == pytest.approx(2 / ((20 * 7 + 100 * 1.5) / 120))


def test_heat_of_the_other_sign_is_heat_but_not_what_was_asked_for() -> None:
    maps = both(change(-0.5, -0.5, 0.4))  # less of the heart, drawn as more fluid
    found = measure_maps(phantom(), 0, HEART, FLUID, Direction.LESS, maps)
    assert found is not None
    assert found.quotient[Activation.SOFTMAX] == pytest.approx(0.8)
    assert found.asked[Activation.SOFTMAX] == pytest.approx(1e-4 / 0.5)  # none, so the floor
    other = measure_maps(phantom(), 0, HEART, FLUID, Direction.MORE, both(change(0.5, 0.5, 0.4)))
    assert other is not None
    assert other.asked[Activation.SOFTMAX] == pytest.approx(0.8)


def test_a_weaker_map_wins_nothing() -> None:
    strong, weak = case(0.8, 0.4), case(0.8, 0.4, strength=0.01)
    for activation in Activation:
        assert strong.quotient[activation] == pytest.approx(weak.quotient[activation], rel=1e-5)


def test_a_finding_that_hides_behind_the_target_does_not_count() -> None:
    covered = phantom()
    masks = {**covered.masks, FLUID: covered.masks[HEART].copy()}
    hidden = Phantom(covered.pixels, masks, covered.organs)
    maps = both(change(1, 1, 1))
    assert measure_maps(hidden, 0, HEART, FLUID, Direction.LESS, maps) is None


def test_the_summary_has_the_known_quotients_and_their_ratio() -> None:
    cases = [case(0.8, 0.2, seed) for seed in range(10)]
    found = summary(cases + more(cases), draws=50)
    for figures in (found, found["asked"], found["more"], found["pairs"][0]):
        for name, value in (("sigmoid", 0.8), ("softmax", 0.2), ("ratio", 0.25)):
            figure = {key: pytest.approx(value, rel=1e-5) for key in ("value", "low", "high")}
            assert figures[name] == {**figure, "n": 10}
    assert found["pairs"][0]["target"] == HEART


def test_phantoms_count_alike_and_double_weighs_as_much_as_half() -> None:
    cases = [case(0.5, 0.25, 0), case(2.0, 4.0, 1)]
    found = summary(cases + more(cases), draws=50)
    assert found["sigmoid"]["value"] == pytest.approx(1.0, rel=1e-5)
    assert found["softmax"]["value"] == pytest.approx(1.0, rel=1e-5)
    assert found["ratio"]["value"] == pytest.approx(1.0, rel=1e-5)


def test_the_ratio_is_drawn_with_both_activations_together() -> None:
    """Activations that vary alike leave a ratio that does not vary at all."""
    generator = np.random.default_rng(0)
    cases = [case(v, v / 2, seed) for seed, v in enumerate(generator.uniform(0.1, 2, 30))]
    found = summary(cases + more(cases), draws=200)
    assert found["sigmoid"]["high"] > 1.2 * found["sigmoid"]["low"]
    assert found["ratio"]["low"] == pytest.approx(0.5, rel=1e-5)
    assert found["ratio"]["high"] == pytest.approx(0.5, rel=1e-5)


def test_the_two_targets_of_a_phantom_are_drawn_as_one() -> None:
    """Twice the same phantoms give the interval of once, not one that is narrower."""
    generator = np.random.default_rng(0)
    cases = [case(v, 0.3, seed) for seed, v in enumerate(generator.uniform(0.1, 2, 20))]
    once = summary(cases + more(cases), draws=400)["sigmoid"]
    twice = summary(2 * cases + more(cases), draws=400)["sigmoid"]
    assert twice["low"] == pytest.approx(once["low"], rel=1e-6)
    assert twice["n"] == 2 * once["n"]


@given(
    st.lists(st.tuples(st.floats(-5, 5), st.integers(0, 4)), min_size=1, max_size=12).filter(
        lambda pairs: any(times for _, times in pairs)
    )
)
def test_the_weighted_median_is_that_of_the_values_repeated(
    pairs: list[tuple[float, int]],
) -> None:
    values = np.array([value for value, _ in pairs])
    times = np.array([times for _, times in pairs])
    found = weighted_median(values, times[None].astype(float))[0]
    assert found == pytest.approx(np.median(np.repeat(values, times)))


def test_bundles_of_phantoms_are_measured_by_rising_rho(
    tmp_path: Path, tiny_phantom_bundle: Bundle
) -> None:
    for rho in (0.8, 0.0):
        folder = tmp_path / f"rho-{rho:.2f}"
        _copy(tiny_phantom_bundle, folder, rho)
    rows = off_target(tmp_path, n=len(PAIRS), draws=20)
    assert [row["rho"] for row in rows] == [0.0, 0.8]
    for row in rows:
        assert row["ratio"]["value"] == pytest.approx(
            row["softmax"]["value"] / row["sigmoid"]["value"]
        )
        assert row["sigmoid"]["n"] <= 2 * len(PAIRS)
        assert {(p["target"], p["other"]) for p in row["pairs"]} <= {
            pair for one, other in PAIRS for pair in ((one, other), (other, one))
        }
    assert rows[0]["sigmoid"] == rows[1]["sigmoid"]  # of the same networks


def test_a_folder_without_such_bundles_is_refused(tmp_path: Path, tiny_bundle: Bundle) -> None:
    with pytest.raises(BundleError, match="daug train phantom"):
        off_target(tmp_path)
    shutil.copytree(tiny_bundle.folder, tmp_path / "of-radiographs")
    with pytest.raises(BundleError, match="daug train phantom"):
        off_target(tmp_path)


@pytest.fixture(scope="module")
def tiny_phantom_bundle(make_bundle) -> Bundle:  # type: ignore[no-untyped-def]
    bundle: Bundle = make_bundle(untrained=set(), size=64)
    return bundle


def _copy(bundle: Bundle, folder: Path, rho: float) -> None:
    shutil.copytree(bundle.folder, folder)
    phantoms = DataSource("phantom", licence="Apache-2.0", attribution="drawn", images={"unet": 1})
    described = replace(
        read_bundle(folder),
        data=(phantoms,),
        training={"co_occurrence": {"rho": rho}},
        recipe=replace(bundle.recipe, num_steps=2),
    )
    write_bundle(described, described.files)
