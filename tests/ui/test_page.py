"""The first screen, in a real browser, over a workstation of phantoms."""

import json
import os
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

from tests.daug.loading.dicom_files import write_dicom
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

    def asked(self) -> list[str]:
        """What the models were asked for: "2 of" a digest for two maps."""
        lines = self.log.read_text().splitlines()
        return [line.removeprefix("asked ") for line in lines if line.startswith("asked ")]


def serve(folder: Path, seconds_per_step: float, *more: str) -> Iterator[Server]:
    log, files = folder / "log", folder / "files"
    files.mkdir()
    command = [sys.executable, "-m", "tests.ui.serve_phantoms", str(seconds_per_step), *more]
    environment = {**os.environ, "TMPDIR": str(files), "PYTHONUNBUFFERED": "1"}
    with log.open("w") as output:
        process = subprocess.Popen(
            command, stdout=output, cwd=Path(__file__).parents[2], env=environment
        )
    try:
        until(lambda: "\n" in log.read_text() or process.poll() is not None, 180)
        yield Server(json.loads(log.read_text().splitlines()[0])["url"], log, files)
    finally:
        process.terminate()
        process.wait(20)
    assert list(files.iterdir()) == []  # uploads do not outlive the server


def until(
    true: Callable[[], object],
    seconds: float = 60,
    tell: Callable[[], object] = lambda: "for what did not come",
) -> None:
    """Wait until something is true, and tell how things stand if it never is."""
    end = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < end, f"waited too long: {tell()}"
        time.sleep(0.05)


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    folder = tmp_path_factory.mktemp("quick")
    examples = folder / "examples"
    examples.mkdir()
    png(examples / "one.png", 320, 300)
    listed = {"examples": [{"file": "one.png", "title": "Drawn <b>thorax</b>"}]}
    (examples / "examples.json").write_text(json.dumps(listed))
    yield from serve(folder, 0.02, str(examples))


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


def png(path: Path, rows: int = 600, columns: int = 500) -> Path:
    done, content = cv2.imencode(".png", gray(phantoms.chest(rows, columns)))
    assert done
    path.write_bytes(content.tobytes())
    return path


@pytest.fixture
def film(tmp_path: Path) -> Path:
    """The drawn thorax as a DICOM file whose millimetres are known."""
    stored = ((phantoms.chest(640, 500) + 1) * 2000).astype("uint16")
    elements = {"PatientName": "Doe^Jane", "PixelSpacing": [0.5, 0.5]}
    return write_dicom(tmp_path, stored, **elements)


FIGURE_DRAWN = "Figure 2 is drawn."


def choose(page: Any, path: Path) -> None:
    """Drop a file where one may be dropped: not before the one of before has gone from there."""
    page.wait_for_selector("#file [data-testid=upload-text]")
    page.set_input_files("#file input[type=file]", str(path))


def open_picture(page: Any, server: Server, path: Path, *, until_said: str = FIGURE_DRAWN) -> None:
    page.goto(server.url)
    page.wait_for_selector("#draw")
    choose(page, path)
    page.wait_for_selector("#original img")
    until(lambda: until_said in status(page))


def ask(page: Any, name: str) -> None:
    page.click(f"#super-class label:has-text('{name}')")


def status(page: Any) -> str:
    return str(page.input_value("#status textarea"))


def source(page: Any, pane: str) -> str:
    return str(page.get_attribute(f"{pane} img", "src"))


def changes(page: Any, pane: str, action: Callable[[], None]) -> None:
    """Wait until an action has changed a picture."""
    before = source(page, pane)
    action()
    until(lambda: page.locator(f"{pane} img").count() and source(page, pane) != before)


def downloaded(page: Any, path: Path) -> dict[str, Any]:
    """Download the panel and return what it says of itself."""
    page.wait_for_selector("#download:not([disabled])")
    with page.expect_download() as download:
        page.click("#download")
    download.value.save_as(path)
    with Image.open(path) as image:
        assert image.width > 2000
        assert image.info["Disclaimer"] == wording.NOTICE
        told: dict[str, Any] = json.loads(image.info["daug"])
    return told


