"""The commands `daug train diffusion` and `daug train classifier`, the two that draw maps."""

from pathlib import Path
from typing import Annotated

import typer

from trainers.cli_options import (
    BudgetOption,
    InitOption,
    JsonOption,
    ManifestOption,
    PresetOption,
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

AnatomyOption = Annotated[
    Path | None,
    typer.Option(exists=True, file_okay=False, help="Folder of a segmenter, as in a bundle."),
]
ForeignOption = Annotated[
    float,
    typer.Option(
        "--foreign-surroundings",
        min=0,
        max=1,
        help="Share of a batch whose chests are set into other radiographs; needs --anatomy.",
    ),
]


def train_diffusion(
    manifest: ManifestOption,
    output: RunFolder,
    preset: PresetOption = "cpu",
    sources: SourcesOption = "",
    split: SplitOption = "train",
    steps: StepsOption = None,
    budget_minutes: BudgetOption = None,
    init: InitOption = None,
    resume: ResumeOption = False,
    seed: SeedOption = 0,
    as_json: JsonOption = False,
) -> None:
    """Train the denoiser."""
    from trainers.runs import RunRequest
    from trainers.runs import train_diffusion as train

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
    tell(train(request), as_json, f"The denoiser is in {output / 'weights'}.")


def train_classifier(
    manifest: ManifestOption,
    output: RunFolder,
    preset: PresetOption = "cpu",
    sources: SourcesOption = "",
    split: SplitOption = "train",
    steps: StepsOption = None,
    budget_minutes: BudgetOption = None,
    init: InitOption = None,
    resume: ResumeOption = False,
    seed: SeedOption = 0,
    text_labels: TextLabelsOption = False,
    anatomy: AnatomyOption = None,
    foreign_surroundings: ForeignOption = 0.0,
    as_json: JsonOption = False,
) -> None:
    """Train the classifier of noised radiographs."""
    from trainers.runs import RunRequest
    from trainers.runs import train_classifier as train

    if foreign_surroundings and anatomy is None:
        raise typer.BadParameter("--foreign-surroundings needs --anatomy, to find the chests.")
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
        anatomy=anatomy,
        foreign_share=foreign_surroundings,
        text_labels=text_labels,
    )
    start_log(output)
    tell(train(request), as_json, f"The classifier of noised radiographs is in {output}/weights.")
