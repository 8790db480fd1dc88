"""What a list of DICOM files needs to know of each: kind, view, and whose it is under hashes.

Headers alone are read. Names, numbers and dates stay in here: what leaves is hashed under a key,
or no more telling than a sex and an age.
"""

from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from pydicom.filereader import read_partial
from pydicom.pixels.decoders.base import get_decoder
from pydicom.tag import BaseTag, Tag
from pydicom.uid import UID, JPEGExtended12Bit, MediaStorageDirectoryStorage

from daug.loading.decoding import check_inflated_size
from daug.loading.dicom import CHEST
from daug.loading.files import DICOM_MARK
from daug.loading.header import PIXELS, READ, Header, header_of, tags_of
from daug.loading.identity import keyed_hash, pseudonym
from daug.loading.placement import VIEWS, view_of
from daug.loading.refusal import refused_as
from daug.radiograph import OLDEST_AGE, Pseudonym
from daug.stated_age import years
from daug.view import View

ASKED = ("SOPInstanceUID", "PatientSex")  # beside what loading reads
PIXEL_TAG = Tag(PIXELS)
SPINE = "SPINE"  # THORACIC SPINE is no chest


@dataclass(frozen=True)
class DicomListing:
    """One DICOM file, as far as its header says."""

    modality: str  # in capitals, blank if not stated
    is_directory: bool  # a DICOMDIR, whatever it is called
    other_body_part: bool  # stated, and not the chest
    view: View
    states_view: bool
    has_pixels: bool
    decodable: bool  # whether this program has a decoder for the transfer syntax
    frames: int
    shape: tuple[int, int]  # rows and columns, 0 where they are not stated
    pseudonym: Pseudonym
    instance: str  # keyed hash of the SOP Instance UID, blank if there is none
    sex: str  # F, M, O or blank
    age: float | None  # in years, OLDEST_AGE at most


def is_dicom(path: Path) -> bool:
    """Whether a file has the mark of DICOM (PS3.10 7.1).

    Raises:
        RadiographError: If it cannot be opened.
    """
    with (
        refused_as(f"{path.name}: the file cannot be opened. Check that it may be read."),
        path.open("rb") as file,
    ):
        return file.read(DICOM_MARK.stop)[DICOM_MARK] == b"DICM"


def list_dicom(path: Path, identity_key: bytes) -> DicomListing:
    """Return what the header of a DICOM file says; its pixels are not read.

    Args:
        path: The file.
        identity_key: Secret for the keyed hashes of patient, study and image.

    Raises:
        RadiographError: The header is damaged.
        ValueError: The key is empty.
    """
    if not identity_key:
        raise ValueError("identity_key must not be empty: anyone could undo its hashes.")
    check_inflated_size(path)
    pixels: list[int] = []  # the length of the pixel data, once they are met

    def at_pixels(tag: BaseTag, vr: str | None, length: int) -> bool:
        if tag == PIXEL_TAG:
            pixels.append(length)
        return bool(tag >= PIXEL_TAG)

    sentence = f"{path.name}: the DICOM header is damaged. Copy the file again from its source."
    with refused_as(sentence), path.open("rb") as file:
        dataset = read_partial(file, at_pixels, specific_tags=[*tags_of((*READ, *ASKED))])
        header = header_of(dataset)
        instance = str(dataset.get("SOPInstanceUID") or "").strip(" \0")
        sex = str(dataset.get("PatientSex") or "").strip(" \0").upper()
        syntax = str(dataset.file_meta.get("TransferSyntaxUID") or "")
        kinds = (header.verbatim("SOPClassUID"), dataset.file_meta.get("MediaStorageSOPClassUID"))
    age = years(header.text("PatientAge"))
    return DicomListing(
        modality=header.text("Modality"),
        is_directory=MediaStorageDirectoryStorage in kinds,
        other_body_part=_other_body_part(header.text("BodyPartExamined")),
        view=_view(header),
        states_view=bool(header.text("ViewPosition") or header.view_code),
        has_pixels=any(pixels) and min(header.shape) > 0,
        decodable=_decodable(syntax),
        frames=header.frames,
        shape=header.shape,
        pseudonym=_pseudonym(header, identity_key),
        instance=keyed_hash(identity_key, "instance", instance) if instance else "",
        sex=sex if sex in {"F", "M", "O"} else "",
        age=None if age is None else min(age, OLDEST_AGE),
    )


def _pseudonym(header: Header, identity_key: bytes) -> Pseudonym:
    return pseudonym(
        identity_key,
        patient_id=header.verbatim("PatientID"),
        issuer=header.verbatim("IssuerOfPatientID"),
        study_uid=header.verbatim("StudyInstanceUID"),
        study_date=header.verbatim("StudyDate"),
        study_time=header.verbatim("StudyTime"),
    )


def _view(header: Header) -> View:
    """Return the view; of several words, as in AP SUPINE, by the first that says one."""
    view = view_of(header)
    if view is not View.UNKNOWN:
        return view
    words = header.text("ViewPosition").replace("_", " ").split()
    return next((VIEWS[word] for word in words if word in VIEWS), View.UNKNOWN)


def _other_body_part(stated: str) -> bool:
    return bool(stated) and (SPINE in stated or not any(word in stated for word in CHEST))


@lru_cache
def _decodable(transfer_syntax: str) -> bool:
    if transfer_syntax == JPEGExtended12Bit:
        return True  # decoded here, see extended_jpeg.py
    try:
        return bool(get_decoder(UID(transfer_syntax)).is_available)
    except NotImplementedError:
        return False
