"""The segmenter of another bundle, taken over into one that has none."""

import hashlib
import shutil
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from daug.anatomy import open_anatomist
from daug.bundle import ANATOMY_FOLDER, Bundle, read_bundle, write_bundle
from daug.errors import BundleError
from trainers.bundle_data import with_images


def check_segmenter(bundle: Bundle, image_size: int) -> None:
    """Refuse a bundle whose segmenter looks at another size or does not run, or that has none.

    Raises:
        BundleError: If that is so, or a file of the bundle is not the one that was shipped.
    """
    if not bundle.finds_organs or bundle.image_size != image_size:
        has = f"a segmenter of {bundle.image_size} px" if bundle.finds_organs else "no segmenter"
        raise BundleError(
            f"{bundle.name} has {has}, but one of {image_size} px is needed. Leave --anatomy out, "
            "or name a bundle that has one of this size."
        )
    open_anatomist(bundle)


def segmenter_digest(bundle: Bundle) -> str:
    """Return SHA-256 of a bundle's segmenter, by what `bundle.json` says of its files."""
    lines = (f"{name} {digest}\n" for name, digest in sorted(_files(bundle).items()))
    return hashlib.sha256("".join(lines).encode()).hexdigest()


def take_over_segmenter(folder: Path, other: Path) -> Bundle:
    """Copy the segmenter of another bundle, with what taught it and how well it was measured.

    Args:
        folder: Of the bundle that gets it.
        other: Of the bundle that has it.

    Raises:
        BundleError: As in `check_segmenter`; nothing is copied then.
    """
    own, giver = read_bundle(folder), read_bundle(other)
    check_segmenter(giver, own.image_size)
    new = _files(giver)
    for name in new:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(giver.folder / name, folder / name)
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


def _files(bundle: Bundle) -> Mapping[str, str]:
    return {n: d for n, d in bundle.files.items() if n.startswith(f"{ANATOMY_FOLDER}/")}
