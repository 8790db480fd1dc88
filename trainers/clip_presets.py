"""What the size of a machine decides for the CLIP model: towers and length of training.

The small towers fit a bundle: `cpu` has 8.4 M image and 1.2 M text parameters, 19 MB in 16 bits.
Nearly all of a usual text tower is its vocabulary of 49,408; the first 4,096 merges of the same
tokenizer cut rare words into a few more pieces and save 23 MB at this width.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from daug.errors import TrainingError
from daug.towers import BYTE_TOKENS, SPECIAL_TOKENS
from trainers.contrastive import PAPER_WEIGHT
from trainers.problem import LoopSettings

MERGES = 4096


@dataclass(frozen=True)
class ClipPreset:
    """One size of CLIP model."""

    loop: LoopSettings
    image_size: int
    model_cfg: Mapping[str, Any] = field(default_factory=dict)  # our own towers; or else
    model: str = ""  # a model of open_clip,
    weights: str = ""  # and where its weights are from
    weight: float = PAPER_WEIGHT  # w of the hybrid loss


def own_towers(
    *,
    image_size: int,
    patch: int,
    width: int,
    layers: int,
    head_width: int = 64,
    embed_dim: int = 256,
    text_width: int = 128,
    text_layers: int = 3,
    context: int = 128,
    merges: int = MERGES,
) -> dict[str, Any]:
    """Return open_clip's configuration of towers of our own size."""
    return {
        "embed_dim": embed_dim,
        "vision_cfg": {
            "image_size": image_size,
            "patch_size": patch,
            "width": width,
            "layers": layers,
            "head_width": head_width,
        },
        "text_cfg": {
            "context_length": context,
            "vocab_size": merges + BYTE_TOKENS + SPECIAL_TOKENS,
            "width": text_width,
            "heads": text_width // 32,
            "layers": text_layers,
        },
        "custom_text": True,
    }


CLIP_PRESETS: Mapping[str, ClipPreset] = {
    # For tests: everything in seconds, nothing learnt.
    "tiny": ClipPreset(
        LoopSettings(batch_size=8, steps=4, warmup_steps=2),
        image_size=32,
        model_cfg=own_towers(
            image_size=32,
            patch=8,
            width=32,
            layers=1,
            head_width=16,
            embed_dim=16,
            text_width=32,
            text_layers=1,
            merges=500,
        ),
    ),
    # Two cores, about an hour.
    "cpu": ClipPreset(
        LoopSettings(
            batch_size=64,
            learning_rate=5e-4,
            weight_decay=0.1,
            warmup_steps=200,
            budget_minutes=60,
        ),
        image_size=128,
        model_cfg=own_towers(image_size=128, patch=32, width=320, layers=6),
    ),
    # One large GPU, about half an hour; 90 M parameters, not meant for the shipped bundle.
    "gpu": ClipPreset(
        LoopSettings(
            batch_size=256,
            learning_rate=5e-4,
            weight_decay=0.2,
            warmup_steps=500,
            budget_minutes=25,
            ema_decay=0.9995,
        ),
        image_size=256,
        model_cfg=own_towers(
            image_size=256,
            patch=16,
            width=768,
            layers=12,
            embed_dim=512,
            text_width=256,
            text_layers=6,
            merges=16384,
        ),
    ),
    # Jin et al. 2024, section 4: ViT-B/32 at 256 px, batch 256 over eight GPUs, 2e-5, cosine, 10
    # epochs of MIMIC-CXR's 250,000 frontal training images: about 10,000 steps.
    "paper": ClipPreset(
        LoopSettings(
            batch_size=32,
            learning_rate=2e-5,
            weight_decay=0.2,
            warmup_steps=0,
            steps=10_000,
        ),
        image_size=256,
        model="ViT-B-32",
        weights="openai",
    ),
}


def find_clip_preset(name: str) -> ClipPreset:
    """Return a preset by its name.

    Raises:
        TrainingError: If there is none.
    """
    if name not in CLIP_PRESETS:
        raise TrainingError(f"{name!r} is no preset. Choose one of {', '.join(CLIP_PRESETS)}.")
    return CLIP_PRESETS[name]
