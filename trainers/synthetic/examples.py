"""The body of `daug bundle examples`: synthetic radiographs in a folder, with their index."""

import hashlib
import json
import re
import tempfile
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from daug.bundle import Bundle, read_bundle, write_bundle
from daug.bundled_models import load_models
from daug.errors import ManifestError
from daug.loading.synthetic import SAYS_SYNTHETIC
from daug.notice import NOTICE
from trainers.evaluation.held_out import USUAL_TRAINING_SPLIT
from trainers.evaluation.movement import find_device
from trainers.manifest import Row, read_manifest, select
from trainers.pixels import Images, load_images
from trainers.runs import HELD_OUT_SPLIT
from trainers.synthetic.copy_check import FAR_PERCENTILE, NEAR_PERCENTILE, CopyCheck
from trainers.synthetic.drawing import Drawer
from trainers.synthetic.folder import files_of_earlier_run, write_folder
from trainers.synthetic.marking import bundle_name, png_bytes
from trainers.synthetic.plan import Kind, Settings
from trainers.synthetic.selection import Drawn, Tally, select_pictures

INDEX_FILE = "examples.json"
REPORT = "copy_check"  # in `measured` of bundle.json, one report for each folder of pictures

Plan = Callable[[Bundle], Sequence[Kind]]  # once the bundle says what it offers


def draw_examples(
    folder: Path,
    manifest: Path,
    output: Path,
    plan: Plan,
    settings: Settings,
    cache: Path | None = None,
) -> dict[str, Any]:
    """Draw, check and write pictures; tell the bundle's description how the check went.

    Args:
        folder: Of the bundle.
        manifest: With the radiographs that its denoiser was trained on, and held-out ones.
        output: Folder for PNG files and `examples.json`; what an earlier run wrote is replaced.
        plan: What to draw.
        settings: For all pictures.
        cache: Folder that keeps what takes long, so that a stopped run goes on where it was;
            without it all is thrown away.

    Returns:
        What `examples.json` holds, and `copy_check`, the report.

    Raises:
        BundleError: If the bundle cannot be loaded.
        ManifestError: If the manifest lacks radiographs that the denoiser was trained on.
        RecipeError: If the plan asks for what the bundle does not offer.
        TrainingError: If too few pictures pass.
        ExportError: If the output holds files that are not this command's, or cannot be written.
    """
    bundle = read_bundle(folder)
    kinds = plan(bundle)
    old = files_of_earlier_run(
        output, INDEX_FILE, lambda index: (e["file"] for e in index["examples"])
    )
    if cache is None:
        with tempfile.TemporaryDirectory(prefix="daug-examples-") as thrown_away:
            kept, report = _draw(bundle, manifest, kinds, settings, Path(thrown_away))
    else:
        kept, report = _draw(bundle, manifest, kinds, settings, cache)
    index = _write(bundle, kept, report, settings, output, old)
    reports = {**bundle.measured.get(REPORT, {}), output.name: report}
    write_bundle(replace(bundle, measured={**bundle.measured, REPORT: reports}), bundle.files)
    return {**index, "copy_check": report}


def _draw(
    bundle: Bundle, manifest: Path, kinds: Sequence[Kind], settings: Settings, cache: Path
) -> tuple[list[Drawn], dict[str, Any]]:
    drawer = Drawer(load_models(bundle), find_device())
    training, held_out = compared_images(bundle, manifest, cache)
    check = CopyCheck(
        drawer.networks.classifier, training.pixels, held_out.pixels, cache, bundle.digest
    )
    kept, tally = select_pictures(drawer, check, kinds, settings, cache)
    return kept, check_report(bundle, training, check, tally, kept, settings)


def compared_images(bundle: Bundle, manifest: Path, cache: Path) -> tuple[Images, Images]:
    """Return all that the denoiser learnt from, and held-out radiographs of the same sources.

    Raises:
        ManifestError: If the first is less than the bundle says, since a copy of what is missing
            would not be found.
    """
    rows = read_manifest(manifest)
    learnt = {source.name: source.images.get("unet", 0) for source in bundle.data}
    sources = [name for name, images in learnt.items() if images]
    split = bundle.training.get("unet", {}).get("split", USUAL_TRAINING_SPLIT)
    training, held_out = (
        load_images(_select(rows, part, sources), bundle.image_size, cache)
        for part in (split, HELD_OUT_SPLIT)
    )
    found = Counter(row.source for row in training.rows)
    for name in sources:
        if found[name] < learnt[name]:
            raise ManifestError(
                f"{bundle.name} was trained on {learnt[name]} radiographs of {name}, but "
                f"{manifest.name} has {found[name]} of them in split {split}. A copy of one that "
                "is missing would not be found: name the manifest that it was trained on."
            )
    return training, held_out


def _select(rows: Sequence[Row], split: str, sources: Sequence[str]) -> list[Row]:
    if not sources:
        raise ManifestError("The bundle does not say what its denoiser was trained on.")
    return select(rows, splits=[split], sources=sources)


def check_report(
    bundle: Bundle,
    training: Images,
    check: CopyCheck,
    tally: Tally,
    kept: Sequence[Drawn],
    settings: Settings,
) -> dict[str, Any]:
    """Return how the comparison with the training radiographs went, as plain values."""
    return {
        "bundle_digest": bundle.digest,
        "training_radiographs": len(training.rows),
        "training_sources": dict(sorted(Counter(row.source for row in training.rows).items())),
        "near_percentile": NEAR_PERCENTILE,
        "far_percentile": FAR_PERCENTILE,
        "held_out": check.held_out.to_dict(),
        "planted_copies": check.planted(),
        "asked_score": settings.asked,
        "left_out_by_eye": sorted(settings.without),
        **tally.to_dict(),
        "pictures": [
            {
                "title": drawn.recipe.title,
                "seed": drawn.recipe.seed,
                **asdict(drawn.distances),
                "percentiles": check.held_out.percentiles(drawn.distances),
            }
            for drawn in kept
        ],
    }


def _write(
    bundle: Bundle,
    kept: Sequence[Drawn],
    report: dict[str, Any],
    settings: Settings,
    output: Path,
    old: set[str],
) -> dict[str, Any]:
    """Write the pictures, then the index that names them, and remove what it no longer names."""
    files = {file_name(drawn): png_bytes(drawn.picture, drawn.recipe, bundle) for drawn in kept}
    index = {
        "notice": NOTICE,
        "synthetic": SAYS_SYNTHETIC,
        "bundle": bundle_name(bundle),
        "left_out_by_eye": sorted(settings.without),  # seeds
        "examples": [
            {
                "file": name,
                "title": drawn.recipe.title,
                "sha256": hashlib.sha256(content).hexdigest(),
                "recipe": drawn.recipe.to_dict(),
                "scores": {word: round(score, 4) for word, score in drawn.scores.items()},
                "nearest_training_radiograph": {
                    **asdict(drawn.distances),
                    "percentiles": told["percentiles"],
                },
            }
            for (name, content), drawn, told in zip(
                files.items(), kept, report["pictures"], strict=True
            )
        ],
    }
    text = json.dumps(index, indent=2, ensure_ascii=False) + "\n"
    write_folder(output, {**files, INDEX_FILE: text.encode()}, old)
    return index


def file_name(drawn: Drawn) -> str:
    """Return what the file of a picture is called: what it shows, and its seed."""
    words = re.sub(r"[^a-z]+", "-", drawn.recipe.title.casefold()).strip("-")
    return f"{words}-{drawn.recipe.seed:06d}.png"
