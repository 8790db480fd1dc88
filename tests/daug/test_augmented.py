from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from daug.augmented import AugmentedRadiograph, ChannelKind, ChannelPlan, stack_channels
from daug.bundle import Bundle
from daug.bundled_models import load_models
from daug.engine import Engine
from daug.errors import EmbeddingError
from daug.findings import Direction
from daug.heatmap import Recipe
from daug.radiograph import Radiograph
from daug.workstation import finish

NORMAL = Recipe("No Finding", num_steps=4)
LESION = Recipe("Lung Lesion", Direction.LESS, num_steps=4)
PAPER = ChannelPlan(ChannelKind.PAPER, (NORMAL,), full_at=0.4, bundle_digest="b")
ALL = ChannelPlan(ChannelKind.ALL, (NORMAL, LESION), full_at=0.4, bundle_digest="b")


def augmented(radiograph: Radiograph, size: int = 32) -> AugmentedRadiograph:
    half = np.full((size, size), 0.2, dtype=np.float32)
    return AugmentedRadiograph(radiograph, {NORMAL: -half, LESION: 9 * half}, "b")


def test_plain_channels_are_the_radiograph_three_times(radiograph: Radiograph) -> None:
    channels = AugmentedRadiograph(radiograph).channels(ChannelPlan(), 32)
    assert channels.shape == (3, 32, 32)
    assert (channels == radiograph.model_input(32).pixels).all()


def test_the_papers_channels_are_radiograph_radiograph_and_the_change_on_its_scale(
    radiograph: Radiograph,
) -> None:
    channels = augmented(radiograph).channels(PAPER, 32)
    assert (channels[:2] == radiograph.model_input(32).pixels).all()
    np.testing.assert_allclose(channels[2], -0.5)  # 0.2 less bright, on a scale full at 0.4


def test_all_channels_are_the_radiograph_and_every_map_in_the_plans_order(
    radiograph: Radiograph,
) -> None:
    channels = augmented(radiograph).channels(ALL, 32)
    assert channels.shape == (3, 32, 32)
    assert (channels[0] == radiograph.model_input(32).pixels).all()
    np.testing.assert_allclose(channels[1], -0.5)
    np.testing.assert_array_equal(channels[2], 1)  # beyond the scale's end
    turned = augmented(radiograph).channels(replace(ALL, maps=(LESION, NORMAL)), 32)
    np.testing.assert_array_equal(turned[1], 1)


def test_maps_are_brought_to_the_models_size(radiograph: Radiograph) -> None:
    channels = augmented(radiograph, size=16).channels(PAPER, 64)
    assert channels.shape == (3, 64, 64)
    np.testing.assert_allclose(channels[2], -0.5, atol=1e-6)


@given(
    st.lists(st.floats(-3, 3, width=32), min_size=4, max_size=4),
    st.floats(0.05, 2, allow_nan=False),
)
def test_channels_stay_within_the_range_and_keep_the_sign(
    values: list[float], full_at: float
) -> None:
    change = np.array(values, dtype=np.float32).reshape(1, 1, 2, 2)
    plan = replace(PAPER, full_at=full_at)
    heat = stack_channels(plan, np.zeros((1, 2, 2), np.float32), change)[0, 2]
    assert np.abs(heat).max() <= 1
    assert (np.sign(heat) == np.sign(change[0, 0] / np.float32(full_at))).all()


def test_a_map_that_was_not_drawn_is_named(radiograph: Radiograph) -> None:
    with pytest.raises(EmbeddingError, match=r"map \+ No Finding \(softmax, 4 steps\)"):
        AugmentedRadiograph(radiograph).channels(PAPER, 32)


def test_maps_of_other_models_are_refused(radiograph: Radiograph) -> None:
    other = replace(augmented(radiograph), bundle_digest="other")
    with pytest.raises(EmbeddingError, match="Use the bundle that it belongs to"):
        other.channels(PAPER, 32)


def test_heatmaps_become_channels_as_they_were_drawn(
    radiograph: Radiograph, tiny_bundle: Bundle
) -> None:
    import torch

    engine = Engine(load_models(tiny_bundle), torch.device("cpu"))
    recipe = tiny_bundle.recipe_for("no finding")
    (heatmap,) = finish(engine.draw_heatmaps(radiograph, [recipe]))
    plan = ChannelPlan(ChannelKind.PAPER, (recipe,), 0.5, tiny_bundle.digest)
    channels = AugmentedRadiograph.from_heatmaps(radiograph, [heatmap]).channels(plan, 32)
    np.testing.assert_allclose(channels[2], np.clip(heatmap.change / 0.5, -1, 1), atol=1e-6)
    other = Radiograph(-radiograph.pixels, source_name="other")
    with pytest.raises(EmbeddingError, match="another radiograph"):
        AugmentedRadiograph.from_heatmaps(other, [heatmap])


@pytest.mark.parametrize("plan", [ChannelPlan(), PAPER, ALL])
def test_a_plan_comes_back_from_json(plan: ChannelPlan) -> None:
    assert ChannelPlan.from_dict(plan.to_dict()) == plan


@pytest.mark.parametrize(
    ("kind", "maps"),
    [(ChannelKind.PLAIN, (NORMAL,)), (ChannelKind.PAPER, ()), (ChannelKind.ALL, ())],
)
def test_a_plan_with_the_wrong_number_of_maps_is_refused(
    kind: ChannelKind, maps: tuple[Recipe, ...]
) -> None:
    with pytest.raises(EmbeddingError, match="cannot hold"):
        ChannelPlan(kind, maps)
