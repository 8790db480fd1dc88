import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from daug.errors import ManifestError
from daug.findings import Finding
from daug.phantom import DRAWN, PAIRS, CoOccurrence
from daug.phantom.co_occurrence import ALONE

DRAWS = 20_000
rhos = st.floats(0, 1)
prevalences = st.floats(0.02, 0.98)


@given(rhos, prevalences)
def test_the_joint_chances_have_the_prevalence_and_the_correlation_that_were_asked_for(
    rho: float, p: float
) -> None:
    joint = CoOccurrence(rho, p).joint
    assert all(chance >= -1e-12 for chance in joint.values())
    assert sum(joint.values()) == pytest.approx(1)
    one = joint[True, True] + joint[True, False]
    other = joint[True, True] + joint[False, True]
    assert [one, other] == pytest.approx([p, p])
    covariance = joint[True, True] - one * other
    assert covariance / (p * (1 - p)) == pytest.approx(rho, abs=1e-9)


@given(rhos, rhos, prevalences)
def test_a_finding_is_likelier_beside_its_partner_the_higher_rho_is(
    one: float, other: float, p: float
) -> None:
    low, high = sorted((one, other))
    assert CoOccurrence(low, p).given_partner <= CoOccurrence(high, p).given_partner + 1e-12
    assert CoOccurrence(low, p).given_none >= CoOccurrence(high, p).given_none - 1e-12


def test_without_correlation_the_partner_says_nothing() -> None:
    rates = CoOccurrence(0.0)
    assert rates.given_partner == rates.given_none == rates.prevalence


@pytest.mark.parametrize("rho", [0.0, 0.5, 0.8, 0.95])
def test_drawn_labels_correlate_within_pairs_by_rho_and_between_pairs_not_at_all(
    rho: float,
) -> None:
    rates, generator = CoOccurrence(rho), np.random.default_rng(1)
    drawn = [rates.draw(generator) for _ in range(DRAWS)]
    table = np.array([[finding in found for finding in DRAWN] for found in drawn], dtype=float)
    assert table.mean(axis=0) == pytest.approx(rates.prevalence, abs=4 * 0.46 / DRAWS**0.5)
    correlation = np.corrcoef(table.T)
    for i, first in enumerate(DRAWN):
        for j, second in enumerate(DRAWN[:i]):
            paired = any({first, second} == set(pair) for pair in PAIRS)
            assert correlation[i, j] == pytest.approx(rho if paired else 0, abs=4 / DRAWS**0.5)


def test_every_drawn_finding_has_one_partner_or_none() -> None:
    assert sorted([*(finding for pair in PAIRS for finding in pair), *ALONE]) == sorted(DRAWN)


@pytest.mark.parametrize(("rho", "p"), [(-0.1, 0.3), (1.1, 0.3), (0.5, 0.0), (0.5, 1.0)])
def test_impossible_rates_are_refused(rho: float, p: float) -> None:
    with pytest.raises(ManifestError, match=r"rho must be in 0\.\.1"):
        CoOccurrence(rho, p)


def test_a_finding_in_two_pairs_is_refused() -> None:
    twice = ((Finding.EDEMA, Finding.ATELECTASIS), (Finding.EDEMA, Finding.LUNG_LESION))
    with pytest.raises(ManifestError, match="one pair or in none"):
        CoOccurrence(0.5, pairs=twice)
