"""The tab "Library" in a real browser, over a real case library of drawn thoraces."""

from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import cv2
import pytest

from tests.ui.drawn_cases import thorax
from tests.ui.test_compare_page import serve
from tests.ui.test_page import Server, chromium, page, until
from ui import wording

pytestmark = pytest.mark.browser
__all__ = ["chromium", "page"]  # fixtures

TILES = "#library-tiles button.thumbnail-item"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """One library for all tests of this file, which leave each other's cases alone."""
    yield from serve(tmp_path_factory.mktemp("library"), "mixed")


@pytest.fixture
def synthetic(tmp_path: Path) -> Iterator[Server]:
    """Asked for before the page, so that the page is closed first."""
    yield from serve(tmp_path, "synthetic")


def to_library(page: Any, server: Server) -> None:
    page.goto(server.url)
    page.wait_for_selector("#draw")
    page.click("[role=tab]:has-text('Library')")
    page.wait_for_selector(f"{TILES} img")
    until(lambda: "case" in text(page, "#library-status"))


def text(page: Any, element: str) -> str:
    return str(page.input_value(f"{element} textarea, {element} input"))


def captions(page: Any) -> list[str]:
    return [str(one) for one in page.locator("#library-tiles .caption-label").all_inner_texts()]


def part(page: Any, name: str) -> None:
    page.click(f"[role=tab]:has-text('{name}')")


def search(page: Any, words: str) -> None:
    page.fill("#library-search textarea, #library-search input", words)
    page.press("#library-search textarea, #library-search input", "Enter")


def write(page: Any, element: str, words: str) -> None:
    """Write a name into a list of names."""
    page.fill(f"{element} input", words)
    page.press(f"{element} input", "Enter")


def tick(page: Any, *places: int) -> None:
    """Tick boxes one after the other, as a person does."""
    for count, place in enumerate(places, start=1):
        page.locator("#library-boxes input").nth(place).click()
        until(partial(chosen, page, count))


def chosen(page: Any, count: int) -> bool:
    return text(page, "#library-chosen").startswith(f"{count} selected")


def test_pages_are_turned_searched_and_one_case_is_opened(page: Any, server: Server) -> None:
    """The first case's report is a script, which is shown as text."""
    to_library(page, server)
    assert text(page, "#library-place").startswith("page 1 of ")
    first = captions(page)
    page.click("#library-older")
    until(lambda: captions(page) and not set(captions(page)) & set(first))
    page.click("#library-newer")
    until(lambda: captions(page) == first)
    page.click("#library-size label:has-text('48')")
    until(lambda: len(captions(page)) == 48)
    search(page, "hacked")
    until(lambda: len(captions(page)) == 1)
    assert captions(page)[0].startswith("case 1\n")
    page.click(TILES)
    page.wait_for_selector("#library-picture img")
    until(lambda: "Large heart" in page.inner_text("#library-facts"))
    assert "<script>window.hacked = 1</script>" in page.inner_text("#library-facts")
    assert page.evaluate("window.hacked") is None
    assert page.locator("#library-facts script, #library-facts .report img").count() == 0
    assert page.locator("#library-patient button.thumbnail-item").count() == 6
    page.locator("#library-patient button.thumbnail-item").nth(2).click()
    until(lambda: "radiograph 3 of 6 here" in page.inner_text("#library-facts"))


def test_a_box_lies_over_the_picture_that_it_selects(page: Any, server: Server) -> None:
    to_library(page, server)
    for place in (0, 7, 13, 23):
        tile = page.locator(TILES).nth(place).bounding_box()
        box = page.locator("#library-boxes input").nth(place).bounding_box()
        assert tile["x"] <= box["x"] <= tile["x"] + 30, place
        assert tile["y"] <= box["y"] <= tile["y"] + 30, place
        label = page.locator("#library-boxes label").nth(place).inner_text()
        assert label.strip() == f"select {captions(page)[place].splitlines()[0]}"


def test_selected_cases_are_tagged_and_labelled_and_the_history_takes_it_back(
    page: Any, server: Server
) -> None:
    """The tag is markup that would run if it were ever taken for HTML."""
    to_library(page, server)
    tick(page, 1, 2, 4)
    names = [words.splitlines()[0] for words in captions(page)]
    evil = "<img src=x onerror=window.hacked=2>"
    write(page, "#library-give-tag", evil)
    page.click("#library-tag-on")
    until(lambda: sum(f"# {evil}" in words for words in captions(page)) == 3)
    assert [n for n, w in zip(names, captions(page), strict=True) if evil in w] == [
        names[1],
        names[2],
        names[4],
    ]
    page.click("#library-set-findings input")
    page.click("[role=option]:has-text('Fracture')")
    page.keyboard.press("Escape")
    page.click("#library-set")
    until(lambda: text(page, "#library-done").startswith("Fracture: present, in 3 cases."))
    page.click("#library-choose-none")
    until(lambda: text(page, "#library-chosen") == "None is selected.")
    part(page, "History")
    until(lambda: "Fracture: present · 3 cases" in text(page, "#history-what-0"))
    assert evil in text(page, "#history-what-1")
    page.click("#history-show-0")
    until(lambda: "nothing" in page.inner_text("#history-details"))
    page.click("#history-undo-0")
    until(lambda: "is undone" in text(page, "#history-told"))
    page.click("#history-undo-2")
    until(lambda: text(page, "#history-what-0").count(evil) == 1)
    part(page, "Browse")
    until(lambda: not any(evil in words for words in captions(page)))
    assert page.evaluate("window.hacked") is None


