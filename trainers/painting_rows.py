"""One normal radiograph of a manifest: opened, looked at, painted on, written.

All chance hangs on the seed, the row's id and the finding, so neither the order of rows nor what
else is painted changes a picture.
"""

import hashlib
import io
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from daug.anatomy import Anatomist
from daug.errors import ManifestError, RadiographError
from daug.findings import Finding
from daug.loading import load_radiograph
from daug.organs import OrganMasks
from daug.phantom import Painted
from daug.radiograph import Radiograph
from trainers.film_painting import paint_film
from trainers.manifest import Row
from trainers.pixels import MIN_SOURCE_SIDE

LARGEST_SIDE = 512  # of the shorter side; no model here looks closer
SEEN_CHANGE = 0.06  # of the full range 2, about eight of 255 gray levels
SMALLEST_SHARE = 0.0005  # of the picture that must change so much; 8 pixels of 128 x 128


class CannotPaint(Exception):  # noqa: N818 - says why a row is passed over, which is no error
    """Nothing can be painted, for the reason that is its text."""


@dataclass(frozen=True, eq=False)
class NormalChest:
    """A radiograph on which lungs and heart were found."""

    row: Row
    pixels: NDArray[np.float32]  # (H, W) in [-1, 1], the shorter side LARGEST_SIDE at most
    organs: OrganMasks  # (H, W)


def open_normal(anatomist: Anatomist, row: Row) -> NormalChest:
    """Return a row's radiograph with its organs.

    Raises:
        CannotPaint: If it cannot be read, is too small, or lungs or heart are not found.
    """
    try:
        radiograph = load_radiograph(row.image)
    except RadiographError as error:
        raise CannotPaint("unreadable") from error
    if min(radiograph.pixels.shape) < MIN_SOURCE_SIDE:
        raise CannotPaint("too small")
    radiograph = _reduced(radiograph)
    model_input = radiograph.model_input(anatomist.image_size)
    seen = anatomist.look_at_all(model_input.pixels[None])[0]  # alone: the same in any company
    height, width = radiograph.pixels.shape
    organs = seen.on_radiograph(model_input, (height, width))
    if organs.missing:
        raise CannotPaint("lungs or heart not found")
    return NormalChest(row, radiograph.pixels, organs)


def paint_normal(
    chest: NormalChest, finding: Finding, seed: int, share: float
) -> NDArray[np.uint8] | None:
    """Return a normal radiograph with a finding, (H, W) as 8 bits, or None where chance says no.

    Args:
        chest: The radiograph.
        finding: One of `daug.phantom.PAINTERS`.
        seed: Of all chance.
        share: How probable it is that this radiograph gets this finding, 0 to 1.

    Raises:
        CannotPaint: If the painter refuses the picture or its organs, or what was painted can
            hardly be seen.
    """
    dice = _dice(seed, chest.row.id, finding)
    if dice.random() >= share:
        return None
    try:
        painted = paint_film(finding, chest.pixels, chest.organs, dice)
    except RadiographError as error:
        raise CannotPaint("cannot be painted") from error
    if _hardly_seen(painted, chest):
        raise CannotPaint("too faint")
    return np.round((painted.pixels + 1) * 127.5).clip(0, 255).astype(np.uint8)


def save_painted(path: Path, pixels: NDArray[np.uint8], finding: Finding) -> None:
    """Write a painted radiograph, (H, W), as a PNG that says what it is.

    Raises:
        ManifestError: If it cannot be written.
    """
    info = PngInfo()
    info.add_text("Title", f"{finding} painted onto a normal radiograph, for training only.")
    info.add_text("Software", "DAug")
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, "PNG", pnginfo=info)
    partial = path.with_suffix(".partial")
    try:
        partial.write_bytes(file.getvalue())
        partial.replace(path)
    except OSError as error:
        raise ManifestError(f"{path} cannot be written ({error}). Make room.") from error


def _reduced(radiograph: Radiograph) -> Radiograph:
    """Return a radiograph small enough to be painted quickly."""
    height, width = radiograph.pixels.shape
    factor = LARGEST_SIDE / min(height, width)
    if factor >= 1:
        return radiograph
    shape = (round(width * factor), round(height * factor))
    pixels = cv2.resize(radiograph.pixels, shape, interpolation=cv2.INTER_AREA).clip(-1, 1)
    return Radiograph(pixels, source_name=radiograph.source_name)


def _dice(seed: int, name: str, finding: Finding) -> np.random.Generator:
    digest = hashlib.sha256(f"{seed}\0{name}\0{finding}".encode()).digest()
    return np.random.default_rng(np.frombuffer(digest, dtype="<u4"))


def _hardly_seen(painted: Painted, chest: NormalChest) -> bool:
    seen = np.abs(painted.pixels - chest.pixels) > SEEN_CHANGE
    return float(seen.mean()) < SMALLEST_SHARE
