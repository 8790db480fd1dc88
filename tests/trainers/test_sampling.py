import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from tests.trainers.rows import row
from trainers.sampling import WeightedDraw, draw_samples, seed_from, source_weights

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
    drawn = WeightedDraw(weights)(20_000, torch.Generator().manual_seed(0))
    found = torch.bincount(drawn, minlength=4) / 20_000
    torch.testing.assert_close(found, weights, atol=0.02, rtol=0)
    assert found[1] == 0


def test_the_same_generator_draws_the_same_rows() -> None:
    weights = torch.ones(50) / 50
    first, second = (
        WeightedDraw(weights)(8, torch.Generator().manual_seed(3)).tolist() for _ in range(2)
    )
    assert first == second


@given(st.integers(0, 2**40), st.lists(st.integers(1, 7), min_size=1, max_size=5))
def test_samples_are_the_same_in_batches_of_any_size(first: int, sizes: list[int]) -> None:
    def draw(size: int, generator: torch.Generator) -> tuple[torch.Tensor, torch.Tensor]:
        return (
            torch.rand(size, generator=generator),
            torch.randn(size, 2, 3, generator=generator),
        )

    total = sum(sizes)
    at_once = draw_samples(draw, 5, range(first, first + total))
    assert [part.shape for part in at_once] == [(total,), (total, 2, 3)]
    for size in sizes:
        batch = draw_samples(draw, 5, range(first, first + size))
        for one, other in zip(batch, at_once, strict=True):
            assert (one == other[:size]).all()
        at_once = tuple(part[size:] for part in at_once)
        first += size


def test_samples_of_neighbouring_numbers_and_seeds_do_not_resemble_each_other() -> None:
    """The first numbers of 20 000 generators are as even and as white as those of one."""

    def draw(size: int, generator: torch.Generator) -> tuple[torch.Tensor]:
        return (torch.rand(size, 2, generator=generator),)

    (u,) = draw_samples(draw, 0, range(20_000))
    counts = torch.histc(u[:, 0], bins=20, min=0, max=1)
    assert float(((counts - 1000) ** 2 / 1000).sum()) < 50  # chi-squared, 19 degrees of freedom
    (other,) = draw_samples(draw, 1, range(20_000))
    pairs = torch.stack([u[:-1, 0], u[1:, 0], u[:-1, 1], other[:-1, 0]])
    correlation = torch.corrcoef(pairs) - torch.eye(4)
    assert float(correlation.abs().max()) < 0.03


def test_a_seed_hangs_on_every_word() -> None:
    seeds = {seed_from(*words) for words in [("a", 1), ("a", 2), ("b", 1), ("a", 1, 0), ("a1",)]}
    assert len(seeds) == 5
