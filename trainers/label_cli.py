"""The commands `daug label` and `daug evaluate labeller`."""

from pathlib import Path
from typing import Annotated

import typer

from trainers.cli_options import JsonOption, start_log, tell

WordsOption = Annotated[
    Path | None,
    typer.Option(
        exists=True, file_okay=False, help="Folder of your own word files; the shipped if none."
    ),
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
    as_json: JsonOption = False,
) -> None:
    """Read the fourteen findings from reports: 1 present, 0 absent, -1 uncertain, or blank."""
    from daug.phrases.vocabulary import vocabulary
    from trainers.labeller.rules import RuleLabeller
    from trainers.labeller.tables import LabelRequest, label_table

    start_log()
    labeller = RuleLabeller(None if words is None else vocabulary(words))
    found = label_table(LabelRequest(table, output, column, fill_blanks), labeller)
    read = found["rows"].get("read", 0)
    tell(found, as_json, f"{read} reports were read; the labels are in {output}.")


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
    as_json: JsonOption = False,
) -> None:
    """Write precision, recall and F1 of the report labeller, with intervals."""
    from daug.phrases.vocabulary import vocabulary
    from trainers.evaluation.labeller.tables import evaluate
    from trainers.labeller.rules import RuleLabeller

    start_log()
    labeller = RuleLabeller(None if words is None else vocabulary(words))
    found = evaluate(labeller, reports, sentences, output)
    tell(found, as_json, f"The tables are in {output}.")
