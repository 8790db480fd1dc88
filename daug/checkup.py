"""Is everything in order? One check a subject, each with what was found or what is to be done."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

from daug.errors import DaugError

Look = Callable[[], str]  # what was found; a DaugError says what is wrong and what to do


@dataclass(frozen=True)
class Check:
    """How one check came out."""

    name: str
    ok: bool
    message: str  # what was found, and if it is not in order what to do


def carry_out(looks: Iterable[tuple[str, Look]]) -> Iterator[Check]:
    """Look at one thing after the other; nothing that is broken keeps the others from their turn.

    Args:
        looks: The name of each check and how it is done.
    """
    for name, look in looks:
        try:
            yield Check(name, True, look())
        except DaugError as error:
            yield Check(name, False, str(error))
        except Exception as error:  # noqa: BLE001 - a broken library can raise whatever it likes
            yield Check(name, False, f"{_first_line(error)}. Set DAug up again with `make app`.")


def _first_line(error: Exception) -> str:
    lines = str(error).strip().splitlines()
    return f"{type(error).__name__}: {lines[0].rstrip('.')}" if lines else type(error).__name__
