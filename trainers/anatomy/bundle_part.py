"""Put a finished training of the anatomy model into a bundle."""

import shutil
from dataclasses import replace
from pathlib import Path

import torch

from daug.anatomy import open_anatomist
from daug.anatomy_network import load_anatomy, save_anatomy
from daug.bundle import ANATOMY_FOLDER, Bundle, read_bundle, write_bundle
from daug.errors import BundleError
from trainers.bundle_data import with_images
from trainers.runs import read_run

STORED = torch.float16  # half the bytes; masks move by a pixel in ten thousand


def add_anatomy(bundle: Path, run: Path) -> Bundle:
    """Copy a run's anatomy model into a bundle's `anatomy/`, in place of an earlier one.

    Figures that were measured with an earlier one are dropped.

    Raises:
        TrainingError: If the run has not ended.
        BundleError: If the model cannot be loaded, or looks at another size than the bundle.
    """
    described, about = read_bundle(bundle), read_run(run, "anatomy")
    network = load_anatomy(run / "weights" / ANATOMY_FOLDER)
    if network.config.image_size != described.image_size:
        raise BundleError(
            f"{run.name} looks at {network.config.image_size} px, but {described.name} at "
            f"{described.image_size} px. Train it with a preset of that size."
        )
    partial = bundle / f"{ANATOMY_FOLDER}.partial"
    shutil.rmtree(partial, ignore_errors=True)
    save_anatomy(network, partial, STORED)
    shutil.rmtree(bundle / ANATOMY_FOLDER, ignore_errors=True)
    partial.rename(bundle / ANATOMY_FOLDER)
    kept = [name for name in described.files if not name.startswith(f"{ANATOMY_FOLDER}/")]
    new = [f"{ANATOMY_FOLDER}/{path.name}" for path in (bundle / ANATOMY_FOLDER).iterdir()]
    measured = {key: value for key, value in described.measured.items() if key != ANATOMY_FOLDER}
    changed = replace(
        described,
        training={**described.training, ANATOMY_FOLDER: about},
        data=with_images(described.data, ANATOMY_FOLDER, about["radiographs"]),
        measured=measured,
    )
    whole = write_bundle(changed, [*kept, *new])
    open_anatomist(whole)  # what does not run here is of no use elsewhere
    return whole
