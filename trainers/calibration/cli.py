"""The commands `daug bundle measure-normals` and `daug bundle measure-heatmaps`."""

from pathlib import Path
from typing import Annotated

import typer

from trainers.cli_options import BundleArgument, JsonOption, ManifestOption, start_log, tell


def bundle_measure_normals(
    bundle: BundleArgument,
    manifest: ManifestOption,
    work: Annotated[
        Path, typer.Option("--work", help="Folder where the heat of each radiograph is kept.")
    ],
    per_source: Annotated[
        int, typer.Option(min=1, help="Radiographs of a data set and group at most.")
    ] = 80,
    as_json: JsonOption = False,
) -> None:
    """Measure how hot the maps of held-out normal radiographs are: the normal floor."""
    from trainers.calibration.normals import measure_normals

    start_log()
    found = measure_normals(bundle, manifest, work, per_source)
    tell(found, as_json, f"{bundle} now has a normal floor.")


def bundle_measure_heatmaps(
    bundle: BundleArgument,
    evaluation: Annotated[
        Path,
        typer.Argument(exists=True, file_okay=False, help="Folder of `daug evaluate heatmaps`."),
    ],
    as_json: JsonOption = False,
) -> None:
    """Keep in a bundle what `daug evaluate heatmaps` found, for the trust levels on screen."""
    from trainers.calibration.heatmaps import keep_localisation

    found = keep_localisation(bundle, evaluation)
    tell(found, as_json, f"{bundle} now says how well its maps find disease.")
