"""Which maps are compared: the method, and of our own also the question and the activation."""

from dataclasses import dataclass

from daug.bundle import Bundle
from daug.findings import Activation, Direction, Finding

DAUG, CHANCE, CENTRE, LUNGS, GRAD_CAM = "daug", "chance", "centre", "lungs", "grad_cam"
SALIENCY = (GRAD_CAM, "integrated_gradients", "occlusion", "input_gradient")
WITHIN = "grad_cam_within"  # Grad-CAM where our own maps may show change, and nowhere else
PRIORS = (CENTRE, LUNGS, CHANCE)


@dataclass(frozen=True)
class Kind:
    """One column of the comparison; hashable, so that maps and measurements are found by it."""

    method: str
    super_class: str  # of our maps, what they ask about; of others, what was drawn
    direction: Direction | None = None
    activation: Activation | None = None

    @property
    def default(self) -> bool:
        """Whether this is the one of our maps that is compared with other methods.

        "What looks abnormal here?", asked of the super-class that was drawn: with less of it, what
        would change? Softmax, since that is the paper's claim and the program's default. Of the
        other map of that question, + No Finding, nobody could say which finding it shows, so it is
        no match for a method that is told the class. Fixed before anything was scored.
        """
        return (self.method, self.direction, self.activation) == (
            DAUG,
            Direction.LESS,
            Activation.SOFTMAX,
        )

    @property
    def text(self) -> str:
        """How it is called in tables and pictures."""
        if self.direction is None or self.activation is None:
            return self.method.replace("_", " ")
        return f"{self.method}: {self.direction.sign} {self.super_class}, {self.activation}"


def daug_kinds(bundle: Bundle, super_class: str) -> list[Kind]:
    """Return our maps of a super-class that was drawn, the default one first."""
    normal = Finding.NO_FINDING.value
    asked = [(super_class, Direction.LESS), (super_class, Direction.MORE)]
    if any(card.name == normal for card in bundle.offered):
        asked.append((normal, Direction.MORE))
    kinds = [Kind(DAUG, name, way, act) for name, way in asked for act in Activation]
    return sorted(kinds, key=lambda kind: not kind.default)


def other_kinds(super_class: str, *, confined: bool = False) -> list[Kind]:
    """Return the other methods' maps of a super-class that was drawn.

    Args:
        super_class: Its name.
        confined: Whether our maps are kept within organs. Grad-CAM is then also shown so, since
            a part of what ours gain by it any method would.
    """
    within = (WITHIN,) if confined else ()
    return [Kind(method, super_class) for method in (*SALIENCY, *within, *PRIORS)]
