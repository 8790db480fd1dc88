import re

import pytest

from daug.findings import Finding
from daug.prompts import class_prompts

NEGATIONS = r"\b(no|not|without|none|absent|negative|free|rules? out)\b"


def test_every_finding_has_as_many_prompts_and_no_two_are_the_same() -> None:
    prompts = class_prompts()
    assert tuple(prompts) == tuple(Finding)
    assert len({len(texts) for texts in prompts.values()}) == 1
    texts = [text for sentences in prompts.values() for text in sentences]
    assert len(set(texts)) == len(texts)


@pytest.mark.parametrize("finding", list(Finding))
def test_no_prompt_says_what_is_not_there(finding: Finding) -> None:
    """A text tower reads "no pneumonia" almost as "pneumonia"."""
    for text in class_prompts()[finding]:
        assert not re.search(NEGATIONS, text.lower()), text


def test_the_papers_own_prompt_is_among_them() -> None:
    """Jin et al. 2024, section 4.1."""
    first = class_prompts()[Finding.CARDIOMEGALY][0]
    assert first.lower() == "a photo of a chest x-ray image with cardiomegaly"
