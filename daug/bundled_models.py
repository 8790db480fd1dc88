"""The networks of a bundle, loaded, checked against each other, and tried once."""

from dataclasses import dataclass

import torch
from diffusers.schedulers.scheduling_ddim import DDIMScheduler
from torch import Tensor, nn

from daug.bundle import Bundle
from daug.errors import BundleError
from daug.noisy_classifier import NoisyClassifier, load_classifier
from daug.unet import Denoiser, load_unet


@dataclass(frozen=True, eq=False)
class Models:
    """What the engine needs, in float32 on the CPU."""

    bundle: Bundle
    denoiser: Denoiser
    classifier: NoisyClassifier
    alpha_bar: Tensor  # (T,) float32


def load_models(bundle: Bundle) -> Models:
    """Return the networks of a bundle.

    Raises:
        BundleError: If a file differs from its digest, networks and description do not fit
            together, a weight is not a number, or a first try gives something else than numbers.
    """
    bundle.verify_files()
    denoiser = load_unet(bundle.folder / "unet").eval().requires_grad_(False)
    classifier = load_classifier(bundle.folder / "classifier").eval().requires_grad_(False)
    _check_fit(bundle, denoiser, classifier)
    models = Models(bundle, denoiser, classifier, _alpha_bar(bundle))
    _check_weights(bundle, "unet", denoiser)
    _check_weights(bundle, "classifier", classifier)
    _try_once(models)
    return models


def _check_fit(bundle: Bundle, denoiser: Denoiser, classifier: NoisyClassifier) -> None:
    names = tuple(card.name for card in bundle.classes)
    if classifier.config.classes != names:
        raise BundleError(
            f"{bundle.name}: classifier/config.json lists {', '.join(classifier.config.classes)}, "
            f"but bundle.json lists {', '.join(names)}. Build the bundle again."
        )
    for part, size in (
        ("unet", denoiser.config.image_size),
        ("classifier", classifier.config.image_size),
    ):
        if size != bundle.image_size:
            raise BundleError(
                f"{bundle.name}: {part} is made for {size} px, but bundle.json says "
                f"{bundle.image_size} px. Build the bundle again."
            )


def _alpha_bar(bundle: Bundle) -> Tensor:
    try:
        scheduler = DDIMScheduler.from_pretrained(bundle.folder / "scheduler")
    except (OSError, ValueError) as error:
        raise BundleError(f"{bundle.name}: scheduler cannot be loaded: {error}") from error
    alpha_bar: Tensor = scheduler.alphas_cumprod.to(torch.float32)
    return alpha_bar


def _check_weights(bundle: Bundle, part: str, network: nn.Module) -> None:
    broken = [name for name, value in network.state_dict().items() if not value.isfinite().all()]
    if broken:
        raise BundleError(
            f"{bundle.name}: {part} holds values that are not numbers, for instance in "
            f"{broken[0]}. Copy or train it again."
        )


@torch.no_grad()
def _try_once(models: Models) -> None:
    size = models.bundle.image_size
    image, t = torch.zeros(1, 1, size, size), torch.tensor(0)
    for part, network in (("unet", models.denoiser), ("classifier", models.classifier)):
        if not network(image, t).isfinite().all():
            raise BundleError(f"{models.bundle.name}: {part} answers with values not numbers.")
