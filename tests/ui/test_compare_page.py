"""The tab "Compare" in a real browser, over a real case library of drawn thoraces."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.ui.test_page import Server, chromium, page, until
from ui import wording

pytestmark = pytest.mark.browser
__all__ = ["chromium", "page"]  # fixtures


def serve(folder: Path, kind: str) -> Iterator[Server]:
    log, files = folder / "log", folder / "files"
    files.mkdir()
    command = [sys.executable, "-m", "tests.ui.serve_cases", str(folder / "work"), kind]
    environment = {**os.environ, "TMPDIR": str(files), "PYTHONUNBUFFERED": "1"}
    with log.open("w") as output:
        process = subprocess.Popen(
            command, stdout=output, cwd=Path(__file__).parents[2], env=environment
        )
    try:
        until(lambda: '"url"' in log.read_text() or process.poll() is not None, 180)
        told = [line for line in log.read_text().splitlines() if '"url"' in line]
        yield Server(json.loads(told[0])["url"], log, folder / "work" / "files" / "images")
    finally:
        process.terminate()
        process.wait(20)


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    yield from serve(tmp_path_factory.mktemp("mixed"), "mixed")


@pytest.fixture
def synthetic(tmp_path: Path) -> Iterator[Server]:
    yield from serve(tmp_path, "synthetic")


@pytest.fixture
def without_search(tmp_path: Path) -> Iterator[Server]:
    yield from serve(tmp_path, "no search")


def compare(page: Any, server: Server, name: str = "0.png") -> None:
    """Open a radiograph in Read and go over to Compare."""
    page.goto(server.url)
    page.wait_for_selector("#draw")
    page.set_input_files("#file input[type=file]", str(server.files / name))
    page.wait_for_selector("#original img")
    to_compare(page)
    until(lambda: "most similar" in status(page))
    until(lambda: captions(page))


def to_compare(page: Any) -> None:
    page.click("[role=tab]:has-text('Compare')")
    page.wait_for_selector("#compare-search")


def status(page: Any) -> str:
    return str(page.input_value("#compare-status textarea"))


def captions(page: Any, gallery: str = "#compare-hits") -> list[str]:
    return [str(text) for text in page.locator(f"{gallery} .caption-label").all_inner_texts()]


def asks(page: Any, action: Any, *, says: str) -> None:
    """Do something that asks, and wait for its answer."""
    action()
    until(lambda: says in status(page))
    until(lambda: not status(page).startswith("Searching"))


def pick(page: Any, element: str, choice: str) -> None:
    page.click(f"{element} input")
    page.click(f"[role=option]:has-text('{choice}')")


def test_similar_cases_stand_beside_the_radiograph_that_is_open(page: Any, server: Server) -> None:
    loaded = server.log.read_text().count("loaded 0.png")
    compare(page, server)
    assert server.log.read_text().count("loaded 0.png") == loaded + 1  # in Read, and not again
    page.wait_for_selector("#compare-query img")
    page.wait_for_selector("#compare-hit img")
    assert len(captions(page)) == 10
    assert captions(page)[0].startswith("1 · 0.")
    assert "Cardiomegaly" in captions(page)[0]
    until(lambda: captions(page, "#compare-priors"))
    assert captions(page, "#compare-priors") == [
        "prior 1 of 5 · No Finding",
        "prior 2 of 5 · No Finding",
        "prior 3 of 5 · Cardiomegaly",
        "prior 4 of 5 · Pleural Effusion",
        "prior 5 of 5 · No Finding",
    ]
    assert "The patient's own radiographs are left out." in status(page)
    assert "not this patient's risk" in page.inner_text("#compare-rates")
    for pane in ("#compare-query img", "#compare-hit img", "#compare-hits img"):
        assert ".png" in page.locator(pane).first.get_attribute("src")  # never the lossy format
    query, hit = (page.locator(f"{one} img").bounding_box() for one in PANES)
    assert (query["width"], query["height"]) == (hit["width"], hit["height"])


PANES = ("#compare-query", "#compare-hit")


def test_all_of_it_fits_a_small_screen(page: Any, server: Server) -> None:
    compare(page, server)
    page.wait_for_selector("#compare-hit img")
    for part in ("#notice", "#compare-search", "#compare-status", *PANES, "#compare-hits"):
        box = page.locator(part).first.bounding_box()
        assert box["y"] >= 0, part
        assert box["y"] + box["height"] <= 768, part
        assert box["x"] + box["width"] <= 1366, part
    assert page.evaluate("document.documentElement.scrollWidth") <= 1366
    assert page.input_value("#notice textarea") == wording.NOTICE


def test_a_report_is_text_with_its_findings_underlined(page: Any, server: Server) -> None:
    """The report of case 1 holds markup that would run if it were taken for HTML."""
    compare(page, server, "3.png")
    until(lambda: len(captions(page, "#compare-priors")) == 5)
    page.locator("#compare-priors button.thumbnail-item").first.click()
    page.wait_for_selector("#compare-details .report u")
    report = page.inner_text("#compare-details .report")
    assert "<script>window.hacked = 1</script><img src=x onerror=window.hacked=1>" in report
    assert page.evaluate("window.hacked") is None
    assert "\n  No pleural effusion" in page.evaluate(WITHOUT_TAGS)
    tagged = {
        u.inner_text(): u.locator("xpath=..").locator(".tag").inner_text()
        for u in page.locator("#compare-details .report u").all()
    }
    assert tagged["Large heart"] == "Cardiomegaly present"
    assert tagged["pleural effusion"] == "Pleural Effusion absent"
    assert tagged["edema"] == "Edema uncertain"


WITHOUT_TAGS = """() => {
    const report = document.querySelector("#compare-details .report").cloneNode(true);
    report.querySelectorAll(".tag").forEach(tag => tag.remove());
    return report.textContent;
}"""


def test_filters_texts_and_kinds_narrow_what_may_answer(page: Any, server: Server) -> None:
    compare(page, server)
    page.click("#compare-filters > button")
    asks(page, lambda: pick(page, "#compare-filter-present", "Pleural Effusion"), says="of 13")
    assert all("Pleural Effusion" in caption for caption in captions(page))
    page.click("#compare-clear")
    until(lambda: "of 54 cases" in status(page))
    asks(
        page, lambda: page.click("#compare-kind label:has-text('nearest normal')"), says="explicit"
    )
    assert all("No Finding" in caption for caption in captions(page))
    page.click("#compare-kind label:has-text('similar cases')")
    page.fill("#compare-text textarea, #compare-text input", "pleural effusion")
    page.keyboard.press("Enter")
    until(lambda: "Radiograph 50%, text 50%." in status(page))
    page.wait_for_selector("#compare-weight input")


def test_cases_that_the_heatmap_moved_bear_an_arrow(page: Any, server: Server) -> None:
    compare(page, server)
    assert not any("▲" in caption or "▼" in caption for caption in captions(page))
    heat = "#compare-without-heat input"
    asks(page, lambda: page.click(heat), says="Ranked without the heatmap: against")
    assert any("▲" in caption or "▼" in caption for caption in captions(page))
    asks(page, lambda: page.click(heat), says="Ranked with the heatmap: against")


def test_a_hit_becomes_the_query_and_the_way_leads_back(page: Any, server: Server) -> None:
    compare(page, server)
    page.locator("#compare-hits button.thumbnail-item").nth(2).click()
    first = captions(page)
    assert page.is_disabled("#compare-back")
    page.wait_for_timeout(500)
    page.click("#compare-follow")
    until(lambda: captions(page) != first and len(captions(page)) == 10)
    page.wait_for_selector("#compare-back:not([disabled])")
    page.click("#compare-back")
    until(lambda: captions(page) == first)
    page.wait_for_selector("#compare-back[disabled]")


def test_something_is_only_imagined_and_marked_so(page: Any, server: Server) -> None:
    compare(page, server, "1.png")
    first = captions(page)
    asks(page, lambda: pick(page, "#compare-change", "Pleural"), says="imagined with + Pleural")
    assert captions(page) != first
    assert "Atelectasis" not in page.inner_text("#compare-change")
    asks(
        page,
        lambda: page.click("#compare-direction label:has-text('less')"),
        says="imagined with − Pleural",
    )


def test_the_models_scores_are_no_facts_and_grayed_where_it_learnt_nothing(
    page: Any, server: Server
) -> None:
    compare(page, server)
    page.click("#compare-facts button:has-text('What the model says')")
    page.wait_for_selector(".model-scores tr")
    rows = page.locator(".model-scores tr").all_inner_texts()
    assert len(rows) == 14
    assert "Cardiomegaly" in page.inner_text(".model-scores tr.yes")
    assert any("Edema" in row and "not calibrated" in row for row in rows)
    assert sum("untrained" in row for row in rows) == 12
    assert "Not a diagnosis" in page.inner_text("#compare-scores")


def test_cases_are_saved_with_a_note_from_both_tabs(page: Any, server: Server) -> None:
    compare(page, server, "7.png")
    save(page, "#compare-keep", "Teaching", "look at the heart")
    until(lambda: "is in 'Teaching'." in said(page, "#compare-keep"))
    page.click("[role=tab]:has-text('Read')")
    save(page, "#keep", "Teaching", "")
    until(lambda: "is in 'Teaching'." in said(page, "#keep"))
    to_compare(page)
    page.click("#compare-filters > button")
    asks(page, lambda: pick(page, "#compare-filter-collection", "Teaching (2)"), says="of 1 cases")


def save(page: Any, box: str, name: str, note: str) -> None:
    page.click(f"{box} > button")
    page.wait_for_selector(f"{box}-collection input")
    page.fill(f"{box}-collection input", name)
    page.keyboard.press("Enter")
    page.fill(f"{box}-note textarea", note)
    page.click(f"{box}-save")


def said(page: Any, box: str) -> str:
    return str(page.input_value(f"{box}-said textarea, {box}-said input"))


def test_a_text_alone_is_enough(page: Any, server: Server) -> None:
    page.goto(server.url)
    page.wait_for_selector("#draw")
    to_compare(page)
    assert "Open a radiograph" in status(page)
    page.fill("#compare-text textarea, #compare-text input", "pleural effusion")
    page.keyboard.press("Enter")
    until(lambda: len(captions(page)) == 10)
    assert page.locator("#compare-query img").count() == 0


def test_nothing_of_a_radiograph_stays_once_another_is_open(page: Any, server: Server) -> None:
    compare(page, server)
    until(lambda: len(captions(page, "#compare-priors")) == 5)
    page.click("[role=tab]:has-text('Read')")
    until(lambda: "Figure 2 is drawn" in page.input_value("#status textarea"))
    page.set_input_files("#file input[type=file]", str(server.files / "20.png"))
    until(lambda: page.input_value("#opened textarea, #opened input") == "20")
    to_compare(page)
    until(lambda: page.locator("#compare-priors .caption-label").count() == 0)
    until(lambda: "of 59 cases" in status(page))
    page.click("[role=tab]:has-text('Read')")
    page.click("#close")
    until(lambda: "Open a radiograph." in page.input_value("#status textarea"))
    to_compare(page)
    until(lambda: page.locator("#compare-query img").count() == 0)
    until(lambda: captions(page) == [])


def test_a_library_of_synthetic_cases_says_so_and_is_embedded_on_request(
    synthetic: Server, page: Any
) -> None:
    page.goto(synthetic.url)
    page.wait_for_selector("#draw")
    page.set_input_files("#file input[type=file]", str(synthetic.files / "0.png"))
    page.wait_for_selector("#original img")
    to_compare(page)
    until(lambda: "No case may answer." in status(page))
    until(lambda: "0 of 60 cases are embedded" in of_library(page))
    assert "All of the library's cases are synthetic and show nobody." in of_library(page)
    page.click("#compare-embed")
    until(lambda: "embedded" not in of_library(page))
    page.click("#compare-search")
    until(lambda: len(captions(page)) == 10)
    assert all("synthetic" in caption for caption in captions(page))


def of_library(page: Any) -> str:
    return str(page.input_value("#compare-embedded textarea, #compare-embedded input"))


def test_without_a_model_the_tab_says_why_and_offers_nothing(
    without_search: Server, page: Any
) -> None:
    page.goto(without_search.url)
    page.wait_for_selector("#draw")
    page.click("[role=tab]:has-text('Compare')")
    why = "#compare-why-not textarea, #compare-why-not input"
    assert page.input_value(why) == "The bundle phantom-models has no CLIP model."
    assert page.locator("#compare-search").count() == 0
