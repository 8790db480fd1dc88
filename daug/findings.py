"""The words of the field: findings, super-classes, and what can be asked of a heatmap.

Findings are CheXbert's fourteen, spelled exactly as in MIMIC-CXR-JPG's label files
(Smit et al. 2020, arXiv:2004.09167). Super-classes are the seven of Table 4 of the DAug paper
(Jin et al. 2024, arXiv:2412.04828); a bundle may bring its own.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from daug.errors import RecipeError


class Finding(StrEnum):
    """One of CheXbert's fourteen labels."""

    NO_FINDING = "No Finding"
    ENLARGED_CARDIOMEDIASTINUM = "Enlarged Cardiomediastinum"
    CARDIOMEGALY = "Cardiomegaly"
    LUNG_OPACITY = "Lung Opacity"
    LUNG_LESION = "Lung Lesion"
    EDEMA = "Edema"
    CONSOLIDATION = "Consolidation"
    PNEUMONIA = "Pneumonia"
    ATELECTASIS = "Atelectasis"
    PNEUMOTHORAX = "Pneumothorax"
    PLEURAL_EFFUSION = "Pleural Effusion"
    PLEURAL_OTHER = "Pleural Other"
    FRACTURE = "Fracture"
    SUPPORT_DEVICES = "Support Devices"


class Direction(StrEnum):
    """Whether a heatmap asks for more of a super-class or for less."""

    MORE = "+"
    LESS = "-"

    @property
    def sign(self) -> str:
        """The sign as it is typeset, "+" or a true minus."""
        return "+" if self is Direction.MORE else "−"


class Activation(StrEnum):
    """How the classifier's logits become the probability that guides (DAug eqs. 1 and 2)."""

    SIGMOID = "sigmoid"
    SOFTMAX = "softmax"


class State(StrEnum):
    """What is known about a finding or super-class in one case; unknown is not absent."""

    PRESENT = "present"
    ABSENT = "absent"
    UNKNOWN = "unknown"


@dataclass(frozen=True)
class SuperClass:
    """A group of findings that the classifier treats as one class."""

    name: str
    findings: tuple[Finding, ...]

    def __post_init__(self) -> None:
        if not self.name or not self.findings:
            raise RecipeError("A super-class needs a name and at least one finding.")

    def state(self, labels: Mapping[Finding, int]) -> State:
        """Return the state of this super-class in a case.

        Args:
            labels: 1 present, 0 absent, -1 uncertain; a finding that was not labelled is left out.

        Returns:
            PRESENT if any finding of it is present; ABSENT if every finding of it that was
            labelled is absent and at least one was; otherwise UNKNOWN.
        """
        known = [labels[finding] for finding in self.findings if finding in labels]
        if 1 in known:
            return State.PRESENT
        if known and all(value == 0 for value in known):
            return State.ABSENT
        return State.UNKNOWN


SUPER_CLASSES: tuple[SuperClass, ...] = (
    SuperClass("No Finding", (Finding.NO_FINDING,)),
    SuperClass(
        "Enlarged Cardiomediastinum / Cardiomegaly",
        (Finding.ENLARGED_CARDIOMEDIASTINUM, Finding.CARDIOMEGALY),
    ),
    SuperClass("Lung Lesion", (Finding.LUNG_LESION,)),
    SuperClass(
        "Consolidation / Edema / Pneumonia",
        (Finding.CONSOLIDATION, Finding.EDEMA, Finding.PNEUMONIA),
    ),
    SuperClass("Atelectasis", (Finding.ATELECTASIS,)),
    SuperClass("Pleural", (Finding.PLEURAL_EFFUSION, Finding.PLEURAL_OTHER)),
    SuperClass("Support Device", (Finding.SUPPORT_DEVICES,)),
)


def uncovered_findings(super_classes: Sequence[SuperClass]) -> tuple[Finding, ...]:
    """Return the findings that no super-class holds, and that so get no heatmap of their own."""
    covered = {finding for super_class in super_classes for finding in super_class.findings}
    return tuple(finding for finding in Finding if finding not in covered)


def match_super_class(word: str, super_classes: Sequence[SuperClass]) -> SuperClass:
    """Return the super-class that a person means by a word, without regard to case.

    A super-class's name, the name of a finding in it, a part of its name between slashes, or an
    unambiguous beginning of any of these means it; an exact match goes before a beginning.

    Raises:
        RecipeError: If no super-class, or more than one, is meant.
    """
    wanted = word.strip().casefold()
    exact = [sc for sc in super_classes if wanted in _spellings(sc)]
    beginning = [
        sc
        for sc in super_classes
        if wanted and any(spelling.startswith(wanted) for spelling in _spellings(sc))
    ]
    matches = exact or beginning
    if len(matches) == 1:
        return matches[0]
    names = ", ".join(sc.name for sc in (matches or super_classes))
    if matches:
        raise RecipeError(f"{word!r} could mean {names}. Write more of the name.")
    uncovered = {finding.casefold(): finding for finding in uncovered_findings(super_classes)}
    if wanted in uncovered:
        raise RecipeError(
            f"{uncovered[wanted]} belongs to no super-class and has no heatmap of its own. "
            f"Choose one of {names}."
        )
    raise RecipeError(f"{word!r} is no super-class. Choose one of {names}.")


def _spellings(super_class: SuperClass) -> set[str]:
    parts = {part.strip() for part in super_class.name.split("/")}
    return {s.casefold() for s in {super_class.name, *parts, *super_class.findings}}
