"""Drawings that are timed, watched and stopped."""

from collections.abc import Iterator
from itertools import count
from threading import Event

import numpy as np
import pytest

from daug.errors import EngineError
from daug.heatmap import Preview
from daug.workstation import Drawing
from tests.ui import phantoms
from ui import wording
from ui.drawing_clock import finish_timed
from ui.followed_drawing import FollowedDrawing
from ui.readings import Reading, Readings

RECIPE, OTHER = (phantoms.bundle().recipe_for(name) for name in ("no finding", "pleural"))
NOTHING = np.zeros((1, 8, 8), dtype=np.float32)


def previews(first: int, closed: list[str]) -> Drawing:
    try:
        for done in range(first, 5):
            yield Preview(done, 4, 400 - 100 * done, NOTHING)
    finally:
        closed.append("closed")
    return ()


def ticks(*times: float) -> Iterator[float]:
    yield from times


def test_encoding_ends_where_the_first_preview_says_that_no_step_is_done() -> None:
    clock = ticks(10, 13, 14, 15, 16, 17, 17.5)
    _, seconds = finish_timed(previews(0, []), clock=lambda: next(clock))
    assert (seconds.encode, seconds.decode) == (3, 4.5)


def test_otherwise_encoding_is_what_the_first_step_took_too_long() -> None:
    clock = ticks(10, 15, 16, 17, 18, 18)
    _, seconds = finish_timed(previews(1, []), clock=lambda: next(clock))
    assert (seconds.encode, seconds.decode) == (4, 4)


def test_stop_closes_the_drawing_after_the_step_under_way() -> None:
    closed: list[str] = []
    stop = Event()
    followed = FollowedDrawing(previews(0, closed), stop, clock=lambda: 0.0)
    for preview in followed:
        assert preview.done == 0
        stop.set()
    assert followed.stopped
    assert followed.reached == "step 0 of 4"
    assert closed == ["closed"]
    assert followed.heatmaps == ()


def test_a_viewer_who_goes_away_closes_the_drawing() -> None:
    closed: list[str] = []
    steps = iter(FollowedDrawing(previews(0, closed), Event()))
    next(steps)
    del steps
    assert closed == ["closed"]


def test_a_drawing_that_was_stopped_before_it_began_is_never_begun() -> None:
    closed: list[str] = []
    stop = Event()
    stop.set()
    followed = FollowedDrawing(previews(0, closed), stop)
    assert list(followed) == []
    assert followed.stopped
    assert closed == []


def test_previews_come_a_few_times_a_second_and_no_step_is_lost() -> None:
    clock = (0.1 * tick for tick in count())
    followed = FollowedDrawing(previews(0, []), Event(), clock=lambda: next(clock))
    assert [preview.done for preview in followed] == [0, 3]
    assert not followed.stopped
    assert followed.reached == "step 4 of 4"


def test_an_error_on_the_way_is_told_and_closes_the_drawing() -> None:
    def breaks() -> Drawing:
        yield Preview(0, 4, 400, NOTHING)
        raise EngineError("Step 1 of 4 gave values that are not numbers.")

    with pytest.raises(EngineError, match="not numbers"):
        list(FollowedDrawing(breaks(), Event()))


def reading() -> Reading:
    radiograph = phantoms.radiograph(100, 80)
    models = phantoms.bundle()
    return Reading(radiograph, radiograph.model_input(64), phantoms.scores(models))


def test_the_radiograph_looked_at_longest_ago_is_closed_first() -> None:
    readings = Readings(most=2)
    first, second = reading(), reading()
    first_key, second_key = readings.open(first), readings.open(second)
    assert readings.get(first_key) is first
    second.ask([RECIPE])
    turn = second.take([RECIPE])
    readings.open(reading())
    assert readings.get(second_key) is None
    assert readings.get(first_key) is first
    assert turn is not None
    assert turn.stop.is_set()  # nobody can see what is drawn of it


def test_a_key_that_nobody_was_given_opens_nothing() -> None:
    readings = Readings()
    key = readings.open(reading())
    assert readings.get(None) is None
    assert readings.get(key[:-1]) is None
    readings.close(key)
    assert readings.get(key) is None


def test_asking_again_stops_what_is_drawn_and_only_the_last_is_drawn() -> None:
    open_one = reading()
    open_one.ask([RECIPE])
    first = open_one.take([RECIPE])
    assert first is not None
    open_one.ask([OTHER])
    assert first.stop.is_set()
    assert open_one.take([RECIPE]) is None  # asked for before, and waiting in line since
    second = open_one.take([OTHER])
    assert second is not None
    assert not second.stop.is_set()
    assert open_one.take([OTHER]) is None  # one click, one drawing


def test_closing_a_radiograph_stops_what_is_drawn_of_it() -> None:
    readings, open_one = Readings(), reading()
    key = readings.open(open_one)
    open_one.ask([RECIPE])
    turn = open_one.take([RECIPE])
    readings.close(key)
    assert turn is not None
    assert turn.stop.is_set()


def test_the_way_up_into_noise_is_told_too() -> None:
    up = Preview(0, 25, 100, NOTHING, encoded=3, encode_total=24)
    assert wording.step(up) == "adding noise, step 3 of 24"
    assert wording.step(Preview(2, 25, 100, NOTHING, 24, 24)) == "step 2 of 25"
