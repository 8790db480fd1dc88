"""Train a denoiser and a classifier on phantoms in which findings go together to some degree.

Everything is as in the trainings from radiographs, but that the classifier draws its images as
they come: balancing the classes would change how often findings occur together, which is the one
thing that these trainings differ in. The denoisers all go on from one that saw independent
findings, each on its own phantoms for the same time; the classifiers start anew.
"""

import logging
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from daug.findings import SUPER_CLASSES
from daug.noisy_classifier import ClassifierConfig
from daug.phantom import CoOccurrence
from daug.unet import UNetConfig
from trainers.augmentation import AugmentationRange
from trainers.classifier import ClassifierProblem, ClassifierSettings
from trainers.diffusion import DiffusionProblem, DiffusionSettings
from trainers.loop import WEIGHTS, Training
from trainers.phantom_bundle import PhantomRuns, bundle_name, write_phantom_bundle
from trainers.phantom_data import SOURCE, PhantomSet, draw_set
from trainers.phantom_sheet import save_phantom_sheet
from trainers.problem import LoopSettings, Problem

logger = logging.getLogger(__name__)

RHOS = (0.0, 0.5, 0.8, 0.95)
MILD = AugmentationRange(degrees=3, zoom=0.05, shift=0.03)  # phantoms vary by themselves
HIGHEST_T = 450  # maps start from L = 400
UNET_LOOP = LoopSettings(
    batch_size=16,
    learning_rate=6e-4,
    warmup_steps=100,
    ema_decay=0.998,
    steps=1000,
    checkpoint_minutes=1.0,
    report_minutes=60.0,
)
CLASSIFIER_LOOP = LoopSettings(
    batch_size=32,
    learning_rate=1e-3,
    weight_decay=0.05,
    warmup_steps=100,
    ema_decay=0.998,
    steps=3500,
    checkpoint_minutes=1.0,
    report_minutes=60.0,
)


@dataclass(frozen=True)
class PhantomPreset:
    """Networks and how long they are trained; four bundles of them stay under 8 MB."""

    unet: UNetConfig = UNetConfig(64, patch=2, channels=(32, 32, 64), attention_from=0)  # noqa: RUF009 - frozen
    classifier_channels: tuple[int, ...] = (32, 32, 32)
    phantoms: int = 10_000  # to train on
    watched: int = 256  # held-out ones that a training reports on
    scored: int = 512  # held-out ones of each of two splits that the bundle is scored on
    base_steps: int = 2000  # of the denoiser that all others go on from
    unet_steps: int = 1000  # steps, not minutes: whatever else the machine does, all learn alike
    classifier_steps: int = 3500

    @property
    def classifier(self) -> ClassifierConfig:
        """The classifier that goes with the U-Net."""
        return ClassifierConfig(
            tuple(super_class.name for super_class in SUPER_CLASSES),
            image_size=self.unet.image_size,
            patch=self.unet.patch,
            channels=self.classifier_channels,
            attention_from=0,
        )


class PhantomClassifierProblem(ClassifierProblem):
    """The classifier of radiographs, on phantoms drawn as often as they occur."""

    def __init__(self, train: PhantomSet, held_out: PhantomSet, config: ClassifierConfig) -> None:
        super().__init__(
            train.rows,
            train.pixels,
            held_out.rows,
            held_out.pixels,
            SUPER_CLASSES,
            config,
            ClassifierSettings(sources=(SOURCE,), highest_t=HIGHEST_T, augmentation=MILD),
        )
        self.sampler = AsTheyCome(len(train.rows))


class AsTheyCome:
    """Draws every row with the same chance, so that findings go together as they do in the set."""

    def __init__(self, rows: int) -> None:
        self.rows = rows

    def draw(self, batch: int, generator: torch.Generator) -> Tensor:
        """Return the rows of a batch, (batch,)."""
        return torch.randint(self.rows, (batch,), generator=generator)


