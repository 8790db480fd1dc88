"""The page is one file that asks for nothing; the command fails where scores would say nothing."""

import json
import re
from html.parser import HTMLParser
from pathlib import Path

import pytest

import app
from daug.errors import ManifestError
from daug.notice import NOTICE
from tests.trainers.manifest_check.faulty import checked, lines, picture, written
from tests.trainers.rows import write_image
from trainers.manifest_check.page import write_page
from trainers.manifest_check.sentences import summary


class Links(HTMLParser):
    """What a page loads or runs."""

    def __init__(self) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.addresses: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.addresses += [value or "" for name, value in attrs if name in ("src", "href")]


def run(*arguments: str) -> int:
    with pytest.raises(SystemExit) as left:
        app.main(["data", "check", *arguments])
    return int(left.value.code or 0)


def test_the_page_needs_no_other_file_and_escapes_every_word(tmp_path: Path) -> None:
    rows = lines()
    rows[0]["id"] = '<script>alert("x")</script>'
    rows[1]["view"] = "<b>PA"
    rows[2]["dataset"] = "<img src=x>"
    write_image(tmp_path / "r3.png", picture(0))
    page = tmp_path / "pages" / "check.html"
    write_page(checked(written(tmp_path, rows)), page)
    text = page.read_text(encoding="utf-8")
    links = Links()
    links.feed(text)
    assert "script" not in links.tags
    assert "b" not in links.tags
    assert len(links.addresses) == 6 + 2  # the sample, and the two that are alike
    assert all(address.startswith("data:image/jpeg;base64,") for address in links.addresses)
    assert "http://" not in text
    assert "https://" not in text
    assert text.count(NOTICE) == 2
    assert list(page.parent.iterdir()) == [page]


def test_the_page_forbids_a_browser_to_load_anything(tmp_path: Path) -> None:
    write_page(checked(written(tmp_path, lines())), tmp_path / "check.html")
    text = (tmp_path / "check.html").read_text(encoding="utf-8")
    assert "default-src 'none'; img-src data:; style-src 'unsafe-inline'" in text


def test_long_lists_are_cut_and_it_is_said_by_how_much(tmp_path: Path) -> None:
    rows = lines(24)
    manifest = written(tmp_path, rows)
    for row in rows[1:]:
        (tmp_path / row["image"]).unlink()
    found = checked(manifest)
    write_page(found, tmp_path / "check.html")
    text = (tmp_path / "check.html").read_text(encoding="utf-8")
    assert "and 3 more" in text
    assert "r20.png" in text
    assert "r21.png" not in text
    assert "23 missing images: r1, r2, r3 and 20 more." in summary(found)


def test_pairs_in_different_splits_are_shown_first(tmp_path: Path) -> None:
    rows = lines(30)
    for number in range(0, 30, 2):
        rows[number]["split"] = rows[number + 1]["split"] = "train"
        for row in rows[number : number + 2]:
            write_image(tmp_path / row["image"], picture(number))
    rows[29]["split"] = "test"
    page = tmp_path / "check.html"
    write_page(checked(written(tmp_path, rows)), page)
    pairs = page.read_text(encoding="utf-8").split('<div class="pair">')[1:]
    assert len(pairs) == 12
    assert "r28, one, train" in pairs[0]
    assert "r29, one, test" in pairs[0]


def test_a_page_does_not_replace_a_table(tmp_path: Path) -> None:
    manifest = written(tmp_path, lines())
    before = manifest.read_bytes()
    with pytest.raises(ManifestError, match=r"ends in \.html"):
        write_page(checked(manifest), manifest)
    assert run(str(manifest), "-o", str(manifest)) == 1
    assert manifest.read_bytes() == before


def test_a_leak_fails_with_one_sentence_and_all_that_was_found(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    rows = lines()
    rows[0]["patient_id"] = rows[1]["patient_id"] = "p"
    manifest, page = written(tmp_path, rows), tmp_path / "check.html"
    assert run(str(manifest), "--json", "-o", str(page)) == 1
    told = capsys.readouterr()
    assert [leak["ids"] for leak in json.loads(told.out)["leaks"]] == [["r0", "r1"]]
    assert re.fullmatch(
        r"m\.csv is not fit to score on: 1 patient .* --allow-leakage\.\n", told.err
    )
    assert "1 patient in more than one split" in page.read_text(encoding="utf-8")
    assert run(str(manifest), "--allow-leakage") == 0


@pytest.mark.parametrize("name", ["m.csv/check.html", "c" * 248 + ".html"])
def test_what_was_found_is_told_even_if_the_page_cannot_be_written(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], name: str
) -> None:
    manifest = written(tmp_path, lines())
    assert run(str(manifest), "-o", str(tmp_path / name)) == 1
    told = capsys.readouterr()
    assert told.out == "6 radiographs of 6 patients.\n"
    assert re.fullmatch(r".*check\.html cannot be written .*\n|.*c\.html cannot .*\n", told.err)


def test_only_leaks_are_set_apart_as_leaks(tmp_path: Path) -> None:
    rows = lines()
    rows[1]["Edema"] = "in more than one split"  # what a line says decides nothing
    write_page(checked(written(tmp_path, rows)), tmp_path / "check.html")
    text = (tmp_path / "check.html").read_text(encoding="utf-8")
    assert "in more than one split" in text
    assert '<p class="leak">' not in text


def test_identical_pixels_in_two_splits_fail_too(tmp_path: Path) -> None:
    for name in ("r0", "r1"):
        write_image(tmp_path / f"{name}.png", picture(7))
    manifest = written(tmp_path, lines())
    assert run(str(manifest)) == 1
    assert run(str(manifest), "--allow-leakage") == 0


def test_a_sound_manifest_passes(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(str(written(tmp_path, lines()))) == 0
    assert capsys.readouterr().out == "6 radiographs of 6 patients.\n"
