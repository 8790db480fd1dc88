from collections.abc import Callable, Iterator

import numpy as np
import pytest
import torch
from torch import Tensor

from daug.bundle import Bundle
from daug.bundled_models import load_models
from daug.engine import Engine
from daug.errors import EngineError, RecipeError
from daug.findings import Activation, Direction
from daug.heatmap import Encoder, Heatmap, Recipe, Reference
from daug.radiograph import Radiograph
from daug.schedule import add_noise
from daug.workstation import finish

CPU = torch.device("cpu")
CLASSES = ("No Finding", "Lung Lesion", "Pleural")


@pytest.fixture
def engine(tiny_bundle: Bundle) -> Engine:
    return Engine(load_models(tiny_bundle), CPU, fast=False)


def draw(engine: Engine, radiograph: Radiograph, *recipes: Recipe) -> tuple[Heatmap, ...]:
    return finish(engine.draw_heatmaps(radiograph, recipes))


def all_recipes(bundle: Bundle, **changes: object) -> list[Recipe]:
    return [
        bundle.recipe_for(name, direction, activation, **changes)
        for name in CLASSES
        for direction in Direction
        for activation in Activation
    ]


@pytest.mark.parametrize("scheduler", ["DDIM", "DPM-Solver++", "Euler ancestral"])
def test_with_scale_0_the_guided_row_is_the_control_bit_for_bit(
    engine: Engine, radiograph: Radiograph, scheduler: str
) -> None:
    recipes = all_recipes(engine.models.bundle, scale=0.0, scheduler=scheduler)
    for heatmap in draw(engine, radiograph, *recipes):
        assert (heatmap.seed_changes == 0).all()
        assert (heatmap.counterfactual == heatmap.reference).all()


def test_guidance_changes_the_picture(engine: Engine, radiograph: Radiograph) -> None:
    (heatmap,) = draw(engine, radiograph, engine.models.bundle.recipe_for("Pleural", scale=50.0))
    assert heatmap.statistics.max > 1e-3


@pytest.mark.parametrize("num_steps", [1, 3, 7, 50, 100])
def test_the_classifier_is_told_the_same_t_as_the_denoiser(
    engine: Engine, radiograph: Radiograph, num_steps: int
) -> None:
    """The ancestor passes the index of the step instead when it takes fewer steps."""
    told: dict[str, list[int]] = {"unet": [], "classifier": []}
    engine.networks.denoiser.unet.register_forward_pre_hook(
        lambda _, args: told["unet"].append(int(args[1]))
    )
    engine.networks.classifier.register_forward_pre_hook(
        lambda _, args: told["classifier"].append(int(args[1]))
    )
    recipe = engine.models.bundle.recipe_for("Pleural", num_steps=num_steps)
    drawing = engine.draw_heatmaps(radiograph, [recipe])
    next(drawing)
    told["classifier"].clear()  # the scores of the input
    seen = [preview.t for _, preview in zip(range(num_steps), drawing, strict=False)]
    assert told["unet"] == told["classifier"] == seen
    assert seen[0] == recipe.noise_level - 1
    assert len(set(seen)) == num_steps


def test_a_batch_of_maps_equals_the_maps_one_by_one(engine: Engine, radiograph: Radiograph) -> None:
    recipes = all_recipes(engine.models.bundle, seeds=(0, 1))
    together = draw(engine, radiograph, *recipes)
    for recipe, heatmap in zip(recipes, together, strict=True):
        (alone,) = draw(engine, radiograph, recipe)
        assert heatmap.recipe == alone.recipe == recipe
        np.testing.assert_allclose(heatmap.seed_changes, alone.seed_changes, atol=2e-5)
        np.testing.assert_allclose(
            heatmap.scores_after.logits, alone.scores_after.logits, atol=1e-4
        )


def test_recipes_that_walk_differently_come_back_in_the_order_asked_for(
    engine: Engine, radiograph: Radiograph
) -> None:
    bundle = engine.models.bundle
    recipes = [
        bundle.recipe_for("Pleural", num_steps=5),
        bundle.recipe_for("Lung Lesion", num_steps=3),
        bundle.recipe_for("No Finding", num_steps=5),
    ]
    assert [heatmap.recipe for heatmap in draw(engine, radiograph, *recipes)] == recipes


def test_several_seeds_give_their_mean_and_how_often_each_pixel_is_lit(
    engine: Engine, radiograph: Radiograph
) -> None:
    recipe = engine.models.bundle.recipe_for("Pleural", scale=50.0, seeds=(0, 1, 2))
    (heatmap,) = draw(engine, radiograph, recipe)
    singles = [
        draw(engine, radiograph, engine.models.bundle.recipe_for("Pleural", scale=50.0, seeds=(s,)))
        for s in recipe.seeds
    ]
    changes = np.stack([single.change for (single,) in singles])
    np.testing.assert_allclose(heatmap.change, changes.mean(axis=0), atol=2e-5)
    mark = float(np.median(np.abs(changes)))
    share = heatmap.stability(mark)
    assert set(np.unique(np.round(share * 3))) <= {0, 1, 2, 3}
    assert share.mean() == pytest.approx((np.abs(changes) > mark).mean(), abs=0.01)


