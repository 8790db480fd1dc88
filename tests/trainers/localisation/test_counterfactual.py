from collections.abc import Callable

import numpy as np
import pytest
import torch
from torchmetrics.functional.image import structural_similarity_index_measure

from daug.bundle import Bundle
from daug.bundled_models import load_models
from daug.engine import Engine
from daug.findings import Activation, Direction
from daug.organs import OrganMasks
from daug.radiograph import Radiograph
from daug.seen_organs import SeenOrgans
from trainers.evaluation.localisation.checks_run import NO_ANATOMY, NO_HEART, summarise
from trainers.evaluation.localisation.counterfactual import (
    HEART,
    OPACITY,
    Checked,
    CheckPlan,
    check,
    flipped,
    heart_share,
    monotone,
    similarity_outside,
)


@pytest.mark.parametrize(
    ("before", "after", "direction", "expected"),
    [
        (0.7, 0.4, Direction.LESS, True),
        (0.7, 0.6, Direction.LESS, False),
        (0.3, 0.1, Direction.LESS, None),  # it was not above the point
        (0.3, 0.5, Direction.MORE, True),
        (0.3, 0.4, Direction.MORE, False),
        (0.5, 0.9, Direction.MORE, None),
    ],
)
def test_a_flip_crosses_the_operating_point_from_the_other_side(
    before: float, after: float, direction: Direction, expected: bool | None
) -> None:
    assert flipped(before, after, 0.5, direction) is expected


def test_without_an_operating_point_nothing_flips() -> None:
    assert flipped(0.1, 0.9, None, Direction.MORE) is None


def test_a_dose_curve_may_not_turn_back() -> None:
    assert monotone([0, 1, 1, 3], Direction.MORE)
    assert not monotone([0, 1, 0.9, 3], Direction.MORE)
    assert monotone([3, 1, -2], Direction.LESS)
    assert not monotone([0, 1, 2], Direction.LESS)
    assert not monotone([1, 1, 1], Direction.MORE)  # guidance that does nothing


def test_likeness_is_counted_outside_the_lit_area_alone() -> None:
    one = np.random.default_rng(0).uniform(-1, 1, (64, 64)).astype(np.float32)
    other = one.copy()
    other[:20, :20] = 0
    far = np.zeros((64, 64), dtype=np.bool_)
    far[40:, 40:] = True
    assert similarity_outside(one, other, far) == pytest.approx(1)
    near = np.zeros((64, 64), dtype=np.bool_)
    near[:20, :20] = True
    changed = similarity_outside(one, other, near)
    assert changed is not None
    assert changed < 0.3
    assert similarity_outside(one, other, near & far) is None


def test_over_the_whole_image_it_is_the_usual_structural_similarity() -> None:
    generator = np.random.default_rng(1)
    one, other = generator.uniform(-1, 1, (2, 48, 48)).astype(np.float32)
    whole = np.ones((48, 48), dtype=np.bool_)
    first, second = (torch.from_numpy(x)[None, None] for x in (one, other))
    oracle = structural_similarity_index_measure(first, second, data_range=2.0)
    assert isinstance(oracle, torch.Tensor)
    assert similarity_outside(one, other, whole) == pytest.approx(oracle.item(), abs=1e-3)


def chest(heart_width: int, side: int = 64) -> OrganMasks:
    """Lungs from column 4 to 60, and a heart of a width in the middle."""
    empty = np.zeros((side, side), dtype=np.bool_)
    left, right, heart = empty.copy(), empty.copy(), empty.copy()
    right[10:50, 4:28], left[10:50, 36:60] = True, True
    heart[30:50, 32 - heart_width // 2 : 32 + heart_width // 2] = True
    return OrganMasks(left, right, heart)


def test_the_ratio_is_the_hearts_width_over_the_thoraxs() -> None:
    assert heart_share(chest(28)) == pytest.approx(28 / 56)
    assert heart_share(chest(0)) is None


class HeartOf:
    """A segmenter that sees a heart of a width for each picture it is shown."""

    def __init__(self, *widths: int) -> None:
        self.widths = widths

    def __call__(self, pixels: np.ndarray) -> list[SeenOrgans]:
        found = []
        for width in self.widths[: len(pixels)]:
            organs = chest(width, pixels.shape[1] * 2)
            masks = [
                organs.by_name[name][::2, ::2] for name in ("left_lung", "right_lung", "heart")
            ]
            found.append(SeenOrgans(np.stack(masks).astype(np.float32)))
        return found


@pytest.fixture
def engine(make_bundle: Callable[..., Bundle]) -> Engine:
    bundle = make_bundle(untrained=set())
    return Engine(load_models(bundle), torch.device("cpu"))


def test_every_question_is_checked_and_the_segmenter_judges_heart_and_lungs(
    engine: Engine, radiograph: Radiograph
) -> None:
    plan = CheckPlan.of(engine.models.bundle, full=False)
    found = check(engine, radiograph, plan, HeartOf(20, 28))
    assert {(c.super_class, c.direction) for c in found} == {
        (name, way) for name in (HEART, OPACITY) for way in Direction
    }
    by = {(c.super_class, c.direction): c for c in found}
    assert by[HEART, Direction.MORE].ratio_right_way is True  # the heart got wider
    assert by[HEART, Direction.LESS].ratio_right_way is False  # although less was asked for
    assert by[OPACITY, Direction.MORE].density_rises is not None
    assert by[OPACITY, Direction.LESS].density_rises is None
    assert by[OPACITY, Direction.MORE].ratio_right_way is None
    for one in found:
        assert one.ssim_to_reference is None or -1 <= one.ssim_to_reference <= 1


def test_with_full_every_offered_class_and_activation_is_asked(engine: Engine) -> None:
    plan = CheckPlan.of(engine.models.bundle, full=True)
    assert len(plan.super_classes) == 7
    assert plan.activations == tuple(Activation)


def test_the_ratio_is_null_with_its_reason_where_it_cannot_be_measured(engine: Engine) -> None:
    plan = CheckPlan.of(engine.models.bundle, full=False)
    lacking = summarise([], None, plan)["cardiothoracic"]
    assert lacking == {"plus_right_way": None, "minus_right_way": None, "reason": NO_ANATOMY}
    no_heart = summarise([], HeartOf(1, 2), CheckPlan((OPACITY,)))["cardiothoracic"]
    assert no_heart["reason"] == NO_HEART


def test_shares_of_checks_count_only_where_they_apply() -> None:
    def one(flip: bool | None, wider: bool) -> Checked:
        return Checked(
            *(HEART, Direction.MORE, Activation.SOFTMAX, flip, True, 0.9, 0.8),
            ratio_right_way=wider,
        )

    found = [("a", one(True, True)), ("b", one(False, True)), ("c", one(None, False))]
    plan = CheckPlan((HEART,), measured_hearts=26)
    values = summarise(found, HeartOf(1, 2), plan, draws=50)
    (row,) = values["counterfactual"]["rows"]
    assert (row["flipped"]["value"], row["flipped"]["n"]) == (0.5, 2)
    assert row["monotone"]["value"] == 1
    assert values["cardiothoracic"]["plus_right_way"]["value"] == pytest.approx(2 / 3)
    assert values["cardiothoracic"]["minus_right_way"]["value"] is None
    assert values["cardiothoracic"]["learnt_from_the_ratio"] == 26
