"""What many tests stand on: a tiny bundle, a drawn radiograph, the optional shared data."""

import os
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from diffusers.schedulers.scheduling_ddim import DDIMScheduler
from hypothesis import settings

from daug.bundle import (
    Bundle,
    ClassCard,
    DataSource,
    HeatScale,
    RecipeDefaults,
    TrainingCounts,
    write_bundle,
)
from daug.findings import SUPER_CLASSES
from daug.noisy_classifier import ClassifierConfig, NoisyClassifier, save_classifier
from daug.radiograph import Radiograph
from daug.schedule import BETA_END, BETA_START, TIMESTEPS
from daug.unet import Denoiser, UNetConfig, save_unet

# A slow machine is no failure; and CI tries the same examples each time, so that a red run is the
# change's own doing. `--hypothesis-profile thorough` looks for what the usual hundred miss.
settings.register_profile("usual", deadline=None)
settings.register_profile("ci", deadline=None, derandomize=True)
settings.register_profile("thorough", deadline=None, max_examples=2000)
settings.load_profile("ci" if os.environ.get("CI") else "usual")

REPOSITORY = Path(__file__).parent.parent
SHARED = Path(os.environ.get("DAUG_SHARED", REPOSITORY.parent / "shared"))
TINY_SIZE = 32
UNTRAINED = {"Enlarged Cardiomediastinum / Cardiomegaly", "Support Device"}


@pytest.fixture
def shared() -> Path:
    """The optional folder of real radiographs."""
    if not SHARED.is_dir():
        pytest.skip("no shared data: set DAUG_SHARED to its folder")
    return SHARED


@pytest.fixture
def radiograph() -> Radiograph:
    """Two dark lungs in a brighter body, wider than high."""
    rows, columns = np.mgrid[0:90, 0:120].astype(np.float32)
    pixels = np.full((90, 120), 0.3, dtype=np.float32)
    for centre in (38, 82):
        pixels[((rows - 45) / 32) ** 2 + ((columns - centre) / 16) ** 2 < 1] = -0.6
    return Radiograph(pixels, source_name="drawn")


@pytest.fixture(scope="session")
def make_bundle(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Bundle]:
    """Make bundles of tiny random networks, the same ones for the same seed."""

    def make(seed: int = 0, untrained: set[str] = UNTRAINED, size: int = TINY_SIZE) -> Bundle:
        folder = tmp_path_factory.mktemp("bundle")
        with torch.random.fork_rng():
            torch.manual_seed(seed)
            names = tuple(sc.name for sc in SUPER_CLASSES)
            unet = Denoiser(UNetConfig(size, patch=2, channels=(32, 32)))
            classifier = NoisyClassifier(
                ClassifierConfig(names, image_size=size, patch=2, channels=(32, 32))
            )
        save_unet(unet, folder / "unet")
        save_classifier(classifier, folder / "classifier")
        DDIMScheduler(
            num_train_timesteps=TIMESTEPS, beta_start=BETA_START, beta_end=BETA_END
        ).save_pretrained(folder / "scheduler")
        cards = tuple(
            ClassCard(
                sc.name,
                sc.findings,
                TrainingCounts(0 if sc.name in untrained else 100, 100, {}),
            )
            for sc in SUPER_CLASSES
        )
        bundle = Bundle(
            folder=folder,
            name="tiny",
            version="0",
            image_size=size,
            classes=cards,
            recipe=RecipeDefaults(noise_level=100, scale=5.0, num_steps=4),
            heat_scale=HeatScale(mark=0.05, full_at=0.5),
            data=(DataSource("drawn", "Apache-2.0", "DAug", {"unet": 0}),),
            measured={},
            training={},
        )
        files = [str(p.relative_to(folder)) for p in folder.rglob("*") if p.is_file()]
        return write_bundle(bundle, files)

    return make


@pytest.fixture(scope="session")
def tiny_bundle(make_bundle: Callable[..., Bundle]) -> Bundle:
    """A bundle of tiny random networks; nothing may change its files."""
    return make_bundle()
