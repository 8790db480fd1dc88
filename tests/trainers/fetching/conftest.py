"""A source on loopback, and how the tests stand to network, disk and time."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from tests.trainers.fetching.source import Source
from trainers.fetching.partial import Partial
from trainers.fetching.record import RemoteFile
from trainers.fetching.transfer import Line, receive

CONTENT = bytes(range(256)) * 4096  # 1 MiB, no two pieces of which are alike by chance


@dataclass
class Calm:
    """A line that never waits, and remembers what it was told."""

    room: int = 10**12
    waited: list[float] = field(default_factory=list)
    seen: list[tuple[str, int, int | None]] = field(default_factory=list)

    def line(self, patience: float = 20.0) -> Line:
        return Line(
            self.waited.append,
            lambda: self.room,
            lambda name, received, total: self.seen.append((name, received, total)),
            patience,
        )


@pytest.fixture(autouse=True)
def _no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("no_proxy", "*")


@pytest.fixture
def calm() -> Calm:
    return Calm()


@pytest.fixture
def source() -> Iterator[Source]:
    with Source({"a.bin": CONTENT}).serving() as serving:
        yield serving


@pytest.fixture
def partial(source: Source, tmp_path: Path) -> Partial:
    return Partial(tmp_path, RemoteFile("a.bin", source.url("a.bin")))


def received(partial: Partial, calm: Calm, patience: float = 20.0) -> bytes:
    receive(partial, calm.line(patience))
    return partial.path.read_bytes()
