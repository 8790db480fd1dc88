"""One at a time, and whoever waits in front of a screen goes before work in the background."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager


class Turns:
    """Who may use what only one thread can use at a time."""

    def __init__(self) -> None:
        self._condition = threading.Condition()
        self._busy = False
        self._waiting = 0  # of those who go first

    @contextmanager
    def first(self) -> Iterator[None]:
        """Take the next turn."""
        with self._condition:
            self._waiting += 1
            try:
                self._condition.wait_for(lambda: not self._busy)
                self._busy = True
            finally:
                self._waiting -= 1
        with self._freed():
            yield

    @contextmanager
    def when_nobody_waits(self) -> Iterator[None]:
        """Take a turn that nobody else wants."""
        with self._condition:
            self._condition.wait_for(lambda: not (self._busy or self._waiting))
            self._busy = True
        with self._freed():
            yield

    @contextmanager
    def _freed(self) -> Iterator[None]:
        try:
            yield
        finally:
            with self._condition:
                self._busy = False
                self._condition.notify_all()
