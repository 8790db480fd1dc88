"""Which hits moved between two rankings of the same question, with and without the heatmap."""

from collections.abc import Mapping, Sequence

from daug.case import SearchHit

NEW = "▲ new"  # it is among the hits of this ranking alone


def moves(now: Sequence[SearchHit], other: Sequence[SearchHit]) -> Mapping[int, str]:
    """Return what stands beside each case of a ranking, by its number: "▲3", "▼1", "▲ new", "".

    Args:
        now: The ranking that is shown.
        other: The ranking that it is compared with; where that has no hits, nothing moved.
    """
    before = {hit.case.case_id: hit.rank for hit in other}
    return {
        hit.case.case_id: _arrow(before.get(hit.case.case_id), hit.rank) if before else ""
        for hit in now
    }


def fallen_out(now: Sequence[SearchHit], other: Sequence[SearchHit]) -> int:
    """Return how many hits of the other ranking are not among those shown."""
    shown = {hit.case.case_id for hit in now}
    return sum(hit.case.case_id not in shown for hit in other)


def _arrow(before: int | None, now: int) -> str:
    if before is None:
        return NEW
    if before == now:
        return ""
    return f"▲{before - now}" if before > now else f"▼{now - before}"
