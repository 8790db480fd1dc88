"""From a radiograph straight to its embedding, with the tiny bundle's own maps."""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from daug.augmented import AugmentedRadiograph, ChannelKind, ChannelPlan
from daug.bundle import Bundle
from daug.bundled_models import load_models
from daug.embedder import Embedder
from daug.engine import Engine
from daug.findings import Activation, Direction, Finding
from daug.heatmap import Recipe
from daug.radiograph import Radiograph
from daug.radiograph_embedder import DrawingEmbedder
from daug.workstation import Drawing, finish
from tests.daug.clips import saved_clip

CPU = torch.device("cpu")


@pytest.fixture
def plan(tiny_bundle: Bundle) -> ChannelPlan:
    recipe = tiny_bundle.recipe_for(Finding.NO_FINDING, Direction.MORE, Activation.SOFTMAX)
    return ChannelPlan(ChannelKind.PAPER, (replace(recipe, num_steps=2),), 0.5, tiny_bundle.digest)


@pytest.fixture
def engine(tiny_bundle: Bundle) -> Engine:
    return Engine(load_models(tiny_bundle), CPU)


def test_the_maps_that_the_model_looks_at_are_drawn_and_no_others(
    engine: Engine, plan: ChannelPlan, radiograph: Radiograph, tmp_path: Path
) -> None:
    embedder = Embedder(saved_clip(tmp_path, plan), CPU)
    drawing = DrawingEmbedder(embedder, engine.draw_heatmaps)
    by_hand = AugmentedRadiograph.from_heatmaps(
        radiograph, finish(engine.draw_heatmaps(radiograph, plan.maps))
    )
    np.testing.assert_array_equal(drawing.embed(radiograph).vector, embedder.embed(by_hand).vector)
    assert drawing.classify(radiograph) == embedder.classify(by_hand)


def test_plain_channels_draw_nothing(radiograph: Radiograph, tmp_path: Path) -> None:
    embedder = Embedder(saved_clip(tmp_path), CPU)

    def never(*_: object) -> None:
        raise AssertionError("nothing was to be drawn")

    drawing = DrawingEmbedder(embedder, never)  # type: ignore[arg-type]
    assert drawing.embed(radiograph).model_digest == embedder.model_digest


def test_threads_take_turns(
    engine: Engine, plan: ChannelPlan, radiograph: Radiograph, tmp_path: Path
) -> None:
    """A screen classifies while the library is embedded in the background."""
    at_work, most = 0, 0

    def draw(one: Radiograph, recipes: Sequence[Recipe]) -> Drawing:
        nonlocal at_work, most
        at_work += 1
        most = max(most, at_work)
        heatmaps = yield from engine.draw_heatmaps(one, recipes)
        at_work -= 1
        return heatmaps

    drawing = DrawingEmbedder(Embedder(saved_clip(tmp_path, plan), CPU), draw)
    with ThreadPoolExecutor(3) as pool:
        tasks = [pool.submit(do, radiograph) for do in (drawing.embed, drawing.classify) * 2]
        for task in tasks:
            task.result()
    assert most == 1


def test_a_change_is_embedded_as_the_imagined_picture_and_its_reference(
    engine: Engine, tiny_bundle: Bundle, radiograph: Radiograph, tmp_path: Path
) -> None:
    embedder = Embedder(saved_clip(tmp_path), CPU)
    drawing = DrawingEmbedder(embedder, engine.draw_heatmaps)
    more = tiny_bundle.recipe_for(Finding.NO_FINDING, Direction.MORE, Activation.SOFTMAX)
    (heatmap,) = finish(engine.draw_heatmaps(radiograph, (more,)))
    imagined, reference = drawing.embed_change(radiograph, more)
    for found, pixels in ((imagined, heatmap.counterfactual), (reference, heatmap.reference)):
        enlarged = np.kron(pixels.clip(-1, 1), np.ones((4, 4), np.float32))
        alone = drawing.embed(Radiograph(enlarged, "drawn"))
        np.testing.assert_allclose(found.vector, alone.vector, atol=1e-5)
    assert not np.array_equal(imagined.vector, reference.vector)
