"""CheXbert's BERT and its word pieces, by the package transformers.

It comes with `pip install 'daug[chexbert]'`, and is imported when it is needed. Weights and
vocabulary come from this machine alone.
"""

from collections.abc import Mapping, Sequence
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import Any

from torch import Tensor, nn

from daug.errors import BundleError

VOCABULARY = "vocab.txt"  # the name by which transformers finds it in a folder


def make_bert(shape: Mapping[str, int], weights: Mapping[str, Tensor]) -> nn.Module:
    """Return a BERT with these weights.

    Args:
        shape: See `ChexbertWeights.shape`.
        weights: By the names of transformers' BertModel.

    Raises:
        BundleError: If transformers is not installed, or the weights do not fit a BERT.
    """
    transformers = _transformers()
    bert: nn.Module = transformers.BertModel(transformers.BertConfig(**shape))
    try:
        missing, foreign = bert.load_state_dict(dict(weights), strict=False)
    except RuntimeError as error:
        raise BundleError(f"The weights do not fit a BERT ({error}).") from error
    if wrong := [n for n in (*missing, *foreign) if not n.endswith("_ids")]:
        raise BundleError(
            f"The weights do not fit a BERT: {wrong[0]} is missing or not known. Give the "
            "checkpoint chexbert.pth of Smit et al. 2020."
        )
    return bert.eval()


class WordPieces:
    """BERT's uncased word pieces, from a local vocabulary."""

    def __init__(self, vocabulary: Path) -> None:
        """Read a vocabulary.

        Args:
            vocabulary: The file vocab.txt of bert-base-uncased, or its folder.

        Raises:
            BundleError: If it is not there, or transformers is not installed.
        """
        file = vocabulary / VOCABULARY if vocabulary.is_dir() else vocabulary
        if not file.is_file() or file.name != VOCABULARY:
            raise BundleError(
                f"{file} is no vocabulary. Put {VOCABULARY} of bert-base-uncased beside the "
                "weights, or name it with --vocabulary."
            )
        tokenizer = _transformers().BertTokenizer
        self._pieces: Any = tokenizer.from_pretrained(
            str(file.parent), local_files_only=True, do_lower_case=True
        )

    @property
    def size(self) -> int:
        """How many pieces there are."""
        return len(self._pieces)

    @property
    def end(self) -> int:
        """The number of [SEP], which every report ends with."""
        return int(self._pieces.sep_token_id)

    def numbers(self, reports: Sequence[str]) -> list[list[int]]:
        """Return each report as numbers of pieces between [CLS] and [SEP], at full length."""
        if not reports:
            return []
        encoded = self._pieces(list(reports), add_special_tokens=True, verbose=False)
        return [list(map(int, numbers)) for numbers in encoded["input_ids"]]


def _transformers() -> ModuleType:
    try:
        return import_module("transformers")
    except ImportError as error:
        raise BundleError(
            "CheXbert needs the package transformers, which is not installed. Install it with "
            "`pip install 'daug[chexbert]'`, or use --labeller rules."
        ) from error