def test_cases_are_removed_once_their_number_is_written(page: Any, server: Server) -> None:
    to_library(page, server)
    search(page, '"heart normal" -')  # what is quoted is no operator
    until(lambda: "of 60" in text(page, "#library-status"))
    tick(page, 0, 1)
    gone = [words.splitlines()[0] for words in captions(page)[:2]]
    page.click("#library-remove")
    until(lambda: "2 cases will be removed for good" in text(page, "#library-question"))
    assert page.is_disabled("#library-really")
    number = page.locator("#library-number textarea, #library-number input")
    number.press_sequentially("3")
    page.wait_for_timeout(1000)
    assert page.is_disabled("#library-really")
    number.fill("2")
    page.wait_for_selector("#library-really:not([disabled])")
    page.click("#library-really")
    until(lambda: text(page, "#library-done") == "2 cases removed.")
    left = [words.splitlines()[0] for words in captions(page)]
    assert not set(left) & set(gone)
    until(lambda: text(page, "#library-holds").startswith("58 cases"))


def test_uploads_are_imported_listed_embedded_and_deleted(
    page: Any, tmp_path: Path, server: Server
) -> None:
    files = []
    for seed in range(900, 905):
        files.append(tmp_path / f"{seed}.png")
        assert cv2.imwrite(str(files[-1]), thorax(seed))
    evil = tmp_path / "<img src=x onerror=window.hacked=3>.png"
    evil.write_text("Dear colleague")
    to_library(page, server)
    before = int(text(page, "#library-holds").split()[0])
    part(page, "Import")
    page.set_input_files("#import-files input[type=file]", [str(one) for one in (*files, evil)])
    page.wait_for_selector("#import-files :text('904')")
    page.fill("#import-source textarea, #import-source input", "Clinic")
    page.click("#import-start")
    until(lambda: text(page, "#import-status").startswith("5 new cases, 1 skipped"))
    page.wait_for_selector("#import-table :text('skipped')")
    assert page.evaluate("window.hacked") is None
    uploads = server.log.parent / "files"
    assert [path for path in uploads.rglob("9*.png") if path.is_file()] == []
    until(lambda: text(page, "#library-holds").startswith(f"{before + 5} cases"))
    until(lambda: "All of them can be found by likeness" in text(page, "#library-holds"))
    part(page, "Browse")
    until(lambda: sum("Clinic" in words for words in captions(page)) == 5)
    part(page, "Import")
    page.fill("#import-path textarea, #import-path input", "/nowhere/at/all")
    page.click("#import-start")
    until(lambda: "There is nothing at /nowhere/at/all" in text(page, "#import-status"))
    page.wait_for_selector("#import-start:not([disabled])")


def test_the_library_is_verified(page: Any, server: Server) -> None:
    to_library(page, server)
    part(page, "Upkeep")
    page.click("#upkeep-deep input")
    page.click("#upkeep-verify")
    until(lambda: "everything is in order" in text(page, "#upkeep-status"))
    assert "daug library backup" in text(page, "#upkeep-backup")


def test_all_of_it_fits_a_small_screen(page: Any, server: Server) -> None:
    to_library(page, server)
    page.click(TILES)
    page.wait_for_selector("#library-picture img")
    parts = ("#notice", "#library-holds", "#library-search", "#library-older", "#library-size")
    for name in (*parts, "#library-choose-all", "#library-choose-none", "#library-picture img"):
        box = page.locator(name).first.bounding_box()
        assert box["y"] >= 0, name
        assert box["y"] + box["height"] <= 768, name
        assert box["x"] + box["width"] <= 1366, name
    assert page.evaluate("document.documentElement.scrollWidth") <= 1366
    assert page.input_value("#notice textarea") == wording.NOTICE


def test_a_library_of_synthetic_cases_alone_says_so(synthetic: Server, page: Any) -> None:
    to_library(page, synthetic)
    assert text(page, "#library-remark").startswith("Every case here is synthetic")
    assert all("synthetic" in words for words in captions(page))
    assert "0 of 60 can be found by likeness" in text(page, "#library-holds")
    page.click("#library-embed")
    until(lambda: "All of them can be found" in text(page, "#library-holds"))