def test_a_film_is_opened_read_asked_and_printed(
    page: Any, server: Server, film: Path, tmp_path: Path
) -> None:
    """Figure 2 comes by itself; one question is asked; the same again asks no model."""
    began = len(server.asked())
    open_picture(page, server, film)
    assert [line.split()[0] for line in server.asked()[began:]] == ["8"]
    assert source(page, "#overview").endswith(".png")  # never the lossy format
    assert page.inner_text("#grid [data-testid=block-info]") == (
        "The model sees 64 × 64, about 5 mm per pixel at the detector"
    )
    assert len(downloaded(page, tmp_path / "panel.png")["recipes"]) == 8
    ask(page, "Lung Lesion")  # not among the best measured, so not in Figure 2
    until(lambda: "+ Lung Lesion: Where would it appear?" in status(page))
    assert wording.IMAGINED in page.input_value("#question textarea")
    assert [line.split()[0] for line in server.asked()[began:]] == ["8", "2"]
    assert source(page, "#softmax") != source(page, "#sigmoid")
    page.wait_for_selector("#scores .js-plotly-plot")
    plot = page.inner_text("#scores")
    for words in ("softmax share", "sigmoid score", "after: softmax map", "not a chance of"):
        assert words in plot
    page.click("#draw")
    until(lambda: "+ Lung Lesion" in status(page))
    page.click("#panel")
    until(lambda: FIGURE_DRAWN in status(page))
    assert len(server.asked()) == began + 2  # seen before, so no model was asked


def test_a_clicked_column_of_figure_2_opens_large(page: Any, server: Server, picture: Path) -> None:
    open_picture(page, server, picture)
    asked = len(server.asked())
    box = page.locator("#overview img").bounding_box()
    page.mouse.click(box["x"] + 0.9 * box["width"], box["y"] + 0.5 * box["height"])
    page.wait_for_selector("#softmax img")
    chosen = page.locator("#super-class input:checked").get_attribute("value")
    until(lambda: str(chosen) in status(page))
    assert chosen != "No Finding"
    assert len(server.asked()) == asked


def test_opacity_colors_threshold_and_grid_change_screen_and_print(
    page: Any, server: Server, picture: Path, tmp_path: Path
) -> None:
    open_picture(page, server, picture)

    def pick_colors() -> None:
        page.click("#colors input")
        page.click("[role=option]:has-text('viridis')")

    changes(page, "#overview", pick_colors)
    changes(page, "#overview", lambda: page.fill("#hide input[type=number]", "50"))
    changes(page, "#overview", lambda: page.fill("#opacity input[type=number]", "40"))
    changes(page, "#original", lambda: page.click("#grid label:has-text('own grid')"))
    expected = {"opacity": 0.4, "color_map": "viridis", "hidden_below": 0.2, "smooth": False}
    until(lambda: expected.items() <= downloaded(page, tmp_path / "panel.png").items(), seconds=30)
    kept = page.evaluate(STORED)
    assert kept == {"local": ["daug-preferences"], "session": [], "cookies": "", "databases": []}
    # four small values, encrypted: no room for anything of a radiograph
    assert len(page.evaluate("localStorage.getItem('daug-preferences')")) < 200
    later = page.context.new_page()  # Gradio complains of its own stream where a page is reloaded
    later.goto(server.url)
    later.wait_for_selector("#draw")
    until(lambda: later.is_checked("#grid label:has-text('own grid') input"))
    assert later.input_value("#hide input[type=number]") == "50"


STORED = """async () => ({
    local: Object.keys(localStorage),
    session: Object.keys(sessionStorage),
    cookies: document.cookie,
    databases: await indexedDB.databases(),
})"""


def test_an_example_is_marked_synthetic_and_opens_like_a_file(page: Any, server: Server) -> None:
    page.goto(server.url)
    page.wait_for_selector("#gallery img")
    assert "Drawn <b>thorax</b> (synthetic)" in page.inner_text("#gallery")
    page.click("#gallery button:has(img)")
    until(lambda: FIGURE_DRAWN in status(page))
    assert page.input_value("#opened textarea, #opened input") == "one"


def test_stop_frees_the_models_for_the_next_question(
    page: Any, slow_server: Server, picture: Path
) -> None:
    open_picture(page, slow_server, picture, until_said="Step 1")
    page.click("#stop")
    until(lambda: "Stopped at step" in status(page))
    assert slow_server.given_up() == 1
    assert int(status(page).split("step ")[1].split()[0]) < 9  # of 10
    page.wait_for_selector("#stop[disabled]")
    ask(page, "Pleural")
    until(lambda: slow_server.asked()[-1].startswith("2 "))
    until(lambda: status(page).startswith("Step"))
    page.click("#stop")
    until(lambda: "Stopped at step" in status(page))


