"""What the trainers' commands have in common: options, the log, and how they answer."""

import json
import logging
import sys
from pathlib import Path
from typing import Annotated, Any

import typer

ManifestOption = Annotated[
    Path, typer.Option("--manifest", exists=True, dir_okay=False, help="Table of radiographs.")
]
JsonOption = Annotated[bool, typer.Option("--json", help="One JSON document on standard output.")]
BundleArgument = Annotated[Path, typer.Argument(help="Folder of the bundle.")]
ReadBundleArgument = Annotated[
    Path, typer.Argument(help="Folder of the bundle, or hf://owner/name of one on a hub.")
]
RunFolder = Annotated[Path, typer.Option("-o", "--output", help="Run folder: log, checkpoints.")]
PresetOption = Annotated[
    str, typer.Option(help="Size: cpu, gpu, paper (as published), or tiny for a trial.")
]
SourcesOption = Annotated[
    str, typer.Option(help="Data sets, separated by commas; all that may be shipped if none.")
]
SplitOption = Annotated[str, typer.Option(help="Split to train on.")]
StepsOption = Annotated[int | None, typer.Option(min=1, help="End after so many steps.")]
BudgetOption = Annotated[
    float | None, typer.Option(min=0.01, help="End cleanly after so many minutes.")
]
InitOption = Annotated[
    Path | None, typer.Option(exists=True, file_okay=False, help="Weights to start from.")
]
ResumeOption = Annotated[bool, typer.Option("--resume", help="Go on from the last checkpoint.")]
SeedOption = Annotated[int, typer.Option(min=0, help="Of all chance.")]
TextLabelsOption = Annotated[
    bool,
    typer.Option("--text-labels", help="Learn from labels too that were read from reports."),
]


def words(text: str) -> tuple[str, ...]:
    """Return what stands between commas."""
    return tuple(word.strip() for word in text.split(",") if word.strip())


def start_log(folder: Path | None = None) -> None:
    """Send progress to standard error, since standard output belongs to results; keep it too."""
    handlers: list[logging.Handler] = [logging.StreamHandler(sys.stderr)]
    if folder is not None:
        folder.mkdir(parents=True, exist_ok=True)
        handlers.append(logging.FileHandler(folder / "log.txt", encoding="utf-8"))
    logging.basicConfig(
        level=logging.INFO, format="%(asctime)s %(message)s", handlers=handlers, force=True
    )
    logging.getLogger("accelerate").setLevel(logging.WARNING)


def tell(values: dict[str, Any], as_json: bool, sentence: str) -> None:
    """Print a document for a program or a sentence for a person."""
    typer.echo(json.dumps(values, indent=2, default=str) if as_json else sentence)
