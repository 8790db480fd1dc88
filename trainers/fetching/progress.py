"""A bar on the terminal while files come; a line in the log where nobody watches."""

import logging
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from trainers.fetching.transfer import Watch

LOG_EVERY = 60.0  # seconds
log = logging.getLogger(__name__)


@contextmanager
def watched(clock: Callable[[], float]) -> Iterator[Watch]:
    """Yield what is told of every piece that comes.

    Args:
        clock: Seconds since whenever.
    """
    if not sys.stderr.isatty():
        yield _logged(clock)
        return
    from rich.console import Console
    from rich.progress import (
        BarColumn,
        DownloadColumn,
        Progress,
        TaskID,
        TextColumn,
        TimeRemainingColumn,
        TransferSpeedColumn,
    )

    columns = (BarColumn(), DownloadColumn(), TransferSpeedColumn(), TimeRemainingColumn())
    tasks: dict[str, TaskID] = {}
    with Progress(TextColumn("{task.description}"), *columns, console=Console(stderr=True)) as bar:

        def show(name: str, received: int, total: int | None) -> None:
            if name not in tasks:  # what an earlier run brought says nothing of the speed
                tasks[name] = bar.add_task(name, total=total, completed=received)
            bar.update(tasks[name], total=total, completed=received)

        yield show


def _logged(clock: Callable[[], float]) -> Watch:
    last = clock()

    def tell(name: str, received: int, total: int | None) -> None:
        nonlocal last
        if clock() - last >= LOG_EVERY:
            last = clock()
            log.info("%s: %s of %s bytes", name, f"{received:,}", f"{total:,}" if total else "?")

    return tell
