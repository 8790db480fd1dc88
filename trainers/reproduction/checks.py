"""What can be told of an order before anything is written: whether it can be carried out."""

from collections.abc import Sequence
from dataclasses import dataclass

from daug.bundle import read_bundle
from daug.errors import ManifestError, TrainingError
from trainers.manifest import Row, read_manifest
from trainers.reproduction.labels import check_three_splits, frontal_rows
from trainers.reproduction.licences import Licences, check_licences
from trainers.reproduction.order import Order
from trainers.reproduction.segmenter import check_segmenter
from trainers.reproduction.state import State


@dataclass(frozen=True, eq=False)
class Checked:
    """An order that can be carried out, as far as that can be told without opening an image."""

    licences: Licences
    rows: Sequence[Row]  # that the written manifest will hold


def check_order(order: Order) -> Checked:
    """Return what is to be trained on.

    Raises:
        ManifestError: If the manifest cannot be trained on, or its licences are against it.
        TrainingError: If the folder was begun for something else, or weights are named that the
            preset has no use for.
        BundleError: If the segmenter that is asked for cannot be taken over.
    """
    rows = read_manifest(order.manifest)
    licences = check_licences((row.source for row in rows), order.sources)
    chosen = frontal_rows(rows, licences.sources, order.blanks)
    check_three_splits(order.manifest, chosen)
    _check_weights(order)
    if order.anatomy is not None:
        check_segmenter(read_bundle(order.anatomy), order.size.networks.unet.image_size)
    State(order.folder).check_plan(order.settings())
    return Checked(licences, chosen)


def missing_images(order: Order, rows: Sequence[Row]) -> str:
    """Return a sentence on images that are not where the manifest says; nothing if all are."""
    lost = [row.image for row in rows if not row.image.is_file()]
    if not lost:
        return ""
    return (
        f"{order.manifest.name}: {len(lost)} of {len(rows)} images are missing, for instance "
        f"{lost[0]}. Fetch them, or take their lines out of the manifest."
    )


def refuse_missing_images(order: Order, rows: Sequence[Row]) -> None:
    """Refuse to start where images are missing, since their maps would be after days.

    Raises:
        ManifestError: If that is so.
    """
    sentence = missing_images(order, rows)
    if sentence:
        raise ManifestError(sentence)


def _check_weights(order: Order) -> None:
    if order.weights and not order.size.clip.model:
        raise TrainingError(
            f"Preset {order.preset} has CLIP towers of its own, which no pretrained weights fit. "
            "Leave --weights out, or choose preset paper."
        )
