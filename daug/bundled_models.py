"""The networks of a bundle, loaded, checked against each other, and tried once."""

import json
import textwrap
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import torch
from diffusers.schedulers.scheduling_ddim import DDIMScheduler
from numpy.typing import NDArray
from safetensors import SafetensorError, safe_open
from torch import Tensor, nn

import daug.noisy_classifier
import daug.unet
from daug.anatomy import Anatomist, anatomist_of
from daug.bundle import Bundle
from daug.errors import BundleError, RecipeError
from daug.guided_region import region_asked
from daug.heatmap import Recipe, Region
from daug.noisy_classifier import ClassifierConfig, NoisyClassifier, load_classifier
from daug.organs import OrganMasks
from daug.radiograph import ModelInput
from daug.schedule import TIMESTEPS
from daug.unet import Denoiser, UNetConfig, load_unet

LONGEST_REASON = 200  # characters of what a library says


@dataclass(frozen=True, eq=False)
class Models:
    """What the engine needs, in float32 on the CPU."""

    bundle: Bundle
    denoiser: Denoiser
    classifier: NoisyClassifier
    alpha_bar: Tensor  # (T,) float32
    anatomist: Anatomist | None = None  # finds lungs and heart, for maps that stay within them

    def region_of(self, recipe: Recipe) -> Region:
        """Return where a recipe's guidance may change the picture; never SITE."""
        return region_asked(recipe, lambda name: self.bundle.card(name).findings)

    def find_organs(self, model_input: ModelInput) -> OrganMasks:
        """Return lungs and heart on the model's square, (S, S).

        Raises:
            RecipeError: If the bundle cannot find them.
        """
        return self.find_all_organs(model_input.pixels[None])[0]

    def find_all_organs(self, pixels: NDArray[np.float32]) -> list[OrganMasks]:
        """Return lungs and heart of several pictures, (N, S, S) in [-1, 1].

        Raises:
            RecipeError: If the bundle cannot find them.
        """
        if self.anatomist is None:
            raise RecipeError(
                f"{self.bundle.name} has no anatomy model, so no map can be kept within lungs or "
                "chest. Ask for the whole picture, or add one with `daug bundle add-anatomy`."
            )
        return [seen.organs for seen in self.anatomist.look_at_all(pixels)]


def load_models(bundle: Bundle) -> Models:
    """Return the networks of a bundle.

    Raises:
        BundleError: If a file differs from its digest, networks and description do not fit
            together, a weight is not a number, or a first try gives something else than numbers;
            it names the file.
    """
    bundle.verify_files()
    denoiser = _load(bundle, UNET, UNetConfig.from_dict, load_unet)
    classifier = _load(bundle, CLASSIFIER, ClassifierConfig.from_dict, load_classifier)
    _check_classes(bundle, classifier)
    models = Models(bundle, denoiser, classifier, _alpha_bar(bundle), anatomist_of(bundle))
    for part, network in ((UNET, denoiser), (CLASSIFIER, classifier)):
        _check_weights(bundle, part, network)
        _try_once(bundle, part, network)
    return models


@dataclass(frozen=True)
class _Part:
    folder: str
    config_file: str
    weights_file: str

    @property
    def config(self) -> str:
        return f"{self.folder}/{self.config_file}"

    @property
    def weights(self) -> str:
        return f"{self.folder}/{self.weights_file}"


UNET = _Part("unet", daug.unet.CONFIG_FILE, daug.unet.WEIGHTS_FILE)
CLASSIFIER = _Part(
    "classifier", daug.noisy_classifier.CONFIG_FILE, daug.noisy_classifier.WEIGHTS_FILE
)
SCHEDULER_FILE = "scheduler/scheduler_config.json"
Network = TypeVar("Network", bound=nn.Module)


def _load(
    bundle: Bundle,
    part: _Part,
    read_config: Callable[[Any], UNetConfig | ClassifierConfig],
    load: Callable[[Path], Network],
) -> Network:
    """Read a network; the file that is to blame is found by trying one after the other."""
    with _blame(bundle, part.config, "is no configuration of a network"):
        values = json.loads((bundle.folder / part.config).read_text(encoding="utf-8"))
        size = read_config(values).image_size
    if size != bundle.image_size:
        raise BundleError(
            f"{bundle.name}: {part.config} is made for {size} px, but bundle.json says "
            f"{bundle.image_size} px. Build the bundle again."
        )
    weights = bundle.folder / part.weights
    with _blame(bundle, part.weights, "is no safetensors file"), safe_open(weights, "pt"):
        pass
    with _blame(bundle, part.weights, f"does not fit {part.config}"):
        return load(bundle.folder / part.folder).eval().requires_grad_(False)


@contextmanager
def _blame(bundle: Bundle, file: str, what: str) -> Iterator[None]:
    try:
        yield
    except (
        *(ArithmeticError, BundleError, MemoryError, NotImplementedError, OSError),
        *(RecursionError, RuntimeError, SafetensorError, TypeError, ValueError),
    ) as error:
        why = textwrap.shorten(str(error), LONGEST_REASON)  # one line of what can be many
        raise BundleError(
            f"{bundle.name}: {file} {what} ({why}). Copy or build the bundle again."
        ) from error


def _check_classes(bundle: Bundle, classifier: NoisyClassifier) -> None:
    names = tuple(card.name for card in bundle.classes)
    if classifier.config.classes != names:
        raise BundleError(
            f"{bundle.name}: {CLASSIFIER.config} lists {', '.join(classifier.config.classes)}, "
            f"but bundle.json lists {', '.join(names)}. Build the bundle again."
        )


def _alpha_bar(bundle: Bundle) -> Tensor:
    with _blame(bundle, SCHEDULER_FILE, "is no noise schedule"):
        path = bundle.folder / SCHEDULER_FILE
        values = json.loads(path.read_text(encoding="utf-8"))  # before diffusers asks a network
        if not isinstance(values, dict):
            raise ValueError("it must be a JSON object")
        scheduler = DDIMScheduler.from_config(values)
        alpha_bar: Tensor = scheduler.alphas_cumprod.to(torch.float32)
        falls = alpha_bar.diff() < 0
        if len(alpha_bar) != TIMESTEPS or not (
            falls.all() and 0 < alpha_bar[-1] < alpha_bar[0] < 1
        ):
            raise ValueError(f"alpha_bar must fall from 1 to 0 over {TIMESTEPS} timesteps")
    return alpha_bar


def _check_weights(bundle: Bundle, part: _Part, network: nn.Module) -> None:
    broken = [name for name, value in network.state_dict().items() if not value.isfinite().all()]
    if broken:
        raise BundleError(
            f"{bundle.name}: {part.weights} holds values that are not numbers, for instance in "
            f"{broken[0]}. Copy or train it again."
        )


@torch.no_grad()
def _try_once(bundle: Bundle, part: _Part, network: nn.Module) -> None:
    image, t = torch.zeros(1, 1, bundle.image_size, bundle.image_size), torch.tensor(0)
    if not network(image, t).isfinite().all():
        raise BundleError(
            f"{bundle.name}: {part.weights} answers a first try with values that are not numbers. "
            "Copy or train it again."
        )