def test_different_seeds_draw_different_noise(engine: Engine, radiograph: Radiograph) -> None:
    recipe = engine.models.bundle.recipe_for("Pleural", seeds=(0, 1))
    (heatmap,) = draw(engine, radiograph, recipe)
    assert not np.allclose(heatmap.seed_changes[0], heatmap.seed_changes[1])


def test_the_input_as_reference_is_the_papers_difference(
    engine: Engine, radiograph: Radiograph
) -> None:
    recipe = engine.models.bundle.recipe_for("Pleural", reference=Reference.INPUT)
    (heatmap,) = draw(engine, radiograph, recipe)
    assert (heatmap.reference == heatmap.model_input.pixels).all()
    np.testing.assert_allclose(
        heatmap.change, heatmap.counterfactual - heatmap.model_input.pixels, atol=1e-6
    )
    assert heatmap.scores_before.sigmoid == pytest.approx(heatmap.scores_input.sigmoid, abs=1e-6)


def test_with_seed_0_the_ddim_encoder_leaves_the_radiograph_as_it_is(
    engine: Engine, radiograph: Radiograph, monkeypatch: pytest.MonkeyPatch
) -> None:
    recipe = engine.models.bundle.recipe_for("Pleural", encoder=Encoder.DDIM)
    (as_it_is,) = draw(engine, radiograph, recipe)
    monkeypatch.setattr("daug.sampler.DITHER", 0.5)
    (still,) = draw(engine, radiograph, recipe)
    assert (as_it_is.change == still.change).all()


def test_any_other_seed_of_the_ddim_encoder_shakes_it_a_little(
    engine: Engine, radiograph: Radiograph
) -> None:
    ask = engine.models.bundle.recipe_for
    (alone,) = draw(engine, radiograph, ask("Pleural", encoder=Encoder.DDIM))
    (several,) = draw(engine, radiograph, ask("Pleural", encoder=Encoder.DDIM, seeds=(0, 1, 2)))
    assert several.seed_changes[0] == pytest.approx(alone.change, abs=1e-5)
    for shaken in several.seed_changes[1:]:
        assert (shaken != alone.change).any()
        assert np.abs(shaken - alone.change).mean() < np.abs(alone.change).mean()
    assert (several.seed_changes[1] != several.seed_changes[2]).any()


def test_untrained_super_classes_have_no_influence_on_any_map(
    make_bundle: Callable[..., Bundle], radiograph: Radiograph
) -> None:
    models = load_models(make_bundle())
    recipes = all_recipes(models.bundle)
    before = draw(Engine(models, CPU, fast=False), radiograph, *recipes)
    head = models.classifier.head[1]
    assert isinstance(head, torch.nn.Linear)
    untrained = [i for i, card in enumerate(models.bundle.classes) if not card.offered]
    assert untrained
    with torch.no_grad():
        head.weight[untrained] *= -7
        head.bias[untrained] += 40
    after = draw(Engine(models, CPU, fast=False), radiograph, *recipes)
    for one, other in zip(before, after, strict=True):
        assert (one.change == other.change).all()
        assert one.scores_after.sigmoid == other.scores_after.sigmoid


def test_the_trace_is_what_the_classifier_said_of_each_noised_image(
    engine: Engine, radiograph: Radiograph
) -> None:
    """Averaged over the seeds; the first step's images are known from the seeds alone."""
    recipe = engine.models.bundle.recipe_for("Pleural", seeds=(3, 4))
    (heatmap,) = draw(engine, radiograph, recipe)
    x_0 = torch.from_numpy(heatmap.model_input.pixels)[None, None]
    t, offered = recipe.noise_level - 1, torch.tensor(engine.offered)
    logits = []
    for seed in recipe.seeds:
        noise = torch.randn(x_0.shape, generator=torch.Generator().manual_seed(seed))
        x_t = add_noise(x_0, noise, engine.alpha_bar[t])
        with torch.no_grad():
            logits.append(engine.models.classifier(x_t, torch.tensor(t))[0, offered])
    assert heatmap.step_logits.shape == (recipe.num_steps, int(offered.sum()))
    np.testing.assert_allclose(heatmap.step_logits[0], torch.stack(logits).mean(0), atol=1e-4)


