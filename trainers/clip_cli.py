"""The commands `daug train clip`, `daug augment` and `daug bundle add-clip`."""

from enum import StrEnum
from pathlib import Path
from typing import Annotated, TypeVar

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
    TextLabelsOption,
    start_log,
    tell,
    words,
)

Kind = TypeVar("Kind", bound=StrEnum)

BundleOption = Annotated[
    Path | None, typer.Option(help="Bundle that draws the maps; the shipped one if none.")
]
MapSteps = Annotated[
    int | None,
    typer.Option(
        "--map-steps", min=1, help="Steps of each map; the bundle's own if none. 10 is faster."
    ),
]


def train_clip(
    ctx: typer.Context,
    manifest: ManifestOption,
    output: RunFolder,
    preset: Annotated[
        str, typer.Option(help="Size: cpu, gpu, paper (as published), or tiny for a trial.")
    ] = "cpu",
    channels: Annotated[
        str,
        typer.Option(help="plain: the radiograph; paper: and + No Finding; all: and every map."),
    ] = "plain",
    bundle: BundleOption = None,
    maps: Annotated[
        Path | None,
        typer.Option(exists=True, file_okay=False, help="Folder that `daug augment` filled."),
    ] = None,
    map_steps: MapSteps = None,
    model: Annotated[
        str, typer.Option(help="open_clip's name of a model, or a folder with one.")
    ] = "",
    weights: Annotated[
        str, typer.Option(help="File of pretrained weights, or open_clip's name of some.")
    ] = "",
    unknown: Annotated[
        str, typer.Option(help="Labels that are not known: ignore, zeros or ones.")
    ] = "ignore",
    templates: Annotated[
        bool,
        typer.Option(
            "--templates/--no-templates",
            help="Compose a sentence from the labels where there is no report.",
        ),
    ] = True,
    sections: Annotated[
        str, typer.Option(help="Sections of a report to learn from, in this order.")
    ] = "findings,impression",
    report_weight: Annotated[
        float | None, typer.Option(min=0, max=1, help="w, the reports' share of the loss.")
    ] = None,
    scaled: Annotated[
        bool,
        typer.Option("--scaled/--unscaled", help="Learn scale and bias of the findings' cosines."),
    ] = True,
    heat_dropout: Annotated[
        float,
        typer.Option(
            min=0, max=0.9, help="Share of radiographs shown without maps, to do without in search."
        ),
    ] = 0.0,
    sources: SourcesOption = "",
    split: SplitOption = "train",
    steps: StepsOption = None,
    budget_minutes: BudgetOption = None,
    init: InitOption = None,
    resume: ResumeOption = False,
    seed: SeedOption = 0,
    text_labels: TextLabelsOption = False,
    as_json: JsonOption = False,
) -> None:
    """Train the CLIP model: search, and classification of the 14 findings."""
    from daug.augmented import ChannelKind
    from trainers.clip_labels import UnknownPolicy
    from trainers.clip_run import ClipRequest
    from trainers.clip_run import train_clip as train

    request = ClipRequest(
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
        channels=_one_of(ChannelKind, channels),
        bundle=bundle or ctx.obj.bundled_models,
        maps=maps,
        num_steps=map_steps,
        model=model,
        weights=weights,
        unknown=_one_of(UnknownPolicy, unknown),
        templates=templates,
        sections=tuple(word.lower() for word in words(sections)),
        weight=report_weight,
        scaled=scaled,
        heat_dropout=heat_dropout,
        text_labels=text_labels,
    )
    start_log(output)
    tell(train(request), as_json, f"The CLIP model is in {output / 'weights' / 'clip'}.")


def augment(
    ctx: typer.Context,
    manifest: Annotated[Path, typer.Argument(exists=True, dir_okay=False, help="Radiographs.")],
    output: Annotated[Path, typer.Option("-o", "--output", help="Folder of the maps.")],
    bundle: BundleOption = None,
    maps: Annotated[str, typer.Option(help="paper: + No Finding; all: every super-class.")] = (
        "paper"
    ),
    split: Annotated[str, typer.Option(help="Splits, separated by commas; all if none.")] = "",
    sources: Annotated[str, typer.Option(help="Data sets; all if none.")] = "",
    shard: Annotated[
        str, typer.Option(help="Which part of how many, i/n: one for each process or machine.")
    ] = "1/1",
    map_steps: MapSteps = None,
    as_json: JsonOption = False,
) -> None:
    """Draw the heatmaps of a whole data set, those that are not there yet."""
    from daug.augmented import ChannelKind
    from trainers.heat_run import AugmentRequest
    from trainers.heat_run import augment as draw

    which, slash, of = shard.partition("/")
    if not (slash and which.isdecimal() and of.isdecimal()):
        raise typer.BadParameter(f"--shard is i/n, for instance 1/4; got {shard!r}.")
    request = AugmentRequest(
        manifest=manifest,
        folder=output,
        bundle=bundle or ctx.obj.bundled_models,
        maps=_one_of(ChannelKind, maps),
        splits=words(split),
        sources=words(sources),
        shard=(int(which), int(of)),
        num_steps=map_steps,
    )
    start_log()
    done = draw(request)
    sentence = (
        f"{done['made']} drawn, {done['remade']} made anew, {done['kept']} were there, in {output} "
        f"({done['images_per_second']:.2f} images/s)."
    )
    tell(done, as_json, sentence)


def bundle_add_clip(
    bundle: BundleArgument,
    clip: Annotated[Path, typer.Option(help="Run folder of the CLIP model.")],
    as_json: JsonOption = False,
) -> None:
    """Put a trained CLIP model into a bundle, so that it can search and classify."""
    from trainers.clip_bundle import add_clip

    start_log()
    described = add_clip(bundle, clip)
    tell({"digest": described.digest}, as_json, f"{bundle} now has a CLIP model.")


def bundle_measure_clip(
    bundle: BundleArgument,
    manifest: ManifestOption,
    maps: Annotated[
        Path | None,
        typer.Option(
            exists=True, file_okay=False, help="Folder that `daug augment` filled; else drawn now."
        ),
    ] = None,
    split: Annotated[str, typer.Option(help="Split to score.")] = "test",
    as_json: JsonOption = False,
) -> None:
    """Measure search and classification on held-out radiographs, for the card."""
    from trainers.evaluation.clip_measured import measure_clip

    start_log()
    measured = measure_clip(bundle, manifest, split, maps)
    tell(measured, as_json, f"{bundle} now says how well its CLIP model does.")


def _one_of(kind: type[Kind], word: str) -> Kind:
    try:
        return kind(word)
    except ValueError as error:
        raise typer.BadParameter(f"{word!r} is none of {', '.join(kind)}.") from error
