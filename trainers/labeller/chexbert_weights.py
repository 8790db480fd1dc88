"""CheXbert's published weights, read without running anything that is in the file.

The checkpoint of Smit et al. 2020 (arXiv:2004.09167) is a pickle with `model_state_dict`, whose
names begin with `module.`: a BERT below `bert.` and one linear layer per finding below
`linear_heads.`. Only tensors and plain values are taken from it; a safetensors file is read too.
"""

import pickle
import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor

from daug.errors import BundleError

HEADS = 14
CLASSES = (*[4] * (HEADS - 1), 2)  # blank, present, absent, uncertain; No Finding blank or present
WORDS, POSITIONS = "embeddings.word_embeddings.weight", "embeddings.position_embeddings.weight"
INNER = "encoder.layer.{}.intermediate.dense.weight"
HEAD_WIDTH = 64  # of attention, in every BERT of its authors


@dataclass(frozen=True)
class ChexbertWeights:
    """The two parts of a checkpoint."""

    bert: Mapping[str, Tensor]  # by the names of transformers' BertModel
    heads: tuple[tuple[Tensor, Tensor], ...]  # weight (classes, width) and bias, one per finding

    @property
    def shape(self) -> dict[str, int]:
        """The BERT's dimensions, by the names of transformers' BertConfig."""
        words, width = self.bert[WORDS].shape
        layers = 0
        while INNER.format(layers) in self.bert:
            layers += 1
        return {
            "vocab_size": words,
            "hidden_size": width,
            "num_hidden_layers": layers,
            "num_attention_heads": max(1, width // HEAD_WIDTH),
            "intermediate_size": self.bert[INNER.format(0)].shape[0],
            "max_position_embeddings": self.bert[POSITIONS].shape[0],
        }


def read_chexbert(path: Path) -> ChexbertWeights:
    """Return the weights of a checkpoint.

    Args:
        path: CheXbert's own file (.pth) or a safetensors file with tensors of the same names.

    Raises:
        BundleError: If it cannot be read, holds more than tensors and plain values, or other
            weights.
    """
    tensors = _safetensors(path) if path.suffix == ".safetensors" else _checkpoint(path)
    named = {name.removeprefix("module."): tensor for name, tensor in tensors.items()}
    bert = {
        name.removeprefix("bert."): tensor
        for name, tensor in named.items()
        if name.startswith("bert.") and not name.endswith("position_ids")
    }
    found = sum(f"linear_heads.{n}.weight" in named for n in range(HEADS + 1))
    if found != HEADS or not {WORDS, POSITIONS, INNER.format(0)} <= bert.keys():
        raise BundleError(
            f"{path.name} is no CheXbert: it has {found} of {HEADS} heads and {len(bert)} tensors "
            "of a BERT. Give the checkpoint chexbert.pth of Smit et al. 2020."
        )
    heads = tuple(
        (named[f"linear_heads.{n}.weight"], named[f"linear_heads.{n}.bias"]) for n in range(HEADS)
    )
    classes = tuple(weight.shape[0] for weight, _ in heads)
    if classes != CLASSES:
        raise BundleError(
            f"{path.name} tells {classes} classes apart, CheXbert {CLASSES}. Give the checkpoint "
            "chexbert.pth of Smit et al. 2020."
        )
    return ChexbertWeights(bert, heads)


def _checkpoint(path: Path) -> dict[str, Tensor]:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", UserWarning)  # of pickles that are refused anyway
            content: Any = torch.load(path, map_location="cpu", weights_only=True)
    except pickle.UnpicklingError as error:
        raise BundleError(
            f"{path.name} is not opened: it is damaged, or holds more than tensors, which could "
            "run code on this machine. Save its model_state_dict as a .safetensors file where you "
            "trust it."
        ) from error
    except (OSError, RuntimeError, EOFError, ValueError) as error:
        raise BundleError(f"{path.name} cannot be read ({error}).") from error
    state = content.get("model_state_dict", content) if isinstance(content, dict) else content
    if not isinstance(state, dict) or not all(isinstance(t, Tensor) for t in state.values()):
        raise BundleError(
            f"{path.name} holds no model_state_dict of tensors. Give the checkpoint chexbert.pth "
            "of Smit et al. 2020."
        )
    return dict(state)


def _safetensors(path: Path) -> dict[str, Tensor]:
    try:
        return load_file(path)
    except (OSError, SafetensorError) as error:
        raise BundleError(f"{path.name} cannot be read ({error}).") from error
