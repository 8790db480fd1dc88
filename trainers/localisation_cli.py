"""The command `daug evaluate heatmaps`."""

from pathlib import Path
from typing import Annotated

import typer

from trainers.cli_options import JsonOption, ManifestOption, start_log, tell

SHIPPED_PHANTOMS = "phantom"  # beside the shipped bundle


def evaluate_heatmaps(
    ctx: typer.Context,
    manifest: ManifestOption,
    output: Annotated[
        Path, typer.Option("-o", "--output", help="Folder for tables, pages and kept maps.")
    ],
    bundle: Annotated[Path | None, typer.Option(help="Bundle; the shipped one if none.")] = None,
    phantoms: Annotated[
        Path | None,
        typer.Option(
            exists=True,
            file_okay=False,
            help="Bundles that learnt from phantoms; else the shipped.",
        ),
    ] = None,
    full: Annotated[
        bool,
        typer.Option(
            "--full", help="Every normal, super-class and activation, a page of every case."
        ),
    ] = False,
    as_json: JsonOption = False,
) -> None:
    """Write how well heatmaps find what experts have drawn, against other methods and chance."""
    from daug.bundle_source import bundle_folder
    from trainers.evaluation.localisation.evaluate import HeatmapEvaluationRequest
    from trainers.evaluation.localisation.evaluate import evaluate_heatmaps as evaluate

    shipped = ctx.obj.bundled_models.parent / SHIPPED_PHANTOMS
    request = HeatmapEvaluationRequest(
        manifest=manifest,
        output=output,
        bundle=bundle_folder(bundle or ctx.obj.bundled_models),
        phantoms=phantoms or (shipped if shipped.is_dir() else None),
        full=full,
    )
    start_log()
    tell(evaluate(request), as_json, f"The tables are in {output}, for a browser in index.html.")
