"""The stages up to the maps: manifest, denoiser, classifier, the bundle that draws, its maps."""

import shutil
from collections.abc import Callable, Mapping
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from daug.bundle import file_digest, read_bundle, write_bundle
from daug.findings import SUPER_CLASSES
from daug.towers import pretrained_file
from trainers.bundle_build import build_bundle
from trainers.evaluation.movement import measure_bundle
from trainers.heat_run import AugmentRequest, augment
from trainers.loop import WEIGHTS
from trainers.manifest import Row, read_manifest, select
from trainers.pixels import large_enough, load_images
from trainers.recipe_search import tune_bundle
from trainers.reproduction.labels import LEARNT_FROM, SPLITS, TEST_SPLIT, prepare_manifest
from trainers.reproduction.order import Order
from trainers.reproduction.segmenter import take_over_segmenter
from trainers.reproduction.stage import Stage
from trainers.runs import RUN_FILE, RunRequest, train_classifier, train_diffusion

DATA, DIFFUSION, CLASSIFIER = "data", "diffusion", "classifier"
BUILD, TUNE, MAPS = "build", "tune", "maps"


def drawing_stages(order: Order, sources: tuple[str, ...]) -> list[Stage]:
    """Return the stages up to the maps, in their order."""
    parts, size = order.parts, order.size
    preset = size.networks
    return [
        Stage(
            DATA,
            "check the manifest and write the one that is trained on",
            (parts.manifest,),
            lambda: _prepare(order, sources),
            {
                "sha256": file_digest(order.manifest),
                "images": str(order.manifest.parent.resolve()),  # which links lead to
                "sources": sources,
                "blanks": order.blanks,
            },
        ),
        _training(DIFFUSION, "denoiser", parts.diffusion, order, sources, train_diffusion),
        _training(CLASSIFIER, "classifier", parts.classifier, order, sources, train_classifier),
        Stage(
            BUILD,
            "put denoiser and classifier together, and score the classifier",
            (parts.built,),
            lambda: _build(order),
            {"preset": order.preset},
            (DATA, DIFFUSION, CLASSIFIER),
        ),
        Stage(
            TUNE,
            "choose the recipe of the maps, and measure what they do",
            (parts.drawing,),
            lambda: _tune(order),
            {
                "space": asdict(size.space),
                "reference": size.reference,
                "images": [size.tuned_on, size.measured_on],
                "anatomy": order.anatomy_told,
            },
            (DATA, BUILD),
        ),
        Stage(
            MAPS,
            f"draw + No Finding of every radiograph at {preset.unet.image_size} px",
            (parts.maps,),
            lambda: _draw_maps(order, sources),
            {"map_steps": size.map_steps},
            (DATA, TUNE),
            work=(parts.maps,),
            many_files=True,
        ),
    ]


def share_cache(order: Order, run: Path) -> None:
    """Let a run keep its pixels where the other runs do, so that each image is decoded once."""
    order.parts.cache.mkdir(parents=True, exist_ok=True)
    run.mkdir(parents=True, exist_ok=True)
    link = run / "cache"
    if not link.exists():
        link.symlink_to(Path("..") / order.parts.cache.name, target_is_directory=True)


def copy_bundle(source: Path, output: Path) -> Path:
    """Return a copy of a bundle beside its place, to be changed and then moved there."""
    partial = output.with_name(f"{output.name}.partial")
    shutil.rmtree(partial, ignore_errors=True)
    return Path(shutil.copytree(source, partial))


def _prepare(order: Order, sources: tuple[str, ...]) -> Mapping[str, Any]:
    """Check what would otherwise fail only after days of training, and write the manifest."""
    clip = order.size.clip
    if clip.model:
        pretrained_file(clip.model, order.weights or clip.weights)
    parts = order.parts
    # Links to the images of a collection that lay elsewhere would be in the way.
    shutil.rmtree(parts.manifest.parent, ignore_errors=True)
    found = prepare_manifest(order.manifest, parts.manifest, sources, order.blanks)
    _refuse_unreadable(order)
    return found


def _refuse_unreadable(order: Order) -> None:
    """Decode the images, which the trainings will find in the cache, and refuse damaged ones.

    A training could do without some images, but not the scores, and the maps are of all.
    """
    rows = read_manifest(order.parts.manifest)
    size, cache = order.size.networks.unet.image_size, order.parts.cache
    not_used: list[Row] = []
    for split in LEARNT_FROM:
        of_split = select(rows, splits=[split])
        used = {row.id for row in load_images(of_split, size, cache).rows}
        not_used += [row for row in of_split if row.id not in used]
    large_enough(not_used)  # says which of them cannot be read; thumbnails can
    large_enough(select(rows, splits=[TEST_SPLIT]))


def _training(
    name: str,
    model: str,
    folder: Path,
    order: Order,
    sources: tuple[str, ...],
    train: Callable[[RunRequest], dict[str, Any]],
) -> Stage:
    preset = order.size.networks
    loop = preset.diffusion_loop if name == DIFFUSION else preset.classifier_loop
    classes = tuple(super_class.name for super_class in SUPER_CLASSES)
    config = preset.unet if name == DIFFUSION else preset.classifier(classes)

    def make() -> Mapping[str, Any]:
        share_cache(order, folder)
        request = RunRequest(
            manifest=order.parts.manifest,
            folder=folder,
            preset=order.preset,
            sources=sources,
            seed=order.seed,
            resume=is_begun(folder),
            text_labels=order.text_labels,
        )
        about = train(request)
        return {key: about[key] for key in ("steps", "minutes", "images_seen", "radiographs")}

    return Stage(
        name,
        f"train the {model}",
        (folder / RUN_FILE, folder / WEIGHTS),
        make,
        {
            "network": asdict(config),
            "loop": asdict(replace(loop, seed=order.seed)),
            "text_labels": order.text_labels,
        },
        (DATA,),
        work=(folder,),
    )


def is_begun(run: Path) -> bool:
    """Return whether a training has a checkpoint to go on from."""
    return any((run / "checkpoints").glob("step-*"))


def _build(order: Order) -> Mapping[str, Any]:
    parts = order.parts
    bundle = build_bundle(
        parts.diffusion,
        parts.classifier,
        parts.manifest,
        parts.built,
        name=f"reproduction-{order.preset}",
        version="1",
        split="test",
    )
    return {"digest": bundle.digest, "offered": [card.name for card in bundle.offered]}


def _tune(order: Order) -> Mapping[str, Any]:
    parts, size = order.parts, order.size
    partial = copy_bundle(parts.built, parts.drawing)
    if order.anatomy is not None:
        take_over_segmenter(partial, order.anatomy)
    own = read_bundle(partial)
    recipe = replace(own.recipe, reference=size.reference)
    write_bundle(replace(own, recipe=recipe), own.files)  # the search keeps what it does not try
    tuned = tune_bundle(partial, parts.manifest, size.tuned_on, size.space)
    moved = measure_bundle(partial, parts.manifest, size.measured_on, "test")
    partial.rename(parts.drawing)
    return {"recipe": tuned["chosen"], "measured_on": moved["n"]}


def _draw_maps(order: Order, sources: tuple[str, ...]) -> Mapping[str, Any]:
    parts = order.parts
    request = AugmentRequest(
        manifest=parts.manifest,
        folder=parts.maps,
        bundle=parts.drawing,
        splits=SPLITS,
        sources=sources,
        num_steps=order.size.map_steps,
    )
    done = augment(request)
    return {key: done[key] for key in ("radiographs", "images_per_second")}
