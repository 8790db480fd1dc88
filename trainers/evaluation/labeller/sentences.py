"""Sentences whose labels were decided by reading."""

import csv
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from daug.errors import ManifestError
from daug.findings import Finding
from trainers.labeller.labeller import Labels
from trainers.labeller.rules import ABSENT, PRESENT, UNCERTAIN

COLUMNS: Mapping[str, int] = {"present": PRESENT, "absent": ABSENT, "uncertain": UNCERTAIN}


@dataclass(frozen=True)
class ReadSentence:
    """A sentence, or a few, as a report may hold them."""

    half: str  # rules may be improved by the first half and never by the second
    text: str
    labels: Labels


def read_sentences(table: Path) -> list[ReadSentence]:
    """Return the sentences of a CSV file: half, sentence, present, absent, uncertain.

    Raises:
        ManifestError: If it cannot be read or names no finding of the fourteen.
    """
    try:
        with table.open(newline="", encoding="utf-8-sig") as file:
            return [_sentence(line) for line in csv.DictReader(file)]
    except (OSError, UnicodeDecodeError, csv.Error, KeyError, ValueError) as error:
        raise ManifestError(
            f"{table} cannot be read ({error}). It needs the columns half, sentence, "
            f"{', '.join(COLUMNS)}, with findings separated by |."
        ) from error


def _sentence(line: Mapping[str, str]) -> ReadSentence:
    labels = {
        Finding(name): label
        for column, label in COLUMNS.items()
        for name in line[column].split("|")
        if name
    }
    return ReadSentence(line["half"], line["sentence"], labels)
