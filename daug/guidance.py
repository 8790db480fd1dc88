"""Which way to lean: the gradient of the classifier's belief in what is wanted.

    x_t      noised images, (B, 1, H, W)
    z        the classifier's logits, (B, C)
    p        sigmoid(z_i) (eq. 1 of DAug) or softmax(z)_i over the trained classes (eq. 2)
    wanted   p for direction +, 1 - p for direction -, of one class for each row

Jin et al. 2024, "DAug", arXiv:2412.04828, eqs. 1 and 2.
Dhariwal & Nichol 2021, "Diffusion Models Beat GANs on Image Synthesis", arXiv:2105.05233.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional as F

from daug.errors import RecipeError
from daug.findings import Activation, Direction
from daug.heatmap import Recipe

Classifier = Callable[[Tensor, Tensor], Tensor]  # (x_t, t) -> z


@dataclass(frozen=True, eq=False)
class Wanted:
    """What each row of a batch is guided towards."""

    class_index: Tensor  # (B,) into the trained classes
    more: Tensor  # (B,) bool, direction +
    softmax: Tensor  # (B,) bool, activation
    scale: Tensor  # (B,) s of each row
    trained: Tensor  # (C,) bool; the others have no influence on any row

    @classmethod
    def from_recipes(
        cls, recipes: Sequence[Recipe], classes: Sequence[str], trained: Sequence[bool]
    ) -> "Wanted":
        """Return one row for each recipe.

        Args:
            recipes: Their super-class, direction, activation and scale count here.
            classes: Names in the order of the logits.
            trained: Whether each class had enough examples.

        Raises:
            RecipeError: If a recipe asks for a class that is unknown or was not trained, or for
                softmax where only one class was.
        """
        names = [name for name, known in zip(classes, trained, strict=True) if known]
        unknown = {recipe.super_class for recipe in recipes} - set(names)
        if unknown:
            raise RecipeError(
                f"No map can be drawn of {', '.join(sorted(unknown))}; "
                f"the models know {', '.join(names)}."
            )
        if len(names) < 2 and any(r.activation is Activation.SOFTMAX for r in recipes):
            raise RecipeError(
                f"Softmax compares classes, but the models know only {names[0]}. Use sigmoid."
            )
        return cls(
            class_index=torch.tensor([names.index(r.super_class) for r in recipes]),
            more=torch.tensor([r.direction is Direction.MORE for r in recipes]),
            softmax=torch.tensor([r.activation is Activation.SOFTMAX for r in recipes]),
            scale=torch.tensor([r.scale for r in recipes]),
            trained=torch.tensor(list(trained)),
        )

    def to(self, device: torch.device) -> "Wanted":
        """Return the same on a device."""
        return Wanted(**{name: value.to(device) for name, value in self.__dict__.items()})

    def repeat(self, times: int) -> "Wanted":
        """Return the rows `times` times over."""
        rows = {
            name: value.repeat(times) for name, value in self.__dict__.items() if name != "trained"
        }
        return Wanted(trained=self.trained, **rows)


def log_wanted(z: Tensor, wanted: Wanted) -> Tensor:
    """Return the logarithm of what each row wants, (B,).

    log p for direction +, log(1 - p) for direction -; computed from the logits so that neither
    underflows where the classifier is sure.
    """
    z = z[:, wanted.trained]  # (B, trained)
    z_i = z.gather(1, wanted.class_index[:, None])[:, 0]  # (B,)
    sigmoid = torch.where(wanted.more, F.logsigmoid(z_i), F.logsigmoid(-z_i))
    if not bool(wanted.softmax.any()):
        return sigmoid
    own = F.one_hot(wanted.class_index, z.shape[1]).bool()
    others = z.masked_fill(own, -torch.inf).logsumexp(dim=1)
    softmax = torch.where(wanted.more, z_i, others) - z.logsumexp(dim=1)
    return torch.where(wanted.softmax, softmax, sigmoid)


def wanted_gradient(
    classifier: Classifier, x_t: Tensor, t: Tensor, wanted: Wanted
) -> tuple[Tensor, Tensor]:
    """Return the gradient of log_wanted with respect to x_t, and the logits on the way.

    Returns:
        Gradient, (B, 1, H, W), and z, (B, C).
    """
    with torch.enable_grad():
        x_in = x_t.detach().requires_grad_()
        z = classifier(x_in, t)
        (gradient,) = torch.autograd.grad(log_wanted(z, wanted).sum(), x_in)
    return gradient, z.detach()


def guide_eps(eps: Tensor, gradient: Tensor, scale: Tensor, alpha_bar: Tensor) -> Tensor:
    """Return eps - s sqrt(1 - alpha_bar) grad log p, row by row.

    Args:
        eps: Predicted noise, (B, 1, H, W).
        gradient: Of log_wanted, same shape.
        scale: s of each row, (B,).
        alpha_bar: alpha_bar at t, scalar.

    Source: Dhariwal & Nichol 2021, Algorithm 2.
    """
    return eps - scale[:, None, None, None] * (1 - alpha_bar).sqrt() * gradient


def confine_eps(guided: Tensor, control: Tensor, region: Tensor | None) -> Tensor:
    """Return guided noise inside a region, and the control's outside it.

    Rows that start at the control's x_t stay with it, bit for bit, wherever the region is 0, since
    a sampler moves each pixel by its own noise.

    Args:
        guided: From `guide_eps`, (..., 1, H, W).
        control: The unguided noise of the same radiograph and seed, broadcastable to it.
        region: In [0, 1], broadcastable to it; None is the whole picture.
    """
    return guided if region is None else torch.lerp(control, guided, region)
