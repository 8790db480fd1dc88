"""The command `daug data paint`."""

from pathlib import Path
from typing import Annotated

import typer

from daug.findings import Finding
from trainers.cli_options import JsonOption, SeedOption, start_log, tell, words


def data_paint(
    ctx: typer.Context,
    manifest: Annotated[Path, typer.Argument(exists=True, dir_okay=False, help="Radiographs.")],
    output: Annotated[
        Path, typer.Option("-o", "--output", help="Folder of the copy and the painted images.")
    ],
    bundle: Annotated[Path | None, typer.Option(help="Bundle; the shipped one if none.")] = None,
    sources: Annotated[str, typer.Option(help="Data sets to paint on; all if none.")] = "",
    findings: Annotated[
        str, typer.Option(help="What to paint; all that can be painted if none.")
    ] = "",
    per_normal: Annotated[
        float, typer.Option(min=0, max=1, help="Share of the normals that get each finding.")
    ] = 1.0,
    without_devices: Annotated[
        str, typer.Option(help="Data sets whose normals show no devices, though AP.")
    ] = "",
    seed: SeedOption = 0,
    as_json: JsonOption = False,
) -> None:
    """Copy a manifest and add findings painted on its normal radiographs, for training only."""
    from daug.bundle_source import bundle_folder
    from daug.phantom import PAINTERS
    from trainers.painted_findings import PaintRequest, paint_findings

    names = {finding.casefold(): finding for finding in PAINTERS}
    chosen: list[Finding] = []
    for word in words(findings):
        if word.casefold() not in names:
            raise typer.BadParameter(
                f"{word!r} cannot be painted; choose among {', '.join(PAINTERS)}."
            )
        chosen.append(names[word.casefold()])
    folder = bundle_folder(bundle or ctx.obj.bundled_models)
    start_log()
    request = PaintRequest(
        manifest=manifest,
        folder=output,
        bundle=folder,
        findings=tuple(dict.fromkeys(chosen)) or tuple(PAINTERS),
        sources=words(sources),
        per_normal=per_normal,
        seed=seed,
        without_devices=words(without_devices),
    )
    tell(paint_findings(request), as_json, f"The copy is {output / 'manifest.csv'}.")
