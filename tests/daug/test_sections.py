"""What was asked is no part of what a report answers."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from daug.finding_phrases import find_phrases
from daug.phrases.sections import answering_text

ASKED = "INDICATION: Pneumonia?\n\n"
PARTS = ("INDICATION:", "Comparison:", "FINDINGS:", "impression:", "Effusion.", "No edema", "\n\n")


@pytest.mark.parametrize(
    ("report", "left"),
    [
        (f"{ASKED}FINDINGS: Clear.", "\n\nFINDINGS: Clear."),
        (
            f"FINDINGS: Clear.\n\n{ASKED}IMPRESSION: Normal.",
            "FINDINGS: Clear.\n\n\n\nIMPRESSION: Normal.",
        ),
        ("Clear lungs.", "Clear lungs."),
        ("HISTORY: Edema.", "."),
        ("", ""),
    ],
)
def test_sections_that_ask_are_left_out_with_their_headings(report: str, left: str) -> None:
    assert answering_text(report) == left


@given(st.lists(st.sampled_from(PARTS), max_size=12).map(" ".join))
def test_nothing_that_is_read_of_a_report_is_left_out(report: str) -> None:
    answer = answering_text(report)
    for phrase in find_phrases(report):
        assert report[phrase.start : phrase.end] in answer
