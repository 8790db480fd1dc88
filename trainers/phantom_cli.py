"""The command `daug train phantom`: its options, and nothing heavier."""

from pathlib import Path
from typing import Annotated

import typer

from trainers.cli_options import JsonOption, SeedOption, start_log, tell, words

NETWORKS = "assets/models/phantom"


def train_phantom(
    output: Annotated[
        Path, typer.Option("-o", "--output", help="Folder for the bundles, one for each rho.")
    ] = Path(NETWORKS),
    work: Annotated[
        Path, typer.Option(help="Run folders: logs and checkpoints; called again, it goes on.")
    ] = Path("runs/phantom"),
    rho: Annotated[
        str, typer.Option(help="Correlations of paired findings, separated by commas.")
    ] = "0,0.5,0.8,0.95",
    phantoms: Annotated[int, typer.Option(min=64, help="Phantoms to train on.")] = 10_000,
    unet_steps: Annotated[
        int, typer.Option(min=1, help="Of each denoiser; twice that for their common start.")
    ] = 1000,
    classifier_steps: Annotated[int, typer.Option(min=1, help="Of each classifier.")] = 3500,
    seed: SeedOption = 0,
    as_json: JsonOption = False,
) -> None:
    """Train a denoiser and a classifier on drawn phantoms, for each degree of co-occurrence."""
    from trainers.phantom_training import PhantomPreset
    from trainers.phantom_training import train_phantom as train

    try:
        rhos = tuple(float(word) for word in words(rho))
    except ValueError as error:
        raise typer.BadParameter(f"{error}; give numbers separated by commas.") from error
    preset = PhantomPreset(
        phantoms=phantoms,
        base_steps=2 * unet_steps,
        unet_steps=unet_steps,
        classifier_steps=classifier_steps,
    )
    start_log(work)
    made = train(output, work, rhos, preset, seed)
    tell({"bundles": made}, as_json, f"{len(made)} bundles are in {output}.")
