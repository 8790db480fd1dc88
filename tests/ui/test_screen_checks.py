"""The doctor says whether the screen can be shown."""

import shutil
import socket
from pathlib import Path

import pytest

from daug.errors import DaugError
from ui import page, screen_checks, typesetting


def test_fonts_that_are_not_there_are_told(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    assert screen_checks.fonts().startswith("both fonts")
    monkeypatch.setattr(typesetting, "FONTS", tmp_path)
    with pytest.raises(
        DaugError, match=r"(not there|cannot be loaded).* Take DAug's checkout again"
    ):
        screen_checks.fonts()
    (tmp_path / "DejaVuSansCondensed.ttf").write_bytes(b"no font")
    with pytest.raises(
        DaugError, match=r"(not there|cannot be loaded).* Take DAug's checkout again"
    ):
        screen_checks.fonts()


def test_the_files_that_are_looked_for_are_those_that_are_served() -> None:
    assert set(screen_checks.named_files()) == {path.name for path in page.ASSETS.iterdir()}


@pytest.mark.parametrize("damage", ["gone", "empty", "no text"])
def test_a_screen_file_that_cannot_be_served_is_told(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, damage: str
) -> None:
    assets = tmp_path / "ui"
    shutil.copytree(page.ASSETS, assets)
    monkeypatch.setattr(page, "ASSETS", assets)
    screen_checks.screen_files()
    if damage == "gone":
        (assets / "page.css").unlink()
    else:
        (assets / "page.css").write_bytes(b"" if damage == "empty" else b"\xff")
    with pytest.raises(DaugError, match=r"page\.css .* Take DAug's checkout again"):
        screen_checks.screen_files()


def test_a_port_that_is_taken_is_told_and_a_free_one_is_left_free() -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        number = other.getsockname()[1]
        other.listen()
        with pytest.raises(DaugError, match=f"Port {number} of 127.0.0.1 cannot be used"):
            screen_checks.port("127.0.0.1", number)
    for _ in range(2):
        assert screen_checks.port("127.0.0.1", number) == f"port {number} of 127.0.0.1 is free"
