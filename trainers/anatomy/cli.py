"""The commands of the anatomy model: train, put into a bundle, evaluate."""

from pathlib import Path
from typing import Annotated

import typer

from trainers.cli_options import (
    BudgetOption,
    BundleArgument,
    InitOption,
    JsonOption,
    ManifestOption,
    ResumeOption,
    RunFolder,
    SeedOption,
    SourcesOption,
    SplitOption,
    StepsOption,
    start_log,
    tell,
    words,
)


def train_anatomy(
    manifest: ManifestOption,
    output: RunFolder,
    preset: Annotated[str, typer.Option(help="Size: cpu, or tiny for a trial.")] = "cpu",
    sources: SourcesOption = "",
    split: SplitOption = "train",
    steps: StepsOption = None,
    budget_minutes: BudgetOption = None,
    init: InitOption = None,
    resume: ResumeOption = False,
    seed: SeedOption = 0,
    as_json: JsonOption = False,
) -> None:
    """Train the segmenter of lungs and heart on the masks that experts drew."""
    from trainers.anatomy.training import train_anatomy as train
    from trainers.runs import RunRequest

    request = RunRequest(
        manifest=manifest,
        folder=output,
        preset=preset,
        split=split,
        sources=words(sources),
        steps=steps,
        budget_minutes=budget_minutes,
        seed=seed,
        init=init,
        resume=resume,
    )
    start_log(output)
    tell(train(request), as_json, f"The anatomy model is in {output / 'weights' / 'anatomy'}.")


def bundle_add_anatomy(
    bundle: BundleArgument,
    run: Annotated[Path, typer.Option(help="Run folder of the anatomy model.")],
    as_json: JsonOption = False,
) -> None:
    """Put a trained anatomy model into a bundle, so that zones and ratios are measured."""
    from trainers.anatomy.bundle_part import add_anatomy

    start_log()
    described = add_anatomy(bundle, run)
    tell({"digest": described.digest}, as_json, f"{bundle} now has an anatomy model.")


def bundle_measure_anatomy(
    bundle: BundleArgument,
    manifest: ManifestOption,
    split: Annotated[str, typer.Option(help="Split to score.")] = "test",
    as_json: JsonOption = False,
) -> None:
    """Measure masks and ratios against experts' masks on held-out radiographs, for the card."""
    from trainers.evaluation.anatomy import measure_anatomy

    start_log()
    measured = measure_anatomy(bundle, manifest, split)
    tell(measured, as_json, f"{bundle} now says how well it finds lungs and heart.")


def evaluate_anatomy(
    ctx: typer.Context,
    manifest: ManifestOption,
    output: Annotated[Path, typer.Option("-o", "--output", help="Folder for the tables.")],
    bundle: Annotated[Path | None, typer.Option(help="Bundle; the shipped one if none.")] = None,
    split: Annotated[str, typer.Option(help="Split to score.")] = "test",
    as_json: JsonOption = False,
) -> None:
    """Write Dice per organ and source, and how far cardiothoracic ratios are off."""
    from daug.bundle_source import bundle_folder
    from trainers.evaluation.anatomy import evaluate_anatomy as evaluate

    start_log()
    folder = bundle_folder(bundle or ctx.obj.bundled_models)
    values = evaluate(folder, manifest, split, output)
    tell(values, as_json, f"The tables are in {output}.")


def data_measure_heart(
    ctx: typer.Context,
    manifest: Annotated[Path, typer.Argument(exists=True, dir_okay=False, help="Radiographs.")],
    output: Annotated[Path, typer.Option("-o", "--output", help="The copy, a CSV file.")],
    bundle: Annotated[Path | None, typer.Option(help="Bundle; the shipped one if none.")] = None,
    sources: Annotated[str, typer.Option(help="Data sets to measure; all if none.")] = "",
    own_labels: Annotated[
        str, typer.Option(help="keep: measure only where there is none; or replace.")
    ] = "keep",
    adults: Annotated[
        str, typer.Option(help="Data sets of adults only, where no age is stated.")
    ] = "",
    present_above: Annotated[float, typer.Option(help="Ratio from which it is present.")] = 0.5,
    absent_below: Annotated[float, typer.Option(help="Ratio up to which it is absent.")] = 0.48,
    as_json: JsonOption = False,
) -> None:
    """Copy a manifest with Cardiomegaly measured on radiographs of adults, PA."""
    from daug.bundle_source import bundle_folder
    from trainers.measured_labels import HeartRequest, OwnLabels, measure_heart

    try:
        policy = OwnLabels(own_labels)
    except ValueError as error:
        raise typer.BadParameter(f"{own_labels!r} is none of {', '.join(OwnLabels)}.") from error
    folder = bundle_folder(bundle or ctx.obj.bundled_models)
    start_log()
    asked = HeartRequest(
        manifest=manifest,
        output=output,
        bundle=folder,
        sources=words(sources),
        own_labels=policy,
        adults=words(adults),
        present_above=present_above,
        absent_below=absent_below,
    )
    tell(measure_heart(asked), as_json, f"The copy is {output}.")
