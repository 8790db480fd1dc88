"""CheXbert as a labeller: a BERT reads the report, fourteen linear heads answer.

Smit et al. 2020, "CheXbert: Combining Automatic Labelers and Expert Annotations for Accurate
Radiology Report Labeling Using BERT", arXiv:2004.09167. Reports are read as its authors do: white
space as one blank, lower case, cut at 512 pieces, the answer from the last layer's [CLS]. They give
it the impression alone; here it gets all but what was asked, as the rules do.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Protocol

import torch
from torch import Tensor, nn

from daug.errors import BundleError
from daug.findings import Finding
from daug.phrases.sections import answering_text
from trainers.labeller.chexbert_bert import WordPieces, make_bert
from trainers.labeller.chexbert_weights import ChexbertWeights, read_chexbert
from trainers.labeller.labeller import Labels
from trainers.labeller.rules import ABSENT, PRESENT, UNCERTAIN

# The order of the heads, and of the classes of a head, in the authors' constants.py.
ORDER = (*(finding for finding in Finding if finding is not Finding.NO_FINDING), Finding.NO_FINDING)
LABEL_OF_CLASS: Mapping[int, int] = {1: PRESENT, 2: ABSENT, 3: UNCERTAIN}  # 0 is not mentioned
BATCH = 16  # reports
PADDING = 0


class Pieces(Protocol):
    """What turns reports into numbers."""

    @property
    def end(self) -> int:
        """The number of [SEP]."""

    def numbers(self, reports: Sequence[str]) -> list[list[int]]:
        """Return each report as numbers of pieces."""


class ChexbertLabeller:
    """A BERT with fourteen heads."""

    name = "chexbert"

    def __init__(
        self, bert: nn.Module, weights: ChexbertWeights, pieces: Pieces, device: torch.device
    ) -> None:
        """Put the parts together.

        Args:
            bert: Given numbers and mask, both (B, L), its first answer is (B, L, width).
            weights: The heads, and the dimensions of the BERT.
            pieces: Turns reports into numbers.
            device: Where it runs.
        """
        self._bert = bert.to(device)
        self._heads = [(weight.to(device), bias.to(device)) for weight, bias in weights.heads]
        self._longest = weights.shape["max_position_embeddings"]
        self._pieces = pieces
        self._device = device

    @torch.inference_mode()
    def label(self, reports: Sequence[str]) -> list[Labels]:
        """Return the labels of each report, in their order; none where nothing is said."""
        labels: list[Labels] = [{} for _ in reports]
        texts = {n: " ".join(answering_text(report).split()) for n, report in enumerate(reports)}
        said = [n for n, text in texts.items() if any(map(str.isalnum, text))]
        numbers = dict(zip(said, self._pieces.numbers([texts[n] for n in said]), strict=True))
        said.sort(key=lambda n: len(numbers[n]))  # reports of one length need no padding
        for first in range(0, len(said), BATCH):
            batch = said[first : first + BATCH]
            for n, found in zip(batch, self._answer([numbers[n] for n in batch]), strict=True):
                labels[n] = found
        return labels

    def _answer(self, reports: Sequence[list[int]]) -> list[Labels]:
        """Return the labels of reports that are read at once."""
        cut = [self._cut(numbers) for numbers in reports]
        length = max(map(len, cut))
        padded = [numbers + [PADDING] * (length - len(numbers)) for numbers in cut]
        mask = [[1] * len(numbers) + [0] * (length - len(numbers)) for numbers in cut]
        hidden: Tensor = self._bert(  # (B, L, width)
            torch.tensor(padded, device=self._device),
            attention_mask=torch.tensor(mask, device=self._device),
        )[0]
        start = hidden[:, 0]  # of [CLS], (B, width)
        classes = [
            nn.functional.linear(start, weight, bias).argmax(dim=1).tolist()
            for weight, bias in self._heads
        ]
        return [labels_of(answer) for answer in zip(*classes, strict=True)]

    def _cut(self, numbers: list[int]) -> list[int]:
        if len(numbers) <= self._longest:
            return numbers
        return [*numbers[: self._longest - 1], self._pieces.end]


def labels_of(classes: Sequence[int]) -> Labels:
    """Return the labels that fourteen heads give, in the findings' order.

    Args:
        classes: The class that each head finds likeliest, in the order of the heads.
    """
    answered = dict(zip(ORDER, classes, strict=True))
    return {f: LABEL_OF_CLASS[answered[f]] for f in Finding if answered[f] in LABEL_OF_CLASS}


def open_chexbert(
    weights: Path, vocabulary: Path | None = None, device: torch.device | None = None
) -> ChexbertLabeller:
    """Return CheXbert from files of this machine.

    Args:
        weights: See `read_chexbert`.
        vocabulary: vocab.txt of bert-base-uncased or its folder; beside the weights if none.
        device: Where it runs; the CPU if none.

    Raises:
        BundleError: If a file is missing or is another, or transformers is not installed.
    """
    read = read_chexbert(weights)
    pieces = WordPieces(vocabulary or weights.parent)
    if pieces.size != read.shape["vocab_size"]:
        raise BundleError(
            f"The vocabulary has {pieces.size} pieces, the weights know "
            f"{read.shape['vocab_size']}. Give vocab.txt of bert-base-uncased."
        )
    bert = make_bert(read.shape, read.bert)
    return ChexbertLabeller(bert, read, pieces, device or torch.device("cpu"))
