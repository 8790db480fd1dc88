"""What may be said of a synthetic case: what it was drawn towards, where the classifier agrees.

Nobody looked at a patient, so the classifier that guided the drawing is the only witness; that it
agrees with itself is no proof that a radiologist would. What it was not asked for stays unknown
unless its score is clearly low.
"""

from collections.abc import Mapping

from daug.bundle import Bundle, ClassCard
from daug.findings import Finding
from trainers.synthetic.recipe import DrawRecipe

CLEARLY = 0.5  # share of the operating point, at and below which a finding counts as absent


def main_finding(card: ClassCard) -> Finding:
    """Return the finding of a super-class that the model mostly learnt it from.

    Of "Consolidation / Edema / Pneumonia" the shipped classifier saw 2,191 radiographs with
    pneumonia, 53 with edema and 26 with consolidation: what it draws is called pneumonia.
    """
    learnt = card.training.positives_by_finding
    return max(card.findings, key=lambda finding: learnt.get(finding.value, 0))


def bars(bundle: Bundle, asked: float) -> dict[str, float]:
    """Return the score from which on a super-class counts as present, by its name.

    What was asked, or the operating point where that is higher.
    """
    return {card.name: max(asked, _point(card)) for card in bundle.offered}


def agrees(bundle: Bundle, recipe: DrawRecipe, scores: Mapping[str, float], asked: float) -> bool:
    """Return whether the classifier sees what was asked for, and nothing that rules it out.

    Every aim reaches its bar. Beside No Finding no other super-class reaches its operating point;
    beside any other, No Finding does not.

    Args:
        bundle: Its operating points.
        recipe: With aims for more of a super-class; without any, everything agrees.
        scores: Sigmoid scores at t = 0 by super-class.
        asked: See `bars`.
    """
    aims = _aimed(recipe)
    bar = bars(bundle, asked)
    normal = _normal(bundle)
    if aims == {normal}:
        rivals = [card for card in bundle.offered if card.name != normal]
    else:
        rivals = [card for card in bundle.offered if aims and card.name == normal]
    return all(scores[name] >= bar[name] for name in aims) and all(
        scores[card.name] < _point(card) for card in rivals
    )


def labels(bundle: Bundle, recipe: DrawRecipe, scores: Mapping[str, float]) -> dict[Finding, int]:
    """Return 1 present, 0 absent of a picture that `agrees` let through; unknown is left out.

    One finding stands for each super-class, `main_finding`; the others of it stay unknown.
    """
    aims = _aimed(recipe)
    normal = _normal(bundle)
    said: dict[Finding, int] = {}
    for card in bundle.offered:
        ruled_out = bool(aims) and (card.name == normal or aims == {normal})
        if card.name in aims:
            said[main_finding(card)] = 1
        elif ruled_out or scores[card.name] <= CLEARLY * _point(card):
            said[main_finding(card)] = 0
    return said


def _aimed(recipe: DrawRecipe) -> set[str]:
    return {aim.super_class for aim in recipe.aims}


def _normal(bundle: Bundle) -> str:
    """Return the name of the super-class without findings; empty where it is not offered."""
    names = [card.name for card in bundle.offered if Finding.NO_FINDING in card.findings]
    return names[0] if names else ""


def _point(card: ClassCard) -> float:
    """Return the operating point; a half where validation gave none."""
    return 0.5 if card.operating_point is None else card.operating_point
