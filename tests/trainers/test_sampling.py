import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from tests.trainers.rows import row
from trainers.sampling import draw_indices, source_weights

counts = st.dictionaries(
    st.sampled_from("abcde"), st.integers(1, 50), min_size=1
)  # source -> number of rows


def shares(sizes: dict[str, int], balance: float) -> dict[str, float]:
    """Chance of each source."""
    rows = [row(f"{s}{i}", source=s) for s, count in sizes.items() for i in range(count)]
    weights = source_weights(rows, balance)
    assert float(weights.sum()) == pytest.approx(1, abs=1e-5)
    return {
        s: sum(float(w) for w, r in zip(weights, rows, strict=True) if r.source == s) for s in sizes
    }


@given(counts)
def test_at_balance_0_all_sources_are_alike(sizes: dict[str, int]) -> None:
    for share in shares(sizes, 0).values():
        assert share == pytest.approx(1 / len(sizes), abs=1e-5)


@given(counts)
def test_at_balance_1_all_rows_are_alike(sizes: dict[str, int]) -> None:
    for source, share in shares(sizes, 1).items():
        assert share == pytest.approx(sizes[source] / sum(sizes.values()), abs=1e-5)


def test_between_them_a_source_counts_by_its_size_to_the_power_of_balance() -> None:
    assert shares({"large": 100, "small": 4}, 0.5)["large"] == pytest.approx(10 / 12)


def test_rows_are_drawn_by_their_weights_with_replacement() -> None:
    weights = torch.tensor([0.5, 0.0, 0.3, 0.2])
    drawn = draw_indices(weights, 20_000, torch.Generator().manual_seed(0))
    found = torch.bincount(drawn, minlength=4) / 20_000
    torch.testing.assert_close(found, weights, atol=0.02, rtol=0)
    assert found[1] == 0


def test_the_same_generator_draws_the_same_rows() -> None:
    weights = torch.ones(50) / 50
    first, second = (
        draw_indices(weights, 8, torch.Generator().manual_seed(3)).tolist() for _ in range(2)
    )
    assert first == second
