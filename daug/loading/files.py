"""Open a file, see what it is, and hand it to the reader that knows."""

from pathlib import Path

from daug.errors import RadiographError
from daug.loading.dicom import load_dicom
from daug.loading.picture import load_picture
from daug.radiograph import Radiograph

MAX_FILE_BYTES = 256 * 2**20  # the largest image allowed, uncompressed in three colors, fits
DICOM_MARK = slice(128, 132)  # where PS3.10 7.1 puts the letters DICM, after a free preamble
BARE_DICOM = (b"\x02\x00\x00\x00", b"\x08\x00\x05\x00", b"\x08\x00\x08\x00", b"\x08\x00\x16\x00")


def load_radiograph(
    path: Path, *, identity_key: bytes | None = None, frame: int | None = None
) -> Radiograph:
    """Return the radiograph in a file, free of its patient's identity.

    Args:
        path: A DICOM, PNG, JPEG or TIFF file, whatever it is called.
        identity_key: Secret that turns patient and study into keyed hashes; without it they
            are dropped.
        frame: Which image of a file that holds several, counted from 1 as DICOM counts.

    Raises:
        RadiographError: The file cannot become a radiograph; the message says why, what is
            needed and what to do.
        ValueError: The identity key is empty, so anyone could undo the hashes.
    """
    if identity_key == b"":
        raise ValueError("identity_key must not be empty: anyone could undo its hashes.")
    start = _start_of(path)
    if start[DICOM_MARK] == b"DICM":
        return load_dicom(path, identity_key=identity_key, frame=frame)
    if start.startswith(BARE_DICOM):
        raise RadiographError(
            f"{path.name}: this looks like DICOM data without the file header that says how to "
            "read it. Export it again as a DICOM (Part 10) file."
        )
    return load_picture(path, frame=frame)


def _start_of(path: Path) -> bytes:
    """Return the first bytes of a file that is there, not empty and not too large."""
    try:
        size = path.stat().st_size
        with path.open("rb") as file:
            start = file.read(DICOM_MARK.stop)
    except OSError as error:
        raise RadiographError(
            f"{path.name}: the file cannot be opened ({error.strerror}). "
            "Check that it is there and may be read."
        ) from error
    if not start:
        raise RadiographError(f"{path.name}: the file is empty. Copy it again from its source.")
    if size > MAX_FILE_BYTES:
        raise RadiographError(
            f"{path.name}: the file has {size / 2**20:.0f} MB, but at most "
            f"{MAX_FILE_BYTES // 2**20} MB are read. Export the single image that is needed."
        )
    return start
