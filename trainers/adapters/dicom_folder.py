"""A folder of DICOM studies, as a hospital or a PACS exports them: frontal chest radiographs of it.

Headers alone are read, and nothing of them names a patient in the manifest: PatientID,
StudyInstanceUID and SOPInstanceUID become keyed hashes, the study's date becomes an order that is
shifted by a secret. The paths of the files stay as they are. Labels are blank unless a table gives
them, laid out as for a plain folder and naming each file by its path from ROOT.
"""

from dataclasses import replace
from functools import partial
from pathlib import Path

from daug.errors import RadiographError
from daug.loading.dicom import OTHER_KINDS
from daug.loading.listing import DicomListing, is_dicom, list_dicom
from daug.view import View
from trainers.adapters.collection import Collection, Place
from trainers.adapters.folder import WORDS, read_table
from trainers.adapters.own_folder import files_below, own_adapter, plain_name
from trainers.adapters.record import Adapter, LeftOut, Reading, Record
from trainers.adapters.splits import HASHED

DIRECTORY = "DICOMDIR"
RADIOGRAPHS = {"CR", "DX", "DR", "RG"}  # the last two by older equipment
FRONTAL = {View.PA: "PA", View.AP: "AP"}
NO_DICOM = "it is no DICOM file"
UNREADABLE = "its DICOM header cannot be read"
MODALITY_LACKING = "it does not say its modality"
OTHER_BODY_PART = "it says that it shows another part of the body"
LATERAL = "it is a lateral view"
OTHER_VIEW = "its view is neither PA nor AP"
NO_PIXELS = "it holds no pixels"
SEVERAL = "it holds several images"
NO_DECODER = "its transfer syntax is not supported"
IS_DIRECTORY = "it is a directory of other files"
NOT_THERE = "the table names it, but no such file is there"
LAYOUT = (
    "ROOT holds DICOM files in any folders, whatever they are called. Frontal CR and DX images of "
    "the chest are listed, and those that state no view or no part of the body."
)


def dicom_folder_adapter(
    dataset: str,
    identity_key: bytes,
    labels: Path | None = None,
    licence: str = "",
    citation: str = "",
) -> Adapter:
    """Return an adapter of somebody's own DICOM studies.

    Args:
        dataset: What the manifest calls it.
        identity_key: Secret for the hashes of patients, studies and images.
        labels: A table as `trainers.adapters.folder.read_table` takes it; no labels if none.
        licence: Of all images whose row does not say otherwise; "unstated" if blank.
        citation: Whom to name.

    Raises:
        ManifestError: If the name cannot stand in a file's name.
    """
    return own_adapter(
        "dicom-folder",
        dataset,
        f"The DICOM files of {dataset}",
        words=WORDS,
        splits=(
            f"by the table's column split; otherwise {HASHED}, as long as the key is the same; "
            "of the study where no patient is named"
        ),
        layout=LAYOUT,
        read=partial(read, identity_key=identity_key, labels=labels),
        licence=licence,
        citation=citation,
    )


def read(collection: Collection, identity_key: bytes, labels: Path | None = None) -> Reading:
    """Yield every frontal chest radiograph below the folder, and why the others are left out."""
    tabled = _tabled(collection, labels)
    for path in files_below(collection):
        told = tabled.pop(path, None)
        if Path(path).name.upper() == DIRECTORY:
            continue
        found = _listed(collection, path, identity_key)
        if isinstance(found, Record) and isinstance(told, Record):
            found = _labelled(found, told)
        yield told if isinstance(told, LeftOut) and isinstance(found, Record) else found
    for path in tabled:
        yield LeftOut(path, NOT_THERE)


def _listed(collection: Collection, path: str, identity_key: bytes) -> Record | LeftOut:
    place = collection.place(path)
    if place is not Place.INSIDE:
        return LeftOut(path, place.value)
    file = collection.file(path)
    try:
        if not is_dicom(file):
            return LeftOut(path, NO_DICOM)
        listing = list_dicom(file, identity_key)
    except RadiographError:
        return LeftOut(path, UNREADABLE)
    reason = _unfit(listing)
    return LeftOut(path, reason) if reason else _record(path, listing)


def _unfit(listing: DicomListing) -> str:
    """Return why a file is no frontal chest radiograph that can be loaded; blank if it is one."""
    modality = listing.modality
    checks = {
        IS_DIRECTORY: listing.is_directory,
        MODALITY_LACKING: not modality,
        f"it is {OTHER_KINDS.get(modality, 'another kind of DICOM object')}": modality
        not in RADIOGRAPHS,
        OTHER_BODY_PART: listing.other_body_part,
        LATERAL: listing.view is View.LATERAL,
        OTHER_VIEW: listing.states_view and listing.view not in FRONTAL,
        NO_PIXELS: not listing.has_pixels,
        SEVERAL: listing.frames > 1,
        NO_DECODER: not listing.decodable,
    }
    return next((reason for reason, holds in checks.items() if holds), "")


def _record(path: str, listing: DicomListing) -> Record:
    who = listing.pseudonym
    rows, columns = listing.shape
    return Record(
        id=listing.instance or plain_name(path),
        image=path,
        patient=who.patient or who.study or "",
        view=FRONTAL.get(listing.view, ""),
        sex=listing.sex,
        age="" if listing.age is None else f"{listing.age:.3g}",
        width=str(columns),
        height=str(rows),
        study=who.study or "",
        study_order=who.study_order or "",
    )


def _tabled(collection: Collection, labels: Path | None) -> dict[str, Record | LeftOut]:
    """Return what a table says of each path."""
    rows = read_table(collection, labels) if labels else ()
    return {row.image if isinstance(row, Record) else row.what: row for row in rows}


def _labelled(found: Record, told: Record) -> Record:
    """Return a file's record with what a table adds; who, when and how is the file's to say."""
    return replace(
        found,
        split=told.split,
        labels=told.labels,
        raw_labels=told.raw_labels,
        unknown_words=told.unknown_words,
        report=told.report,
        licence=told.licence,
    )
