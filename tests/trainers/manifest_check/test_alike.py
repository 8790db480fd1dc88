"""Pairs are found whichever block they fall into, and all of them."""

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from numpy.typing import NDArray

from trainers.manifest_check import alike
from trainers.manifest_check.alike import NearPair, near_pairs, same_digest


def hashes(count: int, seed: int = 0) -> NDArray[np.uint64]:
    return np.random.default_rng(seed).integers(0, 2**64, (count, 4), dtype=np.uint64)


def flipped(code: NDArray[np.uint64], bits: int) -> NDArray[np.uint64]:
    """Return a hash that differs in its first so many bits."""
    changed = np.unpackbits(code.view(np.uint8))
    changed[:bits] ^= 1
    return np.packbits(changed).view(np.uint64)


@example(3, 60, 36)
@example(3, 60, 37)
@given(st.integers(0, 70), st.integers(0, 70), st.integers(0, 60))
def test_a_planted_pair_is_found_up_to_the_limit(first: int, second: int, bits: int) -> None:
    words = hashes(71)
    if first == second:
        return
    words[second] = flipped(words[first], bits)
    low, high = sorted((first, second))
    assert near_pairs(words, 2) == ([NearPair(bits, low, high)] if bits <= 36 else [])


def test_blocks_change_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    words = hashes(60)
    words[40:] = [flipped(code, 20 - place) for place, code in enumerate(words[:20])]
    whole = near_pairs(words)
    monkeypatch.setattr(alike, "ROWS", 7)
    monkeypatch.setattr(alike, "COLUMNS", 5)
    assert near_pairs(words, 3) == whole
    assert len(whole) == 20
    assert [pair.bits for pair in whole] == sorted(pair.bits for pair in whole)


def test_one_picture_or_none_has_no_pair() -> None:
    assert near_pairs(hashes(1)) == near_pairs(hashes(0)) == []


def test_groups_of_digests_leave_out_what_was_not_read() -> None:
    assert same_digest(["a", None, "b", "a", None, "a"]) == [(0, 3, 5)]
