"""Put a finished CLIP training into a bundle, beside the models whose maps it looks at."""

import shutil
from dataclasses import replace
from pathlib import Path

import torch

from daug.bundle import BUNDLE_FILE, Bundle, read_bundle, write_bundle
from daug.clip_files import load_clip, read_calibration, save_clip, write_calibration
from daug.embedder import CLIP_FOLDER, open_embedder
from daug.errors import BundleError
from trainers.bundle_data import with_images
from trainers.runs import read_run

STORED = torch.float16  # half the bytes; embeddings move by less than 0.0001 in cosine


def add_clip(bundle: Path, run: Path) -> Bundle:
    """Copy a run's CLIP model into a bundle's `clip/`, in place of an earlier one, and describe it.

    Raises:
        TrainingError: If the run has not ended.
        BundleError: If the model cannot be loaded, or learnt from the maps of other models.
    """
    described, about = read_bundle(bundle), read_run(run, "clip")
    source = run / "weights" / CLIP_FOLDER
    clip, tokenizer = load_clip(source)
    wanted = clip.config.plan.bundle_digest
    if wanted and wanted != described.digest:
        raise BundleError(
            f"{run.name} learnt from the maps of models {wanted[:12]}, but {described.name} is "
            f"{described.digest[:12]}. Train it on this bundle's maps."
        )
    partial = bundle / f"{CLIP_FOLDER}.partial"
    shutil.rmtree(partial, ignore_errors=True)
    save_clip(clip, tokenizer.merges, partial, STORED)
    write_calibration(partial, read_calibration(source))
    shutil.rmtree(bundle / CLIP_FOLDER, ignore_errors=True)
    partial.rename(bundle / CLIP_FOLDER)
    kept = [name for name in described.files if not name.startswith(f"{CLIP_FOLDER}/")]
    new = [f"{CLIP_FOLDER}/{path.name}" for path in (bundle / CLIP_FOLDER).iterdir()]
    training = {**described.training, "clip": about}
    data = with_images(described.data, CLIP_FOLDER, about["radiographs"])
    whole = write_bundle(replace(described, training=training, data=data), [*kept, *new])
    open_embedder(whole, torch.device("cpu"))  # what does not run here is of no use elsewhere
    assert (bundle / BUNDLE_FILE).is_file()
    return whole
