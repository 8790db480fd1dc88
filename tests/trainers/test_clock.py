import pytest
from accelerate import Accelerator
from hypothesis import given
from hypothesis import strategies as st

from trainers.clock import Clock


def test_each_thing_is_due_at_its_own_interval() -> None:
    now = [0.0]
    clock = Clock(Accelerator(), {"log": 10.0, "checkpoint": 25.0}, now=lambda: now[0])
    seen = []
    for second in range(1, 61):
        now[0] = second
        seen += [(second, what) for what in clock.tick().due]
    assert [s for s, what in seen if what == "log"] == [10, 20, 30, 40, 50, 60]
    assert [s for s, what in seen if what == "checkpoint"] == [25, 50]


@given(st.lists(st.floats(0, 100), max_size=20))
def test_ticks_add_up_to_the_time_that_went_by(steps: list[float]) -> None:
    now = [7.0]
    clock = Clock(Accelerator(), {"log": 1e9}, now=lambda: now[0])
    told = 0.0
    for step in steps:
        now[0] += step
        told += clock.tick().seconds
    assert told == pytest.approx(sum(steps), rel=1e-5, abs=1e-5)
