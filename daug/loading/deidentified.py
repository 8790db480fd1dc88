"""A copy of a file that shows the same radiograph and names nobody.

Pixels are never coded anew. DICOM: the listed elements that a picture needs and the pixel data as
they are, identifiers replaced by keyed hashes, everything else left out. JPEG, PNG and TIFF: the
picture without comments, EXIF, thumbnails and whatever else came with it (`stripped.py`).
Text that is burnt into the pixels stays; loading warns of it.

Source: PS3.15 Annex E names what must go; we keep a short list instead of removing a long one.
"""

import hashlib
import hmac
import re
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path

from pydicom import Dataset, dcmread
from pydicom.datadict import tag_for_keyword
from pydicom.dataset import FileMetaDataset
from pydicom.uid import UID

from daug.errors import RadiographError
from daug.loading.files import DICOM_MARK
from daug.loading.header import ITEM_READ, PIXELS, READ
from daug.loading.refusal import refused_as
from daug.loading.stripped import SUFFIXES, stripped_picture

DROPPED = {  # read to hash identities or to order studies, never kept
    "PatientID",
    "IssuerOfPatientID",
    "StudyInstanceUID",
    "StudyDate",
    "StudyTime",
}
KEPT = tuple(keyword for keyword in READ if keyword not in DROPPED)
ITEM_KEPT = (*ITEM_READ, "CodingSchemeDesignator")
METHOD = "DAug allow-list: image elements only"
ASKED = ("SOPInstanceUID", "StudyInstanceUID", "PatientSex", "PatientAge")
AGE = re.compile(r"\d{3}[DWMY]")  # PS3.5 6.2
OLDEST_TOLD = "090Y"
UUID_ROOT = "2.25."  # PS3.5 B.2: a UID made of a number of 128 bits


@dataclass(frozen=True, eq=False)
class DeidentifiedCopy:
    """A file's picture without its patient."""

    content: bytes
    suffix: str  # dcm, jpg, png or tif
    instance: str | None = None  # keyed hash of the SOP Instance UID, None where there is none
    sex: str = ""  # F, M or O, where a DICOM file states it
    age: str = ""  # as in "058Y", or "090Y" for everybody who is ninety or older


def deidentified_copy(path: Path, identity_key: bytes) -> DeidentifiedCopy:
    """Return a copy of a radiograph's file that loads to the same pixels.

    Args:
        path: A DICOM, PNG, JPEG or TIFF file that `load_radiograph` has accepted.
        identity_key: The library's secret; UIDs are replaced by hashes under it.

    Raises:
        RadiographError: The file is damaged, or of a kind that cannot be freed of what else
            stands in it.
        ValueError: The key is empty.
    """
    if not identity_key:
        raise ValueError("identity_key must not be empty: anyone could undo its hashes.")
    try:
        content = path.read_bytes()
    except OSError as error:
        raise RadiographError(
            f"{path.name}: the file cannot be opened ({error.strerror}). "
            "Check that it is there and may be read."
        ) from error
    if content[DICOM_MARK] == b"DICM":
        return _dicom(path.name, content, identity_key)
    kind, stripped = stripped_picture(path.name, content)
    return DeidentifiedCopy(stripped, SUFFIXES[kind])


def _dicom(name: str, content: bytes, identity_key: bytes) -> DeidentifiedCopy:
    with refused_as(f"{name}: the DICOM file is damaged and cannot be de-identified."):
        wanted = (*KEPT, PIXELS, *ASKED)
        dataset = dcmread(BytesIO(content), specific_tags=[t for w in wanted if (t := _tag(w))])
        copy = Dataset()
        for keyword in (*KEPT, PIXELS):
            if keyword in dataset:
                copy[keyword] = dataset[keyword]
                if copy[keyword].VR == "SQ":
                    copy[keyword].value = [_item(item) for item in dataset[keyword].value]
        instance = str(dataset.get("SOPInstanceUID") or "").strip(" \0")
        study = str(dataset.get("StudyInstanceUID") or "").strip(" \0")
        # a file without one gets a UID of its content, so that the copy is a valid file
        copy.SOPInstanceUID = _hashed_uid(identity_key, instance or _sha256(content))
        copy.StudyInstanceUID = _hashed_uid(identity_key, study or _sha256(content))
        copy.PatientIdentityRemoved = "YES"
        copy.DeidentificationMethod = METHOD
        copy.file_meta = FileMetaDataset()
        copy.file_meta.TransferSyntaxUID = dataset.file_meta.TransferSyntaxUID
        copy.file_meta.MediaStorageSOPClassUID = copy.get("SOPClassUID", UID("1.2.840.10008.1.20"))
        copy.file_meta.MediaStorageSOPInstanceUID = copy.SOPInstanceUID
        out = BytesIO()
        copy.save_as(out, enforce_file_format=True)
        sex = str(dataset.get("PatientSex") or "").strip(" \0").upper()
        age = str(dataset.get("PatientAge") or "").strip(" \0").upper()
    hashed = _digest(identity_key, "instance", instance).hex()[:32] if instance else None
    told_sex = sex if sex in {"F", "M", "O"} else ""
    return DeidentifiedCopy(out.getvalue(), "dcm", hashed, told_sex, _told_age(age))


def _told_age(age: str) -> str:
    """Return an age, but no more than ninety: the very old are few enough to be recognised."""
    if not AGE.fullmatch(age):
        return ""
    return OLDEST_TOLD if age.endswith("Y") and age > OLDEST_TOLD else age


def _item(item: Dataset) -> Dataset:
    kept = Dataset()
    for keyword in ITEM_KEPT:
        if keyword in item:
            kept[keyword] = item[keyword]
    return kept


def _tag(keyword: str) -> int | None:
    return tag_for_keyword(keyword)


def _hashed_uid(identity_key: bytes, uid: str) -> UID:
    number = int.from_bytes(_digest(identity_key, "uid", uid)[:16], "big")
    return UID(f"{UUID_ROOT}{number}")


def _digest(identity_key: bytes, *parts: str) -> bytes:
    message = "\0".join(("deidentified", *parts)).encode("utf-8", "surrogatepass")
    return hmac.new(identity_key, message, hashlib.sha256).digest()


def _sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()
