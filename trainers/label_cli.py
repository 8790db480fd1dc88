"""The commands `daug label` and `daug evaluate labeller`."""

from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from trainers.cli_options import JsonOption, start_log, tell

if TYPE_CHECKING:
    from trainers.labeller.labeller import Labeller
    from trainers.labeller.tables import LabelRequest


class LabellerName(StrEnum):
    """What can read reports."""

    RULES = "rules"
    CHEXBERT = "chexbert"


WordsOption = Annotated[
    Path | None,
    typer.Option(
        exists=True, file_okay=False, help="Folder of your own word files; the shipped if none."
    ),
]
NameOption = Annotated[
    LabellerName, typer.Option("--labeller", help="Words and rules, or CheXbert's network.")
]
WeightsOption = Annotated[
    Path | None,
    typer.Option(exists=True, dir_okay=False, help="CheXbert's weights, chexbert.pth."),
]
VocabularyOption = Annotated[
    Path | None,
    typer.Option(exists=True, help="CheXbert's vocab.txt; beside the weights if none."),
]


def label(
    table: Annotated[
        Path,
        typer.Argument(
            exists=True,
            help="A CSV file with a column of reports, a text file with a report a line, or a "
            "folder of text files.",
        ),
    ],
    output: Annotated[Path, typer.Option("-o", "--output", help="The copy, a CSV file.")],
    column: Annotated[str, typer.Option(help="The column of the reports.")] = "report",
    fill_blanks: Annotated[
        bool, typer.Option("--fill-blanks", help="Keep the labels that the table has.")
    ] = False,
    words: WordsOption = None,
    labeller_name: NameOption = LabellerName.RULES,
    weights: WeightsOption = None,
    vocabulary: VocabularyOption = None,
    notes: Annotated[
        bool,
        typer.Option(
            "--notes", help="The reports are clinical notes: read what they say of the radiograph."
        ),
    ] = False,
    as_json: JsonOption = False,
) -> None:
    """Read the fourteen findings from reports: 1 present, 0 absent, -1 uncertain, or blank."""
    from trainers.labeller.tables import LabelRequest, label_table

    start_log()
    labeller = _labeller(labeller_name, words, weights, vocabulary)
    request = LabelRequest(table, output, column, fill_blanks)
    found = _label_notes(request, labeller, words) if notes else label_table(request, labeller)
    read = found["rows"].get("read", 0)
    tell(found, as_json, f"{read} reports were read; the labels are in {output}.")


def _label_notes(
    request: "LabelRequest", labeller: "Labeller", words: Path | None
) -> dict[str, Any]:
    """Write the labels of clinical notes, and return counts with those of the notes."""
    from daug.phrases.note_words import note_words
    from trainers.labeller.notes import NoteLabeller
    from trainers.labeller.tables import label_table

    reader = NoteLabeller(labeller, None if words is None else note_words(words))
    return {**label_table(request, reader), "notes": reader.counts()}


def _labeller(
    name: LabellerName, words: Path | None, weights: Path | None, vocabulary: Path | None
) -> "Labeller":
    """Return the labeller that somebody chooses."""
    if name is LabellerName.RULES:
        if weights or vocabulary:
            raise typer.BadParameter("--weights and --vocabulary belong to --labeller chexbert.")
        from daug.phrases.vocabulary import vocabulary as read_words
        from trainers.labeller.rules import RuleLabeller

        return RuleLabeller(None if words is None else read_words(words))
    if weights is None or words is not None:
        raise typer.BadParameter("--labeller chexbert needs --weights, and takes no --words.")
    import torch

    from trainers.labeller.chexbert import open_chexbert

    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    return open_chexbert(weights, vocabulary, device)


def evaluate_labeller(
    reports: Annotated[
        Path, typer.Argument(exists=True, help="Open-i reports: the .tgz file or its folder.")
    ],
    output: Annotated[Path, typer.Option("-o", "--output", help="Folder for the tables.")],
    sentences: Annotated[
        Path | None,
        typer.Option(exists=True, dir_okay=False, help="Sentences labelled by reading, a CSV."),
    ] = None,
    words: WordsOption = None,
    labeller_name: NameOption = LabellerName.RULES,
    weights: WeightsOption = None,
    vocabulary: VocabularyOption = None,
    as_json: JsonOption = False,
) -> None:
    """Write precision, recall and F1 of a labeller of reports, with intervals."""
    from trainers.evaluation.labeller.tables import evaluate

    start_log()
    labeller = _labeller(labeller_name, words, weights, vocabulary)
    found = evaluate(labeller, reports, sentences, output)
    tell(found, as_json, f"The tables are in {output}.")
