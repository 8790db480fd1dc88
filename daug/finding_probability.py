"""What the CLIP model says about a finding, and how that is to be read."""

import math
from dataclasses import dataclass

from daug.errors import BundleError
from daug.findings import Finding


@dataclass(frozen=True)
class FindingScale:
    """How a finding's logit becomes a probability, from the validation split."""

    positives: int = 0  # validation radiographs that it was fitted on
    negatives: int = 0
    temperature: float = 1.0  # p = sigmoid(z / temperature)
    operating_point: float | None = None  # probability above which it is said to be there
    trained: bool = False  # whether there were enough training examples to learn it
    calibrated: bool = False  # whether there were enough of both to fit a temperature

    def __post_init__(self) -> None:
        if not 0 < self.temperature < math.inf:
            raise BundleError(f"A temperature must be above 0, got {self.temperature}.")


@dataclass(frozen=True)
class FindingProbability:
    """What the model says about a finding; a score of a small model, not a chance of disease."""

    finding: Finding
    probability: float  # in (0, 1), by the validation cases' temperature where there were enough
    scale: FindingScale  # how it was calibrated, and where "yes" begins

    @property
    def above(self) -> bool | None:
        """Whether the model says yes; None where it has no operating point."""
        point = self.scale.operating_point
        return None if point is None else self.probability > point
