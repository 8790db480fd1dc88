"""The first screen, in a real browser, over a workstation of phantoms."""

import json
import os
import re
import shutil
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import pytest
from PIL import Image

from tests.ui import phantoms
from ui import wording
from ui.heat_picture import gray

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
CHROMIUM_ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--no-first-run",
]
PATIENCE = 60_000  # milliseconds

pytestmark = pytest.mark.browser


@dataclass
class Server:
    url: str
    log: Path
    files: Path  # its temporary folder

    def given_up(self) -> int:
        return self.log.read_text().count("closed")


def serve(folder: Path, seconds_per_step: float) -> Iterator[Server]:
    log, files = folder / "log", folder / "files"
    files.mkdir()
    command = [sys.executable, "-m", "tests.ui.serve_phantoms", str(seconds_per_step)]
    environment = {**os.environ, "TMPDIR": str(files), "PYTHONUNBUFFERED": "1"}
    with log.open("w") as output:
        process = subprocess.Popen(
            command, stdout=output, cwd=Path(__file__).parents[2], env=environment
        )
    try:
        until(lambda: "\n" in log.read_text() or process.poll() is not None)
        yield Server(json.loads(log.read_text().splitlines()[0])["url"], log, files)
    finally:
        process.terminate()
        process.wait(20)
    assert list(files.iterdir()) == []  # uploads do not outlive the server


def until(true: Callable[[], object], seconds: float = 60) -> None:
    end = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < end, "waited too long"
        time.sleep(0.05)


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    yield from serve(tmp_path_factory.mktemp("quick"), 0.02)


@pytest.fixture(scope="module")
def slow_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    yield from serve(tmp_path_factory.mktemp("slow"), 3.0)


@pytest.fixture(scope="module")
def chromium() -> Iterator[Any]:
    playwright = pytest.importorskip("playwright.sync_api", reason="playwright is missing")
    if CHROMIUM is None:
        pytest.skip("chromium is missing")
    with playwright.sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=CHROMIUM, args=CHROMIUM_ARGUMENTS)
        yield browser
        browser.close()


@pytest.fixture
def page(chromium: Any) -> Iterator[Any]:
    """A page that fails its test on any console error and any request to another machine."""
    context = chromium.new_context(viewport={"width": 1366, "height": 768})
    page = context.new_page()
    page.set_default_timeout(PATIENCE)
    complaints: list[str] = []

    def complain(text: str, *, if_so: bool = True) -> None:
        if if_so:
            complaints.append(text)

    page.on("console", lambda said: complain(said.text, if_so=said.type == "error"))
    page.on("pageerror", lambda error: complain(str(error)))
    page.on("request", lambda request: complain(request.url, if_so=not _local(request.url)))
    yield page
    context.close()
    assert complaints == []


def _local(url: str) -> bool:
    return url.startswith(("http://127.0.0.1:", "data:", "blob:"))


@pytest.fixture
def picture(tmp_path: Path) -> Path:
    return png(tmp_path / "phantom.png")


def png(path: Path) -> Path:
    done, content = cv2.imencode(".png", gray(phantoms.chest(600, 500)))
    assert done
    path.write_bytes(content.tobytes())
    return path


def open_picture(page: Any, server: Server, path: Path) -> None:
    page.goto(server.url)
    page.wait_for_selector("#draw")
    page.set_input_files("#file input[type=file]", str(path))
    page.wait_for_selector("#original img")
    page.wait_for_selector("#draw:not([disabled])")


def status(page: Any) -> str:
    return str(page.input_value("#status textarea"))


def test_a_radiograph_is_opened_asked_and_printed(
    page: Any, server: Server, picture: Path, tmp_path: Path
) -> None:
    open_picture(page, server, picture)
    assert "Text may be burnt into the picture." in page.input_value("#remarks textarea")
    page.click("#super-class label:has-text('Pleural')")
    until(lambda: wording.IMAGINED in page.input_value("#question textarea"))
    page.click("#draw")
    for pane in ("#softmax img", "#sigmoid img"):
        page.wait_for_selector(pane)
    until(lambda: "+ Pleural: Where would it appear?" in status(page))
    page.wait_for_selector("#scores .js-plotly-plot")
    first, second = (page.get_attribute(f"{pane} img", "src") for pane in ("#softmax", "#sigmoid"))
    assert first != second
    assert first.endswith(".png")  # never the lossy format
    page.click("#panel")
    page.wait_for_selector("#download:not([disabled])")
    with page.expect_download() as download:
        page.click("#download")
    panel = tmp_path / "panel.png"
    download.value.save_as(panel)
    with Image.open(panel) as image:
        assert image.width > 2000
        assert image.info["Disclaimer"] == wording.NOTICE
        assert len(json.loads(image.info["daug"])["recipes"]) == 8
    kept = page.evaluate("Object.keys(localStorage).join()")
    assert "run" not in kept  # no record of what was opened stays in the browser


