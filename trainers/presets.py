"""What the size of a machine decides: networks and length of training."""

from collections.abc import Mapping
from dataclasses import dataclass

from daug.errors import TrainingError
from daug.noisy_classifier import ClassifierConfig
from daug.unet import UNetConfig
from trainers.problem import LoopSettings


@dataclass(frozen=True)
class Preset:
    """One size of everything."""

    unet: UNetConfig
    classifier_channels: tuple[int, ...]
    classifier_dropout: float
    diffusion_loop: LoopSettings
    classifier_loop: LoopSettings

    def classifier(self, classes: tuple[str, ...]) -> ClassifierConfig:
        """Return the classifier that goes with the U-Net."""
        return ClassifierConfig(
            classes,
            image_size=self.unet.image_size,
            patch=self.unet.patch,
            channels=self.classifier_channels,
            layers_per_block=1,
            attention_from=self.unet.attention_from,
            dropout=self.classifier_dropout,
        )


PRESETS: Mapping[str, Preset] = {
    # For tests: everything in seconds, nothing learnt.
    "tiny": Preset(
        unet=UNetConfig(32, patch=2, channels=(32, 32)),
        classifier_channels=(32, 32),
        classifier_dropout=0.1,
        diffusion_loop=LoopSettings(batch_size=4, steps=4, warmup_steps=2),
        classifier_loop=LoopSettings(batch_size=8, steps=4, warmup_steps=2),
    ),
    # Two cores: about an hour for the denoiser, twenty minutes for the classifier.
    "cpu": Preset(
        unet=UNetConfig(128, patch=4, channels=(64, 128, 128)),
        classifier_channels=(64, 128, 128),
        classifier_dropout=0.1,
        diffusion_loop=LoopSettings(batch_size=16, budget_minutes=60),
        classifier_loop=LoopSettings(
            batch_size=32,
            learning_rate=5e-4,
            weight_decay=0.05,
            warmup_steps=100,
            budget_minutes=20,
            report_minutes=5,
        ),
    ),
    # One H200: about 25 minutes for the denoiser. Small enough to be shipped.
    "gpu": Preset(
        unet=UNetConfig(
            256, patch=4, channels=(96, 160, 224, 288), layers_per_block=2, attention_from=16
        ),
        classifier_channels=(96, 160, 224, 256),
        classifier_dropout=0.1,
        diffusion_loop=LoopSettings(
            batch_size=128, budget_minutes=20, ema_decay=0.9995, checkpoint_minutes=4
        ),
        classifier_loop=LoopSettings(
            batch_size=128, weight_decay=0.05, budget_minutes=5, report_minutes=2
        ),
    ),
}


def find_preset(name: str) -> Preset:
    """Return a preset by its name.

    Raises:
        TrainingError: If there is none.
    """
    if name not in PRESETS:
        raise TrainingError(f"{name!r} is no preset. Choose one of {', '.join(PRESETS)}.")
    return PRESETS[name]
