"""Do counterfactuals behave as pictures of more or less of a finding would?

    flip        the score crosses the operating point, of those that were on the other side
    dose        the score never turns back while the guidance grows, over SCALES of the recipe's own
    identity    structural similarity where the map is not lit: the rest of the patient stays
    density     "+ consolidation" makes the lungs whiter, within lungs found on the reference
    ratio       "+ heart" widens the measured heart and "− heart" narrows it, over the thorax

Flip and dose ask the classifier that guided, so they say that guidance works and not that it is
right. Density and ratio are measured by a segmenter that took no part in the drawing.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
import torch
from numpy.typing import NDArray
from torchmetrics.functional.image import structural_similarity_index_measure

from daug.bundle import Bundle
from daug.cardiothoracic import heart_caliper, thorax_caliper
from daug.engine import Engine
from daug.findings import Activation, Direction
from daug.heatmap import Heatmap, Recipe
from daug.organs import OrganMasks
from daug.radiograph import Radiograph
from daug.seen_organs import SeenOrgans
from daug.workstation import finish
from trainers.evaluation.localisation.area import area_of

SCALES = (0.25, 0.5, 1.0, 1.5)  # of the recipe's own guidance; 0 is the reference
OWN = 1.0
FINER = 4  # widths are measured on a square of this many times the model's side
HEART = "Enlarged Cardiomediastinum / Cardiomegaly"
OPACITY = "Consolidation / Edema / Pneumonia"

Look = Callable[[NDArray[np.float32]], Sequence[SeenOrgans]]  # (N, S, S) -> N


@dataclass(frozen=True)
class Checked:
    """One question asked of one radiograph; None where a check does not apply."""

    super_class: str
    direction: Direction
    activation: Activation
    flipped: bool | None  # None if the reference is on the wanted side already
    monotone: bool
    ssim_to_reference: float | None  # None if the whole map is lit
    ssim_to_input: float | None
    density_rises: bool | None = None
    ratio_right_way: bool | None = None


@dataclass(frozen=True)
class CheckPlan:
    """Which questions are asked."""

    super_classes: tuple[str, ...]
    activations: tuple[Activation, ...] = (Activation.SOFTMAX,)
    operating_points: Mapping[str, float | None] = field(default_factory=dict)
    mark: float = 0.0  # heat above it is lit
    measured_hearts: int = 0  # positives of the heart class that were labelled by the ratio itself

    @classmethod
    def of(cls, bundle: Bundle, *, full: bool) -> "CheckPlan":
        """Return the questions that a bundle allows: the heart and class 4, or with `full` all."""
        names = [card.name for card in bundle.offered]
        return cls(
            tuple(names if full else [name for name in names if name in (HEART, OPACITY)]),
            tuple(Activation) if full else (Activation.SOFTMAX,),
            {card.name: card.operating_point for card in bundle.offered},
            bundle.heat_scale.mark,
            sum(card.training.measured for card in bundle.offered if card.name == HEART),
        )


def check(
    engine: Engine, radiograph: Radiograph, plan: CheckPlan, look: Look | None
) -> list[Checked]:
    """Draw every question at every dose and return what the counterfactuals do.

    Args:
        engine: Draws them.
        radiograph: That they are of.
        plan: The questions.
        look: Finds lungs and heart on pictures; None leaves density and ratio out.
    """
    bundle = engine.models.bundle
    questions = [
        bundle.recipe_for(name, direction, activation)
        for name in plan.super_classes
        for direction in Direction
        for activation in plan.activations
    ]
    if not questions:
        return []
    doses = [replace(q, scale=q.scale * share) for q in questions for share in SCALES]
    drawn = dict(zip(doses, finish(engine.draw_heatmaps(radiograph, doses)), strict=True))
    return [
        _checked([drawn[replace(q, scale=q.scale * share)] for share in SCALES], plan, look)
        for q in questions
    ]


def monotone(scores: Sequence[float], direction: Direction) -> bool:
    """Whether scores, from no guidance to the most, never turn back and do move."""
    steps = np.diff(scores) * (1 if direction is Direction.MORE else -1)
    return bool((steps >= 0).all() and (steps > 0).any())


def flipped(before: float, after: float, point: float | None, direction: Direction) -> bool | None:
    """Whether a score crossed the operating point, or None if there was nothing to cross."""
    if point is None:
        return None
    if direction is Direction.MORE:
        return None if before >= point else after >= point
    return None if before < point else after < point


def similarity_outside(
    one: NDArray[np.float32], other: NDArray[np.float32], outside: NDArray[np.bool_]
) -> float | None:
    """Return the mean structural similarity (Wang et al. 2004) over some pixels of two images.

    Args:
        one: (S, S) in [-1, 1].
        other: Likewise.
        outside: Which pixels count, (S, S); None is returned if there are none.
    """
    if not outside.any():
        return None
    first, second = (torch.from_numpy(np.ascontiguousarray(x))[None, None] for x in (one, other))
    found = structural_similarity_index_measure(
        first, second, data_range=2.0, return_full_image=True
    )
    assert isinstance(found, tuple)
    return float(found[1][0, 0].numpy()[outside].mean())


def heart_share(organs: OrganMasks) -> float | None:
    """Return the widest heart over the widest inner thorax, or None where either is not found."""
    if not organs.heart.any():
        return None
    thorax = thorax_caliper(organs)
    return None if thorax is None else heart_caliper(organs).width / thorax.width


def _checked(doses: Sequence[Heatmap], plan: CheckPlan, look: Look | None) -> Checked:
    own = doses[SCALES.index(OWN)]
    recipe = own.recipe
    before, after = own.scores_before, own.scores_after
    name = recipe.super_class
    place = before.names.index(name)
    curve = [before.logits[place], *(dose.scores_after.logits[place] for dose in doses)]
    dark = np.zeros(own.heat.shape, dtype=np.bool_)
    dark[area_of(own.model_input)] = True
    dark &= own.heat < plan.mark
    checked = Checked(
        super_class=name,
        direction=recipe.direction,
        activation=recipe.activation,
        flipped=flipped(
            before.sigmoid[name],
            after.sigmoid[name],
            plan.operating_points.get(name),
            recipe.direction,
        ),
        monotone=monotone(curve, recipe.direction),
        ssim_to_reference=similarity_outside(own.counterfactual, own.reference, dark),
        ssim_to_input=similarity_outside(own.counterfactual, own.model_input.pixels, dark),
    )
    if look is None:
        return checked
    reference, changed = look(np.stack([own.reference, own.counterfactual]))
    return replace(
        checked,
        density_rises=_density_rises(own, reference.organs, recipe),
        ratio_right_way=_ratio_right_way(reference, changed, recipe),
    )


def _density_rises(own: Heatmap, organs: OrganMasks, recipe: Recipe) -> bool | None:
    if (recipe.super_class, recipe.direction) != (OPACITY, Direction.MORE):
        return None
    return bool(own.change[organs.lungs].mean() > 0) if organs.lungs.any() else None


def _ratio_right_way(before: SeenOrgans, after: SeenOrgans, recipe: Recipe) -> bool | None:
    if recipe.super_class != HEART:
        return None
    first, second = (heart_share(seen.finer(FINER)) for seen in (before, after))
    if first is None or second is None:
        return None
    return second > first if recipe.direction is Direction.MORE else second < first
