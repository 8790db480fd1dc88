from pathlib import Path

import numpy as np
import pytest
import torch
from diffusers.schedulers.scheduling_euler_ancestral_discrete import (
    EulerAncestralDiscreteScheduler,
)

from daug.bundle import Bundle
from daug.bundled_models import load_models
from daug.errors import EngineError, RecipeError, UntrainedError
from daug.findings import Activation, Direction
from daug.schedule import BETA_END, BETA_START
from trainers.synthetic.drawing import OTHER_DICE, Drawer, draw_remembered
from trainers.synthetic.plan import SEEDS_APART, Settings, even_plan, parse_plan
from trainers.synthetic.recipe import Aim, DrawRecipe, reached

STEPS = 4
PLEURAL = Aim("Pleural", scale=50.0)
ATELECTASIS = Aim("Atelectasis", Direction.LESS, Activation.SIGMOID, scale=20.0)


def recipe(seed: int = 0, *aims: Aim, steps: int = STEPS, guided_below: int = 1000) -> DrawRecipe:
    return DrawRecipe(seed, aims, num_steps=steps, guided_below=guided_below)


@pytest.fixture(scope="module")
def drawer(tiny_bundle: Bundle) -> Drawer:
    return Drawer(load_models(tiny_bundle), torch.device("cpu"))


def one(drawer: Drawer, wanted: DrawRecipe) -> np.ndarray:
    ((_, picture),) = drawer.draw([wanted])
    return picture


@torch.no_grad()
def test_an_unconditional_picture_is_the_one_that_diffusers_draws(drawer: Drawer) -> None:
    """The oracle: diffusers' own loop over its own scheduler, from the same dice."""
    scheduler = EulerAncestralDiscreteScheduler(
        beta_start=BETA_START, beta_end=BETA_END, timestep_spacing="trailing"
    )
    scheduler.set_timesteps(STEPS)
    seed, denoiser = 7, drawer.models.denoiser
    x = torch.randn(1, 1, 32, 32, generator=torch.Generator().manual_seed(seed))
    # x_t at the first step, in the scheduler's own units
    x = x / scheduler.scale_model_input(torch.ones(1), scheduler.timesteps[0])
    dice = torch.Generator().manual_seed(seed | OTHER_DICE)
    for time in scheduler.timesteps:
        x_t = scheduler.scale_model_input(x, time)
        t = int(time)
        eps = denoiser.predict_eps(x_t, torch.tensor(t), drawer.alpha_bar[t])
        x = scheduler.step(eps, time, x, generator=dice).prev_sample
    expected = (x[0, 0].clamp(-1, 1).numpy() + 1) * 127.5
    found = one(drawer, recipe(seed))
    assert found.dtype == np.uint8
    assert found.std() > 5  # something is there to be compared
    assert np.abs(found - expected).max() <= 1  # rounding, and noise of floats at its edge


def test_the_same_recipe_draws_the_same_pixels_whatever_is_drawn_beside_it(
    drawer: Drawer,
) -> None:
    recipes = [recipe(0), recipe(1, PLEURAL), recipe(2, PLEURAL, ATELECTASIS), recipe(3)]
    together = dict(drawer.draw(recipes))
    for wanted in recipes:
        np.testing.assert_array_equal(one(drawer, wanted), together[wanted])


def test_another_seed_is_another_picture(drawer: Drawer) -> None:
    assert (one(drawer, recipe(0)) != one(drawer, recipe(1))).mean() > 0.5


@pytest.mark.parametrize(("direction", "sign"), [(Direction.MORE, 1), (Direction.LESS, -1)])
def test_less_of_the_leaning_noise_is_more_of_what_was_asked_for(
    drawer: Drawer, direction: Direction, sign: int
) -> None:
    x = torch.randn(1, 1, 32, 32, generator=torch.Generator().manual_seed(0))
    time, index = torch.tensor(300), drawer.classes.index("Pleural")
    wanted = drawer._wanted([recipe(0, Aim("Pleural", direction, Activation.SIGMOID, scale=1.0))])
    assert wanted is not None
    noise = drawer._lean(torch.zeros_like(x), x, time, *wanted)
    cleaner = x - 0.1 * noise / noise.norm()
    before, after = (drawer.networks.noisy_logits(i, time)[0, index] for i in (x, cleaner))
    assert sign * float(after - before) > 0


def test_a_guidance_of_scale_zero_or_that_never_begins_changes_nothing(drawer: Drawer) -> None:
    free = one(drawer, recipe(5))
    np.testing.assert_array_equal(one(drawer, recipe(5, Aim("Pleural", scale=0.0))), free)
    np.testing.assert_array_equal(one(drawer, recipe(5, PLEURAL, guided_below=0)), free)
    assert (one(drawer, recipe(5, PLEURAL)) != free).any()


