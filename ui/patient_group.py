"""Whom a radiograph is compared with: as its file says, unless the reader states it.

The group decides the normal floor, the percentile and whether there is a cardiothoracic ratio.
"""

from dataclasses import replace

from daug.cardiothoracic import CHILD_BELOW
from daug.normal_floor import NormalGroup, group_of
from daug.radiograph import Radiograph
from daug.view import View

NOT_STATED = "not stated"
GROUPS = (*(group.value for group in NormalGroup), NOT_STATED)
ADULT, CHILD = 18.0, 3.0  # years, where the file states none
VIEWS = {NormalGroup.ADULT_PA: View.PA, NormalGroup.ADULT_AP: View.AP}


def group_in(radiograph: Radiograph) -> str:
    """Return the choice that fits what is known of a radiograph."""
    group = group_of(radiograph.view, radiograph.age)
    return NOT_STATED if group is None else group.value


def compared_with(filed: Radiograph, choice: str) -> Radiograph:
    """Return a radiograph as it is to be compared.

    Args:
        filed: The radiograph as its file has it.
        choice: One of GROUPS.
    """
    if choice == group_in(filed):
        return filed
    if choice == NOT_STATED:
        return replace(filed, view=View.UNKNOWN, age=None, warnings=_told(filed, choice))
    group = NormalGroup(choice)
    view = VIEWS.get(group, View.UNKNOWN if filed.view is View.LATERAL else filed.view)
    return replace(filed, view=view, age=_age(filed, group), warnings=_told(filed, choice))


def _age(filed: Radiograph, group: NormalGroup) -> float:
    """Return the file's age where it fits the group."""
    is_child = group is NormalGroup.CHILD
    if filed.age is not None and (filed.age < CHILD_BELOW) == is_child:
        return filed.age
    return CHILD if is_child else ADULT


def _told(filed: Radiograph, choice: str) -> tuple[str, ...]:
    said = f"Compared with {choice}: stated by the reader, not by the file."
    if choice == NOT_STATED:
        said = "Compared with nobody: the reader left out the file's view and age."
    return (*filed.warnings, said)
