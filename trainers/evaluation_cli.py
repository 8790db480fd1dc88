"""The commands `daug evaluate retrieval`, `classification` and `ablation`."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from daug.errors import TrainingError
from trainers.cli_options import (
    JsonOption,
    ManifestOption,
    TextLabelsOption,
    start_log,
    tell,
    words,
)

if TYPE_CHECKING:
    from trainers.evaluation.clip_evaluation import ClipEvaluationRequest

TablesFolder = Annotated[Path, typer.Option("-o", "--output", help="Folder for the tables.")]
BundleOption = Annotated[Path | None, typer.Option(help="Bundle; the shipped one if none.")]
MapSteps = Annotated[
    int | None,
    typer.Option(
        "--map-steps", min=1, help="Steps that the maps were drawn with; the bundle's if none."
    ),
]

RunsOption = Annotated[
    list[str] | None,
    typer.Option(
        "--run", metavar="NAME=FOLDER", help="A finished `daug train clip`; any number of these."
    ),
]
MapsOption = Annotated[
    Path | None,
    typer.Option(exists=True, file_okay=False, help="Folder that `daug augment` filled."),
]
SourcesOption = Annotated[
    str, typer.Option(help="Data sets to score, separated by commas; all of the split if none.")
]
SplitOption = Annotated[str, typer.Option(help="Split to score.")]


def evaluate_retrieval(
    ctx: typer.Context,
    manifest: ManifestOption,
    output: TablesFolder,
    bundle: BundleOption = None,
    run: RunsOption = None,
    maps: MapsOption = None,
    split: SplitOption = "test",
    sources: SourcesOption = "",
    as_json: JsonOption = False,
) -> None:
    """Write mAP@5 of the search for similar cases, by report and by radiograph."""
    from trainers.evaluation.clip_evaluation import evaluate_retrieval as evaluate

    request = _request(ctx, manifest, output, bundle, run, maps, split, sources)
    start_log()
    tell(evaluate(request), as_json, f"The tables are in {output}.")


def evaluate_classification(
    ctx: typer.Context,
    manifest: ManifestOption,
    output: TablesFolder,
    bundle: BundleOption = None,
    run: RunsOption = None,
    maps: MapsOption = None,
    split: SplitOption = "test",
    sources: SourcesOption = "",
    as_json: JsonOption = False,
) -> None:
    """Write AUROC and average precision of the 14 findings by their prompts."""
    from trainers.evaluation.clip_evaluation import evaluate_classification as evaluate

    request = _request(ctx, manifest, output, bundle, run, maps, split, sources)
    start_log()
    tell(evaluate(request), as_json, f"The tables are in {output}.")


def evaluate_ablation(
    ctx: typer.Context,
    manifest: ManifestOption,
    maps: Annotated[
        Path, typer.Option(exists=True, file_okay=False, help="Folder that `daug augment` filled.")
    ],
    output: Annotated[Path, typer.Option("-o", "--output", help="Folder for runs and tables.")],
    bundle: BundleOption = None,
    map_steps: MapSteps = None,
    seeds: Annotated[str, typer.Option(help="One training of each row for each.")] = "0,1,2",
    steps: Annotated[
        int | None,
        typer.Option(min=1, help="Of every training; or as many as fit into its minutes."),
    ] = None,
    budget_minutes: Annotated[
        float | None, typer.Option(min=0.01, help="Of a training; 10 if nothing is said.")
    ] = None,
    preset: Annotated[str, typer.Option(help="Size: cpu, gpu, paper, or tiny for a trial.")] = (
        "cpu"
    ),
    size: Annotated[int, typer.Option(min=1, help="Radiographs that are learnt from.")] = 2500,
    templates: Annotated[
        bool,
        typer.Option(
            "--templates/--no-templates",
            help="Compose a sentence from the labels where there is no report.",
        ),
    ] = True,
    text_labels: TextLabelsOption = False,
    train_only: Annotated[bool, typer.Option("--train-only", help="Train, and score later.")] = (
        False
    ),
    as_json: JsonOption = False,
) -> None:
    """Train the rows of the paper's ablation with several seeds each, and compare them."""
    from daug.bundle_source import bundle_folder
    from trainers.evaluation.ablation_runs import RUNS_FOLDER, AblationRequest, train_all

    if steps is not None and budget_minutes is not None:
        raise typer.BadParameter("Give --steps or --budget-minutes, not both.")
    try:
        numbers = tuple(int(word) for word in words(seeds))
    except ValueError as error:
        raise typer.BadParameter(
            f"--seeds are whole numbers with commas, got {seeds!r}."
        ) from error
    try:
        request = AblationRequest(
            manifest=manifest,
            maps=maps,
            folder=output,
            bundle=bundle_folder(bundle or ctx.obj.bundled_models),
            seeds=numbers,
            steps=steps,
            budget_minutes=budget_minutes,
            preset=preset,
            size=size,
            num_steps=map_steps,
            templates=templates,
            text_labels=text_labels,
        )
    except TrainingError as error:
        raise typer.BadParameter(str(error)) from error
    start_log(output)
    if train_only:
        subset = train_all(request)
        values = {"runs": str(output / RUNS_FOLDER), "subset": subset.by_source}
        tell(values, as_json, f"The runs are in {output / RUNS_FOLDER}.")
        return
    from trainers.evaluation.ablation import evaluate_ablation as evaluate

    tell(evaluate(request), as_json, f"The tables are in {output}.")


def _request(
    ctx: typer.Context,
    manifest: Path,
    output: Path,
    bundle: Path | None,
    runs: list[str] | None,
    maps: Path | None,
    split: str,
    sources: str,
) -> "ClipEvaluationRequest":
    from daug.bundle_source import bundle_folder
    from trainers.evaluation.clip_evaluation import ClipEvaluationRequest

    return ClipEvaluationRequest(
        manifest=manifest,
        output=output,
        bundle=bundle_folder(bundle or ctx.obj.bundled_models),
        runs=tuple(_named(word) for word in runs or ()),
        maps=maps,
        split=split,
        sources=words(sources),
    )


def _named(word: str) -> tuple[str, Path]:
    name, equals, folder = word.partition("=")
    if not (name.strip() and equals and folder.strip()):
        raise typer.BadParameter(f"--run is NAME=FOLDER, got {word!r}.")
    return name.strip(), Path(folder.strip())
