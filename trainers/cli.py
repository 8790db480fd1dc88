"""The commands `daug train`, `daug bundle` and `daug evaluate`.

Nothing heavy is imported until a command runs, so that `--help` stays quick.
"""

from pathlib import Path
from typing import Annotated

import typer

from daug.errors import BundleError
from trainers.adapters.cli import add_adapters
from trainers.adapters.dicom_cli import data_dicom_folder
from trainers.anatomy.cli import (
    bundle_add_anatomy,
    bundle_measure_anatomy,
    data_measure_heart,
    evaluate_anatomy,
    train_anatomy,
)
from trainers.calibration.cli import bundle_measure_heatmaps, bundle_measure_normals
from trainers.calibration.input_cli import bundle_calibrate_input
from trainers.cli_options import (
    BundleArgument,
    JsonOption,
    ManifestOption,
    ReadBundleArgument,
    start_log,
    tell,
    words,
)
from trainers.clip_cli import augment, bundle_add_clip, bundle_measure_clip, train_clip
from trainers.data_cli import data_paint
from trainers.evaluation_cli import (
    evaluate_ablation,
    evaluate_classification,
    evaluate_retrieval,
)
from trainers.fetching.cli import data_get
from trainers.guide_cli import train_classifier, train_diffusion
from trainers.label_cli import evaluate_labeller, label
from trainers.localisation_cli import evaluate_heatmaps
from trainers.manifest_check.cli import data_check
from trainers.phantom_cli import train_phantom
from trainers.reproduction.cli import train_all
from trainers.synthetic.cli import examples_command
from trainers.synthetic.demo_cli import add_demo_commands


def add_commands(app: typer.Typer) -> None:
    """Hang the commands onto the program."""
    train = typer.Typer(help="Train the models of a bundle.", no_args_is_help=True)
    train.command("diffusion")(train_diffusion)
    train.command("classifier")(train_classifier)
    train.command("clip")(train_clip)
    train.command("phantom")(train_phantom)
    train.command("anatomy")(train_anatomy)
    train.command("all")(train_all)
    app.add_typer(train, name="train")
    data = typer.Typer(help="Tables of radiographs.", no_args_is_help=True)
    data.command("measure-heart")(data_measure_heart)
    data.command("paint")(data_paint)
    data.command("get")(data_get)
    add_adapters(data)
    data.command("dicom-folder")(data_dicom_folder)
    data.command("check")(data_check)
    app.add_typer(data, name="data")
    app.command("augment")(augment)
    app.command("label")(label)
    bundle = typer.Typer(help="Put models together, and check them.", no_args_is_help=True)
    bundle.command("build")(bundle_build)
    bundle.command("add-clip")(bundle_add_clip)
    bundle.command("measure-clip")(bundle_measure_clip)
    bundle.command("add-anatomy")(bundle_add_anatomy)
    bundle.command("measure-anatomy")(bundle_measure_anatomy)
    bundle.command("calibrate-input")(bundle_calibrate_input)
    bundle.command("measure-normals")(bundle_measure_normals)
    bundle.command("measure-heatmaps")(bundle_measure_heatmaps)
    bundle.command("tune")(bundle_tune)
    bundle.command("score")(bundle_score)
    bundle.command("measure")(bundle_measure)
    bundle.command("verify")(bundle_verify)
    bundle.command("card")(bundle_card)
    bundle.command("examples")(examples_command(start_log, tell))
    add_demo_commands(bundle)
    bundle.command("push")(bundle_push)
    app.add_typer(bundle, name="bundle")
    evaluate = typer.Typer(help="Score models on held-out radiographs.", no_args_is_help=True)
    evaluate.command("classifier")(evaluate_classifier)
    evaluate.command("anatomy")(evaluate_anatomy)
    evaluate.command("labeller")(evaluate_labeller)
    evaluate.command("heatmaps")(evaluate_heatmaps)
    evaluate.command("retrieval")(evaluate_retrieval)
    evaluate.command("classification")(evaluate_classification)
    evaluate.command("ablation")(evaluate_ablation)
    app.add_typer(evaluate, name="evaluate")


def bundle_build(
    diffusion: Annotated[Path, typer.Option(help="Run folder of the denoiser.")],
    classifier: Annotated[Path, typer.Option(help="Run folder of the classifier.")],
    manifest: ManifestOption,
    output: Annotated[Path, typer.Option("-o", "--output", help="Folder of the new bundle.")],
    name: Annotated[str, typer.Option(help="What the bundle is called.")] = "cxr-demo",
    version: Annotated[str, typer.Option(help="Its version.")] = "1",
    split: Annotated[str, typer.Option(help="Split that the classifier is scored on.")] = "test",
    as_json: JsonOption = False,
) -> None:
    """Put two finished trainings together, and score the classifier."""
    from trainers.bundle_build import build_bundle

    start_log()
    bundle = build_bundle(diffusion, classifier, manifest, output, name, version, split)
    tell({"output": str(output), "digest": bundle.digest}, as_json, f"Built {output}.")


