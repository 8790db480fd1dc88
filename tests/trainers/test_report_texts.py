"""What is taken from real reports, and what is composed where there is none."""

import re

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from daug.findings import Finding
from daug.prompts import PHRASES
from trainers.report_templates import compose, template_meaning
from trainers.report_text import TextOrigin, meaning_of, real_text

MIMIC = """                                 FINAL REPORT
 INDICATION:  Fever, query pneumonia.

 FINDINGS:  Heart size is normal.
 There is a right lower lobe
 consolidation.

 CONCLUSION:  Pneumonia.
"""


def dice(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def test_findings_and_impression_are_read_and_the_indication_is_not() -> None:
    found = real_text(MIMIC)
    assert found.origin is TextOrigin.REAL
    assert found.text == (
        "Heart size is normal. There is a right lower lobe consolidation. Pneumonia."
    )


def test_the_sections_can_be_chosen() -> None:
    assert real_text(MIMIC, ("impression",)).text == "Pneumonia."
    assert real_text(MIMIC, ("indication",)).text == "Fever, query pneumonia."
    assert real_text("INDICATION: Cough.").origin is TextOrigin.NONE


def test_a_note_without_headings_is_taken_whole() -> None:
    assert real_text("Opacity in the\n left base. ").text == "Opacity in the left base."
    assert real_text("  \n").origin is TextOrigin.NONE


def test_places_in_pixels_of_another_picture_are_left_out() -> None:
    """As in JSRT's descriptions."""
    text = "nodule benign, 14 mm, subtlety 5/5, centre x=660 y=524 of 2048, r.upper lobe(S2)"
    assert real_text(text).text == "nodule benign, 14 mm, subtlety 5/5, r.upper lobe(S2)"


labels = st.dictionaries(st.sampled_from(list(Finding)), st.sampled_from([1, 0, -1]))


def said(text: str, finding: Finding) -> bool:
    phrase = PHRASES[finding].removeprefix("an ").removeprefix("a ")
    return re.search(rf"\b{re.escape(phrase)}\b", text, re.IGNORECASE) is not None


@given(labels, st.integers(0, 2**31))
def test_a_composed_text_says_all_that_is_there_and_nothing_that_is_not_known(
    known: dict[Finding, int], seed: int
) -> None:
    found = compose(known, dice(seed))
    normal = known.get(Finding.NO_FINDING) == 1
    for finding in PHRASES:
        if finding not in known:
            assert not said(found.text, finding)
        elif known[finding] == 1 and not normal:
            assert said(found.text, finding)
    for finding, value in known.items():
        if value == 0 and finding in PHRASES and said(found.text, finding):
            sentence = next(s for s in found.text.split(".") if said(s, finding))
            assert re.match(r"\s*(No|There is no) ", sentence)
    assert found.origin is (TextOrigin.TEMPLATE if found.text else TextOrigin.NONE)


def test_nothing_is_said_where_nothing_is_known() -> None:
    assert compose({}, dice()).text == ""


def test_normal_and_abnormal_are_never_confused() -> None:
    normal = {compose({Finding.NO_FINDING: 1}, dice(i)).text for i in range(50)}
    abnormal = {compose({Finding.NO_FINDING: 0}, dice(i)).text for i in range(50)}
    assert len(normal) >= 4
    assert not normal & abnormal
    assert all("bnormal chest" in t or "not normal" in t for t in abnormal)


def test_the_wording_varies_with_the_dice_and_with_nothing_else() -> None:
    known = {Finding.PNEUMONIA: 1, Finding.PLEURAL_EFFUSION: 1, Finding.EDEMA: 0}
    texts = {compose(known, dice(i)).text for i in range(100)}
    assert len(texts) > 10
    assert compose(known, dice(7)) == compose(known, dice(7))


def test_cases_with_the_same_labels_mean_the_same_and_others_do_not() -> None:
    one = {Finding.EDEMA: 1, Finding.PNEUMONIA: 0}
    assert template_meaning(one) == template_meaning(dict(reversed(one.items())))
    assert template_meaning(one) != template_meaning({Finding.EDEMA: 1})
    assert template_meaning(one) != template_meaning({Finding.EDEMA: 1, Finding.PNEUMONIA: -1})
    assert meaning_of("Clear lungs.") == meaning_of("clear LUNGS.") != meaning_of("Edema.")


@pytest.mark.parametrize("text", ["", "a", "x" * 5000])
def test_a_meaning_fits_a_signed_number(text: str) -> None:
    assert 0 <= torch.tensor([meaning_of(text)], dtype=torch.int64).item() < 2**63


def test_a_reading_under_no_heading_is_the_paragraph_behind_the_last_section() -> None:
    asked = " INDICATION:  Cough.\n \n COMPARISON:  None.\n"
    report = f"{asked} \n Two views.  No effusion is\n seen.\n"
    assert real_text(report).text == "Two views. No effusion is seen."
    assert real_text(asked).origin is TextOrigin.NONE
    signed = " FINDINGS: Clear lungs.\n \n Signed by nobody.\n"
    assert real_text(signed, ("impression",)).origin is TextOrigin.NONE
