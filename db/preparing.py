"""From a file to all that a case is made of, without touching the database.

This is the part of an import that computes, so several run at once; what they write stays in a
folder of unfinished files until the case is entered.
"""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from daug.errors import RadiographError
from daug.import_report import Known, Skipped
from daug.loading import load_radiograph
from daug.loading.deidentified import DeidentifiedCopy, deidentified_copy
from daug.radiograph import PixelSpacing, Pseudonym, Radiograph
from daug.view import View
from db.facts import NOBODY, Candidate, Facts
from db.near_duplicates import perceptual_hash
from db.stored_files import (
    ORIGINALS,
    THUMBNAIL_SUFFIX,
    THUMBNAILS,
    Incoming,
    Waiting,
    place_of,
    sha256_of,
)

THUMBNAIL_SIDE = 256  # pixels, the longer side
THUMBNAIL_QUALITY = 85


@dataclass(frozen=True, eq=False)
class Prepared:
    """A radiograph that waits to be entered."""

    file: str  # what it is called in lists of what was skipped
    facts: Facts
    incoming_digest: str
    pixel_digest: str
    original_digest: str
    original_suffix: str
    sop_instance: str | None
    perceptual_hash: bytes
    height: int
    width: int
    spacing: PixelSpacing | None
    view: View
    pseudonym: Pseudonym
    sex: str
    age_stated: str
    warnings: tuple[str, ...]
    files: tuple[Waiting, ...]


def prepare(
    candidate: Candidate,
    library: Path,
    identity_key: bytes,
    incoming: Incoming,
    known: Mapping[str, int],
) -> Prepared | Known | Skipped:
    """Read a file and write what will be kept of it.

    Args:
        candidate: The file and what is said about it.
        library: The library's folder.
        identity_key: The library's secret.
        incoming: Where unfinished files go.
        known: Cases by the SHA-256 of the file they came from; such a file is not read again.

    Raises:
        LibraryError: If the disk is full or the library's folder may not be written.
    """
    try:
        digest = sha256_of(candidate.path)
        if digest in known:
            return Known(candidate.name, known[digest])
        radiograph = load_radiograph(candidate.path, identity_key=identity_key)
        copy = deidentified_copy(candidate.path, identity_key)
        return _prepared(candidate, library, incoming, digest, radiograph, copy)
    except OSError as error:
        return Skipped(candidate.name, f"The file cannot be opened ({error.strerror}).")
    except RadiographError as error:
        reason = str(error).removeprefix(f"{candidate.path.name}: ")
        reason = reason.removeprefix(f"{candidate.path.stem}: ")
        return Skipped(candidate.name, reason[:1].upper() + reason[1:])
    finally:
        if candidate.passing:
            candidate.path.unlink(missing_ok=True)


def _prepared(
    candidate: Candidate,
    library: Path,
    incoming: Incoming,
    digest: str,
    radiograph: Radiograph,
    copy: DeidentifiedCopy,
) -> Prepared:
    facts, who = candidate.facts, radiograph.pseudonym
    original_digest = hashlib.sha256(copy.content).hexdigest()
    original = incoming.write(
        copy.content, place_of(library, ORIGINALS, original_digest, copy.suffix)
    )
    small = small_picture(radiograph)
    thumbnail = incoming.write(
        jpeg(small), place_of(library, THUMBNAILS, radiograph.digest, THUMBNAIL_SUFFIX)
    )
    rows, columns = radiograph.pixels.shape
    return Prepared(
        file=candidate.name,
        facts=facts,
        incoming_digest=digest,
        pixel_digest=radiograph.digest,
        original_digest=original_digest,
        original_suffix=copy.suffix,
        sop_instance=copy.instance,
        perceptual_hash=perceptual_hash(small),
        height=rows,
        width=columns,
        spacing=radiograph.spacing,
        view=radiograph.view if radiograph.view is not View.UNKNOWN else facts.view,
        pseudonym=facts.pseudonym if facts.pseudonym != NOBODY else who,
        sex=facts.sex or copy.sex,
        age_stated=facts.age_stated or copy.age,
        warnings=radiograph.warnings,
        files=(original, thumbnail),
    )


def small_picture(radiograph: Radiograph) -> NDArray[np.uint8]:
    """Return a radiograph in gray, uint8, its longer side 256 pixels at most; air is dark."""
    longest = max(radiograph.pixels.shape)
    rows, columns = (
        max(1, round(side * min(1.0, THUMBNAIL_SIDE / longest))) for side in radiograph.pixels.shape
    )
    small = cv2.resize(radiograph.pixels, (columns, rows), interpolation=cv2.INTER_AREA)
    return np.asarray(np.rint((small + 1) * 127.5).clip(0, 255), dtype=np.uint8)


def jpeg(picture: NDArray[np.uint8]) -> bytes:
    """Return a gray picture as a JPEG file."""
    _, coded = cv2.imencode(".jpg", picture, [cv2.IMWRITE_JPEG_QUALITY, THUMBNAIL_QUALITY])
    return bytes(coded.tobytes())
