import pytest

from daug.errors import RecipeError
from daug.findings import (
    SUPER_CLASSES,
    Direction,
    Finding,
    State,
    SuperClass,
    match_super_class,
    uncovered_findings,
)

LUNGS = SuperClass(
    "Consolidation / Edema / Pneumonia",
    (Finding.CONSOLIDATION, Finding.EDEMA, Finding.PNEUMONIA),
)


@pytest.mark.parametrize(
    ("labels", "state"),
    [
        ({}, State.UNKNOWN),
        ({Finding.EDEMA: 1}, State.PRESENT),
        ({Finding.EDEMA: 1, Finding.PNEUMONIA: 0}, State.PRESENT),
        ({Finding.EDEMA: 1, Finding.PNEUMONIA: -1}, State.PRESENT),
        ({Finding.EDEMA: 0}, State.ABSENT),
        ({Finding.EDEMA: 0, Finding.PNEUMONIA: 0}, State.ABSENT),
        ({Finding.EDEMA: 0, Finding.PNEUMONIA: -1}, State.UNKNOWN),
        ({Finding.EDEMA: -1}, State.UNKNOWN),
        ({Finding.FRACTURE: 1}, State.UNKNOWN),
    ],
)
def test_a_super_class_is_present_if_any_finding_is_and_absent_only_if_nothing_is_uncertain(
    labels: dict[Finding, int], state: State
) -> None:
    assert LUNGS.state(labels) is state


def test_the_table_holds_the_seven_super_classes_and_eleven_of_the_fourteen_findings() -> None:
    held = [finding for super_class in SUPER_CLASSES for finding in super_class.findings]
    assert (len(SUPER_CLASSES), len(held), len(set(held)), len(Finding)) == (7, 11, 11, 14)
    assert uncovered_findings(SUPER_CLASSES) == (
        Finding.LUNG_OPACITY,
        Finding.PNEUMOTHORAX,
        Finding.FRACTURE,
    )


@pytest.mark.parametrize(
    ("word", "index"),
    [
        ("no finding", 0),
        ("Cardiomegaly", 1),
        ("ENLARGED", 1),
        ("enlarged cardiomediastinum / cardiomegaly", 1),
        ("lung lesion", 2),
        ("edema", 3),
        (" pneumonia ", 3),
        ("Atel", 4),
        ("pleural", 5),  # the name itself goes before "Pleural Effusion", "Pleural Other"
        ("pleural eff", 5),
        ("support", 6),
    ],
)
def test_a_word_means_a_super_class(word: str, index: int) -> None:
    assert match_super_class(word, SUPER_CLASSES) is SUPER_CLASSES[index]


def test_a_word_that_could_mean_two_super_classes_is_sent_back_with_both() -> None:
    with pytest.raises(RecipeError, match=r"could mean .*Cardiomegaly, Consolidation"):
        match_super_class("c", SUPER_CLASSES)


@pytest.mark.parametrize("word", ["pneumothorax", "Fracture", "lung opacity"])
def test_a_finding_without_a_heatmap_is_named_as_such(word: str) -> None:
    with pytest.raises(RecipeError, match="belongs to no super-class"):
        match_super_class(word, SUPER_CLASSES)


@pytest.mark.parametrize("word", ["", "  ", "scoliosis"])
def test_an_unknown_word_is_sent_back_with_the_choice(word: str) -> None:
    with pytest.raises(RecipeError, match=r"is no super-class\. Choose one of No Finding"):
        match_super_class(word, SUPER_CLASSES)


def test_less_is_typeset_with_a_true_minus() -> None:
    assert (Direction.MORE.sign, Direction.LESS.sign) == ("+", "\N{MINUS SIGN}")