def test_two_aims_lean_by_the_sum_of_both(drawer: Drawer) -> None:
    x = torch.randn(1, 1, 32, 32, generator=torch.Generator().manual_seed(0))
    eps, time = torch.zeros_like(x), torch.tensor(300)

    def lean(*aims: Aim) -> torch.Tensor:
        wanted = drawer._wanted([recipe(0, *aims)])
        assert wanted is not None
        return drawer._lean(eps, x, time, *wanted)

    both = lean(PLEURAL, ATELECTASIS)
    torch.testing.assert_close(both, lean(PLEURAL) + lean(ATELECTASIS), rtol=1e-4, atol=1e-6)
    assert float(both.abs().max()) > 0


def test_a_class_that_is_not_offered_is_refused_before_anything_is_drawn(drawer: Drawer) -> None:
    with pytest.raises(RecipeError, match="Support Device"):
        next(drawer.draw([recipe(0), recipe(1, Aim("Support Device"))]))


def test_values_that_are_no_numbers_stop_the_drawing(
    drawer: Drawer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(drawer.networks, "eps", lambda x, t, alpha_bar: x / 0)
    with pytest.raises(EngineError, match="Step 1 of 4"):
        one(drawer, recipe(0))


def test_a_stopped_run_goes_on_and_draws_nothing_twice(
    drawer: Drawer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = draw_remembered(drawer, [recipe(0)], tmp_path)
    asked: list[DrawRecipe] = []
    real = drawer.draw

    def watched(recipes: list[DrawRecipe]) -> object:
        asked.extend(recipes)
        return real(recipes)

    monkeypatch.setattr(drawer, "draw", watched)
    both = draw_remembered(drawer, [recipe(0), recipe(1)], tmp_path)
    assert asked == [recipe(1)]
    np.testing.assert_array_equal(both[recipe(0)], first[recipe(0)])
    np.testing.assert_array_equal(both[recipe(1)], one(drawer, recipe(1)))


def test_recipes_survive_json_and_nothing_else_does() -> None:
    wanted = recipe(3, PLEURAL, ATELECTASIS)
    assert DrawRecipe.from_dict(wanted.to_dict()) == wanted
    broken: list[dict[str, object]] = [{}, {**wanted.to_dict(), "more": 1}, {"aims": [{}]}]
    for values in broken:
        with pytest.raises(RecipeError):
            DrawRecipe.from_dict(values)
    with pytest.raises(RecipeError, match="at most once"):
        recipe(0, PLEURAL, PLEURAL)


def test_titles_are_plain_words() -> None:
    assert recipe(0).title == "Unconditional"
    assert recipe(0, PLEURAL).title == "Towards Pleural"
    assert recipe(0, PLEURAL, ATELECTASIS).title == "Towards Pleural and away from Atelectasis"


def test_a_score_is_reached_only_if_every_aim_is() -> None:
    wanted = recipe(0, PLEURAL, ATELECTASIS)
    assert reached(wanted, {"Pleural": 0.7, "Atelectasis": 0.3}, 0.7)
    assert not reached(wanted, {"Pleural": 0.69, "Atelectasis": 0.3}, 0.7)
    assert not reached(wanted, {"Pleural": 0.7, "Atelectasis": 0.31}, 0.7)
    assert reached(recipe(0), {}, 1.0)


def test_an_even_plan_covers_every_offered_class_and_adds_up(tiny_bundle: Bundle) -> None:
    plan = even_plan(tiny_bundle, 16, Settings())
    assert [(k.first.title, k.count) for k in plan][:2] == [
        ("Unconditional", 6),
        ("Towards No Finding", 2),
    ]
    assert sum(kind.count for kind in plan) == 16
    assert len(plan) == 1 + len(tiny_bundle.offered)
    (only,) = even_plan(tiny_bundle, 3, Settings())
    assert (only.count, only.first.aims) == (3, ())


def test_a_written_plan_is_understood(tiny_bundle: Bundle) -> None:
    settings = Settings(seed=5, scale=7.0)
    free, both = parse_plan(tiny_bundle, "unconditional:2, pleural+atelectasis:3", settings)
    assert (free.count, free.first.aims) == (2, ())
    assert [aim.super_class for aim in both.first.aims] == ["Pleural", "Atelectasis"]
    assert {aim.scale for aim in both.first.aims} == {7.0}
    assert [next(free.recipes()).seed, next(both.recipes()).seed] == [5, 5 + SEEDS_APART]
    assert next(free.recipes(without=(5, 6))).seed == 7


@pytest.mark.parametrize("text", ["pleural", "pleural:0", "pleural:x", "", ":3", "nose:2"])
def test_a_plan_that_is_not_understood_is_refused(tiny_bundle: Bundle, text: str) -> None:
    with pytest.raises(RecipeError):
        parse_plan(tiny_bundle, text, Settings())
    with pytest.raises(UntrainedError):
        parse_plan(tiny_bundle, "support device:1", Settings())