def train_phantom(
    output: Path,
    work: Path,
    rhos: Sequence[float] = RHOS,
    preset: PhantomPreset | None = None,
    seed: int = 0,
) -> list[dict[str, Any]]:
    """Train one U-Net and one classifier for each rho, and write each pair as a bundle.

    Called again with the same folders it goes on where it was ended; a bundle that is there
    already is left as it is.

    Args:
        output: Gets one folder for each rho: rho-0.80.
        work: For the run folders (logs, checkpoints, weights) and a picture of phantoms.
        rhos: Correlations of the findings of a pair, each in 0..1.
        preset: Networks and lengths; the shipped ones if none.
        seed: Of all chance of the trainings; phantoms have their own.

    Returns:
        For each rho, its bundle's folder, name and digest.

    Raises:
        ManifestError: If a rho is out of range.
        TrainingError: If a run folder holds another training, or a loss is no number any more.
    """
    preset = preset or PhantomPreset()
    every = [CoOccurrence(rho) for rho in rhos]  # all are checked before the first is trained
    save_phantom_sheet(work / "phantoms.png")
    made = []
    for rates in every:
        folder = output / bundle_name(rates.rho)
        if not folder.exists():
            _train_pair(folder, work, rates, preset, seed)
        made.append({"rho": rates.rho, "bundle": str(folder)})
        logger.info("%s is there", folder)
    return made


def _train_pair(
    output: Path, work: Path, rates: CoOccurrence, preset: PhantomPreset, seed: int
) -> None:
    base = work / "base"
    if not (base / "done").exists():
        _train_denoiser(base, CoOccurrence(0.0), preset, preset.base_steps, seed, None)
        (base / "done").touch()
    own, size = work / bundle_name(rates.rho), preset.unet.image_size
    start = base / WEIGHTS / "unet"
    denoising = _train_denoiser(own / "unet", rates, preset, preset.unet_steps, seed, start)
    train, watched = _sets(rates, preset)
    torch.manual_seed(seed)  # of the first weights
    problem = PhantomClassifierProblem(train, watched, preset.classifier)
    settings = replace(CLASSIFIER_LOOP, steps=preset.classifier_steps, seed=seed)
    classifying = _run(problem, settings, own / "classifier")
    runs = PhantomRuns(
        unet=own / "unet" / WEIGHTS,
        classifier=own / "classifier" / WEIGHTS,
        counts=problem.counts,
        phantoms=preset.phantoms,
        training={
            "data": "procedural phantoms alone (daug.phantom); no radiograph of any patient",
            "co_occurrence": {**asdict(rates), "phantoms": preset.phantoms, "size": size},
            "unet": {
                **denoising,
                "started_from": "a denoiser trained on phantoms with independent findings, "
                f"{preset.base_steps} steps; the same one for every rho",
            },
            "classifier": classifying,
        },
    )
    write_phantom_bundle(runs, rates, output, preset.scored)


def _train_denoiser(
    folder: Path,
    rates: CoOccurrence,
    preset: PhantomPreset,
    steps: int,
    seed: int,
    start: Path | None,
) -> dict[str, Any]:
    train, watched = _sets(rates, preset)
    torch.manual_seed(seed)
    problem = DiffusionProblem(
        train.rows, train.pixels, watched.pixels, preset.unet, DiffusionSettings(sources=(SOURCE,))
    )
    if start is not None:
        problem.start_from(start)
    return _run(problem, replace(UNET_LOOP, steps=steps, seed=seed), folder)


def _sets(rates: CoOccurrence, preset: PhantomPreset) -> tuple[PhantomSet, PhantomSet]:
    size = preset.unet.image_size
    train = draw_set("train", preset.phantoms, rates, size)
    return train, draw_set("val", preset.watched, rates, size)


def _run(problem: Problem, settings: LoopSettings, folder: Path) -> dict[str, Any]:
    """Train to the last step, from the last checkpoint if there is one."""
    training = Training(problem, settings, folder)
    training.run(resume=bool(training.checkpoints.steps()))
    training.accelerator.end_training()
    return {
        "steps": training.progress.step,
        "images_seen": training.progress.images,
        "minutes": round(training.progress.elapsed / 60, 1),
        "loop": asdict(settings),
    }