def test_the_last_of_several_quick_questions_is_answered(
    page: Any, server: Server, picture: Path
) -> None:
    open_picture(page, server, picture)
    names = ("Pleural", "No Finding", "Lung Lesion", "No Finding", "Pleural")
    for name in names:  # quicker than the answers
        page.click(f"#super-class label:has-text('{name}')", no_wait_after=True)
    answered = f"+ {names[-1]}: "
    until(lambda: answered in status(page), tell=lambda: status(page))
    time.sleep(2)  # an answer to an earlier one could come late
    assert answered in status(page)


def test_another_radiograph_stops_the_first_and_shows_nothing_of_it(
    page: Any, slow_server: Server, picture: Path, tmp_path: Path
) -> None:
    open_picture(page, slow_server, picture, until_said="Step 1")
    before, first = slow_server.given_up(), slow_server.asked()[-1]
    choose(page, png(tmp_path / "second.png", 500, 400))
    page.wait_for_selector("#overview img", state="detached")  # while the second is on its way
    until(lambda: slow_server.asked()[-1] != first)
    assert slow_server.given_up() == before + 1
    assert page.input_value("#opened textarea, #opened input") == "second"
    until(lambda: status(page).startswith("Step"))
    assert first.split()[-1] not in slow_server.asked()[-1]
    page.click("#close")
    until(lambda: status(page) == "Open a radiograph.")
    until(lambda: slow_server.given_up() == before + 2)
    until(lambda: page.locator("#panes img").count() == 0)


def test_closing_the_page_stops_the_computation(
    page: Any, slow_server: Server, picture: Path
) -> None:
    open_picture(page, slow_server, picture, until_said="Step 1")
    before = slow_server.given_up()
    page.close()
    until(lambda: slow_server.given_up() == before + 1, seconds=20)


@pytest.mark.parametrize("view", ["Overview", "One question"])
def test_all_that_matters_fits_a_small_screen(
    page: Any, server: Server, picture: Path, view: str
) -> None:
    open_picture(page, server, picture)
    pictures = ["#overview img"]
    if view == "One question":
        ask(page, "Pleural")
        until(lambda: "+ Pleural" in status(page))
        pictures = ["#softmax img", "#sigmoid img"]
    page.wait_for_selector("#scores .xtitle")
    parts = ["#notice", "#draw", "#stop", "#status", "#hide", "#grid", "#original img"]
    for part in [*parts, *pictures, "#scores .xtitle", "#scores .x2title"]:
        box = page.locator(part).first.bounding_box()
        assert box["y"] >= 0, part
        assert box["y"] + box["height"] <= 768, part
        assert box["x"] + box["width"] <= 1366, part
    assert page.input_value("#notice textarea") == wording.NOTICE


def test_the_notice_stays_when_somebody_scrolls(page: Any, server: Server, picture: Path) -> None:
    open_picture(page, server, picture)
    page.wait_for_selector("#scores .xtitle")
    page.set_viewport_size({"width": 1366, "height": 500})
    page.evaluate("window.scrollTo(0, 3000)")
    until(lambda: page.evaluate("window.scrollY") > 100)
    box = page.locator("#notice").bounding_box()
    assert 0 <= box["y"] < 30


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
    assert "Pleural (310) · trust: low" in told  # where its heat lies was not measured
    assert "Lung Lesion (130) · trust: not measured" in told


def test_a_file_that_is_no_radiograph_is_explained_and_the_next_one_opens(
    page: Any, server: Server, tmp_path: Path, picture: Path
) -> None:
    """Its name is markup that would run if it were ever taken for HTML."""
    path = tmp_path / "<img src=x onerror=window.hacked=1>.png"
    path.write_text("Dear colleague")
    page.goto(server.url)
    page.wait_for_selector("#draw")
    choose(page, path)
    until(lambda: "is not a picture" in status(page))
    assert page.evaluate("window.hacked") is None
    assert page.is_disabled("#draw")
    choose(page, picture)
    until(lambda: FIGURE_DRAWN in status(page), tell=lambda: status(page))
    assert "Text may be burnt into the picture." in page.input_value("#remarks textarea")


