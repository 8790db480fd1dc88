"""The command `daug train all`."""

from pathlib import Path
from typing import Annotated

import typer

from trainers.cli_options import (
    JsonOption,
    ManifestOption,
    SeedOption,
    TextLabelsOption,
    start_log,
    tell,
    words,
)


def train_all(
    ctx: typer.Context,
    manifest: ManifestOption,
    output: Annotated[
        Path, typer.Option("-o", "--output", help="Folder of everything; it can be gone on with.")
    ],
    preset: Annotated[
        str, typer.Option(help="Size: paper (as published), gpu, cpu, or tiny for a trial.")
    ] = "cpu",
    sources: Annotated[
        str,
        typer.Option(
            help="Data sets, separated by commas; all of the manifest if all may be passed on."
        ),
    ] = "",
    blanks: Annotated[
        str,
        typer.Option(help="What a finding counts as that is not mentioned: unknown or absent."),
    ] = "unknown",
    clip_seeds: Annotated[
        str, typer.Option(help="One CLIP training of each row for each of these.")
    ] = "0",
    weights: Annotated[
        str, typer.Option(help="File of pretrained CLIP weights, in place of the preset's.")
    ] = "",
    anatomy: Annotated[
        Path | None,
        typer.Option(
            exists=True, file_okay=False, help="Bundle whose segmenter of lungs and heart is used."
        ),
    ] = None,
    text_labels: TextLabelsOption = False,
    seed: SeedOption = 0,
    dry_run: Annotated[
        bool,
        typer.Option("--dry-run", help="Only say what is to be done, and what it will cost."),
    ] = False,
    as_json: JsonOption = False,
) -> None:
    """Train and score everything that the paper reports: Tables 1 to 4 and Figure 2."""
    from daug.errors import TrainingError
    from trainers.presets import find_preset
    from trainers.reproduction.labels import Blanks
    from trainers.reproduction.order import Order

    try:
        find_preset(preset)
    except TrainingError as error:
        raise typer.BadParameter(str(error)) from error
    if blanks not in list(Blanks):
        raise typer.BadParameter(f"--blanks is {' or '.join(Blanks)}, got {blanks!r}.")
    told = words(clip_seeds)
    numbers = tuple(int(word) for word in told if word.isascii() and word.isdecimal())
    if not numbers or len(numbers) < len(told) or len(set(numbers)) < len(numbers):
        raise typer.BadParameter(
            f"--clip-seeds are different whole numbers from 0 up, got {clip_seeds!r}."
        )
    order = Order(
        manifest=manifest,
        folder=output,
        preset=preset,
        sources=words(sources),
        blanks=Blanks(blanks),
        seed=seed,
        clip_seeds=numbers,
        text_labels=text_labels,
        weights=weights,
        anatomy=anatomy,
    )
    if dry_run:
        from trainers.reproduction.estimates import dry_run as reckon
        from trainers.reproduction.estimates import told as sentences

        found = reckon(order)
        tell(found, as_json, sentences(found))
        return
    from trainers.reproduction.run import train_all as train

    start_log()  # nothing is written, not even a log, before it is known that all can start
    done = train(order, ctx.obj.draw_panel, start_log)
    tell(done, as_json, f"The page is {order.parts.results}.")
