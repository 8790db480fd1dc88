"""What the size of a machine decides: networks and length of training."""

from collections.abc import Mapping
from dataclasses import dataclass

from daug.errors import TrainingError
from daug.noisy_classifier import ClassifierConfig
from daug.schedule import TIMESTEPS
from daug.unet import PredictionType, UNetConfig
from trainers.problem import LoopSettings


@dataclass(frozen=True)
class Preset:
    """One size of everything."""

    unet: UNetConfig
    classifier_channels: tuple[int, ...]
    classifier_dropout: float
    diffusion_loop: LoopSettings
    classifier_loop: LoopSettings
    classifier_layers: int = 1  # residual blocks of each level
    classifier_attention_from: int | None = None  # where the U-Net has it, if None
    late_share: float = 0.2  # see trainers.diffusion.DiffusionSettings
    highest_t: int = 600  # see trainers.classifier.ClassifierSettings

    def classifier(self, classes: tuple[str, ...]) -> ClassifierConfig:
        """Return the classifier that goes with the U-Net."""
        return ClassifierConfig(
            classes,
            image_size=self.unet.image_size,
            patch=self.unet.patch,
            channels=self.classifier_channels,
            layers_per_block=self.classifier_layers,
            attention_from=(
                self.unet.attention_from
                if self.classifier_attention_from is None
                else self.classifier_attention_from
            ),
            dropout=self.classifier_dropout,
        )


PAPER_LOOP = LoopSettings(
    batch_size=10,
    learning_rate=1e-4,
    weight_decay=0.0,
    ema_decay=0.9999,
    steps=150_000,
    checkpoint_minutes=15.0,  # 1.8 GB each
    report_minutes=60.0,
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
    # The paper's own: no fold, and noise predicted by the plain loss over all timesteps. Width,
    # depth, attention, learning rate and batch are those of Wolleb et al. 2022 (arXiv:2203.04306),
    # the widths of the levels those of Dhariwal & Nichol 2021 (arXiv:2105.05233) at 256 px, the
    # number of steps their classifier's. Days on one large GPU; end it earlier with --steps.
    "paper": Preset(
        unet=UNetConfig(
            256,
            patch=1,
            channels=(128, 128, 256, 256, 512, 512),
            layers_per_block=2,
            attention_from=16,
            prediction_type=PredictionType.EPSILON,
        ),
        classifier_channels=(32, 32, 64, 64, 128, 128),
        classifier_dropout=0.0,
        classifier_layers=4,
        classifier_attention_from=32,
        diffusion_loop=PAPER_LOOP,
        classifier_loop=PAPER_LOOP,
        late_share=0.4,  # as many as there are from 600 on, so every timestep is drawn alike
        highest_t=TIMESTEPS,
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
