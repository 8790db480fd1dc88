"""Whom a radiograph is compared with: by its file, or as the reader states it."""

import pytest

from daug.view import View
from tests.ui import phantoms
from ui.patient_group import GROUPS, NOT_STATED, compared_with, group_in


@pytest.mark.parametrize(
    ("view", "age", "group"),
    [
        (View.PA, 40.0, "adult PA"),
        (View.AP, 40.0, "adult AP"),
        (View.UNKNOWN, 5.0, "child"),
        (View.PA, None, NOT_STATED),
        (View.UNKNOWN, 40.0, NOT_STATED),
        (View.LATERAL, 40.0, NOT_STATED),
    ],
)
def test_the_file_decides_first(view: View, age: float | None, group: str) -> None:
    filed = phantoms.radiograph(view=view, age=age)
    assert group_in(filed) == group
    assert compared_with(filed, group) is filed


@pytest.mark.parametrize("choice", GROUPS)
@pytest.mark.parametrize("view", View)
@pytest.mark.parametrize("age", [None, 2.0, 40.0])
def test_the_reader_gets_the_group_that_was_chosen(
    choice: str, view: View, age: float | None
) -> None:
    filed = phantoms.radiograph(view=view, age=age)
    compared = compared_with(filed, choice)
    assert group_in(compared) == choice
    assert compared.digest == filed.digest  # the same picture, so the same maps
    if compared is not filed:
        assert len(compared.warnings) == len(filed.warnings) + 1


def test_an_age_in_the_file_is_kept_where_it_fits() -> None:
    assert compared_with(phantoms.radiograph(view=View.UNKNOWN, age=71.0), "adult AP").age == 71.0
    assert compared_with(phantoms.radiograph(view=View.UNKNOWN), "adult PA").age == 18.0
    assert compared_with(phantoms.radiograph(view=View.PA, age=40.0), "child").age == 3.0
    assert compared_with(phantoms.radiograph(view=View.PA, age=4.0), "adult PA").age == 18.0
