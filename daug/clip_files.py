"""A CLIP model as files: open_clip's own layout, and what DAug knows beside it.

    open_clip_config.json        towers and normalisation, as open_clip reads them
    open_clip_model.safetensors  the towers' weights, under open_clip's names
    merges.txt.gz                the tokenizer's merges, where they are not open_clip's own
    daug.json                    channels, prompts, a and b
    calibration.json             what scores mean: temperatures and operating points

Three-channel models load in open_clip as `local-dir:FOLDER`; with more channels, only here.
"""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor

from daug.augmented import ChannelPlan
from daug.bundle import file_digest
from daug.clip import Clip, ClipConfig
from daug.errors import BundleError, EmbeddingError, RecipeError
from daug.finding_probability import FindingScale
from daug.findings import Finding
from daug.towers import (
    FULL_MERGES,
    MERGES_FILE,
    OPEN_CLIP_CONFIG,
    OPEN_CLIP_WEIGHTS,
    Tokenizer,
    merges_of,
    write_merges,
)

SETTINGS_FILE = "daug.json"
CALIBRATION_FILE = "calibration.json"
DIGESTED = (OPEN_CLIP_CONFIG, OPEN_CLIP_WEIGHTS, MERGES_FILE, SETTINGS_FILE)  # shape embeddings


def write_tokenizer(vocab_size: int, folder: Path) -> Path:
    """Write the merges of a vocabulary into a folder, and return their file."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / MERGES_FILE
    write_merges(path, min(merges_of(vocab_size), FULL_MERGES))
    return path


def save_clip(clip: Clip, merges: bytes, folder: Path, dtype: torch.dtype | None = None) -> None:
    """Write a model into a folder.

    Args:
        clip: The model.
        merges: Of its tokenizer; see `Tokenizer`.
        folder: Made if missing.
        dtype: Of the stored weights; float16 halves the files. None keeps them as they are.
    """
    folder.mkdir(parents=True, exist_ok=True)
    config = clip.config
    preprocess = {"mean": list(config.mean), "std": list(config.std), "size": config.image_size}
    cfg = {**config.model_cfg, "custom_text": True}
    _write_json(folder / OPEN_CLIP_CONFIG, {"model_cfg": cfg, "preprocess_cfg": preprocess})
    (folder / MERGES_FILE).write_bytes(merges)
    settings = {
        "plan": config.plan.to_dict(),
        "prompts": {finding.value: list(texts) for finding, texts in config.prompts.items()},
        "scaled": config.scaled,
        "model": config.model,
        "weights": config.weights,
        "heat_dropout": config.heat_dropout,
        "log_class_scale": float(clip.log_class_scale.detach()),
        "class_bias": float(clip.class_bias.detach()),
    }
    _write_json(folder / SETTINGS_FILE, settings)
    weights = {
        name: (value if dtype is None else value.to(dtype)).contiguous().cpu()
        for name, value in clip.towers.state_dict().items()
    }
    save_file(weights, folder / OPEN_CLIP_WEIGHTS)


def load_clip(folder: Path) -> tuple[Clip, Tokenizer]:
    """Return the model that `save_clip` wrote, in float32, and its tokenizer.

    Raises:
        BundleError: If a file is missing, weights and configuration do not fit together, or a
            weight is not a number.
    """
    try:
        towers = json.loads((folder / OPEN_CLIP_CONFIG).read_text(encoding="utf-8"))
        settings = json.loads((folder / SETTINGS_FILE).read_text(encoding="utf-8"))
        clip = Clip(_config(towers, settings))
        weights = load_file(folder / OPEN_CLIP_WEIGHTS)
        clip.towers.load_state_dict({k: v.to(torch.float32) for k, v in weights.items()})
        with torch.no_grad():
            clip.log_class_scale.fill_(float(settings["log_class_scale"]))
            clip.class_bias.fill_(float(settings["class_bias"]))
        context = int(towers["model_cfg"]["text_cfg"].get("context_length", 77))
        tokenizer = Tokenizer(folder / MERGES_FILE, context)
    except (
        *(OSError, EOFError, KeyError, TypeError, ValueError, RuntimeError, SafetensorError),
        *(EmbeddingError, RecipeError),
    ) as error:
        raise BundleError(f"{folder.name}: the CLIP model cannot be loaded: {error!r}") from error
    broken = [name for name, value in clip.state_dict().items() if not value.isfinite().all()]
    if broken:
        raise BundleError(
            f"{folder.name}: the CLIP model holds values that are not numbers, for instance in "
            f"{broken[0]}. Copy or train it again."
        )
    rows = clip.towers.text.token_embedding.num_embeddings
    if tokenizer.vocab_size > rows:
        raise BundleError(
            f"{folder.name}: the tokenizer knows {tokenizer.vocab_size} tokens, but the text tower "
            f"{rows}. Copy the whole folder again."
        )
    return clip, tokenizer


def prompt_tokens(config: ClipConfig, tokenizer: Tokenizer) -> Tensor:
    """Return the tokens of all class prompts, (F, templates, L)."""
    texts = [text for sentences in config.prompts.values() for text in sentences]
    tokens: Tensor = tokenizer(texts).unflatten(0, (len(config.prompts), -1))
    return tokens


def clip_digest(folder: Path) -> str:
    """Return SHA-256 over all that shapes an embedding: weights, tokenizer, settings, channels.

    The settings hold the recipes of the maps and the digest of the bundle that draws them.
    """
    parts = {name: file_digest(folder / name) for name in DIGESTED}
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()


def write_calibration(folder: Path, scales: Mapping[Finding, FindingScale]) -> None:
    """Write what the scores of each finding mean."""
    values = {finding.value: asdict(scale) for finding, scale in scales.items()}
    _write_json(folder / CALIBRATION_FILE, values)


def read_calibration(folder: Path) -> dict[Finding, FindingScale]:
    """Return what `write_calibration` wrote; nothing if the model was never calibrated.

    Raises:
        BundleError: If the file cannot be understood.
    """
    path = folder / CALIBRATION_FILE
    if not path.exists():
        return {}
    try:
        values = json.loads(path.read_text(encoding="utf-8"))
        return {Finding(name): FindingScale(**scale) for name, scale in values.items()}
    except (OSError, AttributeError, TypeError, ValueError) as error:
        raise BundleError(f"{path}: cannot be understood ({error!r}).") from error


def _config(towers: Mapping[str, Any], settings: Mapping[str, Any]) -> ClipConfig:
    return ClipConfig(
        model_cfg=towers["model_cfg"],
        plan=ChannelPlan.from_dict(settings["plan"]),
        prompts={Finding(name): tuple(texts) for name, texts in settings["prompts"].items()},
        mean=tuple(towers["preprocess_cfg"]["mean"]),
        std=tuple(towers["preprocess_cfg"]["std"]),
        scaled=bool(settings["scaled"]),
        model=settings["model"],
        weights=settings["weights"],
        heat_dropout=float(settings.get("heat_dropout", 0.0)),
    )


def _write_json(path: Path, values: Mapping[str, Any]) -> None:
    text = json.dumps(values, indent=2, ensure_ascii=False, allow_nan=False)
    path.write_text(text + "\n", encoding="utf-8")
