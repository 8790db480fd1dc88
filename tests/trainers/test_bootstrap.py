import numpy as np
import pytest

from trainers.evaluation.bootstrap import Floats, bootstrap, draw_patients, estimate


def people(count: int, images: int = 1) -> list[str]:
    return [f"p{i}" for i in range(count) for _ in range(images)]


def test_the_interval_of_a_mean_is_the_normal_one() -> None:
    """The standard error of a mean is known: sd / sqrt(n)."""
    values = np.random.default_rng(1).normal(5, 2, 400)
    found = bootstrap(
        lambda w: w @ values / w.sum(axis=1), people(400), np.random.default_rng(0), 4000
    )
    half = 1.96 * values.std() / np.sqrt(400)
    assert found.value == pytest.approx(values.mean())
    assert found.n == 400
    assert found.low == pytest.approx(values.mean() - half, abs=0.1 * half)
    assert found.high == pytest.approx(values.mean() + half, abs=0.1 * half)


def test_ten_images_of_a_patient_are_one_patient() -> None:
    """With every image repeated ten times within its patient, the interval must not shrink."""
    values = np.random.default_rng(1).normal(size=50)
    repeated = np.repeat(values, 10)

    def width(chosen: Floats, patients: list[str]) -> float:
        found = bootstrap(
            lambda w: w @ chosen / w.sum(axis=1), patients, np.random.default_rng(0), 2000
        )
        return found.high - found.low

    assert width(repeated, people(50, 10)) == pytest.approx(width(values, people(50)), rel=1e-9)
    assert width(repeated, people(500)) < 0.4 * width(values, people(50))


def test_a_draw_holds_as_many_patients_as_there_are_and_each_whole() -> None:
    patients = ["b", "a", "b", "c", "a", "b"]
    weights = draw_patients(patients, np.random.default_rng(0), 500)
    assert weights.shape == (500, 6)
    assert (weights[:, 0] == weights[:, 2]).all()
    assert (weights[:, 0] == weights[:, 5]).all()
    assert (weights[:, 1] == weights[:, 4]).all()
    assert (weights[:, [0, 1, 3]].sum(axis=1) == 3).all()


def test_the_same_generator_gives_the_same_interval() -> None:
    values = np.random.default_rng(1).normal(size=30)
    first, second = (
        bootstrap(lambda w: w @ values / w.sum(axis=1), people(30), np.random.default_rng(7))
        for _ in range(2)
    )
    assert first == second


def undefined_in(share: float, draws: int = 1000) -> Floats:
    """Draws of two patients, of which the first lacks in this share of them."""
    weights = np.ones((draws, 2))
    weights[: round(share * draws), 0] = 0
    return weights


def first_only(weights: Floats) -> Floats:
    return np.where(weights[:, 0] > 0, weights[:, 0], np.nan)


def test_draws_without_a_figure_are_skipped_while_they_are_few() -> None:
    found = estimate(first_only, undefined_in(0.05))
    assert (found.value, found.low, found.high, found.n) == (1, 1, 1, 2)


def test_too_many_draws_without_a_figure_leave_no_interval() -> None:
    found = estimate(first_only, undefined_in(0.06))
    assert found.value == 1
    assert np.isnan([found.low, found.high]).all()


def test_one_patient_has_no_interval() -> None:
    found = bootstrap(lambda w: w.mean(axis=1), people(1, 5), np.random.default_rng(0))
    assert found.value == 1
    assert np.isnan([found.low, found.high]).all()


def test_nobody_at_all_has_neither_figure_nor_interval() -> None:
    found = bootstrap(lambda w: np.full(len(w), np.nan), [], np.random.default_rng(0))
    assert np.isnan([found.value, found.low, found.high]).all()
    assert found.n == 0
