"""The list of super-classes to choose from, and what is said of the chosen one."""

from daug.bundle import Bundle
from daug.findings import Direction
from daug.trust import trust_of
from ui import wording


def choices(bundle: Bundle) -> list[tuple[str, str]]:
    """Return (label, name) of every super-class; those that were not trained come last."""
    offered = [
        (
            f"{card.name} ({card.training.positives:,}) · "
            f"trust: {trust_of(card, bundle).level.value}",
            card.name,
        )
        for card in bundle.offered
    ]
    return offered + [(f"{name}: no training examples", name) for name in untrained(bundle)]


def untrained(bundle: Bundle) -> list[str]:
    """Return the super-classes that had too few examples to be offered."""
    return [card.name for card in bundle.classes if not card.offered]


def gray_out(bundle: Bundle, element: str) -> str:
    """Return the style that grays out the last choices of a list, which cannot be chosen.

    The server refuses them as well: this only shows it beforehand.
    """
    count = len(untrained(bundle))
    if not count:
        return ""
    return f"#{element} label:nth-last-child(-n+{count}) {{ opacity: .5; pointer-events: none; }}"


def description(bundle: Bundle, name: str, direction: Direction) -> str:
    """Return the question that is asked, and what the models know of the super-class."""
    card = next(card for card in bundle.classes if card.name == name)
    if not card.offered:
        return f"{name}: {wording.trained_on(card)}. No map is drawn of it."
    trust = trust_of(card, bundle)
    return (
        f"{wording.question(card, direction)}\n"
        f"{wording.trained_on(card)}: {wording.stands_for(card)}.\n"
        f"Classifier: {wording.measured(card)}.\n"
        f"Trust in its maps: {trust.level.value} ({trust.because})."
    )
