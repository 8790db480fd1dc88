"""The two towers of a CLIP model, as open_clip builds them, and its tokenizer.

    images   (B, C, S, S), normalised
    tokens   (B, L) int64, start token first, end token last, zeros behind it

A model is described by open_clip's own configuration, found by one of its names (`ViT-B-32`), in a
folder that holds `open_clip_config.json`, or in the small ones of DAug.

open_clip: https://github.com/mlfoundations/open_clip (Apache-2.0 and MIT).
"""

import gzip
import json
from collections.abc import Mapping, Sequence
from copy import deepcopy
from pathlib import Path
from typing import Any

import open_clip
import torch
from open_clip.model import CustomTextCLIP
from open_clip.tokenizer import SimpleTokenizer, default_bpe
from safetensors import SafetensorError
from torch import Tensor, nn

from daug.errors import BundleError

OPEN_CLIP_CONFIG = "open_clip_config.json"
OPEN_CLIP_WEIGHTS = "open_clip_model.safetensors"
MERGES_FILE = "merges.txt.gz"  # of the tokenizer; open_clip's own where there is none
BYTE_TOKENS, SPECIAL_TOKENS = 512, 2  # a byte inside or at the end of a word; start and end
FULL_MERGES = 48894  # of open_clip's tokenizer, whose vocabulary is 49,408

HALF = (0.5, 0.5, 0.5)  # mean and spread that bring [0, 1] to [-1, 1]


class Tokenizer:
    """open_clip's tokenizer with the first of its merges only: a smaller vocabulary.

    Merges are ordered by how common they are, so that a beginning of the list is a whole
    tokenizer; rare words are cut into more pieces, and none is unknown.
    """

    def __init__(self, merges_file: Path, context_length: int) -> None:
        self._tokenizer = SimpleTokenizer(bpe_path=str(merges_file), context_length=context_length)
        self.vocab_size: int = self._tokenizer.vocab_size
        self.merges = merges_file.read_bytes()

    def __call__(self, texts: Sequence[str]) -> Tensor:
        """Return the tokens of texts, (B, L); a text that is too long loses its end."""
        tokens: Tensor = self._tokenizer(list(texts))
        return tokens


def write_merges(path: Path, count: int) -> None:
    """Write the first `count` merges of open_clip's tokenizer, always the same bytes."""
    with gzip.open(default_bpe(), "rt", encoding="utf-8") as file:
        lines = [line.rstrip("\n") for _, line in zip(range(count + 1), file, strict=False)]
    path.write_bytes(gzip.compress("\n".join(lines).encode(), mtime=0))  # a heading, then merges


def merges_of(vocab_size: int) -> int:
    """Return how many merges make a vocabulary."""
    return vocab_size - BYTE_TOKENS - SPECIAL_TOKENS


def build_towers(model_cfg: Mapping[str, Any]) -> CustomTextCLIP:
    """Return freshly initialised towers.

    Raises:
        BundleError: If the configuration is not one that open_clip understands.
    """
    values = deepcopy(dict(model_cfg))
    values.pop("custom_text", None)
    if "hf_model_name" in values.get("text_cfg", {}):
        raise BundleError(
            f"The text tower {values['text_cfg']['hf_model_name']} needs the library transformers, "
            "which DAug does not use. Choose a model with open_clip's own text tower."
        )
    try:
        return CustomTextCLIP(**values)
    except (AssertionError, KeyError, TypeError, ValueError, RuntimeError) as error:
        raise BundleError(f"The CLIP configuration cannot be built: {error!r}.") from error


def known_model_cfg(model: str, image_size: int) -> dict[str, Any]:
    """Return open_clip's configuration of a model by its name, or of a local folder.

    Raises:
        BundleError: If there is none.
    """
    folder = Path(model)
    if folder.is_dir():
        try:
            values = json.loads((folder / OPEN_CLIP_CONFIG).read_text(encoding="utf-8"))
            model_cfg: dict[str, Any] = values["model_cfg"]
        except (OSError, KeyError, TypeError, json.JSONDecodeError) as error:
            raise BundleError(f"{folder} holds no readable {OPEN_CLIP_CONFIG}: {error}.") from error
    else:
        found = open_clip.get_model_config(model)
        if found is None:
            names = ", ".join(open_clip.list_models()[:5])
            raise BundleError(
                f"{model!r} is neither a folder nor a model of open_clip. Choose one of its names "
                f"({names}, ...; all by open_clip.list_models())."
            )
        model_cfg = found
    model_cfg["vision_cfg"]["image_size"] = image_size
    model_cfg["custom_text"] = True
    return model_cfg


