"""Sections of reports laid out as those of MIMIC-CXR; all texts are made up."""

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trainers.adapters.report_sections import KEPT, report_sections, section_name


def written(*lines: str) -> str:
    """A report as it lies in its file: each line begins with a space."""
    return "".join(f" {line}\n" for line in ("                    FINAL REPORT", *lines))


def test_each_section_has_its_text() -> None:
    assert report_sections(
        written(
            "EXAMINATION:  CHEST (PA AND LAT)",
            "",
            "INDICATION:  ___F with cough  // pneumonia?",
            "",
            "COMPARISON:  ___.",
            "",
            "FINDINGS:",
            "",
            "Heart size is normal.",
            "",
            "No effusion.",
            "",
            "IMPRESSION:  No acute disease.",
        )
    ) == {
        "findings": "Heart size is normal.\n \n No effusion.",
        "impression": "No acute disease.",
        "comparison": "___.",
        "indication": "___F with cough  // pneumonia?",
    }


def test_without_findings_and_impression_the_last_paragraph_is_the_reading() -> None:
    found = report_sections(
        written(
            "HISTORY:  Fall.",
            "",
            "COMPARISON:  Film of ___.",
            "",
            "The lungs are clear.",
            "",
            "No fracture.",
        )
    )
    assert found == {
        "last_paragraph": "The lungs are clear.\n \n No fracture.",
        "comparison": "Film of ___.",
        "history": "Fall.",
    }


def test_a_report_without_headings_keeps_what_follows_its_title() -> None:
    text = written("CHEST RADIOGRAPH", "", "The lungs are clear.", "", "No effusion.")
    assert report_sections(text) == {"last_paragraph": "The lungs are clear.\n \n No effusion."}
    assert report_sections("One line.") == {}
    assert report_sections("") == {}


def test_a_last_paragraph_is_asked_for_only_where_nothing_else_reads() -> None:
    text = written("IMPRESSION:  Clear.", "", "TECHNIQUE:  AP.", "", "Discussed with ___.")
    assert report_sections(text) == {"impression": "Clear."}


def test_of_several_sections_the_last_holds_since_addenda_stand_on_top() -> None:
    text = written(
        "ADDENDUM:  ",
        "",
        "IMPRESSION:  The addendum's.",
        "______________________________________________________________________________",
        "                                 FINAL REPORT",
        "FINDINGS:  Clear.",
        "",
        "IMPRESSION:  The report's.",
    )
    assert report_sections(text) == {"findings": "Clear.", "impression": "The report's."}


def test_an_empty_section_of_findings_is_a_title() -> None:
    text = written("CHEST, PA AND LATERAL:", "", "INDICATION:  Cough.", "", "The lungs are clear.")
    assert report_sections(text) == {
        "last_paragraph": "The lungs are clear.",
        "indication": "Cough.",
    }
    text = written("FINDINGS:  Clear.", "", "IMPRESSION:", "", "FINDINGS:", "", "COMPARISON: ___.")
    assert report_sections(text) == {"findings": "Clear.", "comparison": "___."}


def test_a_heading_needs_its_own_line_capitals_and_a_colon() -> None:
    text = written(
        "FINDINGS:  Lungs: clear.",
        "There is NOTE: no effusion.",
        "impression: no heading",
        "IMPRESSION without a colon",
    )
    assert set(report_sections(text)) == {"findings"}


def test_what_stands_in_the_line_below_a_heading_belongs_to_it() -> None:
    """The official rule, since titles of what was taken stand there."""
    text = written("EXAMINATION:  CHEST", "", "FINDINGS:", "CHEST: Clear.", "", "IMPRESSION: Fine.")
    assert report_sections(text) == {"findings": "CHEST: Clear.", "impression": "Fine."}


def test_lines_that_end_as_on_windows_are_read_alike() -> None:
    text = written("COMPARISON:  ___.", "", "The lungs are clear.", "No effusion.")
    found = report_sections(text.replace("\n", "\r\n"))
    assert found["last_paragraph"] == "The lungs are clear.\n No effusion."
    assert found == report_sections(text)


@pytest.mark.parametrize(
    ("heading", "name"),
    [
        ("IMPRESSION", "impression"),
        ("CONCLUSION", "impression"),
        ("FINDINGS AND IMPRESSION", "impression"),
        ("FINDINGS/IMPRESSION", "impression"),
        ("IMPRESSON", "impression"),
        ("MPRESSION", "impression"),
        ("IMPERSSION", "impression"),
        ("FINDING", "findings"),
        ("FINDGINGS", "findings"),
        ("REFERENCE FINDINGS", "findings"),
        ("CHEST, TWO VIEWS", "findings"),
        ("PA AND LATERAL VIEWS OF THE CHEST", "findings"),
        ("FRONTAL SEMI-UPRIGHT", "findings"),
        ("COMPARISONS", "comparison"),
        ("COMPARSION", "comparison"),
        ("REFERENCE EXAM", "comparison"),
        ("REASON FOR EXAM", "indication"),
        ("REASON FOR EXAMINATION", "indication"),
        ("CLINICAL INDICATION", "indication"),
        ("IDICATION", "indication"),
        ("CLINICAL HISTORY", "history"),
        ("CLINICAL INFORMATION", "history"),
        ("PFI", "history"),
        ("EXAMINATION", "examination"),
        ("TECHNIQUE", "technique"),
        ("NOTIFICATION", "notification"),
        ("MEDICATION", "medication"),
        ("WET READ", "wet read"),
    ],
)
def test_headings_of_one_meaning_have_one_name(heading: str, name: str) -> None:
    assert section_name(heading) == name


LINES = st.sampled_from(
    ["", "FINDINGS:", "IMPRESSION: a", "FINDINGS: b", "COMPARISON: c", "text", "A:B:", "___"]
)


@given(st.lists(LINES, max_size=12))
def test_sections_are_parts_of_the_report_in_a_known_order(lines: list[str]) -> None:
    text = written(*lines)
    found = report_sections(text)
    assert list(found) == [name for name in KEPT if name in found]
    assert all(part and part in text and part == part.strip() for part in found.values())
    assert not ("last_paragraph" in found and ("findings" in found or "impression" in found))


@pytest.mark.parametrize("piece", ["\n A", "\n A:", "\n A: ", "\n \n", " ", "A" * 50 + "\n "])
def test_the_time_grows_with_the_length_alone(piece: str) -> None:
    begin = time.process_time()
    report_sections(piece * (1_000_000 // len(piece)))
    assert time.process_time() - begin < 5