def test_stop_stops_the_computation(page: Any, slow_server: Server, picture: Path) -> None:
    open_picture(page, slow_server, picture)
    before = slow_server.given_up()
    page.click("#draw")
    until(lambda: re.match(r"Step [1-9]", status(page)))
    page.click("#stop")
    until(lambda: "Stopped after step" in status(page))
    assert slow_server.given_up() == before + 1
    assert int(status(page).split("step ")[1].split(".")[0]) < 9  # of 10
    page.wait_for_selector("#draw:not([disabled])")
    page.wait_for_selector("#stop[disabled]")


def test_closing_the_page_stops_the_computation(
    page: Any, slow_server: Server, picture: Path
) -> None:
    open_picture(page, slow_server, picture)
    before = slow_server.given_up()
    page.click("#draw")
    until(lambda: re.match(r"Step [1-9]", status(page)))
    page.close()
    until(lambda: slow_server.given_up() == before + 1, seconds=20)


def test_the_images_and_the_notice_fit_a_small_screen(
    page: Any, server: Server, picture: Path
) -> None:
    open_picture(page, server, picture)
    page.click("#draw")
    page.wait_for_selector("#sigmoid img")
    for pane in ("#notice", "#draw", "#stop", "#original img", "#softmax img", "#sigmoid img"):
        box = page.locator(pane).bounding_box()
        assert box["y"] >= 0
        assert box["y"] + box["height"] <= 768, pane
        assert box["x"] + box["width"] <= 1366, pane
    assert page.input_value("#notice textarea") == wording.NOTICE


def test_untrained_super_classes_cannot_be_chosen(page: Any, server: Server) -> None:
    page.goto(server.url)
    labels = page.locator("#super-class label")
    labels.first.wait_for()
    told = {
        label.inner_text().strip(): label.evaluate("e => getComputedStyle(e).pointerEvents")
        for label in labels.all()
    }
    grayed = {text for text, pointer in told.items() if pointer == "none"}
    assert grayed == {"Atelectasis: no training examples", "Support Device: no training examples"}
    assert "Pleural (310)" in told


def test_a_file_that_is_no_radiograph_is_explained(
    page: Any, server: Server, tmp_path: Path
) -> None:
    """Its name is markup that would run if it were ever taken for HTML."""
    path = tmp_path / "<img src=x onerror=window.hacked=1>.png"
    path.write_text("Dear colleague")
    page.goto(server.url)
    page.wait_for_selector("#draw")
    page.set_input_files("#file input[type=file]", str(path))
    until(lambda: "is not a picture" in status(page))
    assert page.evaluate("window.hacked") is None
    assert page.is_disabled("#draw")


def test_another_radiograph_clears_the_maps_of_the_first(
    page: Any, server: Server, picture: Path, tmp_path: Path
) -> None:
    open_picture(page, server, picture)
    page.click("#draw")
    page.wait_for_selector("#softmax img")
    until(lambda: "What looks abnormal here?" in status(page))
    page.click("#file button[aria-label='Clear'], #file button[aria-label='Remove']")
    page.wait_for_selector("#softmax img", state="detached")
    page.wait_for_selector("#draw[disabled]")


def test_an_imagined_picture_is_shown_on_request(page: Any, server: Server, picture: Path) -> None:
    open_picture(page, server, picture)
    page.click("#draw")
    until(lambda: "What looks abnormal here?" in status(page))
    before = page.get_attribute("#softmax img", "src")
    page.click("#show label:has-text('imagined')")
    until(lambda: page.get_attribute("#softmax img", "src") != before)


def answer(url: str, **headers: str) -> tuple[int, Any]:
    request = urllib.request.Request(url, headers=headers)
    try:
        with urllib.request.urlopen(request, timeout=20) as response:
            return response.status, response.headers
    except urllib.error.HTTPError as error:
        with error:
            return error.code, error.headers


def test_every_answer_forbids_other_sources_and_frames(server: Server) -> None:
    for path in ("", "healthz", "config", "assets/ui/dark.js"):
        code, headers = answer(server.url + path)
        assert code == 200
        policy = headers["Content-Security-Policy"]
        assert "script-src 'self'" in policy
        assert "unsafe-eval" not in policy
        assert "'unsafe-inline'" not in policy.split("style-src")[0]
        assert "frame-ancestors 'none'" in policy
        assert headers["X-Content-Type-Options"] == "nosniff"
        assert headers["X-Frame-Options"] == "DENY"


def test_a_request_under_a_foreign_name_is_refused(server: Server) -> None:
    """A page of somebody else could point its own name at this machine."""
    assert answer(server.url, Host="evil.example")[0] == 400
    assert answer(server.url + "healthz", Host="localhost:1")[0] == 200


@pytest.mark.parametrize(
    "path",
    ["openapi.json", "docs", "gradio_api/file=/etc/passwd", "assets/ui/../../pyproject.toml"],
)
def test_nothing_else_is_served(server: Server, path: str) -> None:
    assert answer(server.url + path)[0] in (403, 404)


def test_uploads_lie_where_nobody_else_may_read(server: Server) -> None:
    (folder,) = server.files.glob("daug-*")
    assert folder.stat().st_mode & 0o077 == 0
