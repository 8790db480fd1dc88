"""The command `daug data check`."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer

from trainers.cli_options import JsonOption, tell


def data_check(
    manifest: Annotated[
        Path, typer.Argument(exists=True, dir_okay=False, help="Table of radiographs.")
    ],
    output: Annotated[
        Path | None,
        typer.Option(
            "-o",
            "--output",
            dir_okay=False,
            help="An HTML page of what was found. It shows radiographs: keep it with the data.",
        ),
    ] = None,
    allow_leakage: Annotated[
        bool,
        typer.Option(
            "--allow-leakage",
            help="Do not fail if a patient, or identical pixels, are in more than one split.",
        ),
    ] = False,
    workers: Annotated[
        int | None,
        typer.Option(min=1, help="Threads that decode; one a core, at most 8, if none."),
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Check a manifest: images, duplicates, leakage between splits, labels, known overlaps.

    Fails if a patient, or images with identical pixels, are in more than one split, since scores
    on them say nothing.
    """
    from daug.errors import ManifestError
    from trainers.manifest_check.checking import check_manifest, usual_workers
    from trainers.manifest_check.document import document
    from trainers.manifest_check.page import check_page_name, write_page
    from trainers.manifest_check.sentences import leak_sentences, summary

    if output is not None:
        check_page_name(output)
    with _watched() as on_progress:
        checked = check_manifest(manifest, workers or usual_workers(), on_progress)
    tell(document(checked), as_json, "\n".join(summary(checked)))
    if output is not None:  # after it was told, since a page that fails must not take it along
        write_page(checked, output)
    leaks = leak_sentences(checked)
    if leaks and not allow_leakage:
        raise ManifestError(
            f"{manifest.name} is not fit to score on: {' '.join(leaks)} Put each patient and each "
            "image into one split, or go on with --allow-leakage."
        )


@contextmanager
def _watched() -> Iterator[Callable[[int, int], None]]:
    """Yield what moves a bar on standard error; nothing is drawn where nobody watches."""
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

    console = Console(stderr=True)
    columns = (TextColumn("Looking at images"), BarColumn(), MofNCompleteColumn())
    with Progress(*columns, console=console, disable=not console.is_terminal) as bar:
        task = bar.add_task("", total=None)
        yield lambda done, total: bar.update(task, total=total, completed=done)