def test_previews_count_the_steps_and_closing_stops_the_computation(
    engine: Engine, radiograph: Radiograph
) -> None:
    recipes = all_recipes(engine.models.bundle, num_steps=6)
    calls: list[int] = []
    engine.networks.denoiser.register_forward_pre_hook(lambda *_: calls.append(1))
    drawing = engine.draw_heatmaps(radiograph, recipes)
    previews = [next(drawing) for _ in range(3)]
    assert [preview.done for preview in previews] == [0, 1, 2]
    assert {preview.total for preview in previews} == {6}
    assert previews[-1].changes.shape == (len(recipes), 32, 32)
    drawing.close()
    assert len(calls) == 2


def test_the_way_up_is_told_of_and_can_be_stopped_after_each_of_its_steps(
    engine: Engine, radiograph: Radiograph
) -> None:
    recipes = all_recipes(engine.models.bundle, num_steps=6, encoder=Encoder.DDIM)
    calls: list[int] = []
    engine.networks.denoiser.register_forward_pre_hook(lambda *_: calls.append(1))
    drawing = engine.draw_heatmaps(radiograph, recipes)
    up = [next(drawing) for _ in range(6)]
    assert [(p.done, p.encoded, p.encode_total) for p in up] == [(0, n, 6) for n in range(1, 7)]
    assert [preview.t for preview in up] == sorted(preview.t for preview in up)
    assert up[-1].t == recipes[0].noise_level - 1
    assert len(calls) == 6
    drawing.close()
    another = engine.draw_heatmaps(radiograph, recipes)
    next(another)
    another.close()
    assert len(calls) == 6 + 1


@pytest.mark.parametrize("seeds", [(0,), (0, 1, 2)])
def test_white_noise_takes_no_steps_on_the_way_up(
    engine: Engine, radiograph: Radiograph, seeds: tuple[int, ...]
) -> None:
    recipe = engine.models.bundle.recipe_for("Pleural", num_steps=2, seeds=seeds)
    first = next(engine.draw_heatmaps(radiograph, [recipe]))
    assert (first.done, first.encoded, first.encode_total) == (0, 0, 0)


def test_the_last_preview_is_the_map(engine: Engine, radiograph: Radiograph) -> None:
    drawing = engine.draw_heatmaps(radiograph, [engine.models.bundle.recipe_for("Pleural")])
    last = None
    while True:
        try:
            last = next(drawing)
        except StopIteration as end:
            (heatmap,) = end.value
            break
    assert last is not None
    assert last.done == last.total
    np.testing.assert_allclose(last.changes[0], heatmap.change, atol=1e-5)


def test_a_value_that_is_no_number_stops_the_run_and_names_the_step(
    engine: Engine, radiograph: Radiograph, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls: Iterator[int] = iter(range(100))

    def eps(x: Tensor, t: Tensor, alpha_bar: Tensor) -> Tensor:
        return x * (float("nan") if next(calls) == 2 else 1.0)

    monkeypatch.setattr(engine.networks, "eps", eps)
    recipe = engine.models.bundle.recipe_for("Pleural", num_steps=5)
    with pytest.raises(EngineError, match=r"Step 3 of 5 \(t = 59\).*Lower the guidance scale"):
        draw(engine, radiograph, recipe)


def test_an_unknown_super_class_is_refused_before_the_first_step(
    engine: Engine, radiograph: Radiograph
) -> None:
    with pytest.raises(RecipeError, match=r"No map can be drawn of Support Device"):
        draw(engine, radiograph, Recipe("Support Device", noise_level=100, num_steps=4))
    with pytest.raises(RecipeError, match="No heatmap was asked for"):
        draw(engine, radiograph)


def test_the_fast_networks_agree_with_the_exact_ones(
    tiny_bundle: Bundle, radiograph: Radiograph
) -> None:
    models = load_models(tiny_bundle)
    recipe = tiny_bundle.recipe_for("Pleural", scale=50.0, num_steps=10)
    (exact,) = draw(Engine(models, CPU, fast=False), radiograph, recipe)
    (fast,) = draw(Engine(models, CPU, fast=True), radiograph, recipe)
    assert np.corrcoef(exact.change.ravel(), fast.change.ravel())[0, 1] > 0.95


def test_scores_are_the_classifiers_at_t_0_on_the_offered_classes(
    engine: Engine, radiograph: Radiograph
) -> None:
    scores = engine.score(radiograph)
    image = torch.from_numpy(radiograph.model_input(32).pixels)[None, None]
    with torch.no_grad():
        z = engine.models.classifier(image, torch.tensor(0))[0]
    names = [card.name for card in engine.models.bundle.classes]
    assert set(scores.sigmoid) == {c.name for c in engine.models.bundle.offered}
    for name, value in scores.sigmoid.items():
        assert value == pytest.approx(float(z[names.index(name)].sigmoid()), abs=1e-6)
    assert sum(scores.softmax.values()) == pytest.approx(1)
