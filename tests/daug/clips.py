"""Tiny CLIP models that tests make up."""

from pathlib import Path
from typing import Any

import torch

from daug.augmented import ChannelPlan
from daug.clip import Clip, ClipConfig
from daug.clip_files import save_clip, write_tokenizer
from daug.prompts import class_prompts
from daug.towers import BYTE_TOKENS, SPECIAL_TOKENS, Tokenizer

MERGES = 1000
CONTEXT = 96


def tiny_model_cfg(size: int = 32, patch: int = 8) -> dict[str, Any]:
    return {
        "embed_dim": 16,
        "vision_cfg": {
            "image_size": size,
            "patch_size": patch,
            "width": 32,
            "layers": 2,
            "head_width": 16,
        },
        "text_cfg": {
            "context_length": CONTEXT,
            "vocab_size": MERGES + BYTE_TOKENS + SPECIAL_TOKENS,
            "width": 32,
            "heads": 2,
            "layers": 2,
        },
        "custom_text": True,
    }


def tiny_config(plan: ChannelPlan | None = None, **changes: Any) -> ClipConfig:
    values: dict[str, Any] = {"prompts": class_prompts(), **changes}
    return ClipConfig(tiny_model_cfg(), plan or ChannelPlan(), **values)


def tiny_clip(plan: ChannelPlan | None = None, seed: int = 0, **changes: Any) -> Clip:
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        return Clip(tiny_config(plan, **changes)).eval()


def tiny_tokenizer(folder: Path) -> Tokenizer:
    return Tokenizer(write_tokenizer(MERGES + BYTE_TOKENS + SPECIAL_TOKENS, folder), CONTEXT)


def saved_clip(folder: Path, plan: ChannelPlan | None = None, seed: int = 0) -> Path:
    merges = tiny_tokenizer(folder / "tokenizer").merges
    save_clip(tiny_clip(plan, seed), merges, folder / "clip")
    return folder / "clip"
