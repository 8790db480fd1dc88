"""What can go wrong while a collection is fetched.

FetchError       it cannot be fetched; the message is fit to show
Dropped          the connection broke, or the server is busy: worth another attempt
└── Unreachable  it was never there: no network, no such host, nobody listens
"""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from daug.errors import DaugError


class FetchError(DaugError):
    """A collection cannot be fetched, verified or unpacked."""


class Dropped(Exception):  # noqa: N818 - it is answered by another attempt
    """The connection broke, or the server asks to come back."""

    def __init__(self, reason: str, wait: float | None = None) -> None:
        """Say why, and the seconds that the server asks to wait, if it does."""
        super().__init__(reason)
        self.wait = wait


class Unreachable(Dropped):
    """No connection came about."""


@contextmanager
def usable(folder: Path) -> Iterator[None]:
    """Say in one sentence why a folder, or something in it, cannot be used.

    Raises:
        FetchError: Instead of any OSError.
    """
    try:
        yield
    except OSError as error:
        raise FetchError(
            f"{error.filename or folder} cannot be used ({error.strerror or error}). Name a folder "
            "that you may read and write."
        ) from error