def bundle_tune(
    bundle: BundleArgument,
    manifest: ManifestOption,
    images: Annotated[int, typer.Option(min=4, help="Radiographs of the training split.")] = 24,
    noise_levels: Annotated[str, typer.Option(help="Noise levels to try.")] = "300,500",
    encoders: Annotated[str, typer.Option(help="Encoders to try.")] = "gaussian,ddim",
    scales: Annotated[str, typer.Option(help="Guidance scales to try.")] = "30,100,300",
    steps: Annotated[int, typer.Option(min=1, help="Steps of each trial.")] = 12,
    within: Annotated[
        str | None,
        typer.Option(
            help="Where maps may change the picture: picture, chest, lungs, or site (by "
            "super-class); site if the bundle finds organs."
        ),
    ] = None,
    smoothing: Annotated[
        float | None,
        typer.Option(min=0, max=0.1, help="Of the heat, in shares of the side; kept if left out."),
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Choose scale, noise level and encoder by cross-validation over training patients."""
    from daug.heatmap import Encoder, Region
    from trainers.recipe_search import SearchSpace, tune_bundle

    try:
        space = SearchSpace(
            tuple(int(word) for word in words(noise_levels)),
            tuple(Encoder(word) for word in words(encoders)),
            tuple(float(word) for word in words(scales)),
            steps,
            None if within is None else Region(within),
            smoothing,
        )
    except ValueError as error:
        raise typer.BadParameter(f"{error}; give values separated by commas.") from error
    start_log()
    found = tune_bundle(bundle, manifest, images, space)
    tell(found, as_json, f"{bundle} now has the recipe {found['chosen']}.")


def bundle_measure(
    bundle: BundleArgument,
    manifest: ManifestOption,
    images: Annotated[int, typer.Option(min=1, help="Radiographs of the test split.")] = 64,
    split: Annotated[str, typer.Option(help="Split to measure on.")] = "test",
    as_json: JsonOption = False,
) -> None:
    """Measure how scores move and how much of the patient is kept, on held-out radiographs."""
    from trainers.evaluation.movement import measure_bundle

    start_log()
    measured = measure_bundle(bundle, manifest, images, split)
    tell(measured, as_json, f"{bundle} now says how its scores move.")


def bundle_score(
    bundle: BundleArgument,
    manifest: ManifestOption,
    split: Annotated[str, typer.Option(help="Split to score.")] = "test",
    as_json: JsonOption = False,
) -> None:
    """Score the classifier by source and noise level on held-out radiographs, for the card."""
    from trainers.evaluation.classifier import score_bundle

    start_log()
    measured = score_bundle(bundle, manifest, split)
    tell(measured, as_json, f"{bundle} now says how well its classifier knows each super-class.")


def bundle_push(
    bundle: BundleArgument,
    repository: Annotated[str, typer.Argument(help="Its name on the hub, owner/name.")],
    private: Annotated[
        bool, typer.Option("--private", help="Let nobody else see it, if it is made now.")
    ] = False,
    as_json: JsonOption = False,
) -> None:
    """Check a bundle and upload it to a model hub; needs a network and `hf auth login`."""
    from daug.bundle import read_bundle
    from daug.bundle_source import push_bundle
    from daug.bundled_models import load_models
    from trainers.text_labels import told_text_labels

    described = read_bundle(bundle)
    load_models(described)  # what does not run here is of no use to anybody else
    url = push_bundle(described, repository, private=private)
    values = {"url": url, "bundle": f"hf://{repository}", "digest": described.digest}
    told = told_text_labels(described.training)
    if told:
        values["text_labels"] = told
    sentence = f"Uploaded to {url}; use it with --bundle hf://{repository}."
    tell(values, as_json, f"{sentence} {told}".rstrip())


def bundle_verify(bundle: ReadBundleArgument, as_json: JsonOption = False) -> None:
    """Check every file of a bundle and try its models once."""
    from daug.anatomy import open_anatomist
    from daug.bundle_source import open_bundle
    from daug.bundled_models import load_models

    described = open_bundle(bundle)
    if not described.files:
        raise BundleError(f"{bundle} lists no files. Build it with `daug bundle build`.")
    load_models(described)
    open_anatomist(described)
    values = {"ok": True, "name": described.name, "digest": described.digest}
    tell(values, as_json, f"{bundle} is whole: {len(described.files)} files, models load and run.")


def bundle_card(bundle: BundleArgument, as_json: JsonOption = False) -> None:
    """Write MODEL_CARD.md from bundle.json."""
    from trainers.model_card import write_card

    path = write_card(bundle)
    tell({"output": str(path)}, as_json, f"Wrote {path}.")


def evaluate_classifier(
    ctx: typer.Context,
    manifest: ManifestOption,
    output: Annotated[Path, typer.Option("-o", "--output", help="Folder for the tables.")],
    bundle: Annotated[Path | None, typer.Option(help="Bundle; the shipped one if none.")] = None,
    split: Annotated[str, typer.Option(help="Split to score.")] = "test",
    as_json: JsonOption = False,
) -> None:
    """Write average precision and AUROC per super-class, noise level and source."""
    from daug.bundle_source import bundle_folder
    from trainers.evaluation.classifier import evaluate_classifier as evaluate
    from trainers.evaluation.classifier_table import document

    start_log()
    folder = bundle_folder(bundle or ctx.obj.bundled_models)
    evaluation = evaluate(folder, manifest, split, output)
    tell(document(evaluation), as_json, f"The tables are in {output}.")
