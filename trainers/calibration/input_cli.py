"""The command that calibrates the input check of a bundle."""

from pathlib import Path
from typing import Annotated

import typer

from trainers.cli_options import JsonOption, ManifestOption, start_log, tell


def bundle_calibrate_input(
    bundle: Annotated[Path, typer.Option("--bundle", help="Folder of the bundle.")],
    manifest: ManifestOption,
    rate: Annotated[
        float, typer.Option(min=0, max=0.5, help="Share of held-out radiographs to flag at most.")
    ] = 0.02,
    at_most: Annotated[
        int, typer.Option(min=1, help="Radiographs of each source for each purpose.")
    ] = 400,
    other_pictures: Annotated[
        Path | None,
        typer.Option(
            exists=True,
            file_okay=False,
            help="Pictures that should be flagged, in a sub-folder for each kind.",
        ),
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Learn what pictures the models know, and measure how well others are told apart."""
    from trainers.calibration.input_limits import InputRequest, calibrate_input

    start_log()
    request = InputRequest(
        bundle, manifest, rate=rate, at_most=at_most, other_pictures=other_pictures
    )
    tell(calibrate_input(request), as_json, f"{bundle} now checks its input.")
