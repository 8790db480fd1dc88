"""A bar on the terminal while something takes long; nothing where nobody watches."""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from daug.import_report import Progress


@contextmanager
def watched(unit: str) -> Iterator[Callable[[Progress], None] | None]:
    """Yield what moves a bar on standard error, or None if that is no terminal.

    Args:
        unit: What is counted, in the plural.
    """
    if not sys.stderr.isatty():
        yield None
        return
    from rich.console import Console
    from rich.progress import BarColumn, TextColumn
    from rich.progress import Progress as Bar

    with Bar(TextColumn("{task.description}"), BarColumn(), console=Console(stderr=True)) as bar:
        task = bar.add_task(f"Reading {unit}", total=None)
        yield lambda now: bar.update(
            task, total=now.total, completed=now.done, description=sentence(now, unit)
        )


def sentence(now: Progress, unit: str) -> str:
    """Return how far it is, how quickly it goes, and how long it still takes."""
    told = f"{now.done} of {now.total} {unit}, {now.rate:.{0 if now.rate >= 10 else 1}f} a second"
    if not now.done:
        return told
    left = int(now.seconds_left)
    return f"{told}, {left // 60} min {left % 60:02d} s left"