def test_a_broken_film_is_explained(page: Any, server: Server, film: Path) -> None:
    film.write_bytes(film.read_bytes()[:-90_000])
    page.goto(server.url)
    page.wait_for_selector("#draw")
    choose(page, film)
    until(lambda: film.stem in status(page))
    assert page.is_disabled("#draw")


def test_the_method_is_checked_and_the_bundles_own_comes_back(
    page: Any, server: Server, picture: Path
) -> None:
    open_picture(page, server, picture)
    page.click("#method > button")
    steps = page.get_by_label("Steps")
    steps.fill("7.5")
    page.click("#draw")
    until(lambda: "Steps must be a whole number from 1 upwards, got 7.5." in status(page))
    page.click("#method label:has-text('ddim')")
    page.wait_for_selector("#seeds :is(textarea, input)[disabled]")
    page.click("#own-recipe")
    until(lambda: steps.input_value() == "10")
    page.wait_for_selector("#seeds :is(textarea, input):not([disabled])")
    page.click("#draw")
    until(lambda: "What looks abnormal here?" in status(page))


def test_a_picture_that_is_no_chest_is_drawn_only_if_the_reader_insists(
    page: Any, server: Server, tmp_path: Path
) -> None:
    began = len(server.asked())
    path = png(tmp_path / "wide.png", 400, 600)  # wider than high: to the drawn check no chest
    open_picture(page, server, path, until_said="Nothing is drawn by itself")
    assert phantoms.DOUBT in page.input_value("#input-check textarea")
    assert len(server.asked()) == began
    page.click("#panel")
    until(lambda: FIGURE_DRAWN in status(page))
    assert len(server.asked()) == began + 1
    box = page.locator("#scores").bounding_box()
    assert box["y"] + box["height"] <= 768  # the warning pushes nothing off the screen


def test_a_question_is_compared_measured_and_shown_in_layers(
    page: Any, server: Server, picture: Path
) -> None:
    open_picture(page, server, picture)
    page.click("#draw")
    until(lambda: "What looks abnormal here?" in status(page))
    page.wait_for_selector("#measured table")
    assert "no normal range: view or age not known" in page.inner_text("#measured")
    asked = len(server.asked())

    def compare() -> None:
        page.click("#group input")
        page.click("[role=option]:has-text('adult PA')")

    changes(page, "#softmax", compare)
    until(lambda: "of 100 adult PA normals, n = 140" in page.inner_text("#measured"))
    until(lambda: "Compared with: adult PA" in status(page))
    page.wait_for_selector("#download:not([disabled])")
    changes(page, "#softmax", lambda: page.click("#layer label:has-text('Control')"))
    page.click("#layer label:has-text('Disagreement')")
    page.wait_for_selector("#sigmoid", state="hidden")
    assert len(server.asked()) == asked
    page.click("#layer label:has-text('Stability')")
    until(lambda: "of 8 drawings" in page.inner_text("#measured"))
    assert len(server.asked()) == asked + 1
    page.wait_for_selector("#sigmoid img")
    for part in ("#measured", "#scores", "#layer", "#softmax img", "#sigmoid img"):
        box = page.locator(part).bounding_box()
        assert box["y"] + box["height"] <= 768, part
        assert box["x"] + box["width"] <= 1366, part


def test_an_imagined_picture_is_shown_on_request(page: Any, server: Server, picture: Path) -> None:
    open_picture(page, server, picture)
    ask(page, "Pleural")
    until(lambda: "+ Pleural" in status(page))
    heat = source(page, "#softmax")
    changes(page, "#softmax", lambda: page.click("#show label:has-text('imagined')"))
    imagined = source(page, "#softmax")
    for choice in ("no map", "imagined", "no map", "change"):  # quicker than the answers
        page.click(f"#show label:has-text('{choice}')", no_wait_after=True)
    until(lambda: source(page, "#softmax").split("/")[-2] == heat.split("/")[-2])
    time.sleep(2)
    assert source(page, "#softmax").split("/")[-2] == heat.split("/")[-2]
    assert imagined.split("/")[-2] != heat.split("/")[-2]


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
