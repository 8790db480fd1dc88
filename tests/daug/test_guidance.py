import math

import pytest
import torch
from torch import Tensor

from daug.errors import RecipeError
from daug.findings import Activation, Direction
from daug.guidance import Wanted, guide_eps, log_wanted, wanted_gradient
from daug.heatmap import Recipe

CLASSES = ("A", "B", "C", "D")
TRAINED = (True, False, True, True)
EVERY_WAY = [(d, a) for d in Direction for a in Activation]


def recipe(name: str, direction: Direction, activation: Activation) -> Recipe:
    return Recipe(name, direction, activation, scale=2.0)


def wanted_of(*recipes: Recipe) -> Wanted:
    return Wanted.from_recipes(recipes, CLASSES, TRAINED)


def classifier(x: Tensor, t: Tensor) -> Tensor:
    """A smooth function with different slopes for every class and pixel, in float64."""
    flat = x.reshape(len(x), -1)
    weights = torch.linspace(-1, 1, flat.shape[1] * 4, dtype=torch.float64).reshape(-1, 4)
    return (flat.tanh() @ weights + (flat**2).mean(1, keepdim=True)) * (1 + t / 1000)


@pytest.mark.parametrize(("direction", "activation"), EVERY_WAY)
def test_the_logarithm_is_that_of_the_probability_as_the_paper_writes_it(
    direction: Direction, activation: Activation
) -> None:
    z = torch.tensor([[0.3, 99.0, -1.2, 2.0]], dtype=torch.float64)
    trained = [math.exp(v) for v in (0.3, -1.2, 2.0)]
    p = {
        Activation.SIGMOID: 1 / (1 + math.exp(1.2)),  # eq. 1
        Activation.SOFTMAX: trained[1] / sum(trained),  # eq. 2, over the trained classes
    }[activation]
    expected = math.log(p if direction is Direction.MORE else 1 - p)
    found = log_wanted(z, wanted_of(recipe("C", direction, activation)))
    assert float(found) == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize(("direction", "activation"), EVERY_WAY)
def test_the_gradient_equals_finite_differences(
    direction: Direction, activation: Activation
) -> None:
    x = torch.randn(2, 1, 3, 3, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    t, wanted = torch.tensor(250), wanted_of(*[recipe("C", direction, activation)] * 2)
    gradient, _ = wanted_gradient(classifier, x, t, wanted)
    step = 1e-6
    for index in range(9):
        moved = torch.zeros(9, dtype=torch.float64)
        moved[index] = step
        up, down = (
            log_wanted(classifier(x + sign * moved.reshape(1, 1, 3, 3), t), wanted)
            for sign in (1, -1)
        )
        torch.testing.assert_close(
            gradient.reshape(2, 9)[:, index], (up - down) / (2 * step), rtol=1e-6, atol=1e-8
        )


@pytest.mark.parametrize("direction", Direction)
def test_a_constant_added_to_all_logits_moves_sigmoid_but_not_softmax(
    direction: Direction,
) -> None:
    z = torch.tensor([[0.3, 0.0, -1.2, 2.0]], dtype=torch.float64)
    softmax = wanted_of(recipe("A", direction, Activation.SOFTMAX))
    sigmoid = wanted_of(recipe("A", direction, Activation.SIGMOID))
    torch.testing.assert_close(log_wanted(z + 5, softmax), log_wanted(z, softmax))
    assert abs(float(log_wanted(z + 5, sigmoid) - log_wanted(z, sigmoid))) > 0.1


@pytest.mark.parametrize(("direction", "activation"), EVERY_WAY)
def test_an_untrained_class_is_nowhere_in_the_gradient(
    direction: Direction, activation: Activation
) -> None:
    z = torch.tensor([[0.3, 0.7, -1.2, 2.0]], dtype=torch.float64, requires_grad=True)
    log_wanted(z, wanted_of(recipe("A", direction, activation))).sum().backward()
    assert z.grad is not None
    assert float(z.grad[0, 1]) == 0
    assert float(z.grad[0, 0]) != 0


@pytest.mark.parametrize(("direction", "activation"), EVERY_WAY)
def test_a_classifier_that_is_quite_sure_still_gives_a_number(
    direction: Direction, activation: Activation
) -> None:
    for sure in (-200.0, 200.0):
        z = torch.tensor([[sure, 0.0, 0.0, 0.0]], requires_grad=True)
        value = log_wanted(z, wanted_of(recipe("A", direction, activation)))
        (gradient,) = torch.autograd.grad(value.sum(), z)
        assert bool(value.isfinite().all())
        assert bool(gradient.isfinite().all())


def test_softmax_trades_classes_against_each_other_and_sigmoid_does_not() -> None:
    """The paper's argument for eq. 2: raising one class pushes the others down."""
    for activation, push in ((Activation.SOFTMAX, True), (Activation.SIGMOID, False)):
        z = torch.zeros(1, 4, dtype=torch.float64, requires_grad=True)
        wanted = wanted_of(recipe("A", Direction.MORE, activation))
        (gradient,) = torch.autograd.grad(log_wanted(z, wanted).sum(), z)
        assert float(gradient[0, 0]) > 0
        assert (float(gradient[0, 2]) < 0) is push


def test_each_row_wants_its_own() -> None:
    recipes = [recipe(name, d, a) for name in ("A", "C", "D") for d, a in EVERY_WAY]
    z = torch.randn(12, 4, generator=torch.Generator().manual_seed(1), dtype=torch.float64)
    together = log_wanted(z, wanted_of(*recipes))
    alone = [log_wanted(row[None], wanted_of(r)) for row, r in zip(z, recipes, strict=True)]
    torch.testing.assert_close(together, torch.cat(alone))


def test_guided_noise_is_dhariwal_and_nichols_algorithm_2() -> None:
    eps, gradient = torch.full((2, 1, 1, 1), 0.5), torch.full((2, 1, 1, 1), 3.0)
    guided = guide_eps(eps, gradient, torch.tensor([0.0, 2.0]), torch.tensor(0.36))
    assert guided.flatten().tolist() == pytest.approx([0.5, 0.5 - 2 * 0.8 * 3])


def test_a_class_that_was_not_trained_is_refused() -> None:
    with pytest.raises(RecipeError, match="No map can be drawn of B; the models know A, C, D"):
        wanted_of(recipe("B", Direction.MORE, Activation.SIGMOID))


def test_softmax_needs_a_second_class_to_compare_with() -> None:
    only = recipe("A", Direction.MORE, Activation.SOFTMAX)
    with pytest.raises(RecipeError, match=r"know only A\. Use sigmoid"):
        Wanted.from_recipes([only], CLASSES, (True, False, False, False))
