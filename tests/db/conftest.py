from collections.abc import Iterator
from pathlib import Path

import pytest

from db.library import Library, init_library


@pytest.fixture
def library(tmp_path: Path) -> Iterator[Library]:
    """An empty library."""
    opened = init_library(tmp_path / "library")
    yield opened
    opened.close()
