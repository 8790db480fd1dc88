"""The segmenter of another bundle, taken over into one that has none."""

import shutil
from dataclasses import replace
from pathlib import Path

from daug.anatomy import open_anatomist
from daug.bundle import ANATOMY_FOLDER, Bundle, read_bundle, write_bundle
from daug.errors import BundleError
from trainers.bundle_data import with_images


def check_segmenter(bundle: Bundle, image_size: int) -> None:
    """Refuse a bundle whose segmenter looks at another size, or that has none.

    Raises:
        BundleError: If that is so.
    """
    if not bundle.finds_organs or bundle.image_size != image_size:
        has = f"a segmenter of {bundle.image_size} px" if bundle.finds_organs else "no segmenter"
        raise BundleError(
            f"{bundle.name} has {has}, but one of {image_size} px is needed. Leave --anatomy out, "
            "or name a bundle that has one of this size."
        )


def take_over_segmenter(folder: Path, other: Path) -> Bundle:
    """Copy the segmenter of another bundle, with what taught it and how well it was measured.

    Args:
        folder: Of the bundle that gets it.
        other: Of the bundle that has it.

    Raises:
        BundleError: If it cannot be loaded, or looks at another size.
    """
    own, giver = read_bundle(folder), read_bundle(other)
    check_segmenter(giver, own.image_size)
    shutil.copytree(giver.folder / ANATOMY_FOLDER, folder / ANATOMY_FOLDER)
    new = [f"{ANATOMY_FOLDER}/{path.name}" for path in (folder / ANATOMY_FOLDER).iterdir()]
    taught = {s.name: n for s in giver.data if (n := s.images.get(ANATOMY_FOLDER, 0))}
    kept = {k: giver.measured[k] for k in (ANATOMY_FOLDER,) if k in giver.measured}
    changed = replace(
        own,
        training={**own.training, ANATOMY_FOLDER: giver.training.get(ANATOMY_FOLDER, {})},
        measured={**own.measured, **kept},
        data=with_images(own.data, ANATOMY_FOLDER, taught),
    )
    whole = write_bundle(changed, [*own.files, *new])
    open_anatomist(whole)  # what does not run here is of no use elsewhere
    return whole
