"""One clock for all processes of a training: how long it runs, and what is due."""

import time
from collections.abc import Callable
from dataclasses import dataclass

import torch
from accelerate import Accelerator
from accelerate.utils import broadcast


@dataclass(frozen=True)
class Tick:
    """What the clock said after a step."""

    seconds: float  # since the last tick
    due: frozenset[str]


class Clock:
    """Tells every process the main process's time, so that all save, report and end together."""

    def __init__(
        self,
        accelerator: Accelerator,
        intervals: dict[str, float],
        now: Callable[[], float] = time.monotonic,
    ) -> None:
        """Start the clock.

        Args:
            accelerator: Knows the other processes.
            intervals: Seconds between two times that something is due, by its name.
            now: The time in seconds, from any beginning.
        """
        self._accelerator, self._intervals, self._now = accelerator, intervals, now
        self._last_tick = now()
        self._last_due = dict.fromkeys(intervals, self._last_tick)

    def tick(self) -> Tick:
        """Return the time since the last tick, and what is due; each thing once an interval."""
        now = self._now()
        due = [now - self._last_due[what] >= self._intervals[what] for what in self._intervals]
        told = torch.tensor([now - self._last_tick, *due], dtype=torch.float32)
        told = broadcast(told.to(self._accelerator.device)).tolist()
        self._last_tick = now
        names = frozenset(
            what for what, flag in zip(self._intervals, told[1:], strict=True) if flag
        )
        self._last_due.update(dict.fromkeys(names, now))
        return Tick(told[0], names)