def pretrained_file(model: str, weights: str) -> Path:
    """Return the file of pretrained weights: a local one first, else one of open_clip's own.

    Args:
        model: open_clip's name of the model, or a local folder.
        weights: A file; or one of open_clip's names for weights of the model, which are fetched
            over the network unless its cache has them; empty for those in a local folder.

    Raises:
        BundleError: If there is none, or it cannot be fetched.
    """
    if weights and Path(weights).is_file():
        return Path(weights)
    if Path(model).is_dir():
        path = Path(model) / (weights or OPEN_CLIP_WEIGHTS)
        if path.is_file():
            return path
        raise BundleError(f"{model} holds no weights {path.name}. Name their file.")
    entry = open_clip.get_pretrained_cfg(model, weights)
    if not entry:
        known = ", ".join(open_clip.list_pretrained_tags_by_model(model)) or "none"
        raise BundleError(
            f"{weights!r} is neither a file nor weights that open_clip knows for {model} ({known})."
        )
    try:
        return Path(open_clip.download_pretrained(entry))
    except Exception as error:  # the hub's client raises whatever its transport raises
        raise BundleError(
            f"The weights {weights!r} of {model} could not be fetched ({error}). Fetch them where "
            "there is a network, and give their file."
        ) from error


def pretrained_look(model: str, weights: str) -> tuple[bool, tuple[float, ...], tuple[float, ...]]:
    """Return whether weights were trained with QuickGELU, and the mean and spread of their images.

    A folder says so in its configuration, a name in open_clip's table. A single file says nothing:
    it is taken for weights of the model's own activation, on images normalised as OpenAI's were.
    """
    entry = open_clip.get_pretrained_cfg(model, weights) or {}
    folder = Path(model)
    if folder.is_dir():
        values = json.loads((folder / OPEN_CLIP_CONFIG).read_text(encoding="utf-8"))
        entry = {**values.get("preprocess_cfg", {}), **values["model_cfg"]}
    mean = entry.get("mean", open_clip.OPENAI_DATASET_MEAN)
    std = entry.get("std", open_clip.OPENAI_DATASET_STD)
    return bool(entry.get("quick_gelu", False)), tuple(mean), tuple(std)


def load_weights(towers: nn.Module, path: Path) -> None:
    """Load weights into towers; a position embedding for another image size is interpolated.

    Raises:
        BundleError: If the file cannot be read or is of another shape.
    """
    try:
        # weights_only, so that an old file cannot run code
        open_clip.load_checkpoint(towers, str(path), strict=True, weights_only=True)
    except (OSError, KeyError, RuntimeError, ValueError, SafetensorError) as error:
        raise BundleError(f"{path.name}: cannot be loaded into the CLIP towers: {error}") from error


def widen_first_convolution(towers: CustomTextCLIP, more: int) -> None:
    """Let the image tower take more channels; what it says does not change yet.

    The new weights are zero, so that the output starts unchanged and their gradients do not.

    Raises:
        BundleError: If the image tower has no first convolution that is known here.
    """
    if more == 0:
        return
    narrow = getattr(towers.visual, "conv1", None)
    if not isinstance(narrow, nn.Conv2d):
        raise BundleError(
            "This image tower takes three channels only. Choose plain or paper channels, or one "
            "of open_clip's own towers."
        )
    wide = nn.Conv2d(
        narrow.in_channels + more,
        narrow.out_channels,
        kernel_size=narrow.kernel_size,  # type: ignore[arg-type]
        stride=narrow.stride,  # type: ignore[arg-type]
        padding=narrow.padding,  # type: ignore[arg-type]
        bias=narrow.bias is not None,
    )
    with torch.no_grad():
        wide.weight.zero_()
        wide.weight[:, : narrow.in_channels] = narrow.weight
        if narrow.bias is not None and wide.bias is not None:
            wide.bias.copy_(narrow.bias)
    towers.visual.conv1 = wide


def encode_text(towers: CustomTextCLIP, tokens: Tensor) -> Tensor:
    """Return the text tower's output, (B, D), without computing the padding behind all texts.

    Attention is causal and the end token is what is read, so what stands behind it changes
    nothing; open_clip itself always computes all of the context.
    """
    text = towers.text
    if text.pool_type != "argmax" or text.cls_emb is not None or text.use_pad_mask:
        whole: Tensor = towers.encode_text(tokens)
        return whole
    end = tokens.argmax(dim=1)  # the end token has the highest number
    length = int(end.max()) + 1
    tokens = tokens[:, :length]
    x = text.token_embedding(tokens) + text.positional_embedding[:length]
    mask = None if text.attn_mask is None else text.attn_mask[:length, :length]
    x = text.ln_final(text.transformer(x, attn_mask=mask))
    x = x[torch.arange(len(x), device=x.device), end]
    if isinstance(text.text_projection, nn.Linear):
        projected: Tensor = text.text_projection(x)
        return projected
    bare: Tensor = x if text.text_projection is None else x @ text.text_projection
    return bare
